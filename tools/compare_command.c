/* tools/compare_command.c - `pollux compare`: its options, which rows there are, and the order in
 * which they are measured. */
#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/process.h"
#include "tools/command.h"
#include "tools/compare.h"
#include "tools/compare_dispatch.h"
#include "tools/compare_table.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/setting.h"

#define BACKENDS_MAX  16u
#define COUNTS_MAX    16u
#define ROWS_MAX      (BACKENDS_MAX * POLICIES_MAX)
#define ROUNDS        3u
#define COUNT_CALL_NS (PLX_SECOND / 2)

enum { SECONDS, CONNECTIONS, MODE, BACKENDS, SET, DISPATCH, LOOPS, WORKLOADS, JSON };

/* What is measured for each workload and each number of connections. */
typedef struct contestant {
    const char *backend;
    const policy *policy; /* NULL: the backends compete. */
} contestant;

typedef struct comparison {
    const char *backends[BACKENDS_MAX];
    size_t backends_count;
    uint32_t connections[COUNTS_MAX];
    size_t connections_count;
    enum load_mode mode;
    setting_list settings;
    uint64_t duration_ns; /* Of each row. */
    bool is_of_policies;
    bool has_workloads;
    compare_dispatch dispatch;
    contestant contestants[ROWS_MAX];
    size_t contestants_count;
    bool is_json;
    compare_cell *cells; /* For each workload and number of connections, each contestant. */
    compare_bench bench;
} comparison;

static const char help[] =
    "usage: pollux compare [OPTION]...\n"
    "\n"
    "Runs a server process on each backend in turn, or under each policy of dispatch, loads it "
    "over\n"
    "the loopback interface, and prints a table. The rounds alternate between the rows, so that a\n"
    "disturbance affects all of them alike. Ctrl-C ends the comparison early, with the table of "
    "the\n"
    "measurements that are complete.\n"
    "\n"
    "  --seconds S        How long each row is measured, in 3 rounds. Default: 3\n"
    "  --connections N,N  Numbers of connections that send requests. Default: 16,64; with\n"
    "                     --dispatch 64\n"
    "  --mode MODE        http or echo. Default: http\n"
    "  --backends B,B     Default: all that this build has and this machine can run; with\n"
    "                     --dispatch the one that 'pollux serve' would take\n"
    "  --set KEY=VALUE    A setting of the servers on the backend that has it, as in\n"
    "                     idle_set=off; may be given up to 16 times\n"
    "  --dispatch P,P     Compares these policies of 'pollux serve --dispatch' instead of the\n"
    "                     backends; without P,P, all that this system has\n"
    "  --loops N          How many loops serve, or processes of prefork; inline, thread and fork\n"
    "                     have one loop, and thread and fork a handler for each connection.\n"
    "                     Default: one for each processor, but 2 at least and 4 at the most\n"
    "  --workloads W,W    What the policies are measured with. Default: all of these\n"
    "                       keep-alive  each connection sends request after request\n"
    "                       connect     a connection for each request\n"
    "                       block       each request blocks its handler for 1 ms\n"
    "                       slow        half of the clients take 0.2 s to send a request\n"
    "  --json             Prints a JSON object\n"
    "  --help             Prints this\n"
    "\n"
    "Columns: CPU us/req is the server's user and system time per request, as the system accounts\n"
    "it; calls/req, for backends alone, is its system calls per request, counted in a short extra\n"
    "run under strace if that is installed; connects/s counts the connections that were opened\n"
    "while time ran; p50, p99 and p99.9 are latencies that the load measured; peak MiB is the\n"
    "memory of the server's largest process. requests/s depends on the load's CPU time too.\n"
    "\n"
    "Among backends the least CPU time per request is marked, for each number of connections;\n"
    "among policies the most requests per second, for each workload.\n"
    "\n"
    "Examples:\n"
    "  pollux compare\n"
    "  pollux compare --connections 1,64,1000 --seconds 10 --backends poll,select\n"
    "  pollux compare --dispatch\n"
    "  pollux compare --dispatch least-connections,kernel --loops 4 --workloads connect\n"
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
    case DISPATCH:
        c->is_of_policies = true;
        return given->value == NULL ? COMMAND_DONE
                                    : compare_policies_take(&c->dispatch, given->value);
    case LOOPS:
        return compare_loops_take(&c->dispatch, given->value);
    case WORKLOADS:
        c->has_workloads = true;
        return compare_workloads_take(&c->dispatch, given->value);
    default:
        c->is_json = true;
        return COMMAND_DONE;
    }
}

