/* tests/fuzz_threads.c - owns the threads that disturb the loops. */
#include "tests/fuzz_threads.h"

#include "platform/platform.h"
#include "platform/test_system.h"
#include "tests/chance.h"
#include "tests/fuzz_check.h"

fuzz_threads_counts fuzz_threads_count;

static struct {
    plx_loop *const *loops;
    size_t count;
    plx__thread threads[FUZZ_THREADS_MAX];
    uint32_t seeds[FUZZ_THREADS_MAX];
    int running;
    uint32_t lost; /* How many are not in this process: each may not have counted its last post. */
    plx__atomic_u32 is_to_end;
    plx__atomic_u32 posted; /* How many posts were taken, */
    uint32_t ran;           /* and have run; the loops' thread alone counts these. */
    plx_signal signals[2];
} disturber;

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    CHECK(data == &disturber);
    CHECK(status == 0 || status == PLX_ECANCELED);
    disturber.ran++;
    fuzz_threads_count.posts++;
}

static void on_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    CHECK(data == &disturber);
    CHECK(number == PLX_SIGNAL_USER1 || number == PLX_SIGNAL_USER2);
    fuzz_threads_count.signals++;
}

/* With numbers of its own: those of the loops' thread are replayed by the seed. */
static void disturb(void *data)
{
    uint32_t state = *(const uint32_t *)data;
    while (!plx__atomic_load(&disturber.is_to_end)) {
        state = state * 1664525u + 1013904223u;
        plx_loop *loop = disturber.loops[(state >> 20) % disturber.count];
        uint32_t what = (state >> 24) % 64;
        if (what == 0)
            plx_loop_stop(loop);
        else if (what == 1)
            (void)plx__test_signal(PLX_SIGNAL_USER1 + (int)(state >> 20) % 2);
        else if (what == 2 ? plx_post_notify(loop, on_post, &disturber) == 0
                           : what < 40 && plx_post(loop, on_post, &disturber) == 0)
            plx__atomic_add(&disturber.posted, 1);
        else
            plx__thread_yield();
    }
}

bool fuzz_threads_begin(plx_loop *const *loops, size_t count)
{
    disturber.loops = loops;
    disturber.count = count;
    plx__atomic_store(&disturber.is_to_end, 0);
    plx__atomic_store(&disturber.posted, 0);
    disturber.ran = disturber.lost = 0;
    for (int i = 0; i < 2; i++) {
        int status = plx_signal_open(loops[(size_t)i % count], &disturber.signals[i],
                                     PLX_SIGNAL_USER1 + i, on_signal, &disturber);
        CHECK(status == 0 || status == PLX_ENOSYS);
    }
    int wanted = one_in(3) ? FUZZ_THREADS_MAX : 1;
    while (disturber.running < wanted) {
        int i = disturber.running;
        disturber.seeds[i] = (uint32_t)chance_next();
        if (plx__thread_start(&disturber.threads[i], disturb, &disturber.seeds[i]) != 0)
            break;
        disturber.running++;
    }
    return disturber.running > 0;
}

void fuzz_threads_end(void)
{
    plx__atomic_store(&disturber.is_to_end, 1);
    for (; disturber.running > 0; disturber.running--)
        plx__thread_join(&disturber.threads[disturber.running - 1]);
}

void fuzz_threads_lose(void)
{
    disturber.lost = (uint32_t)disturber.running;
    disturber.running = 0;
}

void fuzz_threads_check(void)
{
    uint32_t posted = plx__atomic_load(&disturber.posted);
    uint32_t ran = disturber.ran, lost = disturber.lost;
    if (ran >= posted && ran <= posted + lost)
        return;
    fprintf(stderr, "fuzz_api: %u posts were taken and %u have run, %u threads lost\n",
            (unsigned)posted, (unsigned)ran, (unsigned)lost);
    abort();
}
