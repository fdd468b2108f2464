/* tools/serve_command.c - `pollux serve`: one loop, some listeners, one service. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/process.h"
#include "tools/command.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/service.h"
#include "tools/setting.h"
#include "tools/suggestion.h"

#define LISTENERS_MAX 16u
#define SERVICES_MAX  8u

enum { BACKEND, SET, LISTEN, MODE, IDLE_TIMEOUT, UNTIL_STDIN_ENDS, JSON };

typedef struct serve {
    plx_loop_options loop_options;
    setting_list settings;
    const char *addresses[LISTENERS_MAX];
    size_t addresses_count;
    const service *service;
    bool has_idle_timeout;
    uint64_t idle_timeout_ns;
    bool until_input_ends;
    bool is_json;
    void *state; /* The service's. */
    plx_loop *loop;
} serve;

static const char help[] =
    "usage: pollux serve [OPTION]...\n"
    "\n"
    "Listens and serves connections until Ctrl-C, SIGTERM or SIGQUIT. Prints one line for each\n"
    "address that it listens on, and a summary at the end.\n"
    "\n"
    "  --listen ADDRESS       tcp://host:port with a numeric host, or unix:/path. For port 0\n"
    "                         the system chooses one. May be given up to 16 times.\n"
    "                         Default: tcp://127.0.0.1:7000\n"
    "  --mode MODE            The service. Default: echo\n"
    "                           echo     sends back what it receives\n"
    "                           http     answers every HTTP/1 request with a small page\n"
    "                           discard  receives, and sends nothing (RFC 863)\n"
    "                           chargen  sends lines of text as fast as they are read (RFC 864)\n"
    "  --backend NAME         'pollux backends' lists them. Default: POLLUX_BACKEND in the\n"
    "                         environment, else the build's default\n"
    "  --set KEY=VALUE        A setting of the backend, as in idle_set=off; may be given up to 16\n"
    "                         times. 'pollux backends --settings' lists them\n"
    "  --idle-timeout SECONDS Closes a connection that was idle for so long; 0 means never.\n"
    "                         Default: 60 for http, 0 for the others\n"
    "  --until-stdin-ends     Also ends when standard input ends. A program that starts this\n"
    "                         one can close the pipe to shut it down gracefully on every\n"
    "                         system; it also ends when that program dies\n"
    "  --json                 Prints each line as a JSON object\n"
    "  --help                 Prints this\n"
    "\n"
    "Examples:\n"
    "  pollux serve --mode http --listen tcp://:8080\n"
    "  pollux serve --listen tcp://[::1]:0 --listen unix:/tmp/echo.sock\n"
    "\n"
    "Exit codes: 0 shut down in order; 1 failed; 2 wrong use.\n";

/* --- options --------------------------------------------------------------------------------- */

static int mode_take(serve *s, const char *name)
{
    const char *names[SERVICES_MAX];
    char list[128];
    size_t count = 0;
    s->service = service_find(name);
    if (s->service != NULL)
        return COMMAND_DONE;
    for (; count < SERVICES_MAX && service_at(count) != NULL; count++)
        names[count] = service_at(count)->name;
    suggestion_list(list, sizeof list, names, count);
    return command_misused("serve", "--mode: unknown mode \"%s\"; choose %s", name, list);
}

static int option_take(void *data, const option_given *given)
{
    serve *s = data;
    switch (given->id) {
    case BACKEND:
        s->loop_options.backend = given->value;
        return COMMAND_DONE;
    case SET:
        return setting_list_add(&s->settings, "serve", given->value);
    case LISTEN:
        if (s->addresses_count == LISTENERS_MAX)
            return command_misused("serve", "--listen: at most %u addresses", LISTENERS_MAX);
        s->addresses[s->addresses_count++] = given->value;
        return COMMAND_DONE;
    case MODE:
        return mode_take(s, given->value);
    case IDLE_TIMEOUT:
        s->has_idle_timeout = true;
        if (!value_seconds(given->value, &s->idle_timeout_ns))
            return command_misused("serve", "--idle-timeout: \"%s\" is not a number of seconds",
                                   given->value);
        return COMMAND_DONE;
    case UNTIL_STDIN_ENDS:
        s->until_input_ends = true;
        return COMMAND_DONE;
    default:
        s->is_json = true;
        return COMMAND_DONE;
    }
}

