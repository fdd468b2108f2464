/* tools/compare_command.c - `pollux compare`: which rows there are, and the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/process.h"
#include "tools/command.h"
#include "tools/compare.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/setting.h"

#define BACKENDS_MAX  16u
#define COUNTS_MAX    16u
#define ROUNDS        3u
#define COUNT_CALL_NS (PLX_SECOND / 2)

enum { SECONDS, CONNECTIONS, MODE, BACKENDS, SET, JSON };

typedef struct comparison {
    const char *backends[BACKENDS_MAX];
    size_t backends_count;
    uint32_t connections[COUNTS_MAX];
    size_t connections_count;
    enum load_mode mode;
    setting_list settings;
    uint64_t duration_ns; /* Of each row. */
    bool is_json;
    compare_cell *cells; /* For each number of connections, each backend. */
    compare_bench bench;
} comparison;

static const char help[] =
    "usage: pollux compare [OPTION]...\n"
    "\n"
    "Runs a server process on each backend in turn, loads it over the loopback interface, and\n"
    "prints a table. The rounds alternate between the backends, so that a disturbance affects all\n"
    "of them alike. For each number of connections the least CPU time per request is marked.\n"
    "Ctrl-C ends the comparison early, with the table of the measurements that are complete.\n"
    "\n"
    "  --seconds S        How long each row is measured, in 3 rounds. Default: 3\n"
    "  --connections N,N  Numbers of connections that send requests. Default: 16,64\n"
    "  --mode MODE        http or echo. Default: http\n"
    "  --backends B,B     Default: all that this build has and this machine can run\n"
    "  --set KEY=VALUE    A setting of the servers on the backend that has it, as in\n"
    "                     idle_set=off; may be given up to 16 times\n"
    "  --json             Prints a JSON object\n"
    "  --help             Prints this\n"
    "\n"
    "Columns: CPU us/req is the server's user and system time per request, as the system accounts\n"
    "it; calls/req is its system calls per request, counted in a short extra run under strace if\n"
    "that is installed; p50 and p99 are latencies that the load measured; peak MiB is the "
    "server's\n"
    "memory. requests/s depends on the load's CPU time too.\n"
    "\n"
    "Examples:\n"
    "  pollux compare\n"
    "  pollux compare --connections 1,64,1000 --seconds 10 --backends poll,select\n"
    "\n"
    "Exit codes: 0 compared; 1 failed; 2 wrong use; 130 ended early by Ctrl-C, 143 by SIGTERM.\n";

/* --- options --------------------------------------------------------------------------------- */

static int connections_take(comparison *c, char *text)
{
    char *pieces[COUNTS_MAX];
    c->connections_count = value_list(text, pieces, COUNTS_MAX);
    if (c->connections_count == 0)
        return command_misused("compare", "--connections: write up to %u numbers as 16,64",
                               COUNTS_MAX);
    for (size_t i = 0; i < c->connections_count; i++) {
        uint64_t value;
        if (!value_count(pieces[i], 1, LOAD_CONNECTIONS_MAX, &value))
            return command_misused("compare", "--connections: \"%s\" is not a number from 1 to %u",
                                   pieces[i], LOAD_CONNECTIONS_MAX);
        c->connections[i] = (uint32_t)value;
    }
    return COMMAND_DONE;
}

/* Those that were named must run. */
static int backends_take(comparison *c, char *text)
{
    char *pieces[BACKENDS_MAX];
    c->backends_count = value_list(text, pieces, BACKENDS_MAX);
    if (c->backends_count == 0)
        return command_misused("compare", "--backends: write up to %u names as poll,select",
                               BACKENDS_MAX);
    for (size_t i = 0; i < c->backends_count; i++) {
        int status = plx_backend_probe(pieces[i]);
        c->backends[i] = pieces[i];
        if (status != 0) {
            char why[FAILURE_TEXT_MAX];
            failure_of_backend(why, sizeof why, pieces[i], status);
            return status == PLX_EBACKEND ? command_misused("compare", "--backends: %s", why)
                                          : failure_print("compare", why);
        }
    }
    return COMMAND_DONE;
}

