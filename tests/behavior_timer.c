/* tests/behavior_timer.c - timers: order, precision, and what their callbacks may do. */
#include <stdlib.h>

#include "tests/harness.h"

extern const test_case behavior_timer_cases[];

typedef struct shot {
    uint64_t deadline_ns;
    uint64_t started; /* The how manieth it was. */
    struct record *log;
} shot;

typedef struct record {
    size_t fired;
    uint64_t last_deadline_ns;
    uint64_t last_started;
} record;

static void fire_in_order(plx_loop *loop, plx_timer timer, void *data)
{
    const shot *s = data;
    record *log = s->log;
    (void)timer;
    ck_assert_uint_ge(plx_loop_now(loop), s->deadline_ns);
    ck_assert_uint_ge(s->deadline_ns, log->last_deadline_ns);
    if (log->fired > 0 && s->deadline_ns == log->last_deadline_ns)
        ck_assert_uint_gt(s->started, log->last_started);
    log->last_deadline_ns = s->deadline_ns;
    log->last_started = s->started;
    log->fired++;
}

static void start_all(plx_loop *loop, void *data, int status)
{
    shot *shots = data;
    ck_ok(status);
    srand(12345);
    for (size_t i = 0; i < 10000; i++) {
        /* Up to 60 ms, many at the same nanosecond, many within the same microsecond. */
        uint64_t timeout =
            (uint64_t)(rand() % 600) * 100 * PLX_MICROSECOND + (uint64_t)(rand() % 4);
        shots[i].deadline_ns = plx_loop_now(loop) + timeout;
        shots[i].started = i;
        ck_ok(plx_timer_start(loop, NULL, timeout, 0, fire_in_order, &shots[i]));
    }
}

/* Ten thousand timers fire in the order of their deadlines, those of one deadline in the order of
 * their start, and none early. */
static void timers_fire_in_order(world *w)
{
    static shot shots[10000];
    record log = {0};
    for (size_t i = 0; i < 10000; i++)
        shots[i].log = &log;
    ck_ok(plx_post(w->loop, start_all, shots));
    turn_until(w, &log.fired, 10000);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
}

typedef struct chain {
    plx_timer self, other;
    size_t fired;
    uint64_t turn;
} chain;

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void restart_itself(plx_loop *loop, plx_timer timer, void *data)
{
    chain *c = data;
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    ck_assert_uint_ne(stats.ticks, c->turn); /* Never twice in a turn. */
    c->turn = stats.ticks;
    if (++c->fired < 20)
        ck_ok(plx_timer_restart(loop, timer, 0));
}

/* A timer restarted in its own callback goes on; one that is not is gone. */
static void timer_restarted_from_its_callback(world *w)
{
    chain c = {0};
    ck_ok(plx_timer_start(w->loop, &c.self, 0, 0, restart_itself, &c));
    turn_until(w, &c.fired, 20);
    ck_assert_int_eq(plx_timer_restart(w->loop, c.self, 0), PLX_ESTALE);
}

static void cancel_both(plx_loop *loop, plx_timer timer, void *data)
{
    chain *c = data;
    c->fired++;
    ck_ok(plx_timer_cancel(loop, c->other));
    ck_assert_int_eq(plx_timer_cancel(loop, c->other), PLX_ESTALE);
    ck_ok(plx_timer_cancel(loop, timer));
    ck_assert_int_eq(plx_timer_restart(loop, timer, 0), PLX_ESTALE);
    /* A new one may get the slot of the one whose callback runs. */
    ck_ok(plx_timer_start(loop, &c->self, 0, 0, count_fire, &c->fired));
}

/* Two are due in one turn; the first cancels the second, itself, and starts another. */
static void timer_cancels_one_that_is_due(world *w)
{
    chain c = {0};
    size_t never = 0;
    ck_ok(plx_timer_start(w->loop, &c.self, 0, PLX_MILLISECOND, cancel_both, &c));
    ck_ok(plx_timer_start(w->loop, &c.other, 0, 0, count_fire, &never));
    turn_until(w, &c.fired, 2);
    turn_some(w);
    ck_assert_uint_eq(never, 0);
    ck_assert_uint_eq(c.fired, 2);
}

static void put_off(plx_loop *loop, plx_timer timer, void *data)
{
    chain *c = data;
    (void)timer;
    c->fired++;
    ck_ok(plx_timer_restart(loop, c->other, PLX_SECOND * 1000));
}

/* Two are due in one turn; the first puts the second off. */
static void timer_restarts_one_that_is_due(world *w)
{
    chain c = {0};
    size_t never = 0;
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, put_off, &c));
    ck_ok(plx_timer_start(w->loop, &c.other, 0, 0, count_fire, &never));
    turn_until(w, &c.fired, 1);
    turn_some(w);
    ck_assert_uint_eq(never, 0);
    ck_ok(plx_timer_cancel(w->loop, c.other));
}

static void start_another(plx_loop *loop, plx_timer timer, void *data)
{
    chain *c = data;
    plx_loop_stats stats;
    (void)timer;
    plx_loop_stats_get(loop, &stats);
    ck_assert_uint_ne(stats.ticks, c->turn);
    c->turn = stats.ticks;
    if (++c->fired < 10)
        ck_ok(plx_timer_start(loop, NULL, 0, 0, start_another, c));
}

/* A timer of 0 that a callback starts fires in a later turn: timers cannot hold the loop. */
static void timer_started_from_a_callback_waits_a_turn(world *w)
{
    chain c = {0};
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, start_another, &c));
    turn_until(w, &c.fired, 10);
}