static int options_take(serve *s, int count, char **arguments)
{
    static const option_form forms[] = {
        {"backend", BACKEND, true},
        {"set", SET, true},
        {"listen", LISTEN, true},
        {"mode", MODE, true},
        {"idle-timeout", IDLE_TIMEOUT, true},
        {"until-stdin-ends", UNTIL_STDIN_ENDS, false},
        {"json", JSON, false},
        {NULL, 0, false},
    };
    char **operands;
    int status = options_read(&serve_command, count, arguments, forms, option_take, s, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("serve", "unexpected argument \"%s\"; name addresses with --listen",
                               operands[0]);
    if (s->addresses_count == 0)
        s->addresses[s->addresses_count++] = "tcp://127.0.0.1:7000";
    s->loop_options.settings = s->settings.settings;
    s->loop_options.settings_count = s->settings.count;
    return setting_list_check(&s->settings, "serve", &s->loop_options.backend,
                              s->loop_options.backend != NULL);
}

/* --- the end of standard input --------------------------------------------------------------- */

/* Outlives everything else: when a signal ends the server, the thread is still blocked in a read
 * that cannot be interrupted on every system. It then finds no loop, and ends with the process. */
static struct {
    plx__mutex mutex;
    plx__thread thread;
    plx_loop *loop;
    bool has_ended;
} input_watch;

static void input_watch_run(void *data)
{
    (void)data;
    plx__input_drain();
    plx__mutex_lock(&input_watch.mutex);
    input_watch.has_ended = true;
    if (input_watch.loop != NULL)
        plx_loop_stop(input_watch.loop);
    plx__mutex_unlock(&input_watch.mutex);
}

static int input_watch_open(plx_loop *loop)
{
    plx__mutex_open(&input_watch.mutex);
    input_watch.loop = loop;
    return plx__thread_start(&input_watch.thread, input_watch_run, NULL);
}

static void input_watch_close(void)
{
    plx__mutex_lock(&input_watch.mutex);
    bool has_ended = input_watch.has_ended;
    input_watch.loop = NULL;
    plx__mutex_unlock(&input_watch.mutex);
    if (has_ended)
        plx__thread_join(&input_watch.thread);
}

/* --- output -------------------------------------------------------------------------------- */

static int listening_print(const serve *s, plx_listener listener)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    const char *backend = plx_loop_backend_name(s->loop);
    int status = plx_listener_address(s->loop, listener, address, sizeof address);
    if (status != 0)
        return status;
    if (s->is_json) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "event", "listening");
        cJSON_AddStringToObject(line, "address", address);
        cJSON_AddStringToObject(line, "mode", s->service->name);
        cJSON_AddStringToObject(line, "backend", backend);
        return json_print("serve", line, false) == COMMAND_DONE ? 0 : PLX_ENOMEM;
    }
    printf("listening on %s (%s, %s)\n", address, s->service->name, backend);
    fflush(stdout);
    return 0;
}

typedef struct summary_line {
    const char *name;
    uint64_t value;
} summary_line;

static int summary_print_json(const summary_line *lines, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", "summary");
    for (size_t i = 0; i < count; i++)
        cJSON_AddNumberToObject(object, lines[i].name, (double)lines[i].value);
    return json_print("serve", object, false);
}

