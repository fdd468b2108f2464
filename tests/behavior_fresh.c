/* tests/behavior_fresh.c - what a callback opens learns nothing of what came before. */
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_fresh_cases[];

enum { FRESH = 200 };

static uint64_t ticks_of(plx_loop *loop)
{
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    return stats.ticks;
}

/* --- signals -----------------------------------------------------------------------------------
 */

typedef struct listening {
    size_t heard, fresh_heard;
    bool closes;
    plx_signal fresh[FRESH];
} listening;

static void hear_fresh(plx_loop *loop, plx_signal signal, void *data, int number)
{
    listening *l = data;
    (void)loop;
    (void)signal;
    (void)number;
    l->fresh_heard++;
}

static void open_more(plx_loop *loop, plx_signal signal, void *data, int number)
{
    listening *l = data;
    if (l->heard++ > 0)
        return;
    if (l->closes)
        ck_ok(plx_signal_close(loop, signal)); /* Its slot is one of those that follow. */
    for (size_t i = 0; i < FRESH; i++)
        ck_ok(plx_signal_open(loop, &l->fresh[i], number, hear_fresh, l));
}

/* The callback of a signal subscribes to the same signal, often enough to fill slots before and
 * behind its own: none of the new ones is told of the signal that called it, each of the next. */
static void signal_opened_in_its_callback(world *w)
{
    for (int closes = 0; closes < 2; closes++) {
        listening l = {.closes = closes != 0};
        plx_signal first;
        ck_ok(plx_signal_open(w->loop, &first, PLX_SIGNAL_INTERRUPT, open_more, &l));
        ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
        turn_until(w, &l.heard, 1);
        turn_some(w);
        ck_assert_uint_eq(l.fresh_heard, 0);
        ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
        turn_until(w, &l.fresh_heard, FRESH);
        for (size_t i = 0; i < FRESH; i++)
            ck_ok(plx_signal_close(w->loop, l.fresh[i]));
        ck_assert_int_eq(plx_signal_close(w->loop, first), closes ? PLX_ESTALE : 0);
    }
}

static void hear(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    ++*(size_t *)data;
}

/* A signal has come and waits for the loop. Who subscribes now is not told of it; who had
 * subscribed before is, though the loop looks later. */
static void signal_that_waits_is_not_for_the_next(world *w)
{
    size_t old = 0;
    size_t fresh = 0;
    size_t elsewhere = 0;
    plx_loop *other = world_loop_open(w);
    ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_INTERRUPT, hear, &old));
    ck_ok(plx_signal_open(other, NULL, PLX_SIGNAL_INTERRUPT, hear, &elsewhere));
    ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
    uint64_t until = net_now() + patience();
    while (elsewhere == 0) { /* Then this loop has been told, too: it subscribed first. */
        ck_assert_uint_lt(net_now(), until);
        ck_ok(plx_loop_run_once(other, PLX_MILLISECOND));
    }
    ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_INTERRUPT, hear, &fresh));
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0);
    ck_ok(plx_loop_run_once(w->loop, patience()));
    turn_until(w, &old, 1);
    turn_some(w);
    ck_assert_uint_eq(fresh, 0);
    ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
    turn_until(w, &fresh, 1);
    ck_assert_uint_eq(old, 2);
    ck_ok(plx_loop_close(other));
}

/* --- timers, posts, watches --------------------------------------------------------------------
 */

typedef struct chain {
    size_t called;
    uint64_t tick;
    plx_watch watch;
} chain;

static void next_link(plx_loop *loop, chain *c)
{
    ck_assert_uint_ne(ticks_of(loop), c->tick);
    c->tick = ticks_of(loop);
    c->called++;
}

static void fire_anew(plx_loop *loop, plx_timer timer, void *data)
{
    chain *c = data;
    next_link(loop, c);
    ck_ok(plx_timer_cancel(loop, timer)); /* The next one gets its slot. */
    if (c->called < 10)
        ck_ok(plx_timer_start(loop, NULL, 0, c->called % 2, fire_anew, c));
}

/* Each cancels itself and starts the next one in its slot: that fires in a later turn, and is not
 * taken for the one whose callback has returned. */
static void timer_started_in_the_slot_of_its_parent(world *w)
{
    chain c = {0};
    ck_ok(plx_timer_start(w->loop, NULL, 0, PLX_MILLISECOND, fire_anew, &c));
    turn_until(w, &c.called, 10);
    turn_some(w);
    ck_assert_uint_eq(c.called, 10);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
}

static void post_anew(plx_loop *loop, void *data, int status)
{
    chain *c = data;
    ck_ok(status);
    next_link(loop, c);
    if (c->called < 10)
        ck_ok(plx_post(loop, post_anew, c));
}

static void post_made_in_a_post_waits_a_turn(world *w)
{
    chain c = {0};
    ck_ok(plx_post(w->loop, post_anew, &c));
    turn_until(w, &c.called, 10);
}

static void watch_anew(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                       uint32_t ready)
{
    chain *c = data;
    ck_assert_uint_eq(ready, PLX_READABLE);
    next_link(loop, c);
    ck_ok(plx_watch_close(loop, watch));
    if (c->called < 10)
        ck_ok(plx_watch_open(loop, &c->watch, socket, PLX_READABLE, watch_anew, c));
}

/* The same for a watch, whose socket stays ready. */
static void watch_opened_in_its_callback_waits_a_turn(world *w)
{
    chain c = {0};
    couple pair = couple_open();
    peer_send(w, &pair.theirs, "x", 1);
    ck_ok(plx_watch_open(w->loop, &c.watch, pair.ours.socket, PLX_READABLE, watch_anew, &c));
    turn_until(w, &c.called, 10);
    turn_some(w);
    ck_assert_uint_eq(c.called, 10);
    couple_close(&pair);
}

const test_case behavior_fresh_cases[] = {
    CASE(signal_opened_in_its_callback),
    CASE(signal_that_waits_is_not_for_the_next),
    CASE(timer_started_in_the_slot_of_its_parent),
    CASE(post_made_in_a_post_waits_a_turn),
    CASE(watch_opened_in_its_callback_waits_a_turn),
    CASES_END,
};
