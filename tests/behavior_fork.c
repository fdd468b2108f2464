/* tests/behavior_fork.c - children that drop their parent's loop, and parents that notice nothing.
 *
 * Where there is no fork() the cases end at once.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "tests/child.h"
#include "tests/stand.h"

extern const test_case behavior_fork_cases[];

static bool has_second_thread(const world *w)
{
    return strcmp(w->backend, "poll") == 0;
}

static bool can_abandon(const world *w)
{
    return plx__backend_find(w->backend)->abandon != NULL;
}

/* Opens the case's loop anew, and says what was held without it. */
static holdings world_restart(world *w)
{
    ck_ok(plx_loop_close(w->loop));
    holdings before = holdings_now();
    w->loop = world_loop_open(w);
    return before;
}

/* The second thread may have been about to change something, which stays allocated then. */
static void check_holdings(const world *w, holdings before, uint32_t descriptors)
{
    holdings now = holdings_now();
    if (!can_abandon(w))
        return;
    ck_assert_uint_eq(now.descriptors, before.descriptors + descriptors);
    ck_assert_uint_ge(now.memory, before.memory);
    ck_assert_uint_le(now.memory, before.memory + (has_second_thread(w) ? 4 : 0));
}

/* All that the parent has goes on: connections, listeners, watches, timers, signals, posts, and the
 * socket file. The child has nothing left. */
static void child_drops_its_copy(world *w)
{
    stand s;
    if (!child_is_possible(w))
        return;
    holdings before = world_restart(w);
    stand_open(w, &s);
    stand_check(w, &s);
    turn_some(w);
    for (int i = 0; i < 3; i++) {
        if (child_fork()) {
            plx_loop_abandon(w->loop);
            check_holdings(w, before, STAND_DESCRIPTORS);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        ck_assert(s.file[0] == '\0' || stand_file_is_there(&s));
        stand_check(w, &s);
        turn_some(w);
    }
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert(!stand_file_is_there(&s));
    stand_close(w, &s);
}

/* A listener with a file and a connection have been closed, and the loop has not turned since: the
 * child drops what is left of them, once. */
static void child_drops_what_is_closing(world *w)
{
    char address[80];
    plx_listener listener;
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    if (!child_is_possible(w))
        return;
    holdings before = world_restart(w);
    (void)snprintf(address, sizeof address, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    ck_ok(plx_listen(w->loop, &listener, address, NULL));
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx_conn_close(w->loop, p.conn));
    if (child_fork()) {
        plx_loop_abandon(w->loop);
        check_holdings(w, before, 1); /* The client. */
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

typedef struct traffic {
    probe conns;
    bool is_child;
    size_t sent;
} traffic;

static size_t consume_one(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    return length > 1 ? 1 : 0;
}

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    traffic *t = data;
    (void)loop;
    (void)conn;
    (void)status;
    ck_assert(!t->is_child);
    t->sent++;
}

static void check_not_in_the_child(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    ck_assert(!((traffic *)p->more)->is_child);
}

/* Input that was not consumed, copies and lent buffers that wait: all is freed, and no callback
 * called. The parent has it all still. */
static void child_drops_what_waits(world *w)
{
    const size_t length = 4 << 20;
    unsigned char *bytes = plenty();
    traffic t = {.conns = {.then_data = consume_one, .then_close = check_not_in_the_child}};
    char start[9];
    t.conns.more = &t;
    if (!child_is_possible(w))
        return;
    holdings before = world_restart(w);
    plx_conn_options options = probe_options(&t.conns);
    options.send_max = 4 * length;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    peer client = connect_pair(w, &t.conns, &options);
    pattern_fill(bytes, length, 0);
    peer_send(w, &client, "hello", 5);
    turn_until(w, &t.conns.received, 1);
    ck_ok(plx_conn_write(w->loop, t.conns.conn, "beginning", 9));
    ck_ok(plx_conn_send(w->loop, t.conns.conn, bytes, length, on_sent, &t));
    ck_ok(plx_conn_write(w->loop, t.conns.conn, bytes, length));
    turn_some(w);
    if (child_fork()) {
        t.is_child = true;
        plx_loop_abandon(w->loop);
        check_holdings(w, before, 1);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    peer_receive(w, &client, start, 9);
    ck_assert_int_eq(memcmp(start, "beginning", 9), 0);
    for (size_t position = 0; position < 2 * length; position += 4096) {
        unsigned char got[4096];
        peer_receive(w, &client, got, sizeof got);
        pattern_check(got, sizeof got, position % length);
    }
    turn_until(w, &t.sent, 1);
    peer_close(&client);
    turn_until(w, &t.conns.closed, 1);
}

static void child_of_a_child_drops_its_copy(world *w)
{
    stand s;
    if (!child_is_possible(w))
        return;
    stand_open(w, &s);
    if (child_fork()) {
        if (child_fork()) {
            plx_loop_abandon(w->loop);
            plx__test_report(CHILD_IS_GOOD);
        }
        plx__test_vanish();
    }
    child_join();
    stand_check(w, &s);
    stand_close(w, &s);
}

/* The parent closes connections while the child lives: peers are told at once, because the child
 * has no copy of their sockets any more. */
static void child_lives_on_without_the_sockets(world *w)
{
    stand s;
    char none;
    size_t dropped;
    couple life = couple_open();
    if (!child_is_possible(w)) {
        couple_close(&life);
        return;
    }
    stand_open(w, &s);
    if (child_fork()) {
        net_close(life.ours.socket);
        plx_loop_abandon(w->loop);
        ck_assert_int_eq((int)net_send(life.theirs.socket, "a", 1), 1);
        uint64_t until = net_now() + 4 * patience();
        while (peer_try(&life.theirs, &none, 1) == PLX_EAGAIN && net_now() < until)
            plx__thread_yield();
        plx__test_report(CHILD_IS_GOOD);
    }
    peer_close(&life.theirs);
    peer_receive(w, &life.ours, &none, 1); /* It has abandoned. */
    stand_check(w, &s);
    plx_loop *closed = w->loop;
    w->loop = world_loop_open(w);
    ck_ok(plx_loop_close(closed));
    for (size_t i = 0; i < STAND_PEERS; i++)
        ck_assert_int_eq(peer_drain(w, &s.peers[i], &dropped), PLX_EEOF);
    peer_close(&life.ours);
    child_join();
    s.watch.bits = 0;
    stand_close(w, &s);
}

/* --- children that do neither ----------------------------------------------------------------- */

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)status;
    ++*(size_t *)data;
}

static void nothing_on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                             uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static void count_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)number;
    ++*(size_t *)data;
}

