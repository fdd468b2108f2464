/* tests/fuzz_api.c - random calls, in any order, from anywhere, with handles of every sort.
 *
 *   fuzz_api [--backend NAME] [--seed N] [--seconds S]
 *
 * Two loops live side by side. Calls come from outside and from inside callbacks; their handles are
 * live, stale, of the other loop, or noise; whatever the system can refuse it refuses now and then;
 * in every second round another thread posts, stops the loops and sends signals. Loops are turned
 * by several threads, forked and taken over. Streams whose every byte is known run through all that
 * (fuzz_streams.c). Nothing may crash, hang or leak; every connection that was named closes or is
 * released exactly once and is silent after that, every buffer that was lent comes back exactly
 * once. The seed is printed, and replays the calls; the timing of the system's own part is its own.
 */
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/fault.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/configuration.h"
#include "tests/fuzz_calls.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_crowd.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_forks.h"
#include "tests/fuzz_lost.h"
#include "tests/fuzz_peers.h"
#include "tests/fuzz_scarce.h"
#include "tests/fuzz_settings.h"
#include "tests/fuzz_streams.h"
#include "tests/fuzz_threads.h"
#include "tests/fuzz_turns.h"
#include "tests/fuzz_watches.h"

enum { LOOPS = 2, STEPS = 3000 };

static const char *backend;
static plx_loop *loops[LOOPS];
static uint64_t queued_max[LOOPS];
static uint32_t connections_max[LOOPS];
static uint64_t until_ns;

uint64_t chance_state = 1;

static plx_loop *any_loop(void)
{
    return loops[chance_below(LOOPS)];
}

/* --- a round of two loops ----------------------------------------------------------------------
 */

static uint32_t any_of(uint32_t usual, uint32_t little)
{
    if (one_in(2))
        return 0;
    return one_in(3) ? little : usual;
}

/* Limits that are met all the time, or hardly ever. */
static plx_loop_options any_options(void)
{
    plx_loop_options options = {
        .connections_max = any_of(48, 8),
        .queued_bytes_max = any_of(500000, 20000),
        .posts_max = one_in(4) ? 2 : 64,
        .receive_bytes = any_of(1000, 1),
        .keep_running = one_in(2),
    };
    options.backend = configuration_backend(backend);
    if (one_in(2))
        fuzz_settings_choose(&options);
    return configuration_options(backend, options);
}

/* It may fail for a fault, and then leaves nothing behind. */
static plx_loop *loop_open(const plx_loop_options *options)
{
    plx_loop *loop;
    fuzz_faults_end();
    if (one_in(4))
        fuzz_faults_arm();
    int status = plx_loop_open(&loop, options);
    CHECK(status == 0 || status == PLX_ENOSYS || fuzz_faults_may_cause(status));
    CHECK((status == 0) == (loop != NULL));
    fuzz_faults_end();
    if (loop == NULL)
        CHECK(plx_loop_open(&loop, options) == 0);
    return loop;
}

static void all_open(void)
{
    CHECK(fuzz_peers_open());
    fuzz_faults_room_choose();
    fuzz_turns_open();
    for (int i = 0; i < LOOPS; i++) {
        const plx_loop_options options = any_options();
        queued_max[i] = options.queued_bytes_max;
        connections_max[i] = options.connections_max;
        loops[i] = loop_open(&options);
    }
    fuzz_calls_open(loops, LOOPS);
    fuzz_streams_open(loops, queued_max, LOOPS);
    fuzz_watches_open(loops, LOOPS);
}

/* Waits that fail do not keep a loop from closing. */
static void closing_faults_arm(void)
{
    fuzz_faults_end();
    if (one_in(4))
        fuzz_faults_arm();
    else if (one_in(20))
        plx__fault_arm(PLX__FAULT_WAIT, 0, 250);
}

/* What may stay allocated is what a thread that stayed in the parent was about to change. */
static void all_close(uint32_t memory_max)
{
    fuzz_watches_check();
    for (int i = 0; i < LOOPS; i++) {
        closing_faults_arm();
        CHECK(plx_loop_close(loops[i]) == 0);
        loops[i] = NULL;
    }
    fuzz_faults_end(); /* Callbacks of the closing may have begun some. */
    fuzz_peers_close();
    fuzz_watches_close();
    fuzz_streams_close();
    fuzz_calls_close();
    CHECK(plx__fault_held(PLX__FAULT_MEMORY) <= memory_max);
    CHECK(plx__fault_held(PLX__FAULT_DESCRIPTOR) == 0);
}

/* Between turns: who came is here or has gone, and the limits hold. */
static void stats_check(size_t index)
{
    enum { CALLBACK_WRITES_MAX = 16384 }; /* plx_loop_options.queued_bytes_max */
    plx_loop_stats s;
    plx_loop_stats_get(loops[index], &s);
    uint64_t came = s.connections_accepted + s.connections_started + s.connections_adopted;
    CHECK(came == s.connections_closed + s.connections_open);
    CHECK(s.queued_bytes <= s.queued_bytes_peak);
    CHECK(queued_max[index] == 0 || s.queued_bytes_peak <= queued_max[index] + CALLBACK_WRITES_MAX);
    CHECK(s.received_bytes >= s.receives && s.completions >= s.receives);
    CHECK(connections_max[index] == 0 || s.connections_open <= connections_max[index]);
}

