/* tools/load_command.c - `pollux load`: a load from the command line, and its report. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/process.h"
#include "tools/command.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/load.h"
#include "tools/options.h"
#include "tools/setting.h"

enum {
    BACKEND,
    SET,
    MODE,
    CONNECTIONS,
    DURATION,
    RATE,
    PIPELINE,
    PROXY_PROTOCOL,
    SIZE,
    RECONNECT,
    SLOW,
    SLOW_TIME,
    JSON
};

typedef struct load_arguments {
    load_options options;
    setting_list settings;
    bool has_size;
    bool has_slow_time;
    bool is_json;
} load_arguments;

static const char help[] =
    "usage: pollux load [OPTION]... ADDRESS\n"
    "\n"
    "Sends requests to the server at ADDRESS (tcp://host:port with a numeric host, or\n"
    "unix:/path), and reports throughput and latency.\n"
    "\n"
    "  --mode MODE        The kind of request. Default: echo\n"
    "                       echo  bytes; checks that the server returns the same\n"
    "                       http  GET / for any HTTP/1.1 server\n"
    "  --connections N    Connections that send requests. Default: 16\n"
    "  --duration S       Seconds. Time starts when all connections are open. Default: 5\n"
    "  --rate R           An open loop: R requests per second in all, whatever the server does.\n"
    "                     Latency counts from the time at which a request was due, also while it\n"
    "                     waits for a free connection. Default: a closed loop, in which each\n"
    "                     connection sends the next request when it has received the answer\n"
    "  --pipeline N       Requests that a connection may have in flight. Default: 1\n"
    "  --reconnect        Sends each request on a new connection; --connections says how many\n"
    "                     there are at once. Latency includes the connect. In mode http the load\n"
    "                     asks the server to close; in mode echo it resets the connection\n"
    "  --slow N           So many of the connections are slow clients: they send each request in\n"
    "                     up to 20 pieces. Latency counts from the last piece\n"
    "  --slow-time S      In how many seconds a slow client sends a request. Default: 0.5\n"
    "  --size BYTES       The size of a request in mode echo. Default: 64\n"
    "  --proxy-protocol V Each connection begins with a PROXY header, as those of a proxy do: v1\n"
    "                     or v2, for 'pollux serve --proxy-protocol'\n"
    "  --backend NAME     The backend of the load itself. Default: as for 'pollux serve'\n"
    "  --set KEY=VALUE    A setting of that backend; 'pollux backends --settings' lists them\n"
    "  --json             Prints a JSON object\n"
    "  --help             Prints this\n"
    "\n"
    "A connection that the server closes is counted and reopened. If it had answered a request\n"
    "before, those of which no byte of the answer has arrived are sent once more: they are "
    "reported\n"
    "as retried, and are errors if they fail again. Quantiles are exact to 1 %.\n"
    "Ctrl-C ends the load early, with the report. Requests that had no answer yet when the time\n"
    "was up are reported as in flight at the end; they are no errors.\n"
    "\n"
    "Examples:\n"
    "  pollux load --size 1024 --connections 64 tcp://127.0.0.1:7000\n"
    "  pollux load --mode http --rate 20000 --duration 30 --json tcp://127.0.0.1:8080\n"
    "  pollux load --mode http --reconnect tcp://127.0.0.1:8080\n"
    "  pollux load --mode http --connections 64 --slow 32 tcp://127.0.0.1:8080\n"
    "\n"
    "Exit codes: 0 requests were answered; 1 none was, or no connection opened; 2 wrong use.\n";

/* --- options --------------------------------------------------------------------------------- */

static int count_take(const option_given *given, uint64_t most, uint64_t *value_out)
{
    if (value_count(given->value, 1, most, value_out))
        return COMMAND_DONE;
    return command_misused("load", "--%s: \"%s\" is not a number from 1 to %llu", given->name,
                           given->value, (unsigned long long)most);
}

static int count_take_32(const option_given *given, uint32_t most, uint32_t *value_out)
{
    uint64_t value = 0;
    int status = count_take(given, most, &value);
    *value_out = (uint32_t)value;
    return status;
}

