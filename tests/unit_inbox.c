/* tests/unit_inbox.c - the queue of sockets on their way to a loop. */
#include "core/server/server.h"
#include "tests/harness.h"

extern const test_case unit_inbox_cases[];

static void put(plx__inbox *inbox, uint32_t number, bool is_first)
{
    bool has_to_tell = !is_first;
    ck_ok(plx__inbox_put(inbox, &(plx__handoff){.hops = number}, &has_to_tell));
    ck_assert_int_eq(has_to_tell, is_first);
}

static void take(plx__inbox *inbox, uint32_t number)
{
    plx__handoff handoff;
    ck_assert(plx__inbox_take(inbox, &handoff));
    ck_assert_uint_eq(handoff.hops, number);
}

/* It takes as many as it has room for, and returns them in order; what was taken makes room. */
static void full_queue_takes_no_more(world *w)
{
    plx__inbox inbox = {0};
    plx__handoff handoff = {.hops = 1};
    bool has_to_tell = false;
    (void)w;
    ck_ok(plx__inbox_open(&inbox));
    for (uint32_t i = 0; i < PLX__INBOX_MAX; i++)
        put(&inbox, i, i == 0);
    ck_assert_int_eq(plx__inbox_put(&inbox, &handoff, &has_to_tell), PLX_ENOBUFS);
    for (uint32_t i = 0; i < 10; i++)
        take(&inbox, i);
    for (uint32_t i = 0; i < 10; i++)
        put(&inbox, PLX__INBOX_MAX + i, false);
    ck_assert_int_eq(plx__inbox_put(&inbox, &handoff, &has_to_tell), PLX_ENOBUFS);
    ck_assert(!has_to_tell);
    for (uint32_t i = 10; i < PLX__INBOX_MAX + 10; i++)
        take(&inbox, i);
    ck_assert(!plx__inbox_take(&inbox, &handoff));
    put(&inbox, 1, true); /* Whoever found it empty is told of the next. */
    plx__inbox_close(&inbox);
}

/* What is taken still counts until it is done; and at its end nothing is let in. */
static void queue_counts_what_is_in_flight(world *w)
{
    plx__inbox inbox = {0};
    plx__handoff handoff = {.hops = 3};
    bool has_to_tell = false;
    (void)w;
    ck_ok(plx__inbox_open(&inbox));
    ck_assert(plx__inbox_is_empty(&inbox));
    put(&inbox, 1, true);
    put(&inbox, 2, false);
    take(&inbox, 1);
    plx__inbox_done(&inbox);
    take(&inbox, 2);
    ck_assert(!plx__inbox_is_empty(&inbox));
    plx__inbox_done(&inbox);
    ck_assert(plx__inbox_is_empty(&inbox));
    put(&inbox, 3, false); /* Nobody has found it empty. */
    plx__inbox_end(&inbox);
    ck_assert_int_eq(plx__inbox_put(&inbox, &handoff, &has_to_tell), PLX_ECANCELED);
    ck_assert(!has_to_tell);
    take(&inbox, 3);
    plx__inbox_close(&inbox);
}

const test_case unit_inbox_cases[] = {
    CASE(full_queue_takes_no_more),
    CASE(queue_counts_what_is_in_flight),
    CASES_END,
};