static void steps_run(int steps, bool may_fork)
{
    for (int step = 0; step < steps && plx__clock_now() < until_ns; step++) {
        plx_loop *loop = any_loop();
        for (size_t i = chance_below(6); i > 0; i--) {
            fuzz_calls_call(loop);
            fuzz_streams_call(NULL, fuzz_calls_count.calls);
        }
        if (one_in(2))
            fuzz_watches_call(NULL, fuzz_calls_count.calls);
        if (one_in(5))
            fuzz_faults_end();
        fuzz_turns_run(any_loop());
        if (one_in(8))
            stats_check(chance_below(LOOPS));
        if (may_fork && one_in(STEPS))
            fuzz_forks_abandon(loops, LOOPS);
    }
}

/* One life of two loops: some thousand calls and turns, then everything closes. */
static void round_of_calls(void)
{
    all_open();
    bool is_disturbed = one_in(2) && fuzz_threads_begin(loops, LOOPS);
    steps_run(STEPS, true);
    if (is_disturbed)
        fuzz_threads_end();
    all_close(0);
    if (is_disturbed)
        fuzz_threads_check();
}

/* The same in a child, which ends amid it and leaves the loops to a child of its own. */
static void daemon_run(void)
{
    all_open();
    bool is_poll = strcmp(plx_loop_backend_name(loops[0]), "poll") == 0;
    bool is_disturbed = one_in(2) && fuzz_threads_begin(loops, LOOPS);
    steps_run(STEPS / 4, false);
    fuzz_forks_continue(loops, LOOPS);
    if (is_disturbed)
        fuzz_threads_lose();
    steps_run(STEPS / 4, false);
    uint32_t left_max = is_disturbed ? FUZZ_THREADS_MAX : 0;
    all_close(is_poll ? left_max + 8 : left_max);
    if (is_disturbed)
        fuzz_threads_check();
}

static void round_run(void)
{
    plx_loop_options options = configuration_options(backend, (plx_loop_options){0});
    size_t kind = chance_below(16);
    fuzz_faults_end();
    fuzz_faults_room_choose();
    if (kind == 0)
        fuzz_forks_daemon(daemon_run);
    else if (kind < 4 && fuzz_lost_is_possible())
        fuzz_lost_round(&options, fuzz_calls_count.calls);
    else if (kind < 6)
        fuzz_scarce_round(options, fuzz_calls_count.calls);
    else if (kind < 7)
        fuzz_crowd_round(options, fuzz_calls_count.calls);
    else
        round_of_calls();
}

/* --- the program -------------------------------------------------------------------------------
 */

static void report(uint64_t rounds)
{
    printf("fuzz_api: %llu streams, %llu bytes, %llu times high, %llu drained, %llu handed over, "
           "%llu ended whole; %llu posts by another thread, %llu signals\n",
           (unsigned long long)fuzz_streams_count.streams,
           (unsigned long long)fuzz_streams_count.bytes,
           (unsigned long long)fuzz_streams_count.high,
           (unsigned long long)fuzz_streams_count.drains,
           (unsigned long long)fuzz_streams_count.handed_over,
           (unsigned long long)fuzz_streams_count.ended_whole,
           (unsigned long long)fuzz_threads_count.posts,
           (unsigned long long)fuzz_threads_count.signals);
    printf("fuzz_api: %llu descriptors lost, %llu accepts paused, %llu rejected; %llu children, "
           "%llu daemons; %llu runs stopped, %llu on another thread, %llu rings lost\n",
           (unsigned long long)fuzz_lost_count, (unsigned long long)fuzz_scarce_count.pauses,
           (unsigned long long)fuzz_scarce_count.rejected,
           (unsigned long long)fuzz_forks_count.abandoned,
           (unsigned long long)fuzz_forks_count.daemons,
           (unsigned long long)fuzz_turns_count.stopped,
           (unsigned long long)fuzz_turns_count.elsewhere,
           (unsigned long long)fuzz_turns_count.rings_lost);
    printf("fuzz_api: %llu in crowds, %llu of them dropped\n",
           (unsigned long long)fuzz_crowd_count.members,
           (unsigned long long)fuzz_crowd_count.dropped);
    printf("fuzz_api: %llu rounds, %llu calls, %llu connections, %llu released, %llu loans; "
           "nothing leaked\n",
           (unsigned long long)rounds, (unsigned long long)fuzz_calls_count.calls,
           (unsigned long long)fuzz_calls_count.opened,
           (unsigned long long)fuzz_calls_count.released,
           (unsigned long long)fuzz_calls_count.lent);
}

int main(int argc, char **argv)
{
    const char *seconds_text = getenv("POLLUX_FUZZ_SECONDS");
    double seconds = seconds_text != NULL ? strtod(seconds_text, NULL) : 5;
    uint64_t seed = plx__clock_now();
    plx__test_unattended();
    plx__test_descriptors_allow(4096); /* Crowds have two for each connection. */
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--backend") == 0)
            backend = argv[i + 1];
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
    }
    printf("fuzz_api: backend %s, --seed %llu\n", backend != NULL ? backend : plx_backend_default(),
           (unsigned long long)seed);
    fflush(stdout);
    CHECK(plx__sockets_start() == 0);
    until_ns = plx__clock_now() + (uint64_t)(seconds * (double)PLX_SECOND);
    uint64_t rounds = 0;
    for (; plx__clock_now() < until_ns; rounds++) {
        chance_state = (seed + rounds) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        round_run();
    }
    plx__sockets_end();
    report(rounds);
    return 0;
}
