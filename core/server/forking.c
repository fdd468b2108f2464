/* core/server/forking.c - a child for each socket, which calls on_socket and ends.
 *
 * The sockets wait in the inbox of the loop. When the system has no process left, they stay there,
 * and a timer tries again.
 */
#include "core/server/server.h"

#include "platform/child.h"

/* When the system has no process left. */
#define FORK_RETRY_NS (10 * PLX_MILLISECOND)

/* Sockets that wait; a peer would not see the parent close them while a child has them. */
static void others_close(plx__inbox *inbox, plx_socket except)
{
    plx__handoff other;
    /* Without limits nothing is held. */
    while (inbox->items != NULL && plx__inbox_take(inbox, &other)) {
        if (other.socket != except)
            plx_socket_close(other.socket);
    }
}

/* In the child: what is its parent's is closed, and nothing that the two share is changed. */
static _Noreturn void child_serve(plx_server *server, plx__handoff *handoff)
{
    others_close(&server->workers[0].inbox, handoff->socket);
    others_close(&server->workers[0].holding.held, handoff->socket);
    plx_loop_abandon(server->workers[0].loop);
    plx__child_pipes_ignore();
    int status = plx__handler_call(server, handoff);
    if (status != 0)
        plx_socket_reset(handoff->socket);
    plx__child_exit(status == 0 ? 0 : 1); /* The exit closes the socket. */
}

static void on_child_end(plx_server *server, plx__child *child, int code)
{
    plx__handoff_leave(&child->handoff);
    /* Whom the server kills it has not lost; but one may have died before that. */
    if (code == PLX__CHILD_DIED || (code == PLX__CHILD_KILLED && !server->has_killed))
        plx__server_tally(server, &server->stats.children_lost);
    plx__inbox_done(&server->workers[0].inbox);
    plx__forking_pump(server);
}

/* The connection lives as long as the child has it. */
static void child_started(plx_server *server, int64_t process)
{
    plx__child *child = plx__children_free_slot(server);
    child->process = process;
    (void)plx__inbox_take(&server->workers[0].inbox, &child->handoff);
    plx_socket_close(child->handoff.socket);
    plx__free(child->handoff.bytes);
}

static void on_fork_retry(plx_loop *loop, plx_timer timer, void *data)
{
    plx_server *server = data;
    (void)loop;
    (void)timer;
    server->is_retrying = false;
    plx__forking_pump(server);
}

/* Without memory for the timer, the next connection or the next child's end tries again. */
static void retry_later(plx_server *server)
{
    if (!server->is_retrying)
        server->is_retrying = plx_timer_start(server->workers[0].loop, NULL, FORK_RETRY_NS, 0,
                                              on_fork_retry, server) == 0;
}

/* The loop's thread alone takes from the inbox. */
void plx__forking_pump(plx_server *server)
{
    plx__inbox *inbox = &server->workers[0].inbox;
    while (inbox->count > 0 && !plx__server_is_stopping(server) &&
           server->children_count < server->children_max) {
        plx__handoff *next = &inbox->items[inbox->first];
        int64_t process;
        int status = plx__children_fork(server, &process);
        if (status == PLX_ETHREADS || status == PLX_ENOSYS) {
            plx__server_fail(server, status);
            return;
        }
        server->fork_failed = status != 0;
        if (status != 0) {
            retry_later(server);
            return;
        }
        if (process == 0)
            child_serve(server, next);
        child_started(server, process);
    }
}

int plx__forking_start(plx_server *server)
{
    server->on_child_end = on_child_end;
    return plx__children_watch(server);
}

void plx__forking_cut(plx_server *server)
{
    plx__server_tally_many(server, &server->stats.connections_cut, plx__children_kill(server));
}

void plx__forking_end(plx_server *server)
{
    (void)plx__children_kill(server);
    plx__children_reap(server, true);
}
