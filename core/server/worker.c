/* core/server/worker.c - a loop of a server, from on_start to on_end.
 *
 * Both are called on the thread that runs the loop: the first before it runs, the second when
 * everything that was open on it has closed, there, too.
 */
#include "core/server/server.h"

/* Whether it is for want of something that another loop may have. */
static bool may_others(int status)
{
    return status == PLX_ELIMIT || status == PLX_ENOMEM || status == PLX_EMFILE ||
           status == PLX_ENFILE || status == PLX_ECANCELED;
}

/* What this loop could not take: each of the others is asked once. */
static void pass_on(plx__worker *worker, plx__handoff *handoff, int status)
{
    plx_server *server = worker->server;
    if (may_others(status) && ++handoff->hops < server->workers_count &&
        !plx__server_is_stopping(server) && plx__dispatch(server, handoff, worker) == 0) {
        plx__server_tally(server, &server->stats.handed_on);
        return;
    }
    plx__handoff_refuse(server, handoff);
}

/* It is a connection of the loop. */
static void taken(plx_loop *loop, plx_conn conn, plx__handoff *handoff)
{
    plx__free(handoff->bytes);
    if (handoff->client != NULL)
        plx__limits_follow(loop, conn, handoff->client);
}

/* A post of whoever put the first one. */
static void worker_take(plx_loop *loop, void *data, int status)
{
    plx__worker *worker = data;
    plx__handoff handoff;
    plx_conn conn;
    if (status != 0)
        return; /* The loop ends: plx__worker_end() takes them. */
    while (plx__inbox_take(&worker->inbox, &handoff)) {
        status = plx_conn_adopt(loop, &conn, handoff.socket, &handoff.listener->conn, handoff.bytes,
                                handoff.length);
        if (status != 0)
            pass_on(worker, &handoff, status);
        else
            taken(loop, conn, &handoff);
        plx__inbox_done(&worker->inbox);
    }
}

int plx__worker_start(plx__worker *worker)
{
    plx_server *server = worker->server;
    int status = 0;
    if (worker->index >= server->workers_count)
        return 0;
    plx__server_call_begin(server);
    if (server->options.on_start != NULL)
        status = server->options.on_start(server, worker->loop, server->first_index + worker->index,
                                          server->options.data);
    plx__server_call_end(server);
    worker->is_started = status == 0;
    return status;
}

void plx__worker_run(plx__worker *worker)
{
    plx_server *server = worker->server;
    /* Children and the caller would be on its processor, too. */
    if (server->options.pin != 0 && !plx__dispatch_handles(server->options.dispatch))
        (void)plx__thread_pin(server->first_index + worker->index);
    int status = plx__worker_start(worker);
    if (status == 0) {
        status = plx_loop_run(worker->loop);
    } else {
        plx__server_fail(server, status);
    }
    (void)plx__worker_end(worker, status); /* No callback of the loop is running. */
}

/* Where a loop of this policy gives what it accepts. */
static int (*give_of(const plx_server *server))(plx__worker *, plx__handoff *)
{
    if (plx__dispatch_handles(server->options.dispatch))
        return plx__queueing_put;
    return plx__dispatch_hands_over(server->options.dispatch) ? plx__dispatch_any
                                                              : plx__dispatch_own;
}

int plx__worker_open(plx_server *server, uint32_t index, const plx_loop_options *options,
                     size_t options_bytes)
{
    plx__worker *worker = &server->workers[index];
    bool serves = index < server->workers_count;
    *worker = (plx__worker){
        .server = server, .index = index, .take = worker_take, .give = give_of(server)};
    int status = plx_loop_open_sized(&worker->loop, options, options_bytes);
    if (status == 0)
        status = plx__inbox_open(serves ? &worker->inbox : &worker->holding.held);
    if (status != 0)
        plx__worker_close(worker);
    return status;
}

void plx__worker_close(plx__worker *worker)
{
    (void)plx_loop_close(worker->loop); /* It has no callback under way, and was cancelled. */
    plx__inbox_close(&worker->inbox);
    plx__inbox_close(&worker->holding.held);
}

/* Nobody puts anything into it any more: what is there is for others. */
static void inbox_empty(plx__worker *worker)
{
    plx__handoff handoff;
    plx__inbox_end(&worker->inbox);
    while (plx__inbox_take(&worker->inbox, &handoff)) {
        pass_on(worker, &handoff, PLX_ECANCELED);
        plx__inbox_done(&worker->inbox);
    }
}

/* Before on_end, for they use what belongs to the server's user. */
static void handlers_end(plx_server *server)
{
    if (server->options.dispatch == PLX_DISPATCH_THREAD)
        plx__pool_end(server);
    else if (server->options.dispatch == PLX_DISPATCH_FORK)
        plx__forking_end(server);
}

/* One that serves. The server ends with the last one. */
static void serving_end(plx__worker *worker, int status)
{
    plx_server *server = worker->server;
    plx__server_call_begin(server);
    if (worker->is_started && server->options.on_end != NULL)
        server->options.on_end(server, worker->loop, server->first_index + worker->index,
                               server->options.data);
    plx__server_call_end(server);
    if (!plx__server_is_stopping(server) && !worker->has_drained)
        plx__server_tally(server, &server->stats.loops_lost);
    if (plx__atomic_add(&server->serving, UINT32_MAX) != 1)
        return;
    plx__server_fail(server, status);
}

/* The one that accepts for others. Without it there is nothing to serve. */
static void accepting_end(plx__worker *worker, int status)
{
    plx_server *server = worker->server;
    if (!plx__server_is_stopping(server))
        plx__server_tally(server, &server->stats.loops_lost);
    plx__server_fail(server, status);
}

int plx__worker_end(plx__worker *worker, int status)
{
    plx_server *server = worker->server;
    bool serves = worker->index < server->workers_count;
    if (worker->has_ended)
        return 0;
    if (plx_loop_cancel(worker->loop) != 0)
        return PLX_EBUSY;
    plx__accepting_end(worker);
    if (serves)
        inbox_empty(worker);
    handlers_end(server);
    plx__mutex_lock(&server->mutex);
    plx__count_read(worker, &worker->final);
    worker->has_ended = true;
    plx__mutex_unlock(&server->mutex);
    plx__count_ended(worker);
    if (serves)
        serving_end(worker, status);
    else
        accepting_end(worker, status);
    return 0;
}
