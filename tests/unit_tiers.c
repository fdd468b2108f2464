/* tests/unit_tiers.c - who is idle, and for how long: what backends/readiness/poll.c decides once
 * a tick.
 *
 * The backend is asked without a loop. With a tick of a nanosecond each wait is one, so nothing
 * here depends on how fast the machine is; what each endpoint has been told stands in front of it.
 */
#include "backends/readiness/poller.h"
#include "backends/settings.h"
#include "tests/harness.h"
#include "tests/polled_endpoint.h"

extern const test_case unit_tiers_cases[];

typedef struct tiers {
    plx__backend *backend;
    couple couple;
    polled_endpoint idle; /* Receives from `couple.ours`. */
} tiers;

static const plx__backend_ops *ops;

/* It may not be compiled in. */
static bool poll_is_here(void)
{
    ops = plx__backend_find("poll");
    return ops != NULL;
}

/* The counters, in the order of their names. */
enum { IDLE_SOCKETS, IDLE_ADDED, IDLE_RETURNED, IDLE_FAILURES };

static plx__backend_report report;

static tiers tiers_open(uint32_t idle_set_min, uint64_t after_ns)
{
    const uint64_t settings[] = {[PLX__POLL_IDLE_SET] = PLX_ON,
                                 [PLX__POLL_IDLE_SET_MIN] = idle_set_min,
                                 [PLX__POLL_IDLE_AFTER_NS] = after_ns};
    const plx__backend_config config = {
        .receive_bytes = 64, .settings = settings, .report = &report};
    report = (plx__backend_report){0};
    tiers t = {.couple = couple_open()};
    ck_ok(ops->open(&t.backend, &config));
    t.idle = (polled_endpoint){.endpoint = {.socket = t.couple.ours.socket}};
    return t;
}

static void tiers_close(tiers *t)
{
    (void)ops->detach(t->backend, &t->idle.endpoint);
    ops->close(t->backend);
    couple_close(&t->couple);
}

static void idle_start(tiers *t)
{
    ck_ok(ops->receive_start(t->backend, &t->idle.endpoint));
}

/* So many ticks in which nobody has anything to say. */
static void ticks(tiers *t, int count)
{
    for (int i = 0; i < count; i++) {
        ck_ok(ops->wait(t->backend, 0));
        ck_assert_ptr_null(ops->next(t->backend));
    }
}

/* One more, in which the idle one says something and comes back. */
static void tick_of_return(tiers *t)
{
    ck_assert(t->idle.polled.is_idle);
    ck_assert_int_eq(plx__socket_send(t->couple.theirs.socket, "x", 1), 1);
    ck_ok(ops->wait(t->backend, patience()));
    const plx__completion *completion = ops->next(t->backend);
    ck_assert_ptr_nonnull(completion);
    ck_assert_int_eq(completion->kind, PLX__RECEIVED);
    ck_assert_ptr_eq(completion->endpoint, &t->idle.endpoint);
    ck_assert_ptr_null(ops->next(t->backend));
    ck_assert(!t->idle.polled.is_idle);
}

/* The patience with which one begins is the time that it is given, in ticks of up to 100 ms, less
 * the one in which it goes. */
static void patience_is_counted_in_ticks(world *w)
{
    const struct {
        uint64_t after_ns;
        int patience;
    } given[] = {
        {1, 0},
        {99 * PLX_MILLISECOND, 0},
        {100 * PLX_MILLISECOND, 0},
        {199 * PLX_MILLISECOND, 0},
        {200 * PLX_MILLISECOND, 1},
        {300 * PLX_MILLISECOND, 2},
        {6400 * PLX_MILLISECOND, 63},
        {6500 * PLX_MILLISECOND, 64},
        {6600 * PLX_MILLISECOND, 64},
        {60 * PLX_SECOND, 64},
    };
    (void)w;
    if (!poll_is_here())
        return;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        tiers t = tiers_open(1, given[i].after_ns);
        idle_start(&t);
        ck_assert_int_eq(t.idle.polled.patience, given[i].patience);
        tiers_close(&t);
    }
}

/* One joins the idle set in the first tick that finds it idle for longer than its patience. */
static void idle_one_goes_when_its_patience_is_over(world *w)
{
    enum { PATIENCE = 3 };
    (void)w;
    if (!poll_is_here())
        return;
    tiers t = tiers_open(1, 1);
    idle_start(&t);
    t.idle.polled.patience = PATIENCE;
    ticks(&t, PATIENCE - 1);
    ck_assert_int_eq(plx__socket_send(t.couple.theirs.socket, "x", 1), 1);
    ck_ok(ops->wait(t.backend, patience())); /* It said something, and its time begins anew. */
    ck_assert_ptr_nonnull(ops->next(t.backend));
    ticks(&t, PATIENCE);
    ck_assert(!t.idle.polled.is_idle);
    ticks(&t, 1);
    ck_assert(t.idle.polled.is_idle);
    tiers_close(&t);
}

/* One that comes back after `absence` ticks, and had this patience when it went, has that after. */
static void check_patience(int before, int absence, int after)
{
    tiers t = tiers_open(1, 1);
    idle_start(&t);
    ticks(&t, 1); /* With none it goes at once. */
    t.idle.polled.patience = (uint8_t)before;
    ticks(&t, absence - 2);
    tick_of_return(&t);
    ck_assert_int_eq(t.idle.polled.patience, after);
    tiers_close(&t);
}

/* Who comes back soon stays twice as long the next time, within bounds; who was away for long
 * begins anew. */
