/* core/server/prefork.c - children that each run a loop of their own on the listeners of the
 * parent.
 *
 * The parent listens and does not accept. A child drops its copy of the parent's loop, opens one of
 * its own for the same sockets, and is a server of one loop from then on. The two have a channel:
 * the parent sends orders, the child a report at its end; and each sees when the other is gone.
 * Apache calls this prefork (httpd, mod_mpm_prefork).
 */
#include "core/server/server.h"

#include <pollux/watch.h>

#include "platform/child.h"

/* A child that has lived for less is started again later, each time twice as late. */
#define SHORT_LIFE_NS PLX_SECOND
#define DELAY_MIN_NS  (100 * PLX_MILLISECOND)
#define DELAY_DOUBLES 7u /* 12.8 s at the most. */
/* What connections get whose parent has died. */
#define ORPHAN_DRAIN_NS (10 * PLX_SECOND)
/* How long children may take to end when they are told to. */
#define END_LOOKS   500
#define END_LOOK_NS (10 * PLX_MILLISECOND)

/* Between processes of the same program. */
typedef struct child_report {
    int32_t status;        /* The code with which its server failed. */
    uint32_t start_failed; /* That is on_start's. */
    plx_loop_stats loop;
    plx_server_stats server;
} child_report;

/* --- in the child ----------------------------------------------------------------------------- */

static void on_order(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    plx_server *server = data;
    plx__child_order order;
    ptrdiff_t length = plx__socket_receive(socket, &order, sizeof order);
    (void)ready;
    if (length == PLX_EAGAIN)
        return;
    if (length != (ptrdiff_t)sizeof order) { /* The parent is gone. */
        (void)plx_watch_close(loop, watch);
        order = (plx__child_order){.drains = 1, .wait_ns = ORPHAN_DRAIN_NS};
    }
    if (order.drains == 0 || plx_server_drain(server, order.wait_ns) != 0)
        plx_server_stop(server);
}

/* What is the parent's: its loop, its ends of the channels, and what it has counted. */
static void parent_forget(plx_server *server)
{
    plx_loop_abandon(server->workers[0].loop);
    server->workers[0].loop = NULL;
    for (uint32_t i = 0; i < server->children_max; i++)
        plx__socket_close(server->children[i].channel);
    server->children_count = 0;
    server->children_max = 0;
    server->is_parent = false;
    server->is_draining = false;
    server->stats = (plx_server_stats){0};
}

static int child_open(plx_server *server, plx_socket channel)
{
    plx__worker *worker = &server->workers[0];
    int status = plx_loop_open(&worker->loop, &server->child_loop);
    if (status == 0)
        status = plx_watch_open(worker->loop, NULL, channel, PLX_READABLE, on_order, server);
    return status == 0 ? plx__listening_adopt(server) : status;
}

static _Noreturn void child_run(plx_server *server, uint32_t index, plx_socket channel)
{
    plx__worker *worker = &server->workers[0];
    child_report report = {0};
    parent_forget(server);
    server->first_index = index;
    report.status = child_open(server, channel);
    if (report.status == 0) {
        plx__worker_run(worker);
        report.status = server->status;
        report.start_failed = !worker->is_started;
    }
    report.loop = worker->final;
    report.server = server->stats;
    (void)plx__socket_send(channel, &report, sizeof report);
    plx__child_exit(report.status == 0 ? 0 : 1);
}

/* --- in the parent ---------------------------------------------------------------------------- */

static bool is_to_continue(plx_server *server)
{
    return !plx__server_is_stopping(server) && !server->workers[0].is_draining;
}

/* The loop returns, and plx__prefork_run() forks: in a callback it could not. */
static void restart_ask(plx_server *server, plx__child *child)
{
    child->is_due = true;
    plx_loop_stop(server->workers[0].loop);
}

static void on_restart(plx_loop *loop, plx_timer timer, void *data)
{
    plx__child *child = data;
    (void)loop;
    (void)timer;
    if (is_to_continue(child->server))
        restart_ask(child->server, child);
}

static void restart_plan(plx_server *server, plx__child *child)
{
    plx_loop *loop = server->workers[0].loop;
    if (plx_loop_now(loop) - child->since_ns >= SHORT_LIFE_NS) {
        child->short_lives = 0;
        restart_ask(server, child);
        return;
    }
    uint64_t delay_ns = DELAY_MIN_NS << child->short_lives;
    child->short_lives += child->short_lives < DELAY_DOUBLES;
    if (plx_timer_start(loop, &child->restart, delay_ns, 0, on_restart, child) != 0)
        restart_ask(server, child);
}