static int mode_take(load_options *options, const char *name)
{
    if (strcmp(name, "http") == 0)
        options->mode = LOAD_HTTP;
    else if (strcmp(name, "echo") == 0)
        options->mode = LOAD_ECHO;
    else
        return command_misused("load", "--mode: unknown mode \"%s\"; choose echo or http", name);
    return COMMAND_DONE;
}

static int proxy_take(load_options *options, const char *value)
{
    if (strcmp(value, "v1") != 0 && strcmp(value, "v2") != 0)
        return command_misused("load", "--proxy-protocol: \"%s\" is no version; choose v1 or v2",
                               value);
    options->proxy_version = value[1] == '1' ? 1 : 2;
    return COMMAND_DONE;
}

static int seconds_take(const option_given *given, uint64_t *value_ns_out)
{
    if (value_seconds(given->value, value_ns_out) && *value_ns_out > 0)
        return COMMAND_DONE;
    return command_misused("load", "--%s: \"%s\" is not a number of seconds", given->name,
                           given->value);
}

static int option_take(void *data, const option_given *given)
{
    load_arguments *a = data;
    load_options *options = &a->options;
    switch (given->id) {
    case BACKEND:
        options->backend = given->value;
        return COMMAND_DONE;
    case SET:
        return setting_list_add(&a->settings, "load", given->value);
    case MODE:
        return mode_take(options, given->value);
    case CONNECTIONS:
        return count_take_32(given, LOAD_CONNECTIONS_MAX, &options->connections);
    case DURATION:
        return seconds_take(given, &options->duration_ns);
    case RATE:
        return count_take(given, LOAD_RATE_MAX, &options->rate);
    case PIPELINE:
        return count_take_32(given, LOAD_PIPELINE_MAX, &options->pipeline);
    case PROXY_PROTOCOL:
        return proxy_take(options, given->value);
    case SIZE:
        a->has_size = true;
        return count_take_32(given, LOAD_BYTES_MAX, &options->echo_bytes);
    case RECONNECT:
        options->is_reconnecting = true;
        return COMMAND_DONE;
    case SLOW:
        return count_take_32(given, LOAD_CONNECTIONS_MAX, &options->slow);
    case SLOW_TIME:
        a->has_slow_time = true;
        return seconds_take(given, &options->slow_ns);
    default:
        a->is_json = true;
        return COMMAND_DONE;
    }
}

static int slow_check(const load_arguments *a)
{
    const load_options *options = &a->options;
    if (options->slow == 0 && a->has_slow_time)
        return command_misused("load", "--slow-time is for slow clients; say how many with --slow");
    if (options->slow > options->connections)
        return command_misused("load", "--slow: %u is more than the number of --connections, %u",
                               (unsigned)options->slow, (unsigned)options->connections);
    if (options->slow > 0 && options->rate != 0)
        return command_misused("load", "--slow is for a closed loop; leave out --rate");
    if (options->slow > 0 && options->pipeline > 1)
        return command_misused("load", "a slow client sends one request at a time; leave out "
                                       "--pipeline or --slow");
    return COMMAND_DONE;
}

/* What is wrong only together. */
static int arguments_check(load_arguments *a)
{
    load_options *options = &a->options;
    int ended = slow_check(a);
    if (ended != COMMAND_DONE)
        return ended;
    if (options->is_reconnecting && options->pipeline > 1)
        return command_misused("load", "--reconnect sends one request on each connection; leave "
                                       "out --pipeline");
    if (a->has_size && options->mode != LOAD_ECHO)
        return command_misused("load", "--size is for --mode echo");
    if ((uint64_t)options->echo_bytes * options->pipeline > LOAD_BYTES_MAX)
        return command_misused("load", "--size times --pipeline is more than %u bytes",
                               LOAD_BYTES_MAX);
    options->settings = a->settings.settings;
    options->settings_count = a->settings.count;
    return setting_list_check(&a->settings, "load", &options->backend, options->backend != NULL);
}