static void patience_doubles_for_who_comes_back_soon(world *w)
{
    (void)w;
    if (!poll_is_here())
        return;
    check_patience(1, 2, 2);
    check_patience(3, 2, 6);
    check_patience(31, 2, 62);
    check_patience(32, 2, 64);
    check_patience(33, 2, 64);
    check_patience(64, 2, 64);
    check_patience(1, 8, 2);
    check_patience(1, 9, 0);
    check_patience(2, 16, 4);
    check_patience(2, 17, 0);
}

/* Two tiers are for more than so many sockets, the wake's among them, wherever they are. */
static void few_stay_where_they_are(world *w)
{
    (void)w;
    if (!poll_is_here())
        return;
    tiers t = tiers_open(2, 1);
    couple more = couple_open();
    polled_endpoint other = {.endpoint = {.socket = more.ours.socket}};
    polled_endpoint third = {.endpoint = {.socket = more.theirs.socket}};
    idle_start(&t);
    ticks(&t, 3);
    ck_assert(!t.idle.polled.is_idle);
    ck_ok(ops->receive_start(t.backend, &other.endpoint));
    ticks(&t, 2);
    ck_assert(t.idle.polled.is_idle && other.polled.is_idle);
    ck_ok(ops->receive_start(t.backend, &third.endpoint));
    ticks(&t, 2);
    ck_assert(third.polled.is_idle);
    ck_assert_uint_eq(report.values[IDLE_SOCKETS], 3);
    (void)ops->detach(t.backend, &third.endpoint);
    (void)ops->detach(t.backend, &other.endpoint);
    tick_of_return(&t);
    ticks(&t, 3);
    ck_assert(!t.idle.polled.is_idle);
    ck_assert_uint_eq(report.values[IDLE_ADDED], 3);
    ck_assert_uint_eq(report.values[IDLE_RETURNED], 1);
    tiers_close(&t);
    couple_close(&more);
}

/* A thread that cannot be started is tried again 100 ticks later, and not before. */
static void second_thread_is_tried_again_after_100_ticks(world *w)
{
    enum { RETRY_TICKS = 100 };
    (void)w;
    if (!poll_is_here())
        return;
    tiers t = tiers_open(1, 1);
    idle_start(&t);
    plx__fault_arm(PLX__FAULT_THREAD, 0, 2);
    for (uint32_t tries = 1; tries <= 2; tries++) {
        ticks(&t, 1);
        ck_assert_uint_eq(report.values[IDLE_FAILURES], tries);
        ticks(&t, RETRY_TICKS);
        ck_assert_uint_eq(report.values[IDLE_FAILURES], tries);
    }
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_THREAD), 2);
    ck_assert(!t.idle.polled.is_idle);
    ticks(&t, 1);
    ck_assert(t.idle.polled.is_idle);
    ck_assert_uint_eq(report.values[IDLE_FAILURES], 2);
    tiers_close(&t);
}

/* So is one whose wait fails: all come back, and the idle set is empty for so long. */
static void second_thread_that_cannot_wait_rests_for_100_ticks(world *w)
{
    enum { RETRY_TICKS = 100 };
    (void)w;
    if (!poll_is_here())
        return;
    tiers t = tiers_open(1, 1);
    idle_start(&t);
    plx__fault_arm(PLX__FAULT_IDLE_WAIT, 0, 1);
    ticks(&t, 1);
    uint64_t until = plx__clock_now() + patience();
    while (report.values[IDLE_FAILURES] == 0) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ticks(&t, 1);
    }
    ck_assert(!t.idle.polled.is_idle);
    ck_assert_uint_eq(report.values[IDLE_RETURNED], 0); /* It had nothing to say. */
    ticks(&t, RETRY_TICKS);
    ck_assert(!t.idle.polled.is_idle);
    (void)plx__fault_disarm(PLX__FAULT_IDLE_WAIT);
    ticks(&t, 1);
    ck_assert(t.idle.polled.is_idle);
    ck_assert_uint_eq(report.values[IDLE_FAILURES], 1);
    tiers_close(&t);
}

/* One for which the idle set has no memory stays, is counted, and goes in the next tick. */
static void one_without_room_stays_for_a_tick(world *w)
{
    enum { ROOM = 256 };
    static polled_endpoint places[ROOM];
    (void)w;
    if (!poll_is_here())
        return;
    tiers t = tiers_open(1, 1);
    idle_start(&t);
    ticks(&t, 1);
    for (int i = 0; i < ROOM; i++) {
        places[i] = (polled_endpoint){.endpoint = {.socket = t.couple.ours.socket}};
        ck_ok(ops->receive_start(t.backend, &places[i].endpoint));
    }
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ticks(&t, 1);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_MEMORY), 0);
    ck_assert_uint_eq(report.values[IDLE_FAILURES], 1);
    ck_assert_uint_eq(report.values[IDLE_SOCKETS], ROOM);
    ticks(&t, 1);
    ck_assert_uint_eq(report.values[IDLE_FAILURES], 1);
    ck_assert_uint_eq(report.values[IDLE_SOCKETS], ROOM + 1);
    ck_assert_uint_eq(report.values[IDLE_ADDED], ROOM + 1);
    for (int i = 0; i < ROOM; i++)
        (void)ops->detach(t.backend, &places[i].endpoint);
    tiers_close(&t);
}

const test_case unit_tiers_cases[] = {
    CASE(patience_is_counted_in_ticks),
    CASE(idle_one_goes_when_its_patience_is_over),
    CASE(patience_doubles_for_who_comes_back_soon),
    CASE(few_stay_where_they_are),
    CASE(second_thread_is_tried_again_after_100_ticks),
    CASE(second_thread_that_cannot_wait_rests_for_100_ticks),
    CASE(one_without_room_stays_for_a_tick),
    CASES_END,
};
