/* tests/fuzz_turns.c - runs loops, and knows when that may fail. */
#include "tests/fuzz_turns.h"

#include <string.h>

#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_faults.h"

fuzz_turns_counts fuzz_turns_count;

/* How many runs may still fail because the ring of an io_uring was taken away. */
static uint32_t failures_due;

void fuzz_turns_open(void)
{
    failures_due = 0;
}

static bool is_uring(const plx_loop *loop)
{
    return strcmp(plx_loop_backend_name(loop), "uring") == 0;
}

/* A ring that was taken away is reported once, or until there is memory to leave it. Each thread
 * needs a ring of its own, for which there may be no descriptor; before Linux 6.12 there is none
 * while the thread before lives. */
static void status_check(const plx_loop *loop, int status)
{
    if (status == 0)
        return;
    CHECK(is_uring(loop));
    if (status == PLX_EBUSY || status == PLX_ENOSYS || fuzz_faults_may_cause(status))
        return;
    CHECK(failures_due > 0);
    failures_due--;
}

void fuzz_turns_quiet(plx_loop *loop)
{
    status_check(loop, plx_loop_run_once(loop, PLX_MILLISECOND));
}

static void stop_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    ++*(uint32_t *)data;
    plx_loop_stop(loop);
}

/* Until a timer stops it, or somebody else does. */
static void run_until_stopped(plx_loop *loop)
{
    uint32_t fired = 0;
    plx_timer timer;
    if (plx_timer_start(loop, &timer, PLX_MILLISECOND / 4, 0, stop_on_timer, &fired) != 0)
        return;
    status_check(loop, plx_loop_run(loop));
    CHECK(plx_timer_cancel(loop, timer) == (fired == 0 ? 0 : PLX_ESTALE));
    fuzz_turns_count.stopped++;
}

/* A stop that nobody has seen ends the next run before its first turn, and no other. */
static void run_stopped(plx_loop *loop)
{
    plx_loop_stats before, after;
    plx_loop_stats_get(loop, &before);
    plx_loop_stop(loop);
    CHECK(plx_loop_run(loop) == 0);
    plx_loop_stats_get(loop, &after);
    CHECK(before.ticks == after.ticks);
}

static void run_for_a_while(plx_loop *loop)
{
    uint64_t timeout = plx_loop_next_timeout(loop);
    uint64_t most = 2 * PLX_MILLISECOND;
    status_check(loop, plx_loop_run_once(loop, timeout < most ? timeout : most));
}

/* As plx_loop_run() would, a turn at a time: it ends with the stop, or when nothing is open. */
static void run_turn_by_turn(plx_loop *loop)
{
    int status = 1;
    for (size_t i = 1 + chance_below(20); i > 0 && status == 1; i--) {
        if (i == 1)
            plx_loop_stop(loop);
        status = plx_loop_run_turn(loop, one_in(5) ? PLX_MILLISECOND : 0);
    }
    CHECK(status != 1);
    status_check(loop, status);
}

static void run_some_turns(void *data)
{
    plx_loop *loop = data;
    for (size_t i = 1 + chance_below(20); i > 0; i--)
        status_check(loop, plx_loop_run_once(loop, 0));
}

static void run_elsewhere(plx_loop *loop)
{
    plx__thread thread;
    if (plx__thread_start(&thread, run_some_turns, loop) != 0)
        return;
    plx__thread_join(&thread);
    fuzz_turns_count.elsewhere++;
}

/* Of this loop, or of another one of the process. */
static void ring_lose(plx_loop *loop)
{
    if (!is_uring(loop) || failures_due > 0 || plx__test_ring_lost() != 0)
        return;
    failures_due = 8;
    fuzz_turns_count.rings_lost++;
}

void fuzz_turns_run(plx_loop *loop)
{
    switch (chance_below(200)) {
    case 0:
    case 1:
        run_until_stopped(loop);
        break;
    case 2:
        run_stopped(loop);
        break;
    case 3:
    case 4:
        run_for_a_while(loop);
        break;
    case 7:
        run_turn_by_turn(loop);
        break;
    case 5:
        if (!is_uring(loop) || one_in(3)) /* Leaving a ring takes the kernel some ms, twice. */
            run_elsewhere(loop);
        break;
    case 6:
        if (one_in(5))
            ring_lose(loop);
        break;
    default:
        status_check(loop, plx_loop_run_once(loop, one_in(5) ? PLX_MILLISECOND : 0));
        break;
    }
}
