/* tools/serve.c - `pollux serve` at work: loops, listeners, signals, and what it prints. */
#include "tools/serve.h"

#include <stdio.h>
#include <string.h>

#include "platform/platform.h"
#include "platform/process.h"
#include "tools/failure.h"
#include "tools/input_watch.h"
#include "tools/json.h"
#include "tools/serve_sockets.h"
#include "tools/serve_supervisor.h"
#include "tools/service_socket.h"

/* --- output -------------------------------------------------------------------------------- */

static int listening_print(const serve *s, uint32_t listener)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    const char *backend = plx_loop_backend_name(plx_server_loop(s->server, 0));
    const char *dispatch = plx_dispatch_name(plx_server_dispatch(s->server));
    const uint32_t loops = plx_server_loops(s->server);
    int status = plx_server_address(s->server, listener, address, sizeof address);
    if (status != 0)
        return status;
    if (s->is_json) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "event", "listening");
        cJSON_AddStringToObject(line, "address", address);
        cJSON_AddStringToObject(line, "mode", s->service->name);
        cJSON_AddStringToObject(line, "backend", backend);
        cJSON_AddNumberToObject(line, "loops", loops);
        cJSON_AddStringToObject(line, "dispatch", dispatch);
        return json_print("serve", line, false) == COMMAND_DONE ? 0 : PLX_ENOMEM;
    }
    if (s->options.dispatch == PLX_DISPATCH_PREFORK)
        printf("listening on %s (%s, %s, %u processes, %s)\n", address, s->service->name, backend,
               (unsigned)s->options.loops, dispatch);
    else if (s->options.on_socket != NULL)
        printf("listening on %s (%s, %s, %s)\n", address, s->service->name, backend, dispatch);
    else if (loops == 1)
        printf("listening on %s (%s, %s)\n", address, s->service->name, backend);
    else
        printf("listening on %s (%s, %s, %u loops, %s)\n", address, s->service->name, backend,
               (unsigned)loops, dispatch);
    fflush(stdout);
    return 0;
}

typedef struct summary_line {
    const char *name;
    uint64_t value;
} summary_line;

static int summary_print_json(const summary_line *lines, const bool *is_left_out, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", "summary");
    for (size_t i = 0; i < count; i++) {
        if (!is_left_out[i])
            cJSON_AddNumberToObject(object, lines[i].name, (double)lines[i].value);
    }
    return json_print("serve", object, false);
}

static service_counts counts_sum(const serve *s)
{
    service_counts sum = s->counts;
    for (uint32_t i = 0; i < plx_server_loops(s->server); i++) {
        service_counts counts;
        s->service->counts(s->states[i], &counts);
        sum.requests += counts.requests;
        sum.refused += counts.refused;
    }
    return sum;
}

/* Children count for themselves, and end with what they have counted. */
static bool forks(const serve *s)
{
    return s->options.dispatch == PLX_DISPATCH_FORK || s->options.dispatch == PLX_DISPATCH_PREFORK;
}

static int summary_print(const serve *s, const plx_loop_stats *stats)
{
    const service_counts counts = counts_sum(s);
    plx_server_stats server;
    plx_server_stats_get(s->server, &server);
    /* What on_socket got; of others that were taken, each is adopted by a loop. */
    const uint64_t handled = s->options.on_socket != NULL ? stats->accepts_taken : 0;
    const summary_line lines[] = {
        {"requests", counts.requests},
        {"refused", counts.refused},
        {"connections", stats->connections_accepted + stats->connections_adopted + handled},
        {"received_bytes", stats->received_bytes},
        {"sent_bytes", stats->sent_bytes},
        {"receives", stats->receives},
        {"sends", stats->sends},
        {"turns", stats->ticks},
        {"accept_pauses", stats->accept_pauses},
        {"timeouts", stats->timeouts},
        {"peak_queued_bytes", stats->queued_bytes_peak},
        {"refused_full", server.refused},
        {"loops_lost", server.loops_lost},
        {"cut", server.connections_cut},
        {"refused_address", server.refused_address},
        {"refused_per_address", server.refused_client_open},
        {"refused_rate", server.refused_client_rate},
        {"slow_peers", server.slow_peers},
        {"limit_pauses", server.limit_pauses},
        {"children", server.children_started},
        {"children_lost", server.children_lost},
        {"refused_proxy", serve_proxy_refused()},
    };
    const size_t count = sizeof lines / sizeof lines[0];
    bool is_left_out[sizeof lines / sizeof lines[0]] = {false};
    is_left_out[0] = is_left_out[1] = !s->service->has_requests || forks(s);
    is_left_out[count - 3] = is_left_out[count - 2] = !forks(s);
    is_left_out[count - 1] = !s->proxy.is_wanted || forks(s);
    if (s->is_json)
        return summary_print_json(lines, is_left_out, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_left_out[i])
            printf("%-18s %llu\n", lines[i].name, (unsigned long long)lines[i].value);
    }
    fflush(stdout);
    return COMMAND_DONE;
}

/* --- the end --------------------------------------------------------------------------------- */