static void nothing_on_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
}

static void nothing_on_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
}

static void check_refused(world *w, const stand *s)
{
    plx_loop *loop = w->loop;
    const plx_conn conn = s->conns.conn;
    couple c = couple_open();
    size_t posts = 0;
    ck_assert_int_eq(plx_loop_run(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run_once(loop, 0), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_close(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_listen(loop, NULL, "tcp://127.0.0.1:0", NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_listen_adopt(loop, NULL, c.ours.socket, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_connect(loop, NULL, s->address, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_conn_adopt(loop, NULL, c.ours.socket, NULL, NULL, 0), PLX_EBUSY);
    ck_assert_int_eq(
        plx_watch_open(loop, NULL, c.ours.socket, PLX_READABLE, nothing_on_ready, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_timer_start(loop, NULL, 0, 0, nothing_on_timer, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_post_notify(loop, nothing_on_post, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_signal_open(loop, NULL, PLX_SIGNAL_USER2, count_signal, NULL), PLX_EBUSY);
    ck_assert_int_eq(plx_listener_close(loop, s->listener), PLX_ESTALE);
    ck_assert_int_eq(plx_listener_set_background(loop, s->listener, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_timer_set_background(loop, s->timer, 1), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_set(loop, s->watch, 0), PLX_ESTALE);
    ck_assert_int_eq(plx_watch_close(loop, s->watch), PLX_ESTALE);
    ck_assert_int_eq(plx_timer_cancel(loop, s->timer), PLX_ESTALE);
    ck_assert_int_eq(plx_signal_close(loop, s->signal), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_send(loop, conn, "x", 1, NULL, NULL), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_shutdown(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_pause(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_reset(loop, conn), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_close(loop, conn), PLX_ESTALE);
    ck_ok(plx_post(loop, on_post, &posts));
    plx_loop_stop(loop);
    ck_assert_uint_eq(posts, 0);
    couple_close(&c);
}

/* Until it decides, everything is refused, and nothing is done by half. */
static void child_that_does_neither_is_refused(world *w)
{
    stand s;
    if (!child_is_possible(w))
        return;
    holdings before = world_restart(w);
    stand_open(w, &s);
    if (child_fork()) {
        check_refused(w, &s);
        ck_assert(s.file[0] == '\0' || stand_file_is_there(&s));
        plx_loop_abandon(w->loop);
        check_holdings(w, before, STAND_DESCRIPTORS);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    stand_check(w, &s);
    stand_close(w, &s);
}

/* A stop that has not been used is the parent's: the child is told that it cannot run the loop, and
 * not that its run has ended. Nor does it matter that nothing is open. */
static void child_does_not_use_a_stop(world *w)
{
    if (!child_is_possible(w))
        return;
    plx_loop_stop(w->loop);
    if (child_fork()) {
        ck_assert_int_eq(plx_loop_run(w->loop), PLX_EBUSY);
        ck_assert_int_eq(plx_loop_run(w->loop), PLX_EBUSY);
        plx_loop_abandon(w->loop);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    ck_ok(plx_loop_run(w->loop));
}

static void stop_the_child(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    *(bool *)data = child_fork();
}

/* One that returns from its callback all the same: the running loop ends there. */
static void child_that_returns_does_not_go_on(world *w)
{
    bool is_child = false;
    plx_timer timer;
    size_t ticks = 0;
    if (!child_is_possible(w))
        return;
    ck_ok(plx_timer_start(w->loop, &timer, 0, 0, stop_the_child, &is_child));
    int status = plx_loop_run(w->loop);
    if (is_child) {
        ck_assert_int_eq(status, PLX_EBUSY);
        plx_loop_abandon(w->loop);
        plx__test_report(CHILD_IS_GOOD);
    }
    ck_ok(status);
    child_join();
    ck_assert_uint_eq(ticks, 0);
}

/* A child has loops of its own, whatever it does with its parent's. */
static void child_has_loops_of_its_own(world *w)
{
    stand parents, own;
    if (!child_is_possible(w))
        return;
    stand_open(w, &parents);
    for (int does_drop = 0; does_drop < 2; does_drop++) {
        if (child_fork()) {
            if (does_drop != 0)
                plx_loop_abandon(w->loop);
            holdings before = holdings_now();
            w->loop = world_loop_open(w);
            stand_open(w, &own);
            stand_check(w, &own);
            ck_ok(plx_loop_close(w->loop));
            w->loop = NULL;
            ck_assert(!stand_file_is_there(&own));
            stand_close(w, &own);
            ck_assert_uint_eq(holdings_now().memory, before.memory);
            ck_assert_uint_eq(holdings_now().descriptors, before.descriptors);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        stand_check(w, &parents);
    }
    stand_close(w, &parents);
}

/* --- signals and threads ---------------------------------------------------------------------- */

#ifndef _WIN32
static volatile sig_atomic_t handled;

static void handle(int number)
{
    (void)number;
    handled++;
}

/* ThreadSanitizer calls handlers when the program next waits. */
static void wait_until_handled(plx_loop *loop)
{
    uint64_t until = net_now() + patience();
    while (handled == 0 && net_now() < until)
        ck_ok(plx_loop_run_once(loop, PLX_MILLISECOND));
}

/* What a signal did before the loop came it does again, once no loop of the child wants it. */
static void dropping_restores_signals(world *w)
{
    size_t count = 0;
    if (!child_is_possible(w))
        return;
    plx_loop *other = world_loop_open(w);
    void (*before)(int) = signal(SIGUSR1, handle);
    handled = 0;
    ck_ok(plx_signal_open(w->loop, NULL, PLX_SIGNAL_USER1, count_signal, &count));
    ck_ok(plx_signal_open(other, NULL, PLX_SIGNAL_USER1, count_signal, &count));
    if (child_fork()) {
        plx_loop_abandon(w->loop);
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(handled, 0); /* The other one still does. */
        plx_loop_abandon(other);
        plx_loop *own = world_loop_open(w);
        ck_assert_int_eq(raise(SIGUSR1), 0);
        wait_until_handled(own);
        ck_assert_int_eq(handled, 1);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    ck_assert_int_eq(raise(SIGUSR1), 0);
    turn_until(w, &count, 1);
    ck_assert_int_eq(handled, 0);
    ck_ok(plx_loop_close(other));
    (void)signal(SIGUSR1, before);
}

static void on_abort(int number)
{
    (void)number;
    plx__test_report(CHILD_IS_GOOD);
}

/* Dropping a loop that is in use would leave its thread with freed memory: that is a mistake. */
static void dropping_ones_own_loop_aborts(world *w)
{
    (void)w;
    if (child_fork()) {
        plx_loop *own = world_loop_open(w);
        (void)signal(SIGABRT, on_abort);
        plx_loop_abandon(NULL);
        plx_loop_abandon(own);
        plx__test_report(1);
    }
    child_join();
}
#else
static void dropping_restores_signals(world *w)
{
    (void)w;
}

static void dropping_ones_own_loop_aborts(world *w)
{
    (void)w;
}
#endif

typedef struct poster {
    plx_loop *loop;
    plx__atomic_u32 is_stopped;
} poster;

static size_t posts_run;

static void post_on_and_on(void *data)
{
    poster *p = data;
    while (!plx__atomic_load(&p->is_stopped)) {
        int status = plx_post(p->loop, on_post, &posts_run);
        if (status != 0)
            plx__thread_yield();
    }
}

/* Other threads may be posting when a child is forked. */
static void child_drops_its_copy_amid_posts(world *w)
{
    poster p = {.loop = w->loop};
    plx__thread thread;
    if (!child_is_possible(w) || !child_may_have_threads())
        return;
    posts_run = 0;
    ck_ok(plx__thread_start(&thread, post_on_and_on, &p));
    for (int i = 0; i < 20; i++) {
        size_t before = posts_run;
        if (child_fork()) {
            plx_loop_abandon(w->loop);
            plx__test_report(CHILD_IS_GOOD);
        }
        child_join();
        while (posts_run == before)
            turn(w);
    }
    plx__atomic_store(&p.is_stopped, 1);
    plx__thread_join(&thread);
}

/* The second thread, where there is one, is at work when the child is forked: it may have its lock,
 * or be about to change what the child frees. */
static void child_drops_its_copy_amid_events(world *w)
{
    stand s;
    unsigned char got;
    if (!child_is_possible(w))
        return;
    stand_open(w, &s);
    for (int round = 0; round < 30; round++) {
        for (size_t i = 0; i < STAND_PEERS; i++)
            ck_assert_int_eq((int)net_send(s.peers[i].socket, "x", 1), 1);
        for (int i = 0; i < round % 3; i++)
            turn(w);
        if (child_fork()) {
            plx_loop_abandon(w->loop);
            plx__test_report(CHILD_IS_GOOD);
        }
        for (size_t i = 0; i < STAND_PEERS; i++)
            peer_receive(w, &s.peers[i], &got, 1);
        child_join();
    }
    stand_close(w, &s);
}

const test_case behavior_fork_cases[] = {
    CASE(child_drops_its_copy),
    CASE(child_drops_what_is_closing),
    CASE(child_drops_what_waits),
    CASE(child_of_a_child_drops_its_copy),
    CASE(child_lives_on_without_the_sockets),
    CASE(child_that_does_neither_is_refused),
    CASE(child_does_not_use_a_stop),
    CASE(child_that_returns_does_not_go_on),
    CASE(child_has_loops_of_its_own),
    CASE(dropping_restores_signals),
    CASE(dropping_ones_own_loop_aborts),
    CASE(child_drops_its_copy_amid_posts),
    CASE(child_drops_its_copy_amid_events),
    CASES_END,
};
