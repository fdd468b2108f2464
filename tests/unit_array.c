/* tests/unit_array.c - the array that poll and select share, over a way of waiting that says what
 * the case wants.
 */
#include "backends/readiness/array_poller.h"
#include "tests/harness.h"
#include "tests/polled_endpoint.h"

extern const test_case unit_array_cases[];

enum { PLACES = 4 };

static polled_endpoint places[PLACES];

/* With so many that want to read. Place 0 has the entry 1, and so on; entry 0 is the wake. */
static plx__poller *array_open(uint32_t count)
{
    static const plx__poller_ops ops = {plx__array_poller_set, plx__array_poller_forget,
                                        plx__array_poller_collect};
    static plx__backend_report report;
    static const plx__backend_config config = {.receive_bytes = 64, .report = &report};
    plx__poller *poller;
    ck_ok(plx__array_poller_open(&poller, sizeof *poller, &config, &ops));
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (polled_endpoint){.endpoint = {.socket = PLX_SOCKET_NONE}};
        ck_ok(plx__array_poller_set(poller, &places[i].polled, PLX_READABLE));
        ck_assert_uint_eq(places[i].polled.slot.index, i + 1);
    }
    return poller;
}

/* A wait that says which entries are ready, a bit each, and what it returns. */
static int array_wait(plx__poller *poller, uint32_t bits, int count)
{
    ck_ok(plx__array_wait_begin(poller));
    for (uint32_t i = 0; i < poller->count; i++)
        poller->entries[i].revents = (bits >> i & 1) != 0 ? PLX__POLL_READ : 0;
    return plx__array_wait_end(poller, count);
}

static void array_remove(plx__poller *poller, uint32_t number)
{
    ck_ok(plx__array_poller_set(poller, &places[number].polled, 0));
    ck_assert_uint_eq(places[number].polled.slot.index, 0);
}

/* Collects up to `max`: exactly these are named, a bit for each place. */
static void check_collected(plx__poller *poller, size_t max, uint32_t expected)
{
    plx__poller_event events[PLACES + 1];
    uint32_t named = 0;
    size_t count = plx__array_poller_collect(poller, events, max);
    for (size_t i = 0; i < count; i++) {
        uint32_t bit = 1u << ((const polled_endpoint *)(const void *)events[i].polled - places);
        ck_assert_uint_eq(events[i].ready, PLX_READABLE);
        ck_assert_uint_eq(named & bit, 0);
        named |= bit;
    }
    ck_assert_uint_eq(named, expected);
}

/* However many are taken at a time, each of those that are ready is named once. */
static void each_is_named_once(world *w)
{
    (void)w;
    plx__poller *poller = array_open(PLACES);
    ck_ok(array_wait(poller, 0x1a, 3)); /* Entries 1, 3 and 4. */
    check_collected(poller, PLACES, 0xd);
    check_collected(poller, PLACES, 0);
    ck_ok(array_wait(poller, 0x1a, 3));
    check_collected(poller, 1, 0x8);
    check_collected(poller, 1, 0x4);
    check_collected(poller, 1, 0x1);
    check_collected(poller, 1, 0);
    ck_ok(array_wait(poller, 0x1b, 4)); /* The wake, too, which is nobody's. */
    ck_assert_uint_eq(poller->left, 3);
    check_collected(poller, 2, 0xc);
    ck_assert_uint_eq(poller->left, 1); /* Nobody is looked for when it is 0. */
    check_collected(poller, 2, 0x1);
    ck_assert_uint_eq(poller->left, 0);
    plx__array_poller_close(poller);
}

/* After a wait that failed, or that found nothing, nobody is named, whatever the entries say. */
static void wait_for_nothing_names_nobody(world *w)
{
    (void)w;
    plx__poller *poller = array_open(PLACES);
    ck_ok(array_wait(poller, 0x1e, 4));
    check_collected(poller, 2, 0xc);
    ck_assert_int_eq(array_wait(poller, 0x1e, PLX_EINVAL), PLX_EINVAL);
    check_collected(poller, PLACES, 0);
    ck_ok(array_wait(poller, 0x1e, 4));
    ck_ok(array_wait(poller, 0, 0));
    check_collected(poller, PLACES, 0);
    plx__array_poller_close(poller);
}

/* The last entry moves into the hole that one leaves. It is named if it has not been yet, and not a
 * second time if it has. */
static void what_moves_is_named_once(world *w)
{
    (void)w;
    for (uint32_t collected = 0; collected <= PLACES; collected++) {
        for (uint32_t gone = 0; gone < PLACES; gone++) {
            plx__poller *poller = array_open(PLACES);
            uint32_t all = 0xf, first = all & ~(all >> collected);
            ck_ok(array_wait(poller, 0x1e, 4));
            check_collected(poller, collected, first); /* From the last on. */
            array_remove(poller, gone);
            check_collected(poller, PLACES, all & ~first & ~(1u << gone));
            ck_assert_uint_eq(poller->count, PLACES);
            ck_ok(array_wait(poller, 0xe, 3)); /* Those who stayed are there. */
            check_collected(poller, PLACES, all & ~(1u << gone));
            plx__array_poller_close(poller);
        }
    }
}

/* One that comes back from elsewhere with something to say is named with the others. */
static void who_comes_back_is_named_with_the_others(world *w)
{
    (void)w;
    for (int speaks = 0; speaks < 2; speaks++) {
        plx__poller *poller = array_open(PLACES);
        array_remove(poller, 1);
        poller->elsewhere = 1;
        places[1].polled.interest = PLX_READABLE;
        for (int others = 0; others < 2; others++) {
            ck_ok(array_wait(poller, others != 0 ? 0xe : 0, 3 * others));
            plx__array_poller_return(poller, &places[1].polled, speaks != 0 ? PLX__POLL_READ : 0);
            ck_assert_uint_eq(poller->elsewhere, 0);
            ck_assert_uint_eq(poller->left, (uint32_t)(3 * others + speaks));
            check_collected(poller, PLACES, (others != 0 ? 0xdu : 0) | (speaks != 0 ? 2u : 0));
            ck_ok(array_wait(poller, 0x10, 1)); /* It is waited for from now on. */
            check_collected(poller, PLACES, 2);
            array_remove(poller, 1);
            poller->elsewhere = 1;
        }
        plx__array_poller_close(poller);
    }
}

const test_case unit_array_cases[] = {
    CASE(each_is_named_once),
    CASE(wait_for_nothing_names_nobody),
    CASE(what_moves_is_named_once),
    CASE(who_comes_back_is_named_with_the_others),
    CASES_END,
};