/* The first time it drains; the second time it ends at once. */
static void drain(serve *s)
{
    serve_sockets_close(s); /* Its copies of them would go on listening. */
    if (s->is_draining || s->drain_ns == 0 || plx_server_drain(s->server, s->drain_ns) != 0)
        plx_server_stop(s->server);
    s->is_draining = true;
}

static void on_drain_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    serve *s = data;
    (void)loop;
    (void)signal;
    (void)number;
    drain(s);
}

/* What waits at its sockets is the other one's, which serve_sockets.c offers no more. What was
 * accepted is served, also if signals end this server at once. */
void serve_handed_over(serve *s)
{
    const uint64_t least_ns = PLX_SECOND;
    s->is_draining = true;
    s->is_handed_over = true;
    if (plx_server_hand_over(s->server, s->drain_ns > least_ns ? s->drain_ns : least_ns) != 0)
        plx_server_stop(s->server);
}

static void on_end_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    const serve *s = data;
    (void)loop;
    (void)signal;
    (void)number;
    plx_server_stop(s->server);
}

static int signal_open(serve *s, int number, plx_signal_fn on_signal)
{
    int status = plx_signal_open(plx_server_loop(s->server, 0), NULL, number, on_signal, s);
    return status == PLX_ENOSYS ? 0 : status;
}

/* On Unix nobody asks for SIGHUP here, so that nohup(1) works. */
static int signals_open(serve *s)
{
    int status = signal_open(s, PLX_SIGNAL_INTERRUPT, on_end_signal);
    if (status == 0)
        status = signal_open(s, PLX_SIGNAL_QUIT, on_end_signal);
    if (status == 0)
        status = signal_open(s, PLX_SIGNAL_TERMINATE, on_drain_signal);
#ifdef _WIN32
    if (status == 0)
        status = signal_open(s, PLX_SIGNAL_HANGUP, on_drain_signal);
#endif
    return status;
}

/* --- serving --------------------------------------------------------------------------------- */

/* When descriptors or memory run out, it reports that once; the summary has the number. */
static void on_accept_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    plx_loop_stats stats;
    (void)listener;
    (void)data;
    plx_loop_stats_get(loop, &stats);
    if (stats.accept_pauses == 1)
        serve_note("accepting is paused until this is over: %s", plx_error_text(status));
}

static int service_open(serve *s, uint32_t index, plx_loop *loop, plx_conn_options *conn)
{
    int status = s->service->open(&s->states[index], loop, conn);
    if (status == 0 && s->block_ns > 0)
        s->service->block(s->states[index], s->block_ns);
    return status;
}

/* Each loop has a service of its own, and they set the same options. */
static int services_open(serve *s, plx_conn_options *conn)
{
    const uint32_t loops = plx_server_loops(s->server);
    int status = 0;
    s->states = plx__allocate_zeroed(loops, sizeof *s->states);
    if (s->states == NULL)
        return PLX_ENOMEM;
    for (uint32_t i = 0; i < loops && status == 0; i++)
        status = service_open(s, i, plx_server_loop(s->server, i), conn);
    conn->idle_timeout_ns = s->has_idle_timeout ? s->idle_timeout_ns : s->service->idle_timeout_ns;
    if (s->options.on_socket != NULL) /* It waits for one thing at a time. */
        conn->read_timeout_ns = conn->write_timeout_ns = conn->idle_timeout_ns;
    return status;
}

/* In a forked child, whose loop is another one than that of its parent. */
static int child_started(plx_server *server, plx_loop *loop, uint32_t index, void *data)
{
    serve *s = data;
    plx_conn_options unused = {0};
    (void)server;
    (void)index;
    s->service->close(s->states[0]);
    s->states[0] = NULL;
    int status = service_open(s, 0, loop, &unused);
    return status == 0 ? signals_open(s) : status;
}

/* On a thread of the server's, or in a forked child. */
static int on_socket(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                     void *data)
{
    serve *s = data;
    service_socket connection = {.server = server,
                                 .socket = socket,
                                 .first = bytes,
                                 .first_length = length,
                                 .block_ns = s->block_ns};
    (void)plx__atomic_add(&s->counters.handled, 1);
    s->service->serve(&connection);
    (void)plx__atomic_add(&s->counters.handled, UINT32_MAX);
    plx__mutex_lock(&s->mutex);
    s->counts.requests += connection.counts.requests;
    s->counts.refused += connection.counts.refused;
    plx__mutex_unlock(&s->mutex);
    return 0;
}

static int listeners_open(serve *s, const plx_conn_options *conn)
{
    const plx_listen_options options = {.conn = conn, .on_error = on_accept_error};
    int ended = serve_sockets_open(s);
    for (size_t i = 0; i < s->addresses_count && ended == COMMAND_DONE; i++)
        ended = serve_sockets_listen(s, s->addresses[i], &options);
    for (uint32_t i = 0; i < s->listeners_count && ended == COMMAND_DONE; i++) {
        int status = listening_print(s, i);
        if (status != 0)
            ended = serve_listen_failed(s, s->names[i], status);
    }
    return ended == COMMAND_DONE ? serve_sockets_confirm(s) : ended;
}

