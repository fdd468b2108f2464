/* tests/unit_idle_set.c - the table of the sockets that the second thread of "poll" waits for. */
#include "backends/readiness/idle_set.h"
#include "platform/atomic.h"
#include "platform/hook.h"
#include "tests/child.h"
#include "tests/polled_endpoint.h"

extern const test_case unit_idle_set_cases[];

enum { PLACES = 300, GROWS_AT = 256 };

/* Memory ends at each step of its growing: the table stays as it was, and grows when there is some
 * again. */
static void table_grows_as_a_whole(world *w)
{
    static polled_endpoint places[PLACES];
    const plx__openings openings = {.on_open = NULL};
    couple c = couple_open();
    plx__idle_set *set;
    plx__wake wake;
    (void)w;
    ck_ok(plx__wake_open(&wake));
    ck_ok(plx__idle_set_open(&set, &wake, &openings));
    for (int i = 0; i < PLACES; i++) {
        places[i].endpoint.socket = c.ours.socket;
        for (uint32_t step = 0; i == GROWS_AT && step < 4; step++) {
            plx__fault_arm(PLX__FAULT_MEMORY, step, 1);
            ck_assert_int_eq(plx__idle_set_add(set, &places[i].polled), PLX_ENOMEM);
            ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
        }
        ck_ok(plx__idle_set_add(set, &places[i].polled));
    }
    for (int i = 0; i < PLACES; i++)
        plx__idle_set_remove(set, &places[i].polled);
    plx__idle_set_apply(set);
    plx__idle_set_close(set);
    plx__wake_close(&wake);
    couple_close(&c);
}

static void count_polls(enum plx__hook_step step, void *data)
{
    if (step == PLX__HOOK_SECOND)
        plx__atomic_add((plx__atomic_u32 *)data, 1);
}

/* The thread is told of what has changed, and of nothing else: once more to poll for it. */
static void thread_is_told_of_changes_alone(world *w)
{
    const plx__openings openings = {.on_open = NULL};
    couple c = couple_open();
    polled_endpoint idle = {.endpoint = {.socket = c.ours.socket}};
    plx__atomic_u32 polls;
    plx__idle_set *set;
    plx__wake wake;
    (void)w;
    plx__atomic_store(&polls, 0);
    plx__hook_set(count_polls, &polls);
    ck_ok(plx__wake_open(&wake));
    ck_ok(plx__idle_set_open(&set, &wake, &openings));
    ck_ok(plx__idle_set_add(set, &idle.polled));
    plx__idle_set_apply(set);
    uint64_t until = plx__clock_now() + patience();
    while (plx__atomic_load(&polls) < 2) { /* At its start, and for this one. */
        ck_assert_uint_lt(plx__clock_now(), until);
        plx__thread_yield();
    }
    for (int i = 0; i < 3; i++) {
        plx__idle_set_apply(set);
        (void)plx__poll(NULL, 0, 5 * PLX_MILLISECOND); /* It has its chance. */
    }
    ck_assert_uint_eq(plx__atomic_load(&polls), 2);
    plx__idle_set_remove(set, &idle.polled);
    plx__idle_set_apply(set);
    plx__idle_set_close(set);
    plx__hook_set(NULL, NULL);
    plx__wake_close(&wake);
    couple_close(&c);
}

/* A child abandons its copy after the table has grown, and the thread, which it does not have, will
 * not take what was made for it: nothing is left of either. */
static void copy_that_nobody_takes_is_abandoned(world *w)
{
    static polled_endpoint places[GROWS_AT + 1];
    const plx__openings openings = {.on_open = NULL};
    plx__atomic_u32 polls;
    plx__idle_set *set;
    plx__wake wake;
    if (!child_is_possible(w) || !child_may_have_threads())
        return;
    plx__atomic_store(&polls, 0);
    plx__hook_set(count_polls, &polls);
    ck_ok(plx__wake_open(&wake));
    const holdings before = holdings_now();
    ck_ok(plx__idle_set_open(&set, &wake, &openings));
    uint64_t until = plx__clock_now() + patience();
    while (plx__atomic_load(&polls) == 0) { /* From then on it does not have the lock. */
        ck_assert_uint_lt(plx__clock_now(), until);
        plx__thread_yield();
    }
    if (child_fork()) {
        const uint32_t locked = plx__fault_held(PLX__FAULT_LOCK);
        for (int i = 0; i <= GROWS_AT; i++) {
            places[i].endpoint.socket = wake.reader;
            ck_ok(plx__idle_set_add(set, &places[i].polled));
        }
        plx__idle_set_abandon(set, NULL, NULL);
        ck_assert_uint_eq(holdings_now().memory, before.memory);
        ck_assert_uint_eq(holdings_now().descriptors, before.descriptors);
        ck_assert_uint_eq(plx__fault_held(PLX__FAULT_LOCK), locked); /* It gave back its own. */
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    plx__idle_set_close(set);
    plx__hook_set(NULL, NULL);
    plx__wake_close(&wake);
}

const test_case unit_idle_set_cases[] = {
    CASE(table_grows_as_a_whole),
    CASE(thread_is_told_of_changes_alone),
    CASE(copy_that_nobody_takes_is_abandoned),
    CASES_END,
};