static int summary_print(const serve *s, const plx_loop_stats *stats)
{
    service_counts counts;
    s->service->counts(s->state, &counts);
    const summary_line lines[] = {
        {"requests", counts.requests},
        {"refused", counts.refused},
        {"connections", stats->connections_accepted},
        {"received_bytes", stats->received_bytes},
        {"sent_bytes", stats->sent_bytes},
        {"receives", stats->receives},
        {"sends", stats->sends},
        {"turns", stats->ticks},
        {"accept_pauses", stats->accept_pauses},
        {"timeouts", stats->timeouts},
        {"peak_queued_bytes", stats->queued_bytes_peak},
    };
    size_t first = s->service->has_requests ? 0 : 2;
    size_t count = sizeof lines / sizeof lines[0] - first;
    if (s->is_json)
        return summary_print_json(lines + first, count);
    for (size_t i = first; i < first + count; i++)
        printf("%-18s %llu\n", lines[i].name, (unsigned long long)lines[i].value);
    fflush(stdout);
    return COMMAND_DONE;
}

/* --- serving --------------------------------------------------------------------------------- */

static void on_end_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    (void)data;
    (void)number;
    plx_loop_stop(loop);
}

/* When descriptors or memory run out, it reports that once; the summary has the number. */
static void on_accept_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    plx_loop_stats stats;
    (void)listener;
    (void)data;
    plx_loop_stats_get(loop, &stats);
    if (stats.accept_pauses == 1)
        fprintf(stderr, "pollux serve: accepting is paused until this is over: %s\n",
                plx_error_text(status));
}

static int signals_open(plx_loop *loop)
{
    static const int numbers[] = {PLX_SIGNAL_INTERRUPT, PLX_SIGNAL_TERMINATE, PLX_SIGNAL_QUIT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int status = plx_signal_open(loop, NULL, numbers[i], on_end_signal, NULL);
        if (status != 0 && status != PLX_ENOSYS)
            return status;
    }
    return 0;
}

static int listeners_open(const serve *s, const plx_conn_options *conn)
{
    const plx_listen_options options = {.conn = conn, .on_error = on_accept_error};
    for (size_t i = 0; i < s->addresses_count; i++) {
        plx_listener listener;
        int status = plx_listen(s->loop, &listener, s->addresses[i], &options);
        if (status == 0)
            status = listening_print(s, listener);
        if (status != 0) {
            char text[FAILURE_TEXT_MAX];
            failure_of_address(text, sizeof text, s->addresses[i], status);
            return failure_print_of("serve", text, status);
        }
    }
    return COMMAND_DONE;
}

/* With the loop and the service open. */
static int serve_until_end(const serve *s, const plx_conn_options *conn)
{
    plx_loop_stats stats;
    /* First, so that a program that has read the address can end the server with a signal. */
    int status = signals_open(s->loop);
    if (status != 0)
        return failure_print("serve", plx_error_text(status));
    int ended = listeners_open(s, conn);
    if (ended != COMMAND_DONE)
        return ended;
    status = s->until_input_ends ? input_watch_open(s->loop) : 0;
    if (status == 0) {
        status = plx_loop_run(s->loop);
        if (s->until_input_ends)
            input_watch_close();
    }
    if (status != 0)
        return failure_print("serve", plx_error_text(status));
    plx_loop_stats_get(s->loop, &stats);
    return summary_print(s, &stats);
}

static int serve_run(int count, char **arguments)
{
    serve s = {.service = service_at(0)};
    plx_conn_options conn = {0};
    int ended = options_take(&s, count, arguments);
    if (ended != OPTIONS_TAKEN)
        return ended;
    int status = plx_loop_open(&s.loop, &s.loop_options);
    if (status != 0) {
        char text[FAILURE_TEXT_MAX];
        failure_of_backend(text, sizeof text, s.loop_options.backend, status);
        return failure_print_of("serve", text, status);
    }
    status = s.service->open(&s.state, s.loop, &conn);
    if (status == 0) {
        conn.idle_timeout_ns = s.has_idle_timeout ? s.idle_timeout_ns : s.service->idle_timeout_ns;
        ended = serve_until_end(&s, &conn);
    } else {
        ended = failure_print("serve", plx_error_text(status));
    }
    /* The connections' callbacks need the service to the last. */
    (void)plx_loop_close(s.loop);
    s.service->close(s.state);
    return ended;
}

const command serve_command = {
    .name = "serve",
    .summary = "answers connections: echo, HTTP, discard, chargen",
    .help = help,
    .run = serve_run,
};
