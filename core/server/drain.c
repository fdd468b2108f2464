/* core/server/drain.c - the end in order.
 *
 * The loop that accepts for others closes its listeners first, and then has the others drain: what
 * it has handed over is in their queues by then, and what it holds still goes to them. A listener
 * may take some turns to close, until all that the backend has accepted ahead is there. Each loop
 * looks at its connections every TICK_NS, until none is left or the deadline has passed.
 */
#include "core/server/server.h"

#define TICK_NS (10 * PLX_MILLISECOND)
/* How long forked children may take beyond the deadline. */
#define CHILDREN_LATE_NS PLX_SECOND

/* --- a loop that serves ----------------------------------------------------------------------- */

/* It waits for nothing, as far as one can see. */
static bool looks_idle(const plx_loop *loop, plx_conn conn)
{
    return plx_conn_unconsumed(loop, conn) == 0 && plx_conn_queued(loop, conn) == 0;
}

static int conn_ask(plx_loop *loop, plx_conn conn, void *data)
{
    const plx_server *server = data;
    if (plx_conn_is_ending(loop, conn) || !plx_conn_is_open(loop, conn))
        return 0;
    bool is_idle = server->options.on_draining != NULL
                       ? server->options.on_draining(loop, conn, plx_conn_data(loop, conn)) == 0
                       : looks_idle(loop, conn);
    if (is_idle)
        (void)plx_conn_finish(loop, conn, 0); /* The callback may have closed it. */
    return 0;
}

/* One that has sent all that it had, and waits for its peer's end alone, loses nothing. */
static int conn_cut(plx_loop *loop, plx_conn conn, void *data)
{
    plx_server *server = data;
    if (plx_conn_is_ending(loop, conn) && plx_conn_queued(loop, conn) == 0) {
        (void)plx_conn_close(loop, conn);
        return 0;
    }
    (void)plx_conn_reset(loop, conn);
    plx__server_tally(server, &server->stats.connections_cut);
    return 0;
}

static void on_tick(plx_loop *loop, plx_timer timer, void *data)
{
    plx__worker *worker = data;
    plx_server *server = worker->server;
    plx__worker *acceptor = plx__server_acceptor_of(worker);
    (void)timer;
    bool is_over = plx_loop_now(loop) >= worker->drain_until_ns;
    (void)plx_loop_each_conn(loop, is_over ? conn_cut : conn_ask, server);
    if (is_over && plx__dispatch_handles(server->options.dispatch)) {
        plx__queueing_cut(server);
        worker->has_drained = true;
        plx_loop_stop(loop);
        return;
    }
    /* What the loop that accepts still holds is for one of these. */
    if (plx_loop_connections(loop) == 0 && plx__inbox_is_empty(&worker->inbox) &&
        (is_over || (plx__inbox_is_empty(&acceptor->holding.held) &&
                     plx__listening_is_over(server, worker)))) {
        worker->has_drained = true;
        plx_loop_stop(loop);
    }
}

static void on_children_late(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)loop;
    plx_server_stop(data);
}

/* The loop stops with the last of them. */
static void children_drain(plx_server *server, plx__worker *worker, uint64_t wait_ns)
{
    plx__children_order(server, (plx__child_order){.drains = 1, .wait_ns = wait_ns});
    if (server->children_count == 0 ||
        (wait_ns < PLX_FOREVER - CHILDREN_LATE_NS &&
         plx_timer_start(worker->loop, NULL, wait_ns + CHILDREN_LATE_NS, 0, on_children_late,
                         server) != 0))
        plx_server_stop(server);
}

/* Each loop counts from when it is told. */
static void deadline_set(plx__worker *worker)
{
    const uint64_t now_ns = plx_loop_now(worker->loop);
    const uint64_t wait_ns = worker->server->drain_wait_ns;
    worker->drain_until_ns = wait_ns < PLX_FOREVER - now_ns ? now_ns + wait_ns : PLX_FOREVER;
}

/* The first tick is in a later turn: what was handed over has opened by then. */
static void worker_drain(plx_loop *loop, void *data, int status)
{
    plx__worker *worker = data;
    plx_server *server = worker->server;
    if (status != 0)
        return;
    deadline_set(worker);
    worker->is_draining = true;
    plx__listening_end(server, worker);
    if (server->is_parent) {
        children_drain(server, worker, server->drain_wait_ns);
        return;
    }
    /* Without memory for a timer the loop ends at once. */
    if (plx_timer_start(loop, NULL, 0, TICK_NS, on_tick, worker) != 0)
        plx_loop_stop(loop);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* One that cannot be told ends at once. */
static void workers_drain(plx_server *server)
{
    for (uint32_t i = 0; i < server->workers_count; i++) {
        plx__worker *worker = &server->workers[i];
        if (plx__server_post(worker->loop, worker_drain, worker) == PLX_ENOMEM)
            plx_loop_stop(worker->loop);
    }
}

static void on_acceptor_tick(plx_loop *loop, plx_timer timer, void *data)
{
    plx__worker *acceptor = data;
    if (!plx__listening_is_over(acceptor->server, acceptor))
        return;
    (void)plx_timer_cancel(loop, timer);
    workers_drain(acceptor->server);
}

/* On the loop that accepts. What it holds goes to the loops while they have room. */
static void acceptor_drain(plx_loop *loop, void *data, int status)
{
    plx__worker *acceptor = data;
    if (status != 0)
        return;
    deadline_set(acceptor);
    plx__listening_end(acceptor->server, acceptor);
    /* Without memory for a timer the others are told at once. */
    if (plx__listening_is_over(acceptor->server, acceptor) ||
        plx_timer_start(loop, NULL, 0, PLX_MILLISECOND, on_acceptor_tick, acceptor) != 0)
        workers_drain(acceptor->server);
}

/* Under the mutex. */
static int drain_begin(plx_server *server, uint64_t deadline_ns, bool keeps_files)
{
    plx__worker *acceptor = plx__server_acceptor(server);
    int status = 0;
    if (plx__atomic_load(&server->serving) == 0)
        return PLX_ECANCELED;
    if (server->is_draining)
        return 0;
    server->drain_wait_ns = deadline_ns;
    server->keeps_files = keeps_files;
    if (acceptor != NULL)
        status = plx__server_post(acceptor->loop, acceptor_drain, acceptor);
    else
        workers_drain(server);
    server->is_draining = status == 0;
    return status;
}

static int drain(plx_server *server, uint64_t deadline_ns, bool keeps_files)
{
    plx__mutex_lock(&server->mutex);
    int status = drain_begin(server, deadline_ns, keeps_files);
    plx__mutex_unlock(&server->mutex);
    return status;
}

int plx_server_drain(plx_server *server, uint64_t deadline_ns)
{
    return drain(server, deadline_ns, false);
}

int plx_server_hand_over(plx_server *server, uint64_t deadline_ns)
{
    return drain(server, deadline_ns, true);
}
