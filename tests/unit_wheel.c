/* tests/unit_wheel.c - the timing wheel against a list that is sorted the slow way. */
#include <stdlib.h>
#include <string.h>

#include "core/wheel.h"
#include "tests/harness.h"

extern const test_case unit_wheel_cases[];

static plx__wheel wheel;

/* Advances, and takes all that is due. Each must be due, and none may come before another that is
 * earlier. Returns how many. */
static size_t advance(uint64_t now_ns)
{
    size_t count = 0;
    uint64_t last = 0;
    (void)plx__wheel_advance(&wheel, now_ns);
    for (plx__wheel_node *node; (node = plx__wheel_take(&wheel)) != NULL; count++) {
        ck_assert_uint_le(node->deadline_ns, now_ns);
        ck_assert_uint_ge(node->deadline_ns, last);
        last = node->deadline_ns;
    }
    return count;
}

static void wheel_fires_at_its_time(world *w)
{
    plx__wheel_node node;
    (void)w;
    for (uint64_t timeout = 1; timeout < UINT64_C(1) << 62; timeout *= 3) {
        memset(&node, 0, sizeof node);
        memset(&wheel, 0xff, sizeof wheel); /* Nothing of what was there matters. */
        plx__wheel_init(&wheel, 12345);
        plx__wheel_add(&wheel, &node, 12345 + timeout);
        ck_assert(plx__wheel_has(&node));
        ck_assert_uint_eq(advance(12345 + timeout - 1), 0);
        /* Not later than a tick and what rounding up takes. */
        ck_assert_uint_eq(advance(12345 + timeout + 2048), 1);
        ck_assert(!plx__wheel_has(&node));
        ck_assert_uint_eq(wheel.count, 0);
    }
}

/* Those of one deadline come in the order in which they were added, from the first two on. */
static void wheel_begins_in_order(world *w)
{
    plx__wheel_node nodes[2];
    (void)w;
    memset(nodes, 0, sizeof nodes);
    memset(&wheel, 0xff, sizeof wheel);
    plx__wheel_init(&wheel, 0);
    for (int i = 0; i < 2; i++)
        plx__wheel_add(&wheel, &nodes[i], PLX_SECOND);
    (void)plx__wheel_advance(&wheel, 2 * PLX_SECOND);
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_eq(plx__wheel_take(&wheel), &nodes[i]);
}

/* Turning from event to event reaches every deadline, in at most nine steps each. */
static void wheel_next_leads_to_each_deadline(world *w)
{
    plx__wheel_node node;
    (void)w;
    for (uint64_t timeout = 1; timeout < UINT64_C(1) << 62; timeout *= 5) {
        uint64_t now = 999999999;
        int steps = 0;
        memset(&node, 0, sizeof node);
        plx__wheel_init(&wheel, now);
        plx__wheel_add(&wheel, &node, now + timeout);
        while (plx__wheel_has(&node)) {
            uint64_t next = plx__wheel_next_ns(&wheel);
            ck_assert_uint_gt(next, now);
            now = next;
            (void)advance(now);
            ck_assert_int_le(++steps, 9);
        }
        ck_assert_uint_ge(now, 999999999 + timeout);
        ck_assert_uint_eq(plx__wheel_next_ns(&wheel), UINT64_MAX);
    }
}

/* One of equal deadlines comes before another that was added later, though they come from different
 * levels of the wheel. */
static void wheel_keeps_the_order_of_equals(world *w)
{
    plx__wheel_node early;
    plx__wheel_node late;
    (void)w;
    memset(&early, 0, sizeof early);
    memset(&late, 0, sizeof late);
    plx__wheel_init(&wheel, 0);
    plx__wheel_add(&wheel, &early, 10 * PLX_SECOND); /* Stands on a coarse level. */
    (void)advance(10 * PLX_SECOND - 5000);
    plx__wheel_add(&wheel, &late, 10 * PLX_SECOND); /* Stands on the finest. */
    (void)plx__wheel_advance(&wheel, 11 * PLX_SECOND);
    ck_assert_ptr_eq(plx__wheel_take(&wheel), &early);
    ck_assert_ptr_eq(plx__wheel_take(&wheel), &late);
    ck_assert_ptr_null(plx__wheel_take(&wheel));
}

/* A node that is put off to the deadline of another comes after that one, though it precedes it in
 * their slot; also where `order` wraps, or changes its sign. */
