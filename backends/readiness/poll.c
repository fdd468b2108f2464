/* backends/readiness/poll.c - poll() on Unix, WSAPoll on Windows; in two tiers once there are
 * many sockets.
 *
 * The loop's thread polls the active set, which is the array. A second thread polls the idle set
 * (idle_set.c): connections and watches that only want to read and have been idle for a while. When
 * one of them becomes ready it returns to the active set, and its event is delivered in the same
 * turn. One that returns soon after it left stays active twice as long the next time: where most
 * sockets are busy now and then, the cost becomes that of plain poll() and no worse. bench/notes/
 * has the figures; older pages call the two sets hot and cold.
 */
#include "backends/readiness/array_poller.h"
#include "backends/readiness/idle_set.h"
#include "backends/registry.h"
#include "backends/settings.h"
#include "platform/hook.h"

/* How often the active set is searched for sockets that have become idle. */
#define TICK_NS (100 * PLX_MILLISECOND)

/* The most ticks that a socket may be idle and stay in the active set. */
#define PATIENCE_MAX 64

/* After more than this many times its patience in the idle set, a socket has its patience reset. */
#define LONG_ABSENCE 8

/* Ticks until the loop tries again to start a second thread. */
#define RETRY_TICKS 100

typedef struct tiered_poller {
    plx__poller active;
    plx__idle_set *idle; /* NULL as long as it would be empty. */
    uint32_t idle_min;   /* UINT32_MAX: never. */
    uint8_t patience;    /* Ticks, at first. */
    uint64_t tick_ns;
    uint64_t tick_ends;
    uint16_t retries; /* Ticks until the second thread may be tried again. */
} tiered_poller;

/* The counters, in the order of their names. */
enum { IDLE_SOCKETS, IDLE_ADDED, IDLE_RETURNED, IDLE_FAILURES };

static tiered_poller *tiered_of(plx__poller *poller)
{
    return (tiered_poller *)(void *)poller;
}

static uint64_t *count_of(const plx__poller *active, size_t which)
{
    return &active->report->values[which];
}

/* After a change of `elsewhere`: those are in the idle set. */
static void elsewhere_tell(plx__poller *active)
{
    *count_of(active, IDLE_SOCKETS) = active->elsewhere;
}

static void poll_close(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->idle != NULL)
        plx__idle_set_close(tiered->idle);
    plx__array_poller_close(poller);
}

static void poll_abandon(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->idle != NULL)
        plx__idle_set_abandon(tiered->idle, poller, NULL);
    plx__array_poller_close(poller);
}

/* The thread that waited for the socket belongs to the parent process. */
static void on_orphaned(plx__poller *poller, plx__polled *polled)
{
    polled->is_idle = false;
    poller->elsewhere--;
    elsewhere_tell(poller);
    (void)plx__array_poller_set(poller, polled, polled->interest); /* Its room is still there. */
}

/* The next tick that finds idle sockets starts a thread. */
static int poll_renew(plx__poller *poller)
{
    tiered_poller *tiered = tiered_of(poller);
    if (tiered->idle != NULL)
        plx__idle_set_abandon(tiered->idle, poller, on_orphaned);
    tiered->idle = NULL;
    return plx__array_poller_renew(poller);
}

/* It is in the idle set now. */
PLX__SLOW static int idle_change(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    plx__idle_set_remove(tiered_of(poller)->idle, polled);
    polled->is_idle = false;
    poller->elsewhere--;
    elsewhere_tell(poller);
    return interest == 0 ? 0 : plx__array_poller_set(poller, polled, interest);
}

static int tiered_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    if (polled->is_idle)
        return idle_change(poller, polled, interest);
    if (polled->slot.index == 0)
        polled->patience = tiered_of(poller)->patience;
    return plx__array_poller_set(poller, polled, interest);
}

/* The owner of a watched socket may close it as soon as its watch is closed, and may not run the
 * loop for long after that. So the thread is told at once to stop polling it. */
static void tiered_forget(plx__poller *poller, plx__polled *polled)
{
    const tiered_poller *tiered = tiered_of(poller);
    if (polled->is_borrowed && tiered->idle != NULL)
        plx__idle_set_apply(tiered->idle);
}

/* The second thread has reported the socket. */
static void on_returned(plx__poller *poller, plx__polled *polled, short revents)
{
    uint32_t absence = (uint16_t)(poller->tick - polled->seen);
    polled->is_idle = false;
    plx__array_poller_return(poller, polled, revents);
    elsewhere_tell(poller);
    if (revents == 0) /* It returns only because the thread cannot wait. */
        return;
    ++*count_of(poller, IDLE_RETURNED);
    if (absence > (uint32_t)LONG_ABSENCE * polled->patience)
        polled->patience = tiered_of(poller)->patience;
    else
        polled->patience =
            (uint8_t)(polled->patience < PATIENCE_MAX / 2 ? 2 * polled->patience : PATIENCE_MAX);
}

