/* tests/sim_shrink.c - tries smaller limits, and keeps those with which the seed still fails.
 *
 * Other limits mean other numbers from the same seed, so what is tried goes from small to large.
 */
#include "tests/sim_shrink.h"

#include <inttypes.h>
#include <stdio.h>

#include "platform/process.h"

/* A run takes milliseconds: one that takes so long hangs, which is a failure, too. */
#define HANGS_NS (20 * PLX_SECOND)

/* What is tried in a round changes what helps in the next one. */
#define ROUNDS_MAX 4

typedef struct shrinking {
    const char *program;
    uint64_t seed;
    sim_limits *limits;
    void (*on_smaller)(const sim_limits *limits);
    int status; /* Why no process could be started. */
    bool is_smaller;
} shrinking;

static bool fails(shrinking *s, const sim_limits *limits)
{
    char seed[24], streams[12], bytes[12], faults[12], wrong_byte[12];
    const char *const arguments[] = {s->program,
                                     "--quiet",
                                     "--seed",
                                     seed,
                                     "--streams",
                                     streams,
                                     "--bytes",
                                     bytes,
                                     "--faults",
                                     faults,
                                     "--break-promise",
                                     wrong_byte,
                                     limits->serves ? "--servers" : NULL,
                                     NULL};
    plx__process *process;
    plx__process_usage usage = {.exit_status = -1};
    if (s->status != 0)
        return false;
    (void)snprintf(seed, sizeof seed, "%" PRIu64, s->seed);
    (void)snprintf(streams, sizeof streams, "%" PRIu32, limits->streams);
    (void)snprintf(bytes, sizeof bytes, "%" PRIu32, limits->bytes);
    (void)snprintf(faults, sizeof faults, "%" PRIu32, limits->faults);
    (void)snprintf(wrong_byte, sizeof wrong_byte, "%" PRIu32, limits->wrong_byte);
    s->status = plx__process_start(&process, arguments);
    if (s->status != 0)
        return false;
    int status = plx__process_wait(process, HANGS_NS, &usage);
    plx__process_close(process);
    return status != 0 || usage.exit_status != 0;
}

static bool take_if_fails(shrinking *s, sim_limits limits)
{
    if (!fails(s, &limits))
        return false;
    *s->limits = limits;
    s->is_smaller = true;
    s->on_smaller(&limits);
    return true;
}

static void streams_shrink(shrinking *s)
{
    sim_limits limits = *s->limits;
    const uint32_t streams = limits.streams;
    for (limits.streams = 1; limits.streams < streams; limits.streams++) {
        if (take_if_fails(s, limits))
            return;
    }
}

static void bytes_shrink(shrinking *s)
{
    sim_limits limits = *s->limits;
    for (uint64_t bytes = 1; bytes < s->limits->bytes; bytes += bytes / 2 + 1) {
        limits.bytes = (uint32_t)bytes;
        if (take_if_fails(s, limits))
            return;
    }
}

/* One by one: the rest stays as it was, for each draws its number whether it is on or not. */
static void faults_shrink(shrinking *s)
{
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        sim_limits limits = *s->limits;
        limits.faults &= ~(UINT32_C(1) << i);
        if (limits.faults != s->limits->faults)
            (void)take_if_fails(s, limits);
    }
}

int sim_shrink(const char *program, uint64_t seed, sim_limits *limits,
               void (*on_smaller)(const sim_limits *limits))
{
    shrinking s = {.program = program, .seed = seed, .limits = limits, .on_smaller = on_smaller};
    limits->faults &= (UINT32_C(1) << SIM_FAULTS) - 1;
    if (!fails(&s, limits))
        return s.status != 0 ? s.status : 1;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        s.is_smaller = false;
        streams_shrink(&s);
        bytes_shrink(&s);
        faults_shrink(&s);
        if (!s.is_smaller)
            break;
    }
    return s.status;
}