static int option_take(void *data, const option_given *given)
{
    comparison *c = data;
    switch (given->id) {
    case SECONDS:
        if (value_seconds(given->value, &c->duration_ns) && c->duration_ns > 0)
            return COMMAND_DONE;
        return command_misused("compare", "--seconds: \"%s\" is not a number of seconds",
                               given->value);
    case CONNECTIONS:
        return connections_take(c, given->value);
    case BACKENDS:
        return backends_take(c, given->value);
    case SET:
        return setting_list_add(&c->settings, "compare", given->value);
    case MODE:
        c->mode = strcmp(given->value, "http") == 0 ? LOAD_HTTP : LOAD_ECHO;
        if (c->mode == LOAD_HTTP || strcmp(given->value, "echo") == 0)
            return COMMAND_DONE;
        return command_misused("compare", "--mode: unknown mode \"%s\"; choose http or echo",
                               given->value);
    default:
        c->is_json = true;
        return COMMAND_DONE;
    }
}

static void backends_gather(comparison *c)
{
    const char *name;
    for (size_t i = 0; c->backends_count < BACKENDS_MAX; i++) {
        name = plx_backend_name(i);
        if (name == NULL)
            return;
        int status = plx_backend_probe(name);
        if (status == 0)
            c->backends[c->backends_count++] = name;
        else
            fprintf(stderr, "pollux compare: leaving out %s: %s\n", name, plx_error_text(status));
    }
}

static int options_take(comparison *c, int count, char **arguments)
{
    static const option_form forms[] = {
        {"seconds", SECONDS, true}, {"connections", CONNECTIONS, true},
        {"mode", MODE, true},       {"backends", BACKENDS, true},
        {"set", SET, true},         {"json", JSON, false},
        {NULL, 0, false},
    };
    char why[SETTING_WHY_MAX];
    char **operands;
    int status = options_read(&compare_command, count, arguments, forms, option_take, c, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("compare", "unexpected argument \"%s\"", operands[0]);
    if (c->backends_count == 0)
        backends_gather(c);
    if (c->backends_count == 0)
        return failure_print("compare", "no backend runs on this machine");
    /* The load picks its backend, so it has the environment's settings. */
    if (!setting_environment_check(why))
        return command_misused("compare", "POLLUX_SETTINGS: %s", why);
    return setting_list_check(&c->settings, "compare", c->backends, c->backends_count);
}

/* --- measuring ------------------------------------------------------------------------------- */

static size_t cells_count(const comparison *c)
{
    return c->backends_count * c->connections_count;
}

/* A line that the next one overwrites, where that can be done. */
static void progress_print(const char *what, const compare_cell *cell)
{
    bool is_terminal = plx__stream_is_terminal(PLX__STREAM_ERROR);
    fprintf(stderr, "%s%s: %s, %u connections%s", is_terminal ? "\r\033[K" : "", what,
            cell->backend, (unsigned)cell->connections, is_terminal ? "" : "\n");
    fflush(stderr);
}

static void progress_end(void)
{
    if (plx__stream_is_terminal(PLX__STREAM_ERROR))
        fputs("\r\033[K", stderr);
}

static int cells_measure(comparison *c)
{
    int ended = compare_ended_by(&c->bench);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        char what[32];
        (void)snprintf(what, sizeof what, "round %u of %u", round, ROUNDS);
        for (size_t i = 0; i < cells_count(c) && ended == COMMAND_DONE; i++) {
            progress_print(what, &c->cells[i]);
            ended = compare_measure(&c->bench, &c->cells[i], c->duration_ns / ROUNDS);
            if (ended == COMMAND_DONE)
                ended = compare_ended_by(&c->bench);
        }
    }
    for (size_t i = 0; i < cells_count(c) && ended == COMMAND_DONE; i++) {
        if (c->bench.tracer[0] == '\0')
            break;
        progress_print("counting system calls", &c->cells[i]);
        ended = compare_count_calls(&c->bench, &c->cells[i], COUNT_CALL_NS);
        if (ended == COMMAND_DONE)
            ended = compare_ended_by(&c->bench);
    }
    progress_end();
    return ended;
}

