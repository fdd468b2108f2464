/* bench/timers.c - the work with timers: nanoseconds for each operation while `count` timers run.
 *
 * They are started with random timeouts, drawn beforehand. They are restarted in three ways. As
 * idle timeouts are: the one that is due first becomes due last, all with about the same timeout,
 * which is what most restarts of a server do. With random timeouts, in the order of starting. And
 * the same in a random order, which adds what memory does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/contestant.h"

#define TIMEOUT_FIRST_MS 1000u
#define TIMEOUT_RANGE_MS 59000u
#define SOON_MS          50u /* Those that are to fire do so within this time. */
#define PATIENCE_NS      (UINT64_C(20) * 1000 * 1000 * 1000)

typedef struct timer_work {
    const bench_timer_ops *ops;
    size_t count;
    uint32_t *timeouts_ms;
    uint32_t *order;
    uint64_t random;
    double start, restart, random_restart, shuffled, cancel; /* Nanoseconds each. */
} timer_work;

static size_t fired;

void bench_timer_fired(void)
{
    fired++;
}

/* Xorshift (G. Marsaglia, "Xorshift RNGs", 2003): the same numbers for all contestants. */
static uint32_t random_next(timer_work *work, uint32_t bound)
{
    work->random ^= work->random << 13;
    work->random ^= work->random >> 7;
    work->random ^= work->random << 17;
    return (uint32_t)(work->random >> 32) % bound;
}

static void timeouts_draw(timer_work *work, uint32_t first_ms, uint32_t range_ms)
{
    for (size_t i = 0; i < work->count; i++)
        work->timeouts_ms[i] = first_ms + random_next(work, range_ms);
    work->ops->update();
}

static double each_ns(const timer_work *work, uint64_t start_ns)
{
    return (double)(bench_cpu_ns() - start_ns) / (double)work->count;
}

static double all_start(timer_work *work)
{
    uint64_t start_ns = bench_cpu_ns();
    for (size_t i = 0; i < work->count; i++)
        work->ops->start(i, work->timeouts_ms[i]);
    return each_ns(work, start_ns);
}

/* Each becomes due after all others; before that they are made due in the order of their numbers.
 */
static double all_restart(timer_work *work)
{
    uint32_t first_ms = TIMEOUT_FIRST_MS;
    uint64_t start_ns = 0;
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < work->count; i++)
            work->timeouts_ms[i] =
                first_ms + (uint32_t)((uint64_t)i * TIMEOUT_RANGE_MS / work->count);
        work->ops->update();
        start_ns = bench_cpu_ns();
        for (size_t i = 0; i < work->count; i++)
            work->ops->restart(i, work->timeouts_ms[i]);
        first_ms += TIMEOUT_RANGE_MS;
    }
    return each_ns(work, start_ns);
}

static double all_restart_random(timer_work *work)
{
    timeouts_draw(work, TIMEOUT_FIRST_MS, TIMEOUT_RANGE_MS);
    uint64_t start_ns = bench_cpu_ns();
    for (size_t i = 0; i < work->count; i++)
        work->ops->restart(i, work->timeouts_ms[i]);
    return each_ns(work, start_ns);
}

static double all_restart_shuffled(timer_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        work->order[i] = (uint32_t)i;
    for (size_t i = work->count - 1; i > 0; i--) {
        size_t other = random_next(work, (uint32_t)i + 1);
        uint32_t swapped = work->order[i];
        work->order[i] = work->order[other];
        work->order[other] = swapped;
    }
    timeouts_draw(work, TIMEOUT_FIRST_MS, TIMEOUT_RANGE_MS);
    uint64_t start_ns = bench_cpu_ns();
    for (size_t i = 0; i < work->count; i++)
        work->ops->restart(work->order[i], work->timeouts_ms[i]);
    return each_ns(work, start_ns);
}

static double all_cancel(timer_work *work)
{
    uint64_t start_ns = bench_cpu_ns();
    for (size_t i = 0; i < work->count; i++)
        work->ops->cancel(i);
    return each_ns(work, start_ns);
}

static double all_fire(timer_work *work)
{
    timeouts_draw(work, 1, SOON_MS);
    (void)all_start(work);
    uint64_t due_ns = bench_clock_ns() + (SOON_MS + 10) * UINT64_C(1000000);
    while (bench_clock_ns() < due_ns)
        continue; /* Asleep the clock of the processor would come down. */
    uint64_t start_ns = bench_cpu_ns();
    while (fired < work->count && bench_clock_ns() < due_ns + PATIENCE_NS)
        work->ops->turn();
    return each_ns(work, start_ns);
}

/* While no time passes for the loop. */
static void running_measure(void *data)
{
    timer_work *work = data;
    timeouts_draw(work, TIMEOUT_FIRST_MS, TIMEOUT_RANGE_MS);
    work->start = all_start(work);
    work->restart = all_restart(work);
    work->random_restart = all_restart_random(work);
    work->shuffled = all_restart_shuffled(work);
    work->cancel = all_cancel(work);
}

void bench_timers_run(const bench_timer_ops *ops, size_t count)
{
    timer_work work = {.ops = ops, .count = count, .random = UINT64_C(88172645463325252)};
    work.timeouts_ms = calloc(count, sizeof *work.timeouts_ms);
    work.order = calloc(count, sizeof *work.order);
    if (work.timeouts_ms == NULL || work.order == NULL || !ops->open(count))
        bench_fail("out of memory");
    if (ops->inside != NULL)
        ops->inside(running_measure, &work);
    else
        running_measure(&work);
    size_t early = fired;
    double fire = all_fire(&work);
    if (early != 0 || fired != count)
        bench_fail("timers fired that should not, or did not fire");
    printf("{\"start\": %.2f, \"restart\": %.2f, \"restart_random\": %.2f, "
           "\"restart_shuffled\": %.2f, \"cancel\": %.2f, \"fire\": %.2f, \"fired\": %zu}\n",
           work.start, work.restart, work.random_restart, work.shuffled, work.cancel, fire, fired);
    free(work.timeouts_ms);
    free(work.order);
}
