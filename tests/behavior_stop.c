/* tests/behavior_stop.c - stopping a loop, running it again, and what comes while it closes. */
#include "tests/harness.h"

extern const test_case behavior_stop_cases[];

static void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void stop_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    count_fire(loop, timer, data);
    plx_loop_stop(loop);
}

/* The loop waits for a timer. The wheel wants a few turns on the way; a loop that does not wait
 * takes thousands. */
static void expect_waiting(world *w)
{
    size_t fired = 0;
    uint64_t before = counter(w, ticks);
    ck_ok(plx_timer_start(w->loop, NULL, 20 * PLX_MILLISECOND, 0, count_fire, &fired));
    while (fired == 0)
        ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_le(counter(w, ticks) - before, 20);
}

static void stop_it(void *data)
{
    plx_loop_stop(data);
}

/* A stop ends one wait of plx_loop_run_once(), be it before, during or in a callback; after that
 * the loop waits as before. */
static void stop_ends_one_wait(world *w)
{
    size_t fired = 0;
    plx__thread thread;
    plx_loop_stop(w->loop);
    plx_loop_stop(w->loop);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), 0);
    ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    expect_waiting(w);
    ck_ok(plx__thread_start(&thread, stop_it, w->loop));
    ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
    plx__thread_join(&thread);
    expect_waiting(w);
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, stop_on_fire, &fired));
    turn_until(w, &fired, 1);
    expect_waiting(w);
}

/* A loop that was stopped runs again, and does what it has to. */
static void loop_runs_again_after_a_stop(world *w)
{
    size_t fired = 0;
    size_t others = 0;
    for (size_t round = 1; round <= 3; round++) {
        ck_ok(plx_timer_start(w->loop, NULL, 0, 0, stop_on_fire, &fired));
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(fired, round);
        /* Now until nothing is left, which no stop has cut short. */
        ck_ok(plx_timer_start(w->loop, NULL, PLX_MILLISECOND, 0, count_fire, &others));
        ck_ok(plx_loop_run(w->loop));
        ck_assert_uint_eq(others, round);
        expect_waiting(w);
    }
}

typedef struct clock_probe {
    size_t fired;
} clock_probe;

static void look_at_the_clock(plx_loop *loop, plx_timer timer, void *data)
{
    clock_probe *p = data;
    (void)timer;
    uint64_t before = plx_loop_now(loop);
    while (net_now() == before)
        continue;
    ck_assert_uint_le(plx_loop_next_timeout(loop), PLX_SECOND);
    ck_assert_uint_eq(plx_loop_now(loop), before);
    p->fired++;
}

/* The time of a turn stands still in it, whoever asks how long the next wait may be; and the answer
 * counts from the very moment. */
static void next_timeout_does_not_move_the_time(world *w)
{
    clock_probe p = {0};
    size_t later = 0;
    plx_timer timer;
    ck_ok(plx_timer_start(w->loop, &timer, PLX_SECOND, 0, count_fire, &later));
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, look_at_the_clock, &p));
    turn_until(w, &p.fired, 1);
    uint64_t now = plx_loop_now(w->loop);
    uint64_t asked = net_now();
    uint64_t left = plx_loop_next_timeout(w->loop);
    ck_assert_uint_eq(plx_loop_now(w->loop), now);
    ck_assert_uint_le(asked + left, now + PLX_SECOND + PLX_SECOND);
    ck_ok(plx_timer_cancel(w->loop, timer));
}

/* --- posts while the loop closes ---------------------------------------------------------------
 */

typedef struct reposter {
    size_t run, cancelled, refused;
} reposter;

static void post_again(plx_loop *loop, void *data, int status)
{
    reposter *r = data;
    r->run++;
    if (status == PLX_ECANCELED)
        r->cancelled++;
    else
        ck_ok(status);
    int posted = plx_post(loop, post_again, r);
    if (status == 0)
        ck_ok(posted);
    else
        ck_assert_int_eq(posted, PLX_ECANCELED);
    r->refused += posted == PLX_ECANCELED;
}

/* A post that posts itself again does not keep the loop from closing: what waits is cancelled, and
 * from then on posts are refused, with the full queue's code only while it is full. */
static void post_is_refused_while_the_loop_closes(world *w)
{
    reposter r = {0};
    world_reopen(w, (plx_loop_options){.posts_max = 3});
    for (int i = 0; i < 3; i++)
        ck_ok(plx_post(w->loop, post_again, &r));
    ck_assert_int_eq(plx_post(w->loop, post_again, &r), PLX_ENOBUFS);
    turn(w);
    ck_assert_uint_eq(r.run, 3);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(r.run, 6);
    ck_assert_uint_eq(r.cancelled, 3);
    ck_assert_uint_eq(r.refused, 3);
}

typedef struct stranger {
    plx_loop *loop;
    plx__atomic_u32 has_posted, is_refused;
    size_t posted, run;
    int status;
} stranger;

static void count_stranger(plx_loop *loop, void *data, int status)
{
    stranger *s = data;
    (void)loop;
    if (status != 0)
        ck_assert_int_eq(status, PLX_ECANCELED);
    s->run++;
}

/* Posts until it is refused for good. */
static void post_and_post(void *data)
{
    stranger *s = data;
    do {
        s->status = plx_post(s->loop, count_stranger, s);
        s->posted += s->status == 0;
        plx__atomic_store(&s->has_posted, 1);
        if (s->status == PLX_ENOBUFS)
            plx__thread_yield();
    } while (s->status == 0 || s->status == PLX_ENOBUFS);
    plx__atomic_store(&s->is_refused, 1);
}

static void close_until_refused(plx_loop *loop, plx_conn conn, probe *p)
{
    stranger *s = p->more;
    uint64_t until = net_now() + patience();
    (void)conn;
    ck_assert_int_eq(plx_post(loop, count_stranger, s), PLX_ECANCELED);
    while (!plx__atomic_load(&s->is_refused)) {
        ck_assert_uint_lt(net_now(), until);
        plx__thread_yield();
    }
}

/* Another thread posts without a pause while the loop closes: it is told, and each post that was
 * accepted runs once. */
static void posts_of_another_thread_while_the_loop_closes(world *w)
{
    for (int round = 0; round < 20; round++) {
        stranger s = {.loop = w->loop};
        probe p = {.then_close = close_until_refused, .more = &s};
        plx__thread thread;
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        ck_ok(plx__thread_start(&thread, post_and_post, &s));
        while (!plx__atomic_load(&s.has_posted))
            turn(w);
        ck_ok(plx_loop_close(w->loop));
        plx__thread_join(&thread);
        ck_assert_int_eq(s.status, PLX_ECANCELED);
        ck_assert_uint_eq(s.run, s.posted);
        ck_assert_uint_eq(p.closed, 1);
        peer_close(&client);
        w->loop = world_loop_open(w);
    }
}

const test_case behavior_stop_cases[] = {
    CASE(stop_ends_one_wait),
    CASE(loop_runs_again_after_a_stop),
    CASE(next_timeout_does_not_move_the_time),
    CASE(post_is_refused_while_the_loop_closes),
    CASE(posts_of_another_thread_while_the_loop_closes),
    CASES_END,
};