static void cells_init(comparison *c)
{
    for (size_t i = 0; i < cells_count(c); i++) {
        c->cells[i].backend = c->backends[i % c->backends_count];
        c->cells[i].connections = c->connections[i / c->backends_count];
    }
}

/* --- the table ------------------------------------------------------------------------------- */

/* Whether no other backend took less CPU time for this number of connections. */
static bool is_winner(const comparison *c, const compare_cell *cell)
{
    if (cell->cpu_ns == 0 || cell->requests == 0)
        return false;
    for (size_t i = 0; i < cells_count(c); i++) {
        const compare_cell *other = &c->cells[i];
        if (other->connections == cell->connections && other->requests > 0 &&
            compare_cpu_per_request(other) < compare_cpu_per_request(cell))
            return false;
    }
    return true;
}

static double rate_of(const compare_cell *cell)
{
    if (cell->elapsed_ns == 0)
        return 0.0;
    return (double)cell->requests * (double)PLX_SECOND / (double)cell->elapsed_ns;
}

static double microseconds_at(const compare_cell *cell, uint32_t per_100000)
{
    return (double)histogram_quantile(&cell->latency_ns, per_100000) / (double)PLX_MICROSECOND;
}

static double calls_per_request(const compare_cell *cell)
{
    if (cell->calls_requests == 0)
        return 0.0;
    return (double)cell->calls / (double)cell->calls_requests;
}

/* A number, or what stands for one that is not known. */
static const char *number_or_none(char *text, size_t size, bool is_known, int digits, double value)
{
    if (!is_known)
        return "-";
    (void)snprintf(text, size, "%.*f", digits, value);
    return text;
}

static void row_print(const compare_cell *cell, bool wins, bool has_colours)
{
    char cpu[32], calls[32], memory[32];
    double mebibytes = (double)cell->memory_peak_bytes / 1048576.0;
    printf(
        "%s%-8s %11u %11.0f %11s %10s %8.0f %8.0f %9s%s%s\n", wins && has_colours ? "\033[32m" : "",
        cell->backend, (unsigned)cell->connections, rate_of(cell),
        number_or_none(cpu, sizeof cpu, cell->cpu_ns > 0, 2, compare_cpu_per_request(cell)),
        number_or_none(calls, sizeof calls, cell->calls_requests > 0, 2, calls_per_request(cell)),
        microseconds_at(cell, 50000), microseconds_at(cell, 99000),
        number_or_none(memory, sizeof memory, cell->memory_peak_bytes > 0, 1, mebibytes),
        wins ? "  *" : "", wins && has_colours ? "\033[0m" : "");
}

static int table_print(const comparison *c)
{
    bool has_colours = plx__stream_is_terminal(PLX__STREAM_OUTPUT) && getenv("NO_COLOR") == NULL;
    printf("%-8s %11s %11s %11s %10s %8s %8s %9s\n", "backend", "connections", "requests/s",
           "CPU us/req", "calls/req", "p50 us", "p99 us", "peak MiB");
    bool has_winner = false;
    for (size_t i = 0; i < cells_count(c); i++) {
        if (c->cells[i].elapsed_ns == 0)
            continue;
        bool wins = is_winner(c, &c->cells[i]);
        row_print(&c->cells[i], wins, has_colours);
        has_winner |= wins;
    }
    if (has_winner)
        puts("* least CPU time per request");
    for (size_t i = 0; i < cells_count(c); i++) {
        const compare_cell *cell = &c->cells[i];
        if (cell->errors > 0)
            printf("%s with %u connections: %llu errors\n", cell->backend,
                   (unsigned)cell->connections, (unsigned long long)cell->errors);
    }
    return COMMAND_DONE;
}

