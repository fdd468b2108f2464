/* tests/behavior_cancel.c - a loop that has ended, and is there for those who post to it. */
#include "tests/harness.h"

extern const test_case behavior_cancel_cases[];

typedef struct posts {
    size_t calls, cancelled;
} posts;

static void on_post(plx_loop *loop, void *data, int status)
{
    posts *p = data;
    (void)loop;
    p->calls++;
    p->cancelled += status == PLX_ECANCELED;
}

static void on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
}

/* Everything closes as with plx_loop_close(), and then nothing can be done but to close it. */
static void cancelled_loop_is_over(world *w)
{
    probe p = {0};
    posts told = {0};
    plx_timer timer;
    char text[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    ck_ok(plx_timer_start(w->loop, &timer, PLX_SECOND, 0, on_timer, NULL));
    ck_ok(plx_post(w->loop, on_post, &told));
    ck_ok(plx_loop_cancel(w->loop));
    ck_assert_uint_eq(p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ECANCELED);
    ck_assert_uint_eq(told.calls, 1);
    ck_assert_uint_eq(told.cancelled, 1);
    ck_assert_uint_eq(plx_loop_connections(w->loop), 0);
    /* Its peer sees the end, though a second thread may have polled the socket. */
    for (uint64_t until = net_now() + patience();
         peer_try(&client, text, sizeof text) == PLX_EAGAIN; plx__thread_yield())
        ck_assert_uint_lt(net_now(), until);
    ck_assert_int_eq(plx_timer_cancel(w->loop, timer), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_close(w->loop, p.conn), PLX_ESTALE);
    ck_assert_int_eq(plx_post(w->loop, on_post, &told), PLX_ECANCELED);
    ck_assert_int_eq(plx_post_notify(w->loop, on_post, &told), PLX_ECANCELED);
    ck_assert_int_eq(plx_timer_start(w->loop, NULL, 0, 0, on_timer, NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_listen(w->loop, NULL, "tcp://127.0.0.1:0", NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_connect(w->loop, NULL, "tcp://127.0.0.1:1", NULL), PLX_ECANCELED);
    ck_assert_int_eq(plx_loop_run(w->loop), PLX_ECANCELED);
    ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_ECANCELED);
    ck_assert_int_eq(plx_loop_run_turn(w->loop, 0), PLX_ECANCELED);
    plx_loop_stop(w->loop);
    ck_assert_uint_eq(counter(w, connections_closed), 1);
    ck_ok(plx_loop_cancel(w->loop));
    ck_assert_uint_eq(told.calls, 1);
    peer_close(&client);
}

static void close_in_callback(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    ck_assert_int_eq(plx_loop_cancel(loop), PLX_EBUSY);
    p->more = loop;
}

static void callback_cannot_cancel_its_loop(world *w)
{
    probe p = {.then_open = close_in_callback};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_assert_ptr_eq(p.more, w->loop);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* One that closes its own on_close's loop, or opens in it, is refused there too. */
static void open_in_close(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    (void)p;
    ck_assert_int_eq(plx_loop_cancel(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_close(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_connect(loop, NULL, "tcp://127.0.0.1:1", NULL), PLX_ECANCELED);
}

static void last_callbacks_open_nothing(world *w)
{
    probe p = {.then_close = open_in_close};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_loop_cancel(w->loop));
    ck_assert_uint_eq(p.closed, 1);
    peer_close(&client);
}

/* --- other threads ---------------------------------------------------------------------------- */

typedef struct poster {
    plx_loop *loop;
    plx__thread thread;
    posts told; /* By the loop. */
    size_t sent;
    int status;
} poster;

static void post_until_refused(void *data)
{
    poster *p = data;
    while ((p->status = plx_post(p->loop, on_post, &p->told)) != PLX_ECANCELED) {
        p->sent += p->status == 0;
        if (p->status != 0)
            plx__thread_yield();
    }
}

/* They post on while it ends, and after: each post that was taken runs, and then they are told. */
static void posters_outlive_the_run(world *w)
{
    poster posters[2] = {0};
    world_reopen(w, (plx_loop_options){.keep_running = 1, .posts_max = 64});
    for (size_t i = 0; i < 2; i++) {
        posters[i].loop = w->loop;
        ck_ok(plx__thread_start(&posters[i].thread, post_until_refused, &posters[i]));
    }
    while (counter(w, posts_run) < 1000)
        turn(w);
    ck_ok(plx_loop_cancel(w->loop));
    for (size_t i = 0; i < 2; i++) {
        plx__thread_join(&posters[i].thread);
        ck_assert_uint_eq(posters[i].told.calls, posters[i].sent);
    }
}

const test_case behavior_cancel_cases[] = {
    CASE(cancelled_loop_is_over),
    CASE(callback_cannot_cancel_its_loop),
    CASE(last_callbacks_open_nothing),
    CASE(posters_outlive_the_run),
    CASES_END,
};