static void wheel_puts_off_behind_its_equals(world *w)
{
    plx__wheel_node early;
    plx__wheel_node late;
    (void)w;
    for (uint32_t i = 0; i < 8; i++) {
        memset(&early, 0, sizeof early);
        memset(&late, 0, sizeof late);
        plx__wheel_init(&wheel, 0);
        wheel.order = (i < 4 ? 0 : UINT32_C(1) << 31) - i % 4;
        plx__wheel_add(&wheel, &early, PLX_SECOND);
        plx__wheel_add(&wheel, &late, PLX_SECOND + 1);
        ck_assert(plx__wheel_postpone(&wheel, &early, PLX_SECOND + 1));
        (void)plx__wheel_advance(&wheel, 2 * PLX_SECOND);
        ck_assert_ptr_eq(plx__wheel_take(&wheel), &late);
        ck_assert_ptr_eq(plx__wheel_take(&wheel), &early);
    }
}

/* Nodes that are due can still be removed, and others stay. */
static void wheel_removes_what_is_due(world *w)
{
    plx__wheel_node nodes[3];
    (void)w;
    memset(nodes, 0, sizeof nodes);
    plx__wheel_init(&wheel, 0);
    for (uint64_t i = 0; i < 3; i++)
        plx__wheel_add(&wheel, &nodes[i], 1000 + i);
    (void)plx__wheel_advance(&wheel, PLX_SECOND);
    plx__wheel_remove(&wheel, &nodes[1]);
    ck_assert_ptr_eq(plx__wheel_take(&wheel), &nodes[0]);
    ck_assert_ptr_eq(plx__wheel_take(&wheel), &nodes[2]);
    ck_assert_ptr_null(plx__wheel_take(&wheel));
    ck_assert_uint_eq(wheel.count, 0);
}

enum { CROWD = 2000 };

static plx__wheel_node crowd[CROWD];

static uint64_t random_timeout(void)
{
    uint64_t spread = UINT64_C(1) << (rand() % 40);
    return ((uint64_t)rand() * (uint64_t)rand()) % spread;
}

/* Two thousand nodes are added, removed and put off at random for a long time. After each step
 * exactly those whose time has come have fired. */
static void wheel_agrees_with_a_list(world *w)
{
    uint64_t now = UINT64_C(1) << 41;
    (void)w;
    srand(4711);
    memset(crowd, 0, sizeof crowd);
    plx__wheel_init(&wheel, now);
    for (int step = 0; step < 3000; step++) {
        for (int change = 0; change < 20; change++) {
            plx__wheel_node *node = &crowd[rand() % CROWD];
            if (plx__wheel_has(node))
                plx__wheel_remove(&wheel, node);
            if (rand() % 4 != 0)
                plx__wheel_add(&wheel, node, now + random_timeout());
        }
        now += random_timeout() / 16;
        size_t due = 0;
        size_t later = 0;
        for (int i = 0; i < CROWD; i++) {
            bool is_in = plx__wheel_has(&crowd[i]);
            /* Rounding up makes those of the last tick and a half come with the next step. */
            due += is_in && crowd[i].deadline_ns + 2048 <= now;
            later += is_in && crowd[i].deadline_ns > now;
        }
        size_t before = (size_t)wheel.count;
        size_t fired = advance(now);
        ck_assert_uint_ge(fired, due);
        ck_assert_uint_le(fired, before - later);
        ck_assert_uint_eq(wheel.count, before - fired);
    }
}

/* A deadline that has passed already comes with the next advance that the clock makes. */
static void wheel_takes_what_has_passed(world *w)
{
    plx__wheel_node node;
    (void)w;
    memset(&node, 0, sizeof node);
    plx__wheel_init(&wheel, PLX_SECOND);
    plx__wheel_add(&wheel, &node, 5);
    ck_assert_uint_eq(advance(PLX_SECOND), 0);
    ck_assert_uint_le(plx__wheel_next_ns(&wheel), PLX_SECOND + 2048);
    ck_assert_uint_eq(advance(PLX_SECOND + 2048), 1);
}

/* Deadlines around the ticks at which the slots of each level begin, where nodes move to finer
 * levels: none fires before its time, nor more than a tick and what rounding takes after it. So
 * with nodes that were put off to there. */