/* A number, or null for one that is not known. */
static void number_add(cJSON *object, const char *name, bool is_known, double value)
{
    if (is_known)
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static cJSON *row_json(const compare_cell *cell, bool wins)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "backend", cell->backend);
    cJSON_AddNumberToObject(row, "connections", cell->connections);
    cJSON_AddNumberToObject(row, "requests", (double)cell->requests);
    cJSON_AddNumberToObject(row, "requests_per_second", rate_of(cell));
    number_add(row, "cpu_us_per_request", cell->cpu_ns > 0, compare_cpu_per_request(cell));
    number_add(row, "calls_per_request", cell->calls_requests > 0, calls_per_request(cell));
    cJSON_AddNumberToObject(row, "p50_us", microseconds_at(cell, 50000));
    cJSON_AddNumberToObject(row, "p99_us", microseconds_at(cell, 99000));
    number_add(row, "peak_memory_bytes", cell->memory_peak_bytes > 0,
               (double)cell->memory_peak_bytes);
    cJSON_AddNumberToObject(row, "errors", (double)cell->errors);
    cJSON_AddBoolToObject(row, "least_cpu", wins);
    return row;
}

static int table_print_json(const comparison *c)
{
    cJSON *table = cJSON_CreateObject();
    cJSON *rows = cJSON_CreateArray();
    cJSON_AddStringToObject(table, "mode", c->mode == LOAD_HTTP ? "http" : "echo");
    cJSON_AddNumberToObject(table, "seconds", (double)c->duration_ns / (double)PLX_SECOND);
    cJSON_AddBoolToObject(table, "interrupted", c->bench.ended_by != 0);
    for (size_t i = 0; i < cells_count(c); i++) {
        if (c->cells[i].elapsed_ns > 0)
            cJSON_AddItemToArray(rows, row_json(&c->cells[i], is_winner(c, &c->cells[i])));
    }
    cJSON_AddItemToObject(table, "rows", rows);
    return json_print("compare", table, true);
}

/* --- the command ----------------------------------------------------------------------------- */

/* Prints what has been measured, also when a failure or a signal has ended the comparison early.
 * Returns how it ended, or why the table could not be printed. */
static int cells_print(const comparison *c, int ended)
{
    size_t measured = 0;
    for (size_t i = 0; i < cells_count(c); i++)
        measured += c->cells[i].elapsed_ns > 0;
    if (c->bench.ended_by != 0)
        (void)failure_print("compare", measured > 0
                                           ? "interrupted; the table has what was measured before"
                                           : "interrupted before anything was measured");
    if (measured == 0)
        return ended;
    int printed = c->is_json ? table_print_json(c) : table_print(c);
    return printed == COMMAND_DONE ? ended : printed;
}

static int compare_and_print(comparison *c)
{
    c->cells = plx__allocate_zeroed(cells_count(c), sizeof *c->cells);
    if (c->cells == NULL)
        return failure_print("compare", "out of memory");
    cells_init(c);
    int ended = cells_print(c, cells_measure(c));
    plx__free(c->cells);
    return ended;
}

static int compare_run(int count, char **arguments)
{
    static comparison c; /* Too large for the stack. */
    c = (comparison){
        .connections = {16, 64},
        .connections_count = 2,
        .mode = LOAD_HTTP,
        .duration_ns = 3 * PLX_SECOND,
    };
    int ended = options_take(&c, count, arguments);
    if (ended != OPTIONS_TAKEN)
        return ended;
    ended = compare_bench_open(&c.bench, c.mode, &c.settings, c.backends[0]);
    if (ended == COMMAND_DONE)
        ended = compare_and_print(&c);
    compare_bench_close(&c.bench);
    return ended;
}

const command compare_command = {
    .name = "compare",
    .summary = "measures the backends against each other",
    .help = help,
    .run = compare_run,
};
