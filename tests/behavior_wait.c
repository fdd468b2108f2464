/* tests/behavior_wait.c - waits that the system refuses (platform/fault.h). */
#include "tests/harness.h"

extern const test_case behavior_wait_cases[];

enum { LARGE = 6 << 20 };

static void stop_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)timer;
    (void)data;
    plx_loop_stop(loop);
}

/* The system refuses some waits for want of memory: the run continues, timers fire in the meantime,
 * and connections are served when it is over. */
static void wait_that_fails_does_not_end_a_run(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char answer[5];
    peer client = connect_pair(w, &p, &options);
    ck_assert_uint_eq(counter(w, wait_failures), 0);
    plx__fault_arm(PLX__FAULT_WAIT, 0, 5);
    ck_ok(plx_timer_start(w->loop, NULL, 12 * PLX_MILLISECOND, 0, stop_on_fire, NULL));
    ck_ok(plx_loop_run(w->loop));
    peer_send(w, &client, "hello", 5);
    peer_receive(w, &client, answer, 5);
    while (counter(w, wait_failures) < 5)
        turn(w);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_WAIT), 5);
    ck_assert_uint_eq(counter(w, wait_failures), 5);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

static void post_and_stop(void *data)
{
    plx_loop *const *loop_and_count = data;
    while (plx_post(loop_and_count[0], count_post, (void *)loop_and_count[1]) != 0)
        plx__thread_yield();
    plx_loop_stop(loop_and_count[0]);
}

/* While every wait fails, posts and stops of other threads are served, and the loop pauses. */
static void posts_and_stops_are_served_while_waits_fail(world *w)
{
    size_t posted = 0;
    void *both[2] = {w->loop, &posted};
    plx__thread thread;
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    both[0] = w->loop;
    plx__fault_arm(PLX__FAULT_WAIT, 0, UINT32_MAX);
    for (int i = 0; i < 20; i++)
        ck_ok(plx_loop_run_once(w->loop, PLX_MILLISECOND));
    ck_ok(plx__thread_start(&thread, post_and_stop, both));
    ck_ok(plx_loop_run(w->loop));
    plx__thread_join(&thread);
    turn_until(w, &posted, 1); /* The stop may have come before the run. */
    ck_assert_uint_ge(counter(w, wait_failures), 20);
    (void)plx__fault_disarm(PLX__FAULT_WAIT);
}

/* What lasts is returned, after more than a moment; and the loop may be run again. */
static void wait_that_fails_for_good_ends_a_run(world *w)
{
    size_t posted = 0;
    world_reopen(w, (plx_loop_options){.keep_running = 1});
    plx__fault_arm(PLX__FAULT_WAIT, 0, UINT32_MAX);
    ck_assert_int_eq(plx_loop_run(w->loop), PLX_ENOMEM);
    uint32_t struck = plx__fault_disarm(PLX__FAULT_WAIT);
    ck_assert_uint_ge(struck, 10);
    ck_assert_uint_le(struck, 600); /* One every 10 ms, for 5 s. */
    ck_ok(plx_post(w->loop, count_post, &posted));
    turn_until(w, &posted, 1);
}

/* The loop closes though it cannot wait, with something in flight on backends that have that, and
 * everybody is told. It tries 100 times; then the backend's own close, which may wait too, can. */
static void loop_closes_while_waits_fail(world *w)
{
    probe p[3] = {{0}};
    peer clients[3];
    for (int i = 0; i < 3; i++) {
        plx_conn_options options = probe_options(&p[i]);
        options.send_high = options.send_max = LARGE;
        clients[i] = connect_pair(w, &p[i], &options);
        if (i > 0)
            ck_ok(plx_conn_write(w->loop, p[i].conn, plenty(), LARGE));
    }
    turn_some(w);
    plx__fault_arm(PLX__FAULT_WAIT, 0, 100);
    ck_ok(plx_loop_close(w->loop));
    (void)plx__fault_disarm(PLX__FAULT_WAIT);
    w->loop = NULL;
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(p[i].closed, 1);
        ck_assert_int_eq(p[i].reason, PLX_ECANCELED);
        peer_close(&clients[i]);
    }
}

const test_case behavior_wait_cases[] = {
    CASE(wait_that_fails_does_not_end_a_run),
    CASE(posts_and_stops_are_served_while_waits_fail),
    CASE(wait_that_fails_for_good_ends_a_run),
    CASE(loop_closes_while_waits_fail),
    CASES_END,
};
