/* core/server/accepting.c - the loop that accepts for others, and what it holds while all are full.
 *
 * While no loop can take a socket, the listeners pause, so that clients wait in the system's queue,
 * and what has been accepted already is held. A timer tries again.
 */
#include "core/server/server.h"

/* Loops make room when connections close, of which the one that accepts is not told. */
#define HOLD_RETRY_NS (10 * PLX_MILLISECOND)

/* Returns whether there is room again. */
static bool held_try(plx_server *server)
{
    plx__inbox *held = &server->held;
    while (held->count > 0) {
        plx__handoff *next = &held->items[held->first];
        int status = plx__dispatch(server, next, NULL);
        if (status == PLX_ENOBUFS)
            return false;
        plx__handoff handoff;
        (void)plx__inbox_take(held, &handoff);
        plx__inbox_done(held);
        if (status != 0)
            plx__handoff_refuse(server, &handoff);
    }
    return true;
}

static void on_hold_retry(plx_loop *loop, plx_timer timer, void *data)
{
    plx_server *server = data;
    if (!held_try(server))
        return;
    server->is_holding = false;
    (void)plx_timer_cancel(loop, timer);
    plx__listeners_pause(server, loop, false);
}

/* Or refuses it, if not even that can be done. */
static void hold(plx_server *server, plx_loop *loop, plx__handoff *handoff)
{
    bool is_first;
    if (!server->is_holding) {
        int status = plx_timer_start(loop, &server->hold_retry, HOLD_RETRY_NS, HOLD_RETRY_NS,
                                     on_hold_retry, server);
        if (status != 0) {
            plx__handoff_refuse(server, handoff);
            return;
        }
        server->is_holding = true;
        plx__listeners_pause(server, loop, true);
        plx__server_tally(server, &server->stats.accept_pauses);
    }
    if (plx__inbox_put(&server->held, handoff, &is_first) != 0)
        plx__handoff_refuse(server, handoff);
}

enum plx_accept_verdict plx__accepting_hand_over(plx_loop *loop, plx_listener listener, void *data,
                                                 plx_socket socket, const void *bytes,
                                                 size_t length)
{
    const plx__server_listener *of = data;
    plx_server *server = of->server;
    plx__handoff handoff = {.socket = socket, .listener = of};
    (void)listener;
    if (!plx__admits(loop, of, socket))
        return PLX_ACCEPT_REFUSED;
    int status = plx__handoff_fill(&handoff, bytes, length);
    if (status == 0 && server->is_holding)
        status = PLX_ENOBUFS; /* First those that wait. */
    else if (status == 0)
        status = plx__dispatch(server, &handoff, NULL);
    if (status == PLX_ENOBUFS)
        hold(server, loop, &handoff);
    else if (status != 0)
        plx__handoff_refuse(server, &handoff);
    return PLX_ACCEPT_TAKEN;
}

void plx__accepting_end(plx_server *server)
{
    plx__handoff handoff;
    while (plx__inbox_take(&server->held, &handoff)) {
        plx__inbox_done(&server->held);
        plx__handoff_refuse(server, &handoff);
    }
}
