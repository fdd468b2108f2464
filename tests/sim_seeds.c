/* tests/sim_seeds.c - runs the work of tests/sim_work.h for seed after seed.
 *
 *   sim_seeds [--from N] [--count N]   seeds N, N+1, ...; 1,000 from 1 if nothing is said
 *   sim_seeds --seed N [--trace | --json] [LIMITS]   one seed, and what happens in it
 *   LIMITS: --streams N --bytes N --faults BITS
 *
 * Exit codes: 0: every promise was kept; 2: wrong use. A promise that was broken ends it by
 * abort(), after a line that says how to run that seed again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/chance.h"
#include "tests/sim_work.h"

uint64_t chance_state = 1;

static uint64_t running;
static const char *program;
static sim_limits limits;

static void on_abort(int number)
{
    (void)number;
    fflush(stdout);
    fprintf(stderr,
            "seed %" PRIu64 " breaks a promise; again: %s --seed %" PRIu64
            " --streams %u --bytes %u --faults %u --trace\n",
            running, program, running, limits.streams, limits.bytes, limits.faults);
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
    bool *is_first = data;
    if (plx_sim_record_json(record, event, sizeof event) > 0)
        printf("%s%s", *is_first ? "[\n" : ",\n", event);
    *is_first = false;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: %s [--from N] [--count N] | --seed N [--trace | --json] "
            "[--streams N] [--bytes N] [--faults BITS]\n",
            program);
    return 2;
}

static bool number_take(const char *text, uint64_t *value_out)
{
    char *end;
    errno = 0;
    *value_out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

int main(int argc, char **argv)
{
    uint64_t from = 1, count = 1000, value = 0;
    bool is_first = true;
    program = argv[0];
    limits = sim_limits_all;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--trace") == 0) {
            limits.trace = trace_text;
        } else if (strcmp(name, "--json") == 0) {
            limits.trace = trace_json;
            limits.trace_data = &is_first;
        } else if (i + 1 == argc || !number_take(argv[++i], &value)) {
            return usage();
        } else if (strcmp(name, "--from") == 0) {
            from = value;
        } else if (strcmp(name, "--count") == 0) {
            count = value;
        } else if (strcmp(name, "--seed") == 0) {
            from = value;
            count = 1;
        } else if (strcmp(name, "--streams") == 0 && value > 0 && value <= sim_limits_all.streams) {
            limits.streams = (uint32_t)value;
        } else if (strcmp(name, "--bytes") == 0 && value > 0 && value <= UINT32_MAX) {
            limits.bytes = (uint32_t)value;
        } else if (strcmp(name, "--faults") == 0) {
            limits.faults = (uint32_t)value;
        } else {
            return usage();
        }
    }
    (void)signal(SIGABRT, on_abort);
    for (uint64_t i = 0; i < count; i++) {
        running = from + i;
        sim_work_run(running, &limits);
    }
    if (limits.trace == trace_json)
        printf("\n]\n");
    else if (limits.trace == NULL)
        printf("%" PRIu64 " seeds: %" PRIu64 " streams, %" PRIu64 " bytes, %" PRIu64
               " ended, %" PRIu64 " reset, %" PRIu64 " timed out, %" PRIu64 " refused, %" PRIu64
               " handed over, %" PRIu64 " records\n",
               count, sim_work_count.streams, sim_work_count.bytes, sim_work_count.ended,
               sim_work_count.reset, sim_work_count.timed_out, sim_work_count.refused,
               sim_work_count.handed_over, sim_work_count.records);
    return 0;
}