typedef struct period {
    uint64_t start_ns;
    size_t fired;
} period;

static void on_period(plx_loop *loop, plx_timer timer, void *data)
{
    period *p = data;
    p->fired++;
    ck_assert_uint_ge(plx_loop_now(loop) - p->start_ns, p->fired * 5 * PLX_MILLISECOND);
    if (p->fired == 10)
        ck_ok(plx_timer_cancel(loop, timer));
}

/* Every 5 ms, ten times, never ahead of its time. */
static void timer_is_periodic(world *w)
{
    period p = {0};
    ck_ok(plx_timer_start(w->loop, NULL, 5 * PLX_MILLISECOND, 5 * PLX_MILLISECOND, on_period, &p));
    p.start_ns = plx_loop_now(w->loop);
    turn_until(w, &p.fired, 10);
    turn_some(w);
    ck_assert_uint_eq(p.fired, 10);
}

static void be_slow_once(plx_loop *loop, plx_timer timer, void *data)
{
    size_t *fired = data;
    (void)loop;
    (void)timer;
    if (++*fired > 1)
        return;
    for (uint64_t until = net_now() + 50 * PLX_MILLISECOND; net_now() < until;)
        continue;
}

/* Periods that pass while the loop is busy are left out, not made up for. */
static void periods_missed_are_left_out(world *w)
{
    size_t fired = 0;
    plx_timer timer;
    ck_ok(plx_timer_start(w->loop, &timer, 0, 10 * PLX_MILLISECOND, be_slow_once, &fired));
    turn_until(w, &fired, 1);
    uint64_t before = plx_loop_now(w->loop);
    /* Ten more take nine periods. Made up for, the five that were missed would take none. */
    turn_until(w, &fired, 11);
    ck_assert_uint_ge(net_now() - before, 70 * PLX_MILLISECOND);
    ck_ok(plx_timer_cancel(w->loop, timer));
}

/* The wait ends when the next timer is due, and the loop says how long that is. */
static void wait_ends_when_a_timer_is_due(world *w)
{
    size_t fired = 0;
    ck_ok(plx_timer_start(w->loop, NULL, 20 * PLX_MILLISECOND, 0, count_fire, &fired));
    uint64_t before = plx_loop_now(w->loop); /* The clock may be further, on a busy machine. */
    uint64_t next = plx_loop_next_timeout(w->loop);
    ck_assert_uint_le(next, 20 * PLX_MILLISECOND + 2 * PLX_MICROSECOND);
    ck_ok(plx_loop_run(w->loop)); /* Ends by itself: nothing else is open. */
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_ge(net_now() - before, 20 * PLX_MILLISECOND);
    ck_assert_uint_lt(net_now() - before, patience());
}

/* Timeouts beyond all time are no trouble; they never come. */
static void timers_of_the_far_future(world *w)
{
    static const uint64_t timeouts[] = {PLX_FOREVER, PLX_FOREVER - 1, PLX_FOREVER / 2,
                                        PLX_SECOND * 86400 * 365 * 100};
    size_t never = 0;
    plx_timer timers[4];
    for (int i = 0; i < 4; i++)
        ck_ok(plx_timer_start(w->loop, &timers[i], timeouts[i], timeouts[i], count_fire, &never));
    turn_some(w);
    ck_assert_uint_eq(never, 0);
    for (int i = 0; i < 4; i++)
        ck_ok(plx_timer_cancel(w->loop, timers[i]));
    ck_assert_int_eq(plx_timer_start(w->loop, NULL, 0, 0, NULL, NULL), PLX_EINVAL);
}

/* What the caller does between two calls of the loop takes its time. */
static void time_passes(void)
{
    uint64_t until = net_now() + 20 * PLX_MILLISECOND;
    while (net_now() < until)
        continue;
}

static void note_time(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    *(uint64_t *)data = plx_loop_now(loop);
}

/* A timeout counts from the call that sets it, and not from the loop's last turn. */
static void timeouts_count_from_their_call(world *w)
{
    const uint64_t timeout = 10 * PLX_MILLISECOND; /* Shorter than what passes. */
    plx_timer timer;
    for (int restarts = 0; restarts < 2; restarts++) {
        uint64_t fired = 0;
        if (restarts != 0)
            ck_ok(plx_timer_start(w->loop, &timer, 100 * PLX_SECOND, 0, note_time, &fired));
        turn_some(w);
        time_passes();
        uint64_t since = net_now();
        if (restarts != 0)
            ck_ok(plx_timer_restart(w->loop, timer, timeout));
        else
            ck_ok(plx_timer_start(w->loop, NULL, timeout, 0, note_time, &fired));
        while (fired == 0)
            ck_ok(plx_loop_run_once(w->loop, patience()));
        ck_assert_uint_ge(fired, since + timeout);
    }
}

const test_case behavior_timer_cases[] = {
    CASE(timers_fire_in_order),
    CASE(timer_restarted_from_its_callback),
    CASE(timer_cancels_one_that_is_due),
    CASE(timer_restarts_one_that_is_due),
    CASE(timer_started_from_a_callback_waits_a_turn),
    CASE(timer_is_periodic),
    CASE(periods_missed_are_left_out),
    CASE(wait_ends_when_a_timer_is_due),
    CASE(timers_of_the_far_future),
    CASE(timeouts_count_from_their_call),
    CASES_END,
};
