/* tests/sim_seeds.c - runs the work of tests/sim_work.h for seed after seed; `--help` has the rest.
 *
 * A promise that is broken ends the program by abort(). Whatever ends it, the last line is the
 * command that runs that seed again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/process.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/sim_guests.h"
#include "tests/sim_server.h"
#include "tests/sim_shrink.h"
#include "tests/sim_work.h"

#ifdef _WIN32
#define NOWHERE "NUL"
#else
#define NOWHERE "/dev/null"
#endif

uint64_t chance_state = 1;

static const char help[] =
    "Usage: sim_seeds [--from N] [--count N] [LIMITS]\n"
    "       sim_seeds --seed N [--trace | --json | --shrink] [LIMITS]\n"
    "\n"
    "Runs loops in a simulated network, a run for each seed, and checks what Pollux promises.\n"
    "\n"
    "  --from N      the first seed; 1 if it is not set\n"
    "  --count N     how many seeds; 1,000 if it is not set\n"
    "  --seed N      this seed alone\n"
    "  --trace       writes what happens as lines of text\n"
    "  --json        writes what happens as a trace for Perfetto (ui.perfetto.dev)\n"
    "  --shrink      searches the smallest limits with which the seed still fails\n"
    "  --quiet       writes nothing to standard error\n"
    "  --break-promise N\n"
    "                takes the Nth byte that arrives in a run for a wrong one, to try --shrink\n"
    "  --servers     runs servers of several loops instead of streams\n"
    "\n"
    "LIMITS of what a run contains:\n"
    "  --streams N   connections, 1 to 16; of servers, three times as many\n"
    "  --bytes N     in each direction of a connection\n"
    "  --faults N    bit M is the fault number M of plx_sim_faults, counted from 0\n"
    "\n"
    "A seed that fails ends the program. The last line then is the command that runs it again.\n"
    "\n"
    "Exit codes: 0: every promise was kept, or --shrink has found the smallest run; 1: --shrink\n"
    "was given a seed that does not fail, or cannot start processes; 2: wrong usage; any other,\n"
    "that of abort() for one: a promise was broken.\n";

typedef struct choice {
    uint64_t from, count;
    bool shrinks, is_quiet;
    bool is_first; /* Of the events of --json, none has been written. */
} choice;

static uint64_t running;
static char program[PLX__PATH_MAX];
static sim_limits limits;
static choice chosen = {.from = 1, .count = 1000, .is_first = true};
static bool has_progress;

static void progress_end(void)
{
    if (has_progress)
        fputs("\r\033[K", stderr);
}

static void command_print(const char *what)
{
    fflush(stdout);
    progress_end();
    fprintf(stderr,
            "%s: %s --seed %" PRIu64 " --streams %" PRIu32 " --bytes %" PRIu32 " --faults %" PRIu32,
            what, program, running, limits.streams, limits.bytes, limits.faults);
    fputs(limits.serves ? " --servers" : "", stderr);
    if (limits.wrong_byte != 0)
        fprintf(stderr, " --break-promise %" PRIu32, limits.wrong_byte);
    fputs(limits.trace == NULL ? " --trace\n" : "\n", stderr);
}

