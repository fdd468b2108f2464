/* tools/compare.c - owns the server process of a measurement. */
#include "tools/compare.h"

#include <stdio.h>
#include <string.h>

#include <pollux/pollux.h>

#include "platform/process.h"
#include "tools/command.h"
#include "tools/failure.h"
#include "tools/line_reader.h"

/* Starting and ending take milliseconds; under an emulator, some seconds. */
#define PATIENCE_NS (20 * PLX_SECOND)

/* Of a traced server, without its settings and with the NULL at the end. */
#define ARGUMENTS_MAX 23u
#define HANDLERS_MAX  1024u
/* In this time a slow client sends a request. */
#define SLOW_NS (200 * PLX_MILLISECOND)

typedef struct compare_server {
    plx__process *process;
    line_reader lines;
    char address[PLX_ADDRESS_TEXT_MAX];
} compare_server;

void compare_cell_name(const compare_cell *cell, char *text, size_t size)
{
    if (cell->policy == NULL)
        (void)snprintf(text, size, "%s with %u connections", cell->backend,
                       (unsigned)cell->connections);
    else
        (void)snprintf(text, size, "%s, %s on %s with %u connections", cell->workload->name,
                       cell->policy->name, cell->backend, (unsigned)cell->connections);
}

/* A signal that reaches the server too may be why something failed; then that is no failure. */
static int compare_failed_with(compare_bench *bench, const compare_cell *cell, const char *what,
                               const char *why)
{
    char text[FAILURE_TEXT_MAX];
    char name[COMPARE_NAME_MAX];
    if (compare_ended_by(bench) != 0)
        return compare_ended_by(bench);
    compare_cell_name(cell, name, sizeof name);
    (void)snprintf(text, sizeof text, "%s: %s%s", name, what, why);
    return failure_print("compare", text);
}

static int compare_failed(compare_bench *bench, const compare_cell *cell, const char *what,
                          int status)
{
    char why[FAILURE_TEXT_MAX / 2];
    (void)snprintf(why, sizeof why, ": %s", plx_error_text(status));
    return compare_failed_with(bench, cell, what, why);
}

/* It ended before it was told to, or not in order. */
static int compare_server_failed(compare_bench *bench, const compare_cell *cell, int exit_status)
{
    char why[32];
    if (exit_status < 0)
        return compare_failed_with(bench, cell, "the server was killed or has crashed", "");
    (void)snprintf(why, sizeof why, " with exit code %d", exit_status);
    return compare_failed_with(bench, cell, "the server ended", why);
}

/* --- the server ------------------------------------------------------------------------------ */

/* Reads up to the line that says where it listens. */
static int server_address_read(compare_server *server)
{
    static const char start[] = "listening on ";
    char line[256];
    for (;;) {
        int status = line_reader_next(&server->lines, line, sizeof line, PATIENCE_NS);
        if (status != 0)
            return status;
        if (strncmp(line, start, sizeof start - 1) != 0)
            continue;
        const char *address = line + sizeof start - 1;
        (void)snprintf(server->address, sizeof server->address, "%.*s", (int)strcspn(address, " "),
                       address);
        return 0;
    }
}

static int server_start(compare_server *server, const compare_bench *bench,
                        const compare_cell *cell, bool is_traced)
{
    /* The tracer's report goes where the server's lines go, and comes when that has ended. */
    const char *arguments[ARGUMENTS_MAX + 2 * SETTINGS_MAX] = {
        bench->tracer, "-c",
        "-f",          "-o",
        "/dev/stdout", bench->program,
        "serve",       "--until-stdin-ends",
        "--listen",    "tcp://127.0.0.1:0",
        "--mode",      bench->mode == LOAD_HTTP ? "http" : "echo",
        "--backend",   cell->backend,
    };
    size_t count = 14;
    char loops[16], handlers[16], block[16];
    if (cell->policy != NULL) {
        (void)snprintf(loops, sizeof loops, "%u", (unsigned)cell->loops);
        arguments[count++] = "--loops";
        arguments[count++] = loops;
        arguments[count++] = "--dispatch";
        arguments[count++] = cell->policy->name;
    }
    if (cell->policy != NULL && cell->policy->has_handlers) {
        uint32_t most = cell->connections < HANDLERS_MAX ? cell->connections : HANDLERS_MAX;
        (void)snprintf(handlers, sizeof handlers, "%u", (unsigned)most);
        arguments[count++] = "--handlers";
        arguments[count++] = handlers;
    }
    if (cell->workload != NULL && cell->workload->block_ms > 0) {
        (void)snprintf(block, sizeof block, "%u", (unsigned)cell->workload->block_ms);
        arguments[count++] = "--block";
        arguments[count++] = block;
    }
    for (size_t i = 0; i < bench->settings->count; i++) {
        if (!setting_is_of(cell->backend, bench->settings->texts[i]))
            continue;
        arguments[count++] = "--set";
        arguments[count++] = bench->settings->texts[i];
    }
    *server = (compare_server){0};
    int status = plx__process_start(&server->process, is_traced ? arguments : arguments + 5);
    if (status != 0)
        return status;
    server->lines.process = server->process;
    status = server_address_read(server);
    if (status != 0)
        plx__process_close(server->process);
    return status;
}

