/* backends/sim/events.c - owns the time, and what is to happen in it.
 *
 * Events are in a heap, the earliest first; those of one time in the order in which they were
 * scheduled, so that a run is the same each time. The clock moves to an event when it happens.
 */
#include "backends/sim/sim.h"

#define ARRAY_FIRST  16u
#define SLOW_STEP_NS (100 * PLX_MILLISECOND)

/* What a socket may have scheduled without asking for room: all but the bytes that it sends. */
#define EVENTS_PER_SOCKET 8u

int plx__sim_grow(void **array, uint32_t count, uint32_t *room, size_t bytes)
{
    if (count < *room)
        return 0;
    uint32_t larger = *room != 0 ? 2 * *room : ARRAY_FIRST;
    void *grown = plx__reallocate(*array, larger * bytes);
    if (grown == NULL)
        return PLX_ENOMEM;
    *array = grown;
    *room = larger;
    return 0;
}

int plx__sim_events_reserve(plx_sim *sim)
{
    uint32_t wanted = sim->events_count + EVENTS_PER_SOCKET * (sim->sockets_open + 1);
    while (sim->events_room <= wanted) {
        int status = plx__sim_grow((void **)&sim->events, sim->events_room, &sim->events_room,
                                   sizeof *sim->events);
        if (status != 0)
            return status;
    }
    return 0;
}

static bool is_before(const plx__sim_event *left, const plx__sim_event *right)
{
    return left->at_ns != right->at_ns ? left->at_ns < right->at_ns : left->order < right->order;
}

void plx__sim_schedule(plx_sim *sim, enum plx__sim_delay delay, plx__sim_event_fn *run,
                       const plx__sim_socket *socket, uint64_t at_ns)
{
    const plx__sim_event event = {.at_ns = at_ns,
                                  .order = ++sim->order,
                                  .run = run,
                                  .delay = delay,
                                  .index = socket->index,
                                  .generation = socket->generation};
    uint32_t at = sim->events_count++;
    while (at > 0 && is_before(&event, &sim->events[(at - 1) / 2])) {
        sim->events[at] = sim->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sim->events[at] = event;
}

static plx__sim_event event_take(plx_sim *sim)
{
    plx__sim_event *events = sim->events;
    const plx__sim_event first = events[0];
    const plx__sim_event last = events[--sim->events_count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < sim->events_count; child = 2 * at + 1) {
        if (child + 1 < sim->events_count && is_before(&events[child + 1], &events[child]))
            child++;
        if (!is_before(&events[child], &last))
            break;
        events[at] = events[child];
        at = child;
    }
    events[at] = last;
    return first;
}

plx__sim_cut *plx__sim_cut_find(const plx_sim *sim, uint32_t one, uint32_t other)
{
    for (uint32_t i = 0; i < sim->cuts_count; i++) {
        plx__sim_cut *cut = &sim->cuts[i];
        if ((cut->one == one && cut->other == other) || (cut->one == other && cut->other == one))
            return cut;
    }
    return NULL;
}

bool plx__sim_is_cut(const plx_sim *sim, uint32_t one, uint32_t other)
{
    return sim->is_cut || plx__sim_cut_find(sim, one, other) != NULL;
}

static bool is_current(const plx__sim_event *event, const plx__sim_socket *socket)
{
    return socket->generation == event->generation && socket->state != PLX__SIM_FREE;
}

/* Whether it comes later: the network is cut, so that it is sent again, as TCP does; or what it
 * must come after was. */
static bool is_delayed(const plx_sim *sim, const plx__sim_socket *socket, enum plx__sim_delay delay)
{
    const uint32_t peer_home = socket->other != NULL ? socket->other->home : socket->peer_home;
    return (delay != PLX__SIM_NEVER_LATE && plx__sim_is_cut(sim, socket->home, peer_home)) ||
           (delay == PLX__SIM_OF_STREAM && socket->state == PLX__SIM_CONNECTING);
}

bool plx__sim_events_are_held(const plx_sim *sim)
{
    for (uint32_t i = 0; i < sim->events_count; i++) {
        const plx__sim_event *event = &sim->events[i];
        const plx__sim_socket *socket = sim->sockets[event->index];
        if (is_current(event, socket) && !is_delayed(sim, socket, event->delay))
            return false;
    }
    return true;
}

void plx__sim_event_run(plx_sim *sim)
{
    const plx__sim_event event = event_take(sim);
    plx__sim_socket *socket = sim->sockets[event.index];
    if (sim->now_ns < event.at_ns)
        sim->now_ns = event.at_ns;
    if (!is_current(&event, socket))
        return;
    if (is_delayed(sim, socket, event.delay))
        plx__sim_schedule(sim, event.delay, event.run, socket, sim->now_ns + PLX__SIM_RESEND_NS);
    else
        event.run(sim, socket);
}

void plx__sim_catch_up(plx_sim *sim)
{
    while (sim->events_count > 0 && sim->events[0].at_ns <= sim->now_ns)
        plx__sim_event_run(sim);
}

uint64_t plx__sim_look_at_clock(plx_sim *sim)
{
    if (!sim->is_choosing && plx__sim_happens(sim, sim->faults.slow_steps)) {
        sim->now_ns += plx__sim_chance(sim, SLOW_STEP_NS);
        plx__sim_tell(sim, "slow", 0, 0, 0);
    }
    return sim->now_ns;
}