static void on_death(int number)
{
    command_print(number == SIGTERM || number == SIGINT ? "stopped; again" : "failed; again");
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* What ends a program that a sanitizer has found something in. */
void __sanitizer_set_death_callback(void (*callback)(void));

static void on_finding(void)
{
    command_print("failed; again");
}
#endif

static void deaths_watch(void)
{
    (void)signal(SIGABRT, on_death);
    (void)signal(SIGTERM, on_death);
    (void)signal(SIGINT, on_death);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    __sanitizer_set_death_callback(on_finding);
#else
    (void)signal(SIGSEGV, on_death);
    (void)signal(SIGFPE, on_death);
    (void)signal(SIGILL, on_death);
#endif
}

static void trace_text(void *data, const plx_sim_record *record)
{
    char line[128];
    (void)data;
    if (plx_sim_record_text(record, line, sizeof line) > 0)
        fputs(line, stdout);
}

static void trace_json(void *data, const plx_sim_record *record)
{
    char event[192];
    (void)data;
    if (plx_sim_record_json(record, event, sizeof event) > 0)
        printf("%s%s", chosen.is_first ? "[\n" : ",\n", event);
    chosen.is_first = false;
}

static bool number_take(const char *text, uint64_t *value_out)
{
    char *end;
    errno = 0;
    *value_out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

/* One that has no value. */
static bool flag_take(const char *name)
{
    if (strcmp(name, "--trace") == 0)
        limits.trace = trace_text;
    else if (strcmp(name, "--json") == 0)
        limits.trace = trace_json;
    else if (strcmp(name, "--shrink") == 0)
        chosen.shrinks = true;
    else if (strcmp(name, "--servers") == 0)
        limits.serves = true;
    else if (strcmp(name, "--quiet") == 0)
        chosen.is_quiet = true;
    else
        return false;
    return true;
}

static bool value_take(const char *name, uint64_t value)
{
    if (strcmp(name, "--from") == 0) {
        chosen.from = value;
    } else if (strcmp(name, "--count") == 0) {
        chosen.count = value;
    } else if (strcmp(name, "--seed") == 0) {
        chosen.from = value;
        chosen.count = 1;
    } else if (strcmp(name, "--streams") == 0 && value > 0 && value <= sim_limits_all.streams) {
        limits.streams = (uint32_t)value;
    } else if (strcmp(name, "--bytes") == 0 && value > 0 && value <= UINT32_MAX) {
        limits.bytes = (uint32_t)value;
    } else if (strcmp(name, "--faults") == 0 && value <= UINT32_MAX) {
        limits.faults = (uint32_t)value;
    } else if (strcmp(name, "--break-promise") == 0 && value <= UINT32_MAX) {
        limits.wrong_byte = (uint32_t)value;
    } else {
        return false;
    }
    return true;
}

static bool arguments_take(int argc, char **argv)
{
    uint64_t value;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (flag_take(name))
            continue;
        if (i + 1 == argc || !number_take(argv[++i], &value) || !value_take(name, value))
            return false;
    }
    return chosen.count == 1 || (!chosen.shrinks && limits.trace == NULL);
}

static void smaller_print(const sim_limits *smaller)
{
    fprintf(stderr, "it fails with %" PRIu32 " streams, %" PRIu32 " bytes, faults %" PRIu32 "\n",
            smaller->streams, smaller->bytes, smaller->faults);
}

static int shrink(void)
{
    running = chosen.from;
    int status = sim_shrink(program, running, &limits, smaller_print);
    if (status == 1)
        fprintf(stderr, "seed %" PRIu64 " does not fail with these limits\n", running);
    else if (status != 0)
        fprintf(stderr, "no process can be started: %s\n", plx_error_text(status));
    else
        command_print("the smallest");
    return status == 0 ? 0 : 1;
}

static void progress_print(uint64_t done)
{
    if (has_progress && done % 256 == 0) {
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " seeds", done, chosen.count);
        fflush(stderr);
    }
}

static void seeds_run(void)
{
    deaths_watch();
    has_progress = chosen.count > 1 && plx__stream_is_terminal(PLX__STREAM_ERROR);
    for (uint64_t i = 0; i < chosen.count; i++) {
        running = chosen.from + i;
        if (limits.serves) {
            sim_server_run(running, &limits);
            sim_guests_run(running, &limits);
        } else {
            sim_work_run(running, &limits);
        }
        progress_print(i);
    }
    progress_end();
}

static void server_counts_print(void)
{
    const sim_server_counts *of = &sim_server_count;
    printf("%" PRIu64 " seeds: %" PRIu64 " clients, %" PRIu64 " answers, %" PRIu64
           " clients had all, %" PRIu64 " drains, %" PRIu64 " stops, %" PRIu64
           " loops ended alone, %" PRIu64 " handed on, %" PRIu64 " refused, %" PRIu64
           " cut, %" PRIu64 " over limits, %" PRIu64 " slow, %" PRIu64 " waits for limits\n",
           chosen.count, of->clients, of->answered, of->ended, of->drains, of->stops, of->lost,
           of->handed_on, of->refused, of->cut, of->over, of->slow, of->paused);
    const sim_guests_counts *also = &sim_guests_count;
    printf("and %" PRIu64 " guests, %" PRIu64 " served, %" PRIu64 " headers, %" PRIu64
           " refused, %" PRIu64 " timed out, %" PRIu64 " changes of options, %" PRIu64 " slow\n",
           also->guests, also->served, also->headers, also->refused, also->timed_out, also->forms,
           also->slow);
}

static void counts_print(void)
{
    const sim_work_counts *of = &sim_work_count;
    printf("%" PRIu64 " seeds: %" PRIu64 " streams, %" PRIu64 " bytes, %" PRIu64 " ended, %" PRIu64
           " reset, %" PRIu64 " timed out, %" PRIu64 " refused, %" PRIu64 " handed over, %" PRIu64
           " acts of other threads, %" PRIu64 " records\n",
           chosen.count, of->streams, of->bytes, of->ended, of->reset, of->timed_out, of->refused,
           of->handed_over, of->acts, of->records);
}

int main(int argc, char **argv)
{
    plx__test_unattended();
    limits = sim_limits_all;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (!arguments_take(argc, argv)) {
        fputs("sim_seeds: wrong usage; \"sim_seeds --help\" tells it\n", stderr);
        return 2;
    }
    if (plx__program_path(program, sizeof program) != 0)
        (void)snprintf(program, sizeof program, "%s", argv[0]);
    if (chosen.is_quiet && freopen(NOWHERE, "w", stderr) == NULL)
        return 2;
    if (chosen.shrinks)
        return shrink();
    seeds_run();
    if (limits.trace == trace_json)
        printf("\n]\n");
    else if (limits.trace == NULL && limits.serves)
        server_counts_print();
    else if (limits.trace == NULL)
        counts_print();
    return 0;
}
