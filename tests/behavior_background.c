/* tests/behavior_background.c - what is open and does not keep plx_loop_run() running. */
#include "platform/test_system.h"
#include "tests/watch_probe.h"

extern const test_case behavior_background_cases[];

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void count_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    ++*(size_t *)data;
}

/* Nothing is left that keeps the loop running: it neither waits nor turns. */
static void check_run_ends(world *w)
{
    uint64_t before = counter(w, ticks);
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_eq(counter(w, ticks), before);
}

/* One of each kind is open, for ever: the run ends at once, and again. */
static void background_does_not_keep_the_loop_running(world *w)
{
    size_t count = 0;
    watch_probe s = {0};
    couple c = couple_open();
    plx_timer timer;
    plx_signal signal;
    plx_watch watch;
    plx_listener listener;
    check_run_ends(w);
    ck_ok(plx_timer_start(w->loop, &timer, PLX_SECOND, PLX_SECOND, count_fire, &count));
    ck_ok(plx_timer_set_background(w->loop, timer, 1));
    check_run_ends(w);
    ck_ok(plx_signal_open(w->loop, &signal, PLX_SIGNAL_INTERRUPT, count_signal, &count));
    ck_ok(plx_signal_set_background(w->loop, signal, 1));
    check_run_ends(w);
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
    ck_ok(plx_watch_set_background(w->loop, watch, 1));
    check_run_ends(w);
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_listener_set_background(w->loop, listener, 1));
    ck_ok(plx_listener_set_background(w->loop, listener, 2)); /* It is there already. */
    check_run_ends(w);
    ck_ok(plx_timer_cancel(w->loop, timer));
    ck_ok(plx_signal_close(w->loop, signal));
    ck_assert_int_eq(plx_timer_set_background(w->loop, timer, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_signal_set_background(w->loop, signal, 1), PLX_ESTALE);
    ck_ok(plx_watch_close(w->loop, watch));
    ck_ok(plx_listener_close(w->loop, listener));
    ck_assert_int_eq(plx_watch_set_background(w->loop, watch, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_set_background(w->loop, listener, 1), PLX_ESTALE);
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(s.count, 0);
    couple_close(&c);
}

/* While something else keeps the loop running, what is in the background works. */
static void background_works_while_the_loop_runs(world *w)
{
    size_t ticks = 0, ends = 0, signals = 0;
    watch_probe s = {0};
    couple c = couple_open();
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_timer timer;
    plx_signal signal;
    plx_watch watch;
    ck_ok(plx_timer_start(w->loop, &timer, 0, PLX_MILLISECOND, count_fire, &ticks));
    ck_ok(plx_timer_set_background(w->loop, timer, 1));
    ck_ok(plx_signal_open(w->loop, &signal, PLX_SIGNAL_INTERRUPT, count_signal, &signals));
    ck_ok(plx_signal_set_background(w->loop, signal, 1));
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, count_ready, &s));
    ck_ok(plx_watch_set_background(w->loop, watch, 1));
    ck_ok(plx_listener_set_background(w->loop, listen_at(w, &options, address), 1));
    peer_send(w, &c.theirs, "x", 1);
    turn_until(w, &s.count, 1);
    peer visitor = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx__test_signal(PLX_SIGNAL_INTERRUPT));
    turn_until(w, &signals, 1);
    ck_assert_uint_gt(ticks, 0);
    size_t before = ticks;
    ck_ok(plx_timer_start(w->loop, NULL, 50 * PLX_MILLISECOND, 0, count_fire, &ends));
    ck_ok(plx_conn_close(w->loop, p.conn));
    ck_ok(plx_loop_run(w->loop)); /* Until that timer has fired. */
    ck_assert_uint_eq(ends, 1);
    ck_assert_uint_gt(ticks, before);
    peer_close(&visitor);
    couple_close(&c);
}

static void cancel_after_three(plx_loop *loop, plx_timer timer, void *data)
{
    count_fire(loop, timer, data);
    if (*(size_t *)data == 3)
        ck_ok(plx_timer_set_background(loop, timer, 1));
}

/* What leaves the background keeps the loop running again, and what closes while it is there is
 * counted no more: the next object in its slot is none of the background. */
static void background_is_counted_exactly(world *w)
{
    size_t fired = 0, count = 0;
    plx_timer timer, other;
    ck_ok(plx_timer_start(w->loop, &timer, PLX_MILLISECOND, PLX_MILLISECOND, cancel_after_three,
                          &fired));
    ck_ok(plx_timer_set_background(w->loop, timer, 1));
    check_run_ends(w);
    ck_ok(plx_timer_set_background(w->loop, timer, 0));
    ck_ok(plx_timer_set_background(w->loop, timer, 0));
    ck_ok(plx_loop_run(w->loop)); /* Until it goes back there. */
    ck_assert_uint_eq(fired, 3);
    for (int i = 0; i < 3; i++) {
        ck_ok(plx_timer_cancel(w->loop, timer));
        ck_ok(plx_timer_start(w->loop, &timer, 0, 0, count_fire, &count));
        ck_ok(plx_timer_start(w->loop, &other, PLX_SECOND, 0, count_fire, &count));
        ck_ok(plx_timer_set_background(w->loop, other, 1));
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(count, 2u * (unsigned)i + 1); /* Not before the first has fired, */
        ck_ok(plx_timer_set_background(w->loop, other, 0));
        ck_ok(plx_timer_restart(w->loop, other, 0));
        ck_ok(plx_loop_run(w->loop)); /* and then not before the second. */
        ck_assert_uint_eq(count, 2u * (unsigned)i + 2);
        ck_ok(plx_timer_start(w->loop, &timer, 0, 0, count_fire, &count));
        ck_ok(plx_timer_set_background(w->loop, timer, 1));
    }
    ck_ok(plx_timer_cancel(w->loop, timer));
}

/* Those that fire once leave it by themselves. */
static void timer_in_the_background_fires_once(world *w)
{
    size_t count = 0;
    plx_timer timer;
    ck_ok(plx_timer_start(w->loop, &timer, 0, 0, count_fire, &count));
    ck_ok(plx_timer_set_background(w->loop, timer, 1));
    check_run_ends(w);
    turn_until(w, &count, 1);
    ck_assert_int_eq(plx_timer_set_background(w->loop, timer, 1), PLX_ESTALE);
    ck_ok(plx_timer_start(w->loop, &timer, 0, 0, count_fire, &count));
    ck_ok(plx_loop_run(w->loop));
    ck_assert_uint_eq(count, 2);
}

const test_case behavior_background_cases[] = {
    CASE(background_does_not_keep_the_loop_running),
    CASE(background_works_while_the_loop_runs),
    CASE(background_is_counted_exactly),
    CASE(timer_in_the_background_fires_once),
    CASES_END,
};
