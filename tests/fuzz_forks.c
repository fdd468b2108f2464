/* tests/fuzz_forks.c - makes the children, and waits for what they report. */
#include "tests/fuzz_forks.h"

#include <string.h>

#include "platform/fault.h"
#include "platform/test_system.h"
#include "tests/child_threads.h"
#include "tests/fuzz_check.h"
#include "tests/fuzz_faults.h"
#include "tests/fuzz_threads.h"

fuzz_forks_counts fuzz_forks_count;

bool fuzz_forks_are_possible(void)
{
#ifdef _WIN32
    return false;
#else
    return child_may_have_threads();
#endif
}

/* As long as it has decided nothing. */
static void refusals_check(plx_loop *loop)
{
    CHECK(plx_loop_run(loop) == PLX_EBUSY);
    CHECK(plx_loop_run_once(loop, 0) == PLX_EBUSY);
    CHECK(plx_loop_close(loop) == PLX_EBUSY);
    CHECK(plx_connect(loop, NULL, "tcp://127.0.0.1:1", NULL) == PLX_EBUSY);
    CHECK(plx_listen(loop, NULL, "tcp://127.0.0.1:0", NULL) == PLX_EBUSY);
}

/* The second thread of "poll" may have been about to change something, which stays allocated. */
static uint32_t memory_left_max(const plx_loop *loop)
{
    return strcmp(plx_loop_backend_name(loop), "poll") == 0 ? 4 : 0;
}

void fuzz_forks_abandon(plx_loop *const *loops, size_t count)
{
    uint32_t left_max = FUZZ_THREADS_MAX; /* What each thread is given to start with. */
    fuzz_faults_end();
    if (!fuzz_forks_are_possible())
        return;
    int forked = plx__test_fork();
    if (forked == 0) {
        for (size_t i = 0; i < count; i++) {
            left_max += memory_left_max(loops[i]);
            refusals_check(loops[i]);
            plx_loop_abandon(loops[i]);
        }
        CHECK(plx__fault_held(PLX__FAULT_MEMORY) <= left_max);
        plx__test_report(CHILD_IS_GOOD);
    }
    CHECK(forked == 1);
    CHECK(plx__test_fork_join() == CHILD_IS_GOOD);
    fuzz_forks_count.abandoned++;
}

void fuzz_forks_daemon(void (*run)(void))
{
    if (!fuzz_forks_are_possible())
        return;
    int forked = plx__test_fork();
    if (forked == 0) {
        run();
        plx__test_report(CHILD_IS_GOOD);
    }
    CHECK(forked == 1);
    CHECK(plx__test_fork_join() == CHILD_IS_GOOD);
    fuzz_forks_count.daemons++;
}

void fuzz_forks_continue(plx_loop *const *loops, size_t count)
{
    uint64_t until = plx__clock_now() + 10 * PLX_SECOND;
    fuzz_faults_end();
    int forked = plx__test_fork();
    CHECK(forked >= 0);
    if (forked != 0)
        plx__test_vanish();
    while (!plx__test_is_orphan()) {
        CHECK(plx__clock_now() < until);
        plx__thread_yield();
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(plx_loop_after_fork(loops[i]) == 0);
        CHECK(plx_loop_after_fork(loops[i]) == 0); /* Nothing needs to be done any more. */
    }
}