/* False when there is no second thread and none can be started now. */
static bool idle_set_is_open(tiered_poller *tiered)
{
    if (tiered->idle != NULL)
        return true;
    if (tiered->retries > 0) {
        tiered->retries--;
        return false;
    }
    if (plx__idle_set_open(&tiered->idle, &tiered->active.wake, &tiered->active.openings) == 0)
        return true;
    tiered->idle = NULL;
    ++*count_of(&tiered->active, IDLE_FAILURES);
    tiered->retries = RETRY_TICKS;
    return false;
}

/* The thread polls for reading alone; an idle listener may be busy soon, so it stays active. */
static bool is_only_to_read(const plx__polled *polled)
{
    return polled->operations == PLX__OPERATION_RECEIVE ||
           polled->operations == PLX__OPERATION_WATCH_READ;
}

/* Moves the sockets that have been idle for longer than their patience to the idle set. */
static void idle_move(tiered_poller *tiered)
{
    plx__poller *active = &tiered->active;
    for (uint32_t i = active->count; --i > 0;) {
        plx__polled *polled = active->polled[i];
        if ((uint16_t)(active->tick - polled->seen) <= polled->patience || !is_only_to_read(polled))
            continue;
        if (!idle_set_is_open(tiered))
            return;
        (void)plx__array_poller_set(active, polled, 0);
        if (plx__idle_set_add(tiered->idle, polled) != 0) {
            (void)plx__array_poller_set(active, polled,
                                        polled->interest); /* Its room is still there. */
            ++*count_of(&tiered->active, IDLE_FAILURES);
            return;
        }
        polled->is_idle = true;
        active->elsewhere++;
        elsewhere_tell(active);
        ++*count_of(active, IDLE_ADDED);
    }
}

/* Once a tick. */
static void tick(tiered_poller *tiered)
{
    plx__poller *active = &tiered->active;
    active->tick++;
    if (active->count + active->elsewhere > tiered->idle_min) {
        idle_move(tiered);
    } else if (tiered->idle != NULL && active->elsewhere == 0) {
        plx__idle_set_close(tiered->idle);
        tiered->idle = NULL;
    }
}

/* The second thread's wait failed, and all sockets have returned. What follows is the same as when
 * no thread can be started. */
PLX__SLOW static void idle_set_give_up(tiered_poller *tiered)
{
    plx__idle_set_close(tiered->idle);
    tiered->idle = NULL;
    ++*count_of(&tiered->active, IDLE_FAILURES);
    tiered->retries = RETRY_TICKS;
}

static int active_wait(plx__poller *poller, uint64_t timeout_ns)
{
    int ready = plx__array_wait_begin(poller);
    if (ready == 0)
        ready = plx__poll(poller->entries, poller->count, timeout_ns);
    return plx__array_wait_end(poller, ready);
}

/* The wait when there may be an idle set. */
PLX__SLOW static int tiers_wait(plx__poller *poller, uint64_t timeout_ns)
{
    tiered_poller *tiered = tiered_of(poller);
    uint64_t now = plx__clock_now();
    plx__hook(PLX__HOOK_PREPARE);
    if (now >= tiered->tick_ends) {
        tiered->tick_ends = now + tiered->tick_ns;
        tick(tiered);
    }
    if (tiered->idle == NULL)
        return active_wait(poller, timeout_ns);
    plx__idle_set_apply(tiered->idle);
    int status = active_wait(poller, timeout_ns);
    if (!plx__idle_set_take(tiered->idle, poller, on_returned))
        idle_set_give_up(tiered);
    return status;
}

static int poll_wait(plx__poller *poller, uint64_t timeout_ns)
{
    const tiered_poller *tiered = tiered_of(poller);
    bool is_small = poller->count <= tiered->idle_min && tiered->idle == NULL;
    return is_small ? active_wait(poller, timeout_ns) : tiers_wait(poller, timeout_ns);
}

static int poll_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {tiered_set, tiered_forget, plx__array_poller_collect};
    int status = plx__array_poller_open(poller_out, sizeof(tiered_poller), config, &ops);
    if (status != 0)
        return status;
    tiered_poller *tiered = tiered_of(*poller_out);
    uint64_t after_ns = config->settings[PLX__POLL_IDLE_AFTER_NS];
    tiered->idle_min = UINT32_MAX;
    if (config->settings[PLX__POLL_IDLE_SET] == PLX_ON)
        tiered->idle_min = (uint32_t)config->settings[PLX__POLL_IDLE_SET_MIN];
    tiered->tick_ns = after_ns < TICK_NS ? after_ns : TICK_NS;
    uint64_t patience = after_ns / tiered->tick_ns - 1;
    tiered->patience = (uint8_t)(patience < PATIENCE_MAX ? patience : PATIENCE_MAX);
    return 0;
}

static const char *const counters[] = {
    [IDLE_SOCKETS] = "idle_set_sockets",
    [IDLE_ADDED] = "idle_set_added",
    [IDLE_RETURNED] = "idle_set_returned",
    [IDLE_FAILURES] = "idle_set_failures",
    NULL,
};

const plx__backend_ops plx__poll_backend = {
    .name = "poll",
    .settings = &plx__poll_settings,
    .counters = counters,
    .open = poll_open,
    .close = poll_close,
    .abandon = poll_abandon,
    .renew = poll_renew,
    .wait = poll_wait,
    .wake = plx__array_poller_wake,
    PLX__READINESS,
};