/* Runs the load on a server that has started. */
static int server_load(const compare_server *server, compare_bench *bench, const compare_cell *cell,
                       uint64_t duration_ns)
{
    static const compare_workload plain = {0};
    const compare_workload *work = cell->workload != NULL ? cell->workload : &plain;
    const load_options options = {
        .address = server->address,
        .is_reconnecting = work->is_reconnecting,
        .slow = work->has_slow_half ? cell->connections / 2 : 0,
        .slow_ns = SLOW_NS,
        .mode = bench->mode,
        .connections = cell->connections,
        .pipeline = 1,
        .echo_bytes = 64,
        .duration_ns = duration_ns,
    };
    int status = load_run(&options, &bench->result);
    if (status != 0)
        return compare_failed(bench, cell, "the load failed", status);
    if (!bench->result.is_interrupted)
        return COMMAND_DONE;
    /* On Windows a thread of the system tells one loop after the other. */
    return compare_ended_by(bench) != 0 ? bench->ended_by : COMMAND_INTERRUPTED;
}

/* --- measuring ------------------------------------------------------------------------------- */

static void on_end_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    compare_bench *bench = data;
    (void)loop;
    (void)signal;
    bench->ended_by = number == PLX_SIGNAL_INTERRUPT ? COMMAND_INTERRUPTED : COMMAND_TERMINATED;
}

static int signals_open(compare_bench *bench, const char *backend)
{
    static const int numbers[] = {PLX_SIGNAL_INTERRUPT, PLX_SIGNAL_TERMINATE};
    int status = plx_loop_open(&bench->signals, &(plx_loop_options){.backend = backend});
    for (size_t i = 0; status == 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
        status = plx_signal_open(bench->signals, NULL, numbers[i], on_end_signal, bench);
        if (status == PLX_ENOSYS)
            status = 0;
    }
    return status;
}

int compare_ended_by(compare_bench *bench)
{
    (void)!plx_loop_run_once(bench->signals, 0);
    return bench->ended_by;
}

int compare_bench_open(compare_bench *bench, enum load_mode mode, const setting_list *settings,
                       const char *backend)
{
    bench->mode = mode;
    bench->settings = settings;
    int status = plx__program_path(bench->program, sizeof bench->program);
    if (status == PLX_ENOSYS) /* The next best: that the shell would find it again. */
        status = plx__program_find("pollux", bench->program, sizeof bench->program);
    if (status != 0)
        return failure_print("compare", "the path of this program cannot be found; "
                                        "put its folder into PATH");
    if (plx__program_find("strace", bench->tracer, sizeof bench->tracer) != 0)
        bench->tracer[0] = '\0';
    status = signals_open(bench, backend);
    return status == 0 ? COMMAND_DONE : failure_print("compare", plx_error_text(status));
}

void compare_bench_close(compare_bench *bench)
{
    (void)plx_loop_close(bench->signals);
    bench->signals = NULL;
}

static void cell_add(compare_cell *cell, const load_result *result, const plx__process_usage *usage)
{
    cell->elapsed_ns += result->elapsed_ns;
    cell->requests += result->requests;
    cell->connects += result->connects;
    cell->errors += result->errors.total;
    cell->cpu_ns += usage->cpu_ns;
    if (usage->memory_peak_bytes > cell->memory_peak_bytes)
        cell->memory_peak_bytes = usage->memory_peak_bytes;
    histogram_add(&cell->latency_ns, &result->latency_ns);
}

int compare_measure(compare_bench *bench, compare_cell *cell, uint64_t duration_ns)
{
    compare_server server;
    plx__process_usage usage;
    int status = server_start(&server, bench, cell, false);
    if (status != 0)
        return compare_failed(bench, cell, "the server did not start", status);
    int ended = server_load(&server, bench, cell, duration_ns);
    status = plx__process_wait(server.process, PATIENCE_NS, &usage);
    plx__process_close(server.process);
    if (ended != COMMAND_DONE)
        return ended;
    if (status != 0)
        return compare_failed(bench, cell, "the server did not end", status);
    if (usage.exit_status != COMMAND_DONE)
        return compare_server_failed(bench, cell, usage.exit_status);
    cell_add(cell, &bench->result, &usage);
    return COMMAND_DONE;
}

/* Adds up the lines of `strace -c`, each of which has four numbers, perhaps one of errors, and a
 * name. 0 if there are none. */
static uint64_t calls_read(compare_server *server)
{
    char line[256];
    uint64_t sum = 0;
    plx__process_input_close(server->process);
    while (line_reader_next(&server->lines, line, sizeof line, PATIENCE_NS) == 0) {
        double share, seconds;
        unsigned long long average, calls;
        const char *name = strrchr(line, ' ');
        if (sscanf(line, "%lf %lf %llu %llu", &share, &seconds, &average, &calls) == 4 &&
            name != NULL && strcmp(name, " total") != 0)
            sum += calls;
    }
    return sum;
}

int compare_count_calls(compare_bench *bench, compare_cell *cell, uint64_t duration_ns)
{
    compare_server server;
    plx__process_usage usage;
    if (bench->tracer[0] == '\0')
        return COMMAND_DONE;
    if (server_start(&server, bench, cell, true) != 0) {
        if (compare_ended_by(bench) != 0)
            return compare_ended_by(bench);
        bench->tracer[0] = '\0'; /* It may not trace here, and would not the next time. */
        return COMMAND_DONE;
    }
    int ended = server_load(&server, bench, cell, duration_ns);
    if (ended == COMMAND_DONE) {
        cell->calls = calls_read(&server);
        cell->calls_requests = cell->calls > 0 ? bench->result.requests : 0;
    }
    (void)plx__process_wait(server.process, PATIENCE_NS, &usage);
    plx__process_close(server.process);
    return ended;
}