static void wheel_is_exact_where_slots_begin(world *w)
{
    static const int64_t offsets[] = {-1025, -1024, -1, 0, 1, 1023, 1024, 1025, 2048};
    (void)w;
    for (uint32_t level = 1; level < 7; level++) {
        uint64_t border = (UINT64_C(3) << (PLX__WHEEL_LEVEL_SHIFT * level + PLX__WHEEL_TICK_SHIFT));
        for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
            for (int is_postponed = 0; is_postponed < 2; is_postponed++) {
                plx__wheel_node node;
                uint64_t deadline = border + (uint64_t)offsets[i];
                memset(&node, 0, sizeof node);
                plx__wheel_init(&wheel, 5000);
                plx__wheel_add(&wheel, &node, is_postponed ? border - 100000 : deadline);
                if (is_postponed)
                    ck_assert(plx__wheel_postpone(&wheel, &node, deadline));
                for (uint64_t now = border - 4096; now <= border + 8192; now += 256) {
                    bool was_in = plx__wheel_has(&node);
                    size_t fired = advance(now); /* Asserts that the deadline has passed. */
                    ck_assert_uint_eq(fired, was_in && !plx__wheel_has(&node));
                    if (now >= deadline + 1024)
                        ck_assert(!plx__wheel_has(&node));
                }
            }
        }
    }
}

/* A node that is due by the very tick at which the wheel stands cannot be put off in its place: it
 * would fire all the same. One that is due a tick later can. */
static void wheel_puts_off_nothing_that_is_due(world *w)
{
    const uint64_t tick = UINT64_C(1) << PLX__WHEEL_TICK_SHIFT;
    plx__wheel_node due;
    plx__wheel_node ahead;
    (void)w;
    memset(&due, 0, sizeof due);
    memset(&ahead, 0, sizeof ahead);
    plx__wheel_init(&wheel, 0);
    plx__wheel_add(&wheel, &due, 10 * tick);
    plx__wheel_add(&wheel, &ahead, 11 * tick);
    ck_assert(plx__wheel_advance(&wheel, 10 * tick));
    ck_assert(!plx__wheel_postpone(&wheel, &due, 20 * tick));
    ck_assert(plx__wheel_postpone(&wheel, &ahead, 20 * tick));
    ck_assert_ptr_eq(plx__wheel_take(&wheel), &due);
    ck_assert_uint_eq(advance(19 * tick), 0);
    ck_assert_uint_eq(advance(20 * tick), 1);
}

/* Nodes of about one deadline follow each other into a slot, while it is in use: not into one whose
 * last node was removed, nor into one that the wheel has passed. */
static void wheel_follows_into_slots_that_are_in_use(world *w)
{
    const uint64_t start = UINT64_C(3) << (2 * PLX__WHEEL_LEVEL_SHIFT + PLX__WHEEL_TICK_SHIFT);
    plx__wheel_node first;
    plx__wheel_node second;
    (void)w;
    for (int is_passed = 0; is_passed < 2; is_passed++) {
        memset(&first, 0, sizeof first);
        memset(&second, 0, sizeof second);
        plx__wheel_init(&wheel, 0);
        plx__wheel_add(&wheel, &first, start);
        if (is_passed)
            ck_assert_uint_eq(advance(start), 1);
        else
            plx__wheel_remove(&wheel, &first);
        plx__wheel_add(&wheel, &second, start + 100 * 1024);
        ck_assert_uint_le(plx__wheel_next_ns(&wheel), start + 100 * 1024);
        ck_assert_uint_eq(advance(start + 99 * 1024), 0);
        ck_assert_uint_eq(advance(start + 100 * 1024), 1);
    }
}

const test_case unit_wheel_cases[] = {
    CASE(wheel_fires_at_its_time),
    CASE(wheel_begins_in_order),
    CASE(wheel_next_leads_to_each_deadline),
    CASE(wheel_keeps_the_order_of_equals),
    CASE(wheel_puts_off_behind_its_equals),
    CASE(wheel_removes_what_is_due),
    CASE(wheel_agrees_with_a_list),
    CASE(wheel_takes_what_has_passed),
    CASE(wheel_is_exact_where_slots_begin),
    CASE(wheel_puts_off_nothing_that_is_due),
    CASE(wheel_follows_into_slots_that_are_in_use),
    CASES_END,
};