/* Its address is printed, too: with port 0 nobody else knows it. */
static int health_open(serve *s)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    if (s->health.address == NULL)
        return COMMAND_DONE;
    int status = serve_health_open(&s->health, s->server, &s->counters);
    if (status == 0)
        status = plx_listener_address(s->health.loop, s->health.listener, address, sizeof address);
    if (status != 0)
        return serve_listen_failed(s, s->health.address, status);
    if (s->is_json) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "event", "health");
        cJSON_AddStringToObject(line, "address", address);
        return json_print("serve", line, false);
    }
    printf("health at %s\n", address);
    fflush(stdout);
    return COMMAND_DONE;
}

/* All loops have ended, so it is called at once. */
static void on_count(plx_server *server, const plx_server_counts *counts, void *data)
{
    (void)server;
    plx_server_counts_total(counts, data);
}

static void input_drain(plx_loop *loop, void *data, int status)
{
    (void)loop;
    const serve *s = data;
    if (status == 0 && !s->is_draining)
        drain(data);
}

/* On a thread of its own, or on the loop. */
static void on_input_end(void *data)
{
    const serve *s = data;
    int status = plx_post_notify(plx_server_loop(s->server, 0), input_drain, data);
    if (status != 0)
        plx_server_stop(s->server);
}

/* Forked children count for themselves; and a process that forks them has no other threads. */
static bool is_live(const serve *s)
{
    return !forks(s) && serve_live_is_wanted(&s->live);
}

/* Once the services are open, whose counters are read, too. */
static int counters_open(serve *s)
{
    serve_counters *c = &s->counters;
    if (s->health.address == NULL && !is_live(s))
        return 0;
    c->server = s->server;
    c->service = s->service;
    c->states = s->states;
    c->loops = plx_server_loops(s->server);
    c->is_handled = s->options.on_socket != NULL;
    c->has_requests = s->service->has_requests && !c->is_handled;
    return serve_counters_open(c);
}

static int server_run(serve *s)
{
    int status = serve_health_run(&s->health);
    const bool watches_input = status == 0 && s->until_input_ends;
    if (watches_input)
        status = forks(s) ? input_watch_open_on_loop(plx_server_loop(s->server, 0), on_input_end, s)
                          : input_watch_open(on_input_end, s);
    if (status == 0)
        status = serve_supervisor_open(s);
    if (status == 0 && is_live(s))
        status = serve_live_run(&s->live, &s->counters);
    if (status == 0)
        status = plx_server_run(s->server);
    serve_live_stop(&s->live);
    serve_supervisor_close(s);
    if (watches_input)
        input_watch_close();
    serve_health_stop(&s->health);
    return status;
}

/* With the server open. */
static int services_run(serve *s)
{
    plx_conn_options conn = {0};
    plx_loop_stats stats = {0};
    int status = serve_limits_set(&s->limits, s->server);
    if (status == 0)
        status = services_open(s, &conn);
    if (status == 0)
        status = serve_proxy_open(&s->proxy, &conn);
    if (status == 0)
        status = counters_open(s);
    /* First, so that a program that has read the address can end the server with a signal. */
    if (status == 0)
        status = signals_open(s);
    if (status != 0)
        return failure_print("serve", plx_error_text(status));
    int ended = listeners_open(s, &conn);
    if (ended == COMMAND_DONE)
        ended = health_open(s);
    if (ended != COMMAND_DONE)
        return ended;
    status = server_run(s);
    if (status == 0)
        status = plx_server_count(s->server, on_count, &stats);
    return status == 0 ? summary_print(s, &stats) : failure_print("serve", plx_error_text(status));
}

int serve_until_end(serve *s)
{
    plx__pipes_ignore(); /* Whoever reads its notes may end before it. */
    s->options.loop = &s->loop_options;
    s->options.on_draining = s->service->on_draining;
    s->options.data = s;
    if (s->options.dispatch == PLX_DISPATCH_PREFORK)
        s->options.on_start = child_started;
    if (s->options.dispatch == PLX_DISPATCH_THREAD || s->options.dispatch == PLX_DISPATCH_FORK)
        s->options.on_socket = on_socket;
    plx__mutex_open(&s->mutex);
    int status = plx_server_open(&s->server, &s->options);
    if (status != 0) {
        char text[FAILURE_TEXT_MAX];
        failure_of_backend(text, sizeof text, s->loop_options.backend, status);
        return failure_print_of("serve", text, status);
    }
    const uint32_t loops = plx_server_loops(s->server);
    int ended = services_run(s);
    serve_sockets_close(s);
    /* The connections' callbacks need the service to the last. */
    (void)plx_server_close(s->server);
    serve_health_close(&s->health);
    serve_counters_close(&s->counters);
    serve_proxy_close(&s->proxy);
    for (uint32_t i = 0; s->states != NULL && i < loops; i++)
        s->service->close(s->states[i]);
    plx__free(s->states);
    plx__mutex_close(&s->mutex);
    return ended;
}
