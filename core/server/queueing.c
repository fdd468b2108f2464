/* core/server/queueing.c - accepting for calls of on_socket, each of which gets one socket.
 *
 * The loop accepts, and puts sockets into its inbox. Threads (pool.c) or forked children
 * (forking.c) take them out. While twice as many are under way as can be handled at once, the
 * listeners pause, so that clients wait in the system's queue.
 */
#include "core/server/server.h"

/* How often the loop looks whether there is room again. */
#define ROOM_LOOK_NS PLX_MILLISECOND

bool plx__dispatch_handles(uint32_t dispatch)
{
    return dispatch == PLX_DISPATCH_THREAD || dispatch == PLX_DISPATCH_FORK;
}

static bool has_room(plx_server *server)
{
    return !server->fork_failed &&
           plx__atomic_load(&server->workers[0].inbox.pending) < 2 * server->options.handlers;
}

/* To whoever handles it, as far as they do not look themselves. */
static void pump(plx_server *server)
{
    if (server->options.dispatch == PLX_DISPATCH_THREAD)
        plx__pool_wake(server);
    else
        plx__forking_pump(server);
}

static void on_room_look(plx_loop *loop, plx_timer timer, void *data)
{
    plx_server *server = data;
    pump(server);
    if (!has_room(server))
        return;
    server->is_holding = false;
    (void)plx_timer_cancel(loop, timer);
    plx__listeners_pause(server, loop, false);
}

/* Without memory for the timer it continues until the inbox is full. */
static void pause_while_full(plx_server *server, plx_loop *loop)
{
    if (server->is_holding || has_room(server) ||
        plx_timer_start(loop, NULL, ROOM_LOOK_NS, ROOM_LOOK_NS, on_room_look, server) != 0)
        return;
    server->is_holding = true;
    plx__listeners_pause(server, loop, true);
    plx__server_tally(server, &server->stats.accept_pauses);
}

int plx__queueing_put(plx__worker *worker, plx__handoff *handoff)
{
    plx_server *server = worker->server;
    bool is_first;
    int status = plx__inbox_put(&worker->inbox, handoff, &is_first);
    if (status != 0)
        return status;
    plx__server_tally(server, &server->stats.handed_over);
    pump(server);
    pause_while_full(server, worker->loop);
    return 0;
}

enum plx_accept_verdict plx__queueing_accept(plx_loop *loop, plx_listener listener, void *data,
                                             plx_socket socket, const void *bytes, size_t length)
{
    const plx__server_listener *of = data;
    plx_server *server = of->server;
    plx__handoff handoff = {.socket = socket, .listener = of};
    uint64_t wait_ns; /* Nobody waits without limits. */
    (void)listener;
    if (plx__admit(loop, &handoff, &wait_ns) != 0)
        return PLX_ACCEPT_REFUSED;
    int status = plx__handoff_fill(&handoff, bytes, length);
    if (status == 0)
        status = plx__queueing_put(&server->workers[0], &handoff);
    if (status != 0)
        plx__handoff_refuse(server, &handoff);
    return PLX_ACCEPT_TAKEN;
}

void plx__queueing_cut(plx_server *server)
{
    if (server->options.dispatch == PLX_DISPATCH_THREAD)
        plx__pool_cut(server);
    else
        plx__forking_cut(server);
}