static void report_add(plx_server *server, const child_report *report)
{
    plx__mutex_lock(&server->mutex);
    plx__loop_stats_add(&server->children_final, &report->loop);
    server->stats.denied += report->server.denied;
    server->stats.refused += report->server.refused;
    server->stats.accept_pauses += report->server.accept_pauses;
    server->stats.connections_cut += report->server.connections_cut;
    plx__limits_stats_add(&server->stats, &report->server);
    plx__mutex_unlock(&server->mutex);
}

/* One of the first children has failed, for want of something, say: so would those after it. Of a
 * later one that may pass. */
static bool is_first_failure(plx_server *server, const child_report *report)
{
    return report->status != 0 && server->stats.children_started <= server->children_max;
}

static void on_child_end(plx_server *server, plx__child *child, int code)
{
    child_report report;
    bool has_report =
        plx__socket_receive(child->channel, &report, sizeof report) == (ptrdiff_t)sizeof report;
    (void)code;
    plx__socket_close(child->channel);
    child->channel = PLX_SOCKET_NONE;
    if (has_report)
        report_add(server, &report);
    else
        plx__server_tally(server, &server->stats.children_lost);
    if (has_report && (report.start_failed != 0 || is_first_failure(server, &report)))
        plx__server_fail(server, report.status);
    else if (is_to_continue(server))
        restart_plan(server, child);
    else if (server->children_count == 0)
        plx_loop_stop(server->workers[0].loop);
}

static int child_start(plx_server *server, plx__child *child)
{
    plx_socket channel[2];
    int64_t process;
    int status = plx__child_channel(channel);
    if (status != 0)
        return status;
    status = plx__children_fork(server, &process);
    if (status == 0 && process == 0) {
        plx__socket_close(channel[0]);
        child_run(server, (uint32_t)(child - server->children), channel[1]);
    }
    plx__socket_close(channel[1]);
    if (status != 0) {
        plx__socket_close(channel[0]);
        return status;
    }
    child->process = process;
    child->channel = channel[0];
    child->since_ns = plx_loop_now(server->workers[0].loop);
    return 0;
}

/* One that cannot be started for want of something is tried again later, unless it is the first
 * time. */
static int children_start(plx_server *server, bool is_first)
{
    int status = 0;
    for (uint32_t i = 0; i < server->children_max && status == 0 && is_to_continue(server); i++) {
        plx__child *child = &server->children[i];
        if (!child->is_due)
            continue;
        child->is_due = false;
        status = child_start(server, child);
        if (status != 0 && status != PLX_ETHREADS && !is_first) {
            child->since_ns = plx_loop_now(server->workers[0].loop);
            restart_plan(server, child);
            status = 0;
        }
    }
    return status;
}

static bool has_due(const plx_server *server)
{
    bool has = false;
    for (uint32_t i = 0; i < server->children_max; i++)
        has = has || server->children[i].is_due;
    return has;
}

/* Those that do not end when they are told to are killed. */
static void children_end(plx_server *server)
{
    plx_server_stop(server);
    plx__children_order(server, (plx__child_order){.drains = 0});
    for (int i = 0; i < END_LOOKS && server->children_count > 0; i++) {
        plx__sleep(END_LOOK_NS);
        plx__children_reap(server, false);
    }
    (void)plx__children_kill(server);
    plx__children_reap(server, true);
}

int plx__prefork_run(plx_server *server)
{
    plx__worker *worker = &server->workers[0];
    bool is_first = true;
    int result = 0;
    server->is_parent = true;
    server->on_child_end = on_child_end;
    plx__listeners_pause(server, worker->loop, true);
    int status = plx__children_watch(server);
    if (status == 0)
        status = plx__listening_duplicate(server);
    for (uint32_t i = 0; i < server->children_max; i++) {
        server->children[i] =
            (plx__child){.server = server, .channel = PLX_SOCKET_NONE, .is_due = true};
    }
    while (status == 0) {
        status = children_start(server, is_first);
        is_first = false;
        if (status == 0)
            result = plx_loop_run(worker->loop);
        if (result != 0 || plx__server_is_stopping(server) ||
            (worker->is_draining ? server->children_count == 0 : !has_due(server)))
            break;
    }
    children_end(server);
    (void)plx__worker_end(worker, result);
    return status;
}