/* The one that a loop picks. */
static int backend_gather(comparison *c)
{
    plx_loop *loop;
    int status = plx_loop_open(&loop, NULL);
    if (status != 0) {
        char why[FAILURE_TEXT_MAX];
        failure_of_backend(why, sizeof why, NULL, status);
        return failure_print_of("compare", why, status);
    }
    c->backends[c->backends_count++] = plx_loop_backend_name(loop);
    (void)plx_loop_close(loop);
    return COMMAND_DONE;
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

/* What is wrong only together. */
static int options_check(comparison *c)
{
    if (!c->is_of_policies && c->dispatch.loops != 0)
        return command_misused("compare", "--loops is for policies; add --dispatch");
    if (!c->is_of_policies && c->has_workloads)
        return command_misused("compare", "--workloads are for policies; add --dispatch");
    if (!c->is_of_policies)
        return COMMAND_DONE;
    if (c->mode != LOAD_HTTP)
        return command_misused("compare", "--dispatch measures with --mode http; leave out --mode");
    return compare_dispatch_complete(&c->dispatch);
}

/* Fills in what no option has named. */
static int options_complete(comparison *c)
{
    int ended = options_check(c);
    if (ended != COMMAND_DONE)
        return ended;
    if (c->connections_count == 0) {
        if (!c->is_of_policies)
            c->connections[c->connections_count++] = 16;
        c->connections[c->connections_count++] = 64;
    }
    if (c->backends_count == 0 && c->is_of_policies)
        return backend_gather(c);
    if (c->backends_count == 0)
        backends_gather(c);
    return c->backends_count > 0 ? COMMAND_DONE
                                 : failure_print("compare", "no backend runs on this machine");
}

static int options_take(comparison *c, int count, char **arguments)
{
    static const option_form forms[] = {
        {"seconds", SECONDS, true}, {"connections", CONNECTIONS, true},
        {"mode", MODE, true},       {"backends", BACKENDS, true},
        {"set", SET, true},         {"dispatch", DISPATCH, OPTION_MAY_HAVE_VALUE},
        {"loops", LOOPS, true},     {"workloads", WORKLOADS, true},
        {"json", JSON, false},      {NULL, 0, false},
    };
    char why[SETTING_WHY_MAX];
    char **operands;
    int status = options_read(&compare_command, count, arguments, forms, option_take, c, &operands);
    if (status != OPTIONS_TAKEN)
        return status;
    if (operands[0] != NULL)
        return command_misused("compare", "unexpected argument \"%s\"", operands[0]);
    status = options_complete(c);
    if (status != COMMAND_DONE)
        return status;
    /* The load picks its backend, so it has the environment's settings. */
    if (!setting_environment_check(why))
        return command_misused("compare", "POLLUX_SETTINGS: %s", why);
    return setting_list_check(&c->settings, "compare", c->backends, c->backends_count);
}

/* --- measuring ------------------------------------------------------------------------------- */

/* The backends, or each policy on each backend that has it. */
static void contestants_gather(comparison *c)
{
    for (size_t i = 0; i < c->backends_count; i++) {
        const policy *found[POLICIES_MAX];
        size_t count = 0;
        if (!c->is_of_policies)
            c->contestants[c->contestants_count++] = (contestant){.backend = c->backends[i]};
        else
            count = compare_policies_probe(&c->dispatch, c->backends[i], found);
        for (size_t j = 0; j < count; j++)
            c->contestants[c->contestants_count++] = (contestant){c->backends[i], found[j]};
    }
}

static size_t cells_count(const comparison *c)
{
    size_t workloads = c->is_of_policies ? c->dispatch.workloads_count : 1;
    return c->contestants_count * c->connections_count * workloads;
}

static void cells_init(comparison *c)
{
    for (size_t i = 0; i < cells_count(c); i++) {
        const contestant *who = &c->contestants[i % c->contestants_count];
        size_t group = i / c->contestants_count;
        compare_cell *cell = &c->cells[i];
        cell->backend = who->backend;
        cell->connections = c->connections[group % c->connections_count];
        if (who->policy == NULL)
            continue;
        cell->policy = who->policy;
        cell->loops = who->policy->has_loops ? c->dispatch.loops : 1;
        cell->workload = c->dispatch.workloads[group / c->connections_count];
    }
}

/* A line that the next one overwrites, where that can be done. */
static void progress_print(const char *what, const compare_cell *cell)
{
    bool is_terminal = plx__stream_is_terminal(PLX__STREAM_ERROR);
    char name[COMPARE_NAME_MAX];
    compare_cell_name(cell, name, sizeof name);
    fprintf(stderr, "%s%s: %s%s", is_terminal ? "\r\033[K" : "", what, name,
            is_terminal ? "" : "\n");
    fflush(stderr);
}

static void progress_end(void)
{
    if (plx__stream_is_terminal(PLX__STREAM_ERROR))
        fputs("\r\033[K", stderr);
}

static int calls_count(comparison *c)
{
    int ended = COMMAND_DONE;
    for (size_t i = 0; i < cells_count(c) && ended == COMMAND_DONE; i++) {
        if (c->bench.tracer[0] == '\0')
            break;
        progress_print("counting system calls", &c->cells[i]);
        ended = compare_count_calls(&c->bench, &c->cells[i], COUNT_CALL_NS);
        if (ended == COMMAND_DONE)
            ended = compare_ended_by(&c->bench);
    }
    return ended;
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
    if (ended == COMMAND_DONE && !c->is_of_policies)
        ended = calls_count(c);
    progress_end();
    return ended;
}

/* --- the command ----------------------------------------------------------------------------- */

static int table_print_json(const comparison *c)
{
    cJSON *table = cJSON_CreateObject();
    const compare_kind *kind = c->is_of_policies ? &compare_of_policies : &compare_of_backends;
    cJSON_AddStringToObject(table, "mode", c->mode == LOAD_HTTP ? "http" : "echo");
    cJSON_AddNumberToObject(table, "seconds", (double)c->duration_ns / (double)PLX_SECOND);
    cJSON_AddBoolToObject(table, "interrupted", c->bench.ended_by != 0);
    cJSON_AddItemToObject(table, "rows", compare_table_json(kind, c->cells, cells_count(c)));
    return json_print("compare", table, true);
}

static int table_print(const comparison *c)
{
    if (c->is_json)
        return table_print_json(c);
    compare_table_print(c->is_of_policies ? &compare_of_policies : &compare_of_backends, c->cells,
                        cells_count(c));
    return COMMAND_DONE;
}

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
    int printed = table_print(c);
    return printed == COMMAND_DONE ? ended : printed;
}

static int compare_and_print(comparison *c)
{
    contestants_gather(c);
    if (c->contestants_count == 0)
        return failure_print("compare", "none of these policies works here");
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
    .summary = "measures backends, or policies of dispatch, against each other",
    .help = help,
    .run = compare_run,
};