static int arguments_take(load_arguments *a, int count, char **arguments)
{
    static const option_form forms[] = {
        {"set", SET, true},
        {"backend", BACKEND, true},
        {"mode", MODE, true},
        {"connections", CONNECTIONS, true},
        {"duration", DURATION, true},
        {"rate", RATE, true},
        {"pipeline", PIPELINE, true},
        {"size", SIZE, true},
        {"reconnect", RECONNECT, false},
        {"slow", SLOW, true},
        {"slow-time", SLOW_TIME, true},
        {"proxy-protocol", PROXY_PROTOCOL, true},
        {"json", JSON, false},
        {NULL, 0, false},
    };
    char **operands;
    int status = options_read(&load_command, count, arguments, forms, option_take, a, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] == NULL)
        return command_misused("load", "the address of the server is missing");
    if (operands[1] != NULL)
        return command_misused("load", "unexpected argument \"%s\"; load takes one address",
                               operands[1]);
    a->options.address = operands[0];
    return arguments_check(a);
}

/* --- the report ------------------------------------------------------------------------------ */

typedef struct quantile {
    const char *name;
    uint32_t per_100000;
} quantile;

static const quantile quantiles[] = {
    {"p50", 50000}, {"p90", 90000}, {"p99", 99000}, {"p99.9", 99900}, {"max", 100000},
};

#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

static double seconds_of(uint64_t time_ns)
{
    return (double)time_ns / (double)PLX_SECOND;
}

static double microseconds_of(uint64_t time_ns)
{
    return (double)time_ns / (double)PLX_MICROSECOND;
}

static double per_second(uint64_t count, const load_result *result)
{
    return result->elapsed_ns > 0 ? (double)count / seconds_of(result->elapsed_ns) : 0.0;
}

static void progress_print(void *data, const load_result *so_far)
{
    (void)data;
    fprintf(stderr, "\r%6.0f s  %10.0f requests/s  p99 %8.0f us  %llu errors ",
            seconds_of(so_far->elapsed_ns), per_second(so_far->requests, so_far),
            microseconds_of(histogram_quantile(&so_far->latency_ns, 99000)),
            (unsigned long long)so_far->errors.total);
    fflush(stderr);
}

static void count_print(const char *name, uint64_t count)
{
    if (count > 0)
        printf("%-12s %llu\n", name, (unsigned long long)count);
}

static int report_print(const load_options *options, const load_result *result)
{
    const double mebibyte = 1048576.0;
    printf("%-12s %llu in %.2f s on %u connections\n", "requests",
           (unsigned long long)result->requests, seconds_of(result->elapsed_ns),
           (unsigned)options->connections);
    printf("%-12s %.0f requests/s, %.2f MiB/s in\n", "throughput",
           per_second(result->requests, result),
           per_second(result->received_bytes, result) / mebibyte);
    if (options->is_reconnecting)
        printf("%-12s %llu, %.0f connects/s\n", "connects", (unsigned long long)result->connects,
               per_second(result->connects, result));
    printf("%-12s", "latency");
    for (size_t i = 0; i < QUANTILES; i++) {
        uint64_t value = histogram_quantile(&result->latency_ns, quantiles[i].per_100000);
        printf(" %s %.0f us%s", quantiles[i].name, microseconds_of(value),
               i + 1 < QUANTILES ? "," : "\n");
    }
    count_print("closed", result->closed);
    count_print("retried", result->retried);
    if (result->in_flight > 0)
        printf("%-12s %llu requests at the end\n", "in flight",
               (unsigned long long)result->in_flight);
    count_print("unsent", result->unsent);
    for (size_t i = 0; i < result->errors.entries_count; i++) {
        char text[TALLY_TEXT_MAX];
        tally_text(&result->errors.entries[i], text, sizeof text);
        printf("%-12s %llu: %s\n", "errors", (unsigned long long)result->errors.entries[i].count,
               text);
    }
    count_print("other errors", result->errors.others);
    return COMMAND_DONE;
}

static cJSON *latency_json(const load_result *result)
{
    cJSON *latency = cJSON_CreateObject();
    for (size_t i = 0; i < QUANTILES; i++) {
        uint64_t value = histogram_quantile(&result->latency_ns, quantiles[i].per_100000);
        cJSON_AddNumberToObject(latency, quantiles[i].name, microseconds_of(value));
    }
    cJSON_AddNumberToObject(latency, "mean",
                            histogram_mean(&result->latency_ns) / (double)PLX_MICROSECOND);
    return latency;
}

