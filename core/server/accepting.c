/* core/server/accepting.c - loops that accept, and what they hold while nobody can take it.
 *
 * A loop that accepts for others hands sockets over; with limits, one that accepts for itself, or
 * for calls of on_socket, puts them into its own inbox. While no loop can take a socket, or a limit
 * of the server is reached, its listeners pause, so that clients wait in the system's queue, and
 * what has been accepted already is held. A timer tries again.
 */
#include "core/server/server.h"

/* Loops make room when connections close, of which the one that accepts is not told. */
#define HOLD_RETRY_NS (10 * PLX_MILLISECOND)

/* Admits it, if that has not been done, and gives it to a loop. 0; PLX_EACCES: it was refused, and
 * has been counted; PLX_ENOBUFS: it has to wait, as plx__limits_enter(); or PLX_ECANCELED. */
static int give(plx__worker *worker, plx__handoff *handoff, uint64_t *wait_ns_out)
{
    *wait_ns_out = 0;
    int status = handoff->is_admitted ? 0 : plx__admit(worker->loop, handoff, wait_ns_out);
    return status == 0 ? worker->give(worker, handoff) : status;
}

/* The deadline of a drain has passed. Who opened now would be cut off at once, one at a time. */
static bool is_too_late(const plx__worker *worker)
{
    return worker->drain_until_ns != 0 && plx_loop_now(worker->loop) >= worker->drain_until_ns;
}

/* Returns whether there is room again; if not, the next look is in `*wait_ns_out`. */
static bool held_try(plx__worker *worker, uint64_t *wait_ns_out)
{
    plx__inbox *held = &worker->holding.held;
    /* What ends with the server makes room, and nobody is to open for that. */
    while (held->count > 0 && !plx__server_is_stopping(worker->server)) {
        int status = is_too_late(worker) ? PLX_ECANCELED
                                         : give(worker, &held->items[held->first], wait_ns_out);
        if (status == PLX_ENOBUFS)
            return false;
        plx__handoff handoff;
        (void)plx__inbox_take(held, &handoff);
        plx__inbox_done(held);
        if (status == PLX_EACCES)
            plx__handoff_drop(&handoff);
        else if (status != 0)
            plx__handoff_refuse(worker->server, &handoff);
    }
    return held->count == 0;
}

static uint64_t retry_ns(uint64_t wait_ns)
{
    return wait_ns != 0 && wait_ns < HOLD_RETRY_NS ? wait_ns : HOLD_RETRY_NS;
}

static void on_hold_retry(plx_loop *loop, plx_timer timer, void *data)
{
    plx__worker *worker = data;
    uint64_t wait_ns = 0;
    if (!held_try(worker, &wait_ns)) {
        (void)plx_timer_restart(loop, timer, retry_ns(wait_ns));
        return;
    }
    worker->holding.is_holding = false;
    plx__listeners_pause(worker->server, worker->loop, false);
}

/* Or refuses it, if not even that can be done. */
static void hold(plx__worker *worker, plx__handoff *handoff, uint64_t wait_ns)
{
    plx_server *server = worker->server;
    plx__holding *holding = &worker->holding;
    bool is_first;
    if (!holding->is_holding) {
        int status = plx_timer_start(worker->loop, &holding->retry, retry_ns(wait_ns), 0,
                                     on_hold_retry, worker);
        if (status != 0) {
            plx__handoff_refuse(server, handoff);
            return;
        }
        holding->is_holding = true;
        plx__server_tally(server, handoff->is_admitted ? &server->stats.accept_pauses
                                                       : &server->stats.limit_pauses);
    }
    plx__listeners_pause(server, worker->loop, true); /* Others may have resumed them. */
    if (plx__inbox_put(&holding->held, handoff, &is_first) != 0)
        plx__handoff_refuse(server, handoff);
}

/* With limits, those that are held are first to be admitted. */
static int admit(plx__worker *worker, plx__handoff *handoff, uint64_t *wait_ns_out)
{
    *wait_ns_out = 0;
    if (worker->holding.is_holding && worker->server->limits != NULL)
        return PLX_ENOBUFS;
    return plx__admit(worker->loop, handoff, wait_ns_out);
}

enum plx_accept_verdict plx__accepting_hand_over(plx_loop *loop, plx_listener listener, void *data,
                                                 plx_socket socket, const void *bytes,
                                                 size_t length)
{
    const plx__server_listener *of = data;
    plx__worker *worker = plx__server_worker(of->server, loop);
    plx__handoff handoff = {.socket = socket, .listener = of};
    uint64_t wait_ns;
    (void)listener;
    int status = admit(worker, &handoff, &wait_ns);
    if (status == PLX_EACCES)
        return PLX_ACCEPT_REFUSED;
    if (plx__handoff_fill(&handoff, bytes, length) != 0) {
        plx__handoff_refuse(of->server, &handoff);
        return PLX_ACCEPT_TAKEN;
    }
    if (status == 0 && worker->holding.is_holding)
        status = PLX_ENOBUFS; /* First those that wait. */
    else if (status == 0)
        status = give(worker, &handoff, &wait_ns);
    if (status == PLX_ENOBUFS)
        hold(worker, &handoff, wait_ns);
    else if (status != 0)
        plx__handoff_refuse(of->server, &handoff);
    return PLX_ACCEPT_TAKEN;
}

void plx__accepting_end(plx__worker *worker)
{
    plx__inbox *held = &worker->holding.held;
    plx__handoff handoff;
    while (held->items != NULL && plx__inbox_take(held, &handoff)) {
        plx__inbox_done(held);
        plx__handoff_refuse(worker->server, &handoff);
    }
}