static cJSON *errors_json(const tally *errors)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < errors->entries_count; i++) {
        char text[TALLY_TEXT_MAX];
        cJSON *entry = cJSON_CreateObject();
        tally_text(&errors->entries[i], text, sizeof text);
        cJSON_AddStringToObject(entry, "what", text);
        cJSON_AddNumberToObject(entry, "count", (double)errors->entries[i].count);
        cJSON_AddItemToArray(list, entry);
    }
    return list;
}

static int report_print_json(const load_options *options, const load_result *result)
{
    cJSON *report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "address", options->address);
    cJSON_AddStringToObject(report, "mode", options->mode == LOAD_HTTP ? "http" : "echo");
    cJSON_AddNumberToObject(report, "connections", options->connections);
    cJSON_AddNumberToObject(report, "pipeline", options->pipeline);
    if (options->rate != 0)
        cJSON_AddNumberToObject(report, "rate", (double)options->rate);
    if (options->slow != 0)
        cJSON_AddNumberToObject(report, "slow", options->slow);
    cJSON_AddBoolToObject(report, "reconnect", options->is_reconnecting);
    cJSON_AddNumberToObject(report, "seconds", seconds_of(result->elapsed_ns));
    cJSON_AddNumberToObject(report, "requests", (double)result->requests);
    cJSON_AddNumberToObject(report, "requests_per_second", per_second(result->requests, result));
    cJSON_AddNumberToObject(report, "received_bytes", (double)result->received_bytes);
    cJSON_AddNumberToObject(report, "sent_bytes", (double)result->sent_bytes);
    cJSON_AddItemToObject(report, "latency_us", latency_json(result));
    cJSON_AddNumberToObject(report, "opened", (double)result->connections);
    cJSON_AddNumberToObject(report, "connects_per_second", per_second(result->connects, result));
    cJSON_AddNumberToObject(report, "closed", (double)result->closed);
    cJSON_AddNumberToObject(report, "retried", (double)result->retried);
    cJSON_AddNumberToObject(report, "in_flight_at_end", (double)result->in_flight);
    cJSON_AddNumberToObject(report, "unsent", (double)result->unsent);
    cJSON_AddItemToObject(report, "errors", errors_json(&result->errors));
    return json_print("load", report, true);
}

/* --- the command ----------------------------------------------------------------------------- */

static int load_failed(const load_options *options, const load_result *result, int status)
{
    char text[FAILURE_TEXT_MAX];
    if (status == PLX_EBACKEND || status == PLX_ENOSYS)
        failure_of_backend(text, sizeof text, options->backend, status);
    else if (result->errors.total > 0)
        failure_of_address(text, sizeof text, options->address, status);
    else
        (void)snprintf(text, sizeof text, "%s", plx_error_text(status));
    return failure_print_of("load", text, status);
}

static int load_command_run(int count, char **arguments)
{
    static load_result result; /* Too large for the stack. */
    load_arguments a = {
        .options = {.mode = LOAD_ECHO,
                    .connections = 16,
                    .pipeline = 1,
                    .echo_bytes = 64,
                    .slow_ns = PLX_SECOND / 2,
                    .duration_ns = 5 * PLX_SECOND},
    };
    int ended = arguments_take(&a, count, arguments);
    if (ended != OPTIONS_TAKEN)
        return ended;
    bool has_progress = plx__stream_is_terminal(PLX__STREAM_ERROR);
    if (has_progress)
        a.options.on_second = progress_print;
    int status = load_run(&a.options, &result);
    if (has_progress)
        fputs("\r\033[K", stderr);
    if (status != 0)
        return load_failed(&a.options, &result, status);
    ended = a.is_json ? report_print_json(&a.options, &result) : report_print(&a.options, &result);
    if (ended == COMMAND_DONE && result.requests == 0)
        ended = failure_print("load", "no request was answered");
    return ended;
}

const command load_command = {
    .name = "load",
    .summary = "sends requests to a server, and measures throughput and latency",
    .help = help,
    .run = load_command_run,
};
