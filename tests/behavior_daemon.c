/* tests/behavior_daemon.c - children that go on with their parent's loop when that has gone.
 *
 * The case forks a first child, which makes a loop, runs it, forks a second child and ends. The
 * second one goes on with the loop and reports to the case. Where there is no fork() the cases end
 * at once.
 */
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"
#include "core/loop.h"
#include "tests/child.h"
#include "tests/stand.h"

extern const test_case behavior_daemon_cases[];

static bool can_go_on(const world *w)
{
    return child_is_possible(w) && plx__backend_find(w->backend)->renew != NULL;
}

/* The first child begins: it has nothing to do with the case's loop, and makes another one in its
 * place. */
static holdings first_begin(world *w, plx_loop_options options)
{
    plx_loop_abandon(w->loop);
    holdings before = holdings_now();
    options = world_options(w, options);
    ck_ok(plx_loop_open(&w->loop, &options));
    return before;
}

/* Returns in the second child, when the first has gone. */
static void second_begin(void)
{
    uint64_t until = net_now() + patience();
    if (!child_fork())
        plx__test_vanish();
    while (!plx__test_is_orphan()) {
        ck_assert_uint_lt(net_now(), until);
        plx__thread_yield();
    }
}

/* The second child has closed all of its own; nothing may be left. */
static void second_end(world *w, holdings before)
{
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    holdings now = holdings_now();
    ck_assert_uint_eq(now.descriptors, before.descriptors);
    ck_assert_uint_ge(now.memory, before.memory);
    /* The second thread may have been about to change something, which stays allocated then. */
    ck_assert_uint_le(now.memory, before.memory + (strcmp(w->backend, "poll") == 0 ? 4 : 0));
    plx__test_report(CHILD_IS_GOOD);
}

/* Connections, listeners, the watch, the timer, the signal, posts, and the socket file. */
static void daemon_goes_on(world *w)
{
    stand s;
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        stand_open(w, &s);
        stand_check(w, &s);
        turn_some(w);
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        stand_check(w, &s);
        if (strcmp(w->configuration, "poll-two-tier") == 0)
            turn_until_backend_counter(w, "idle_set_sockets",
                                       STAND_PEERS / 2); /* It has a thread of its own. */
        turn_some(w);
        stand_check(w, &s);
        ck_ok(plx_loop_after_fork(w->loop)); /* Nothing needs to be done any more. */
        stand_check(w, &s);
        ck_ok(plx_listener_close(w->loop, s.listener));
        ck_assert(s.file[0] == '\0' || stand_file_is_there(&s));
        stand_close(w, &s);
        second_end(w, before);
    }
    child_join();
}

/* The second child forks in its turn, and so on: the loop has several owners one after the other.
 */
static void daemon_forks_twice(world *w)
{
    stand s;
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        stand_open(w, &s);
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        stand_check(w, &s);
        second_begin();
        ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_EBUSY);
        ck_ok(plx_loop_after_fork(w->loop));
        stand_check(w, &s);
        stand_close(w, &s);
        second_end(w, before);
    }
    child_join();
}

/* Nothing that is shared is changed by going on and closing, but for the socket file, which is the
 * daemon's. The first may not use the loop any more; that it could, shows it. */
static void daemon_changes_nothing_of_the_first(world *w)
{
    stand s;
    if (!can_go_on(w))
        return;
    stand_open(w, &s);
    if (child_fork()) {
        int status = plx_loop_after_fork(w->loop);
        if (status == PLX_EBUSY) { /* This backend can tell that the first is still there. */
            plx_loop_abandon(w->loop);
            plx__test_report(CHILD_IS_GOOD);
        }
        ck_ok(status);
        ck_ok(plx_watch_set(w->loop, s.watch, 0));
        turn_some(w);
        ck_ok(plx_watch_close(w->loop, s.watch));
        ck_ok(plx_listener_close(w->loop, s.listener));
        turn_some(w);
        ck_ok(plx_loop_close(w->loop));
        ck_assert(!stand_file_is_there(&s));
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    if (!stand_file_is_there(&s))
        s.file[0] = '\0';
    stand_check(w, &s);
    stand_close(w, &s);
}

static void expect_answers(world *w, peer *client)
{
    char answer[2];
    for (int i = 0; i < 10; i++) {
        peer_send(w, client, "hi", 2);
        peer_receive(w, client, answer, sizeof answer);
    }
}

/* The first goes on for some turns, and so is beyond what the second knows of it when that asks to
 * go on: it is told that the first still has a part in the loop, or goes on with a copy. */
static void first_goes_on_for_some_turns(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    if (!can_go_on(w))
        return;
    peer client = connect_pair(w, &p, &options);
    couple go = couple_open();
    expect_answers(w, &client);
    if (child_fork()) {
        char byte;
        while (peer_try(&go.ours, &byte, 1) == PLX_EAGAIN)
            plx__thread_yield();
        int status = plx_loop_after_fork(w->loop);
        ck_assert_msg(status == 0 || status == PLX_EBUSY, "%s", plx_error_name(status));
        if (status == 0)
            ck_ok(plx_loop_close(w->loop));
        else
            plx_loop_abandon(w->loop);
        plx__test_report(CHILD_IS_GOOD);
    }
    expect_answers(w, &client);
    peer_send(w, &go.theirs, "x", 1);
    child_join();
    expect_answers(w, &client);
    couple_close(&go);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- what was under way ----------------------------------------------------------------------- */

enum { LENT_BYTES = 8 * 1024 * 1024 };

typedef struct traffic {
    probe conns;
    size_t sent, posts;
    int sent_status;
    bool keeps; /* on_data consumes nothing. */
} traffic;

static size_t keep_or_take(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    return ((traffic *)p->more)->keeps ? 0 : length;
}

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    traffic *t = data;
    (void)loop;
    (void)conn;
    t->sent++;
    t->sent_status = status;
}

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

static void traffic_check(world *w, traffic *t, peer *client)
{
    static unsigned char bytes[65536];
    for (size_t position = 0; position < LENT_BYTES; position += sizeof bytes) {
        peer_receive(w, client, bytes, sizeof bytes);
        pattern_check(bytes, sizeof bytes, position);
    }
    turn_until(w, &t->sent, 1);
    ck_ok(t->sent_status);
    turn_until(w, &t->posts, 3);
    t->keeps = false;
    ck_ok(plx_conn_resume(w->loop, t->conns.conn));
    turn_until(w, &t->conns.received, 5);
    ck_assert_int_eq(memcmp(t->conns.bytes, "hello", 5), 0);
    peer_send(w, client, "!", 1);
    turn_until(w, &t->conns.received, 6);
}

/* A buffer that is half sent, input that was not consumed, and posts that wait. */
static void daemon_goes_on_with_what_was_under_way(world *w)
{
    traffic t = {.conns = {.then_data = keep_or_take, .more = &t}, .keeps = true};
    plx_conn_options options = probe_options(&t.conns);
    options.send_max = (size_t)2 * LENT_BYTES;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    if (!can_go_on(w))
        return;
    pattern_fill(plenty(), LENT_BYTES, 0);
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        peer client = connect_pair(w, &t.conns, &options);
        ck_ok(plx_conn_send(w->loop, t.conns.conn, plenty(), LENT_BYTES, on_sent, &t));
        peer_send(w, &client, "hello", 5);
        turn_until(w, &t.conns.shown, 1);
        ck_ok(plx_conn_pause(w->loop, t.conns.conn));
        turn_some(w);
        for (int i = 0; i < 3; i++) {
            ck_ok(plx_post(w->loop, on_post, &t.posts));
            /* A thread that the second child does not have is about to post. */
            (void)plx__atomic_add(&w->loop->posts.filling, 1);
        }
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        traffic_check(w, &t, &client);
        ck_assert_uint_eq(t.posts, 3);
        peer_close(&client);
        turn_until(w, &t.conns.closed, 1);
        second_end(w, before);
    }
    child_join();
}

/* A connection that is being made. */
static void daemon_goes_on_connecting(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe accepted = {.then_data = echo_back}, connected = {0};
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        const plx_conn_options taken = probe_options(&accepted), made = probe_options(&connected);
        plx_conn conn;
        (void)listen_at(w, &taken, address);
        ck_ok(plx_connect(w->loop, &conn, address, &made));
        ck_ok(plx_conn_write(w->loop, conn, "hello", 5)); /* Waits until it is connected. */
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        turn_until(w, &connected.received, 5);
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &accepted.closed, 1);
        second_end(w, before);
    }
    child_join();
}

static void count_failures(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                           uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)socket;
    ck_assert_uint_eq(ready, PLX_FAILED);
    ++*(size_t *)data;
}

/* A watch whose socket its owner closed before the loop changed hands: the daemon is told. */
static void daemon_is_told_of_a_socket_that_was_closed(world *w)
{
    size_t failures = 0;
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        couple c = couple_open();
        ck_ok(
            plx_watch_open(w->loop, NULL, c.ours.socket, PLX_READABLE, count_failures, &failures));
        turn_some(w);
        peer_close(&c.ours);
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        turn_until(w, &failures, 1);
        couple_close(&c);
        second_end(w, before);
    }
    child_join();
}

/* --- forks in callbacks ----------------------------------------------------------------------- */

enum { MANY = 150 };

typedef struct crowd {
    probe conns;
    peer peers[MANY];
    bool has_forked;
    bool is_second;
} crowd;

static size_t fork_and_echo(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    crowd *c = p->more;
    if (!c->has_forked) {
        c->has_forked = true;
        second_begin();
        ck_ok(plx_loop_after_fork(loop));
        c->is_second = true;
    }
    return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
}

/* Many are ready in the turn in which the loop changes hands: each is served once. */
static void daemon_is_born_in_a_callback(world *w)
{
    static crowd c;
    char address[PLX_ADDRESS_TEXT_MAX];
    unsigned char got;
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        c = (crowd){.conns = {.then_data = fork_and_echo, .more = &c}};
        const plx_conn_options options = probe_options(&c.conns);
        (void)listen_at(w, &options, address);
        for (size_t i = 0; i < MANY; i++) {
            c.peers[i] = peer_start(address);
            turn_until(w, &c.conns.opened, i + 1);
        }
        turn_some(w); /* Idle ones go to the second thread, where there is one. */
        for (size_t i = 0; i < MANY; i++) {
            unsigned char sent = (unsigned char)i;
            ck_assert_int_eq((int)net_send(c.peers[i].socket, &sent, 1), 1);
        }
        turn_until(w, &c.conns.received, MANY);
        ck_assert(c.is_second);
        for (size_t i = 0; i < MANY; i++) {
            peer_receive(w, &c.peers[i], &got, 1);
            ck_assert_uint_eq(got, (unsigned char)i);
        }
        turn_some(w);
        ck_assert_uint_eq(c.conns.received, MANY);
        for (size_t i = 0; i < MANY; i++) {
            ck_assert_int_eq((int)peer_try(&c.peers[i], &got, 1), PLX_EAGAIN);
            peer_close(&c.peers[i]);
        }
        turn_until(w, &c.conns.closed, MANY);
        second_end(w, before);
    }
    child_join();
}

/* --- wakes ------------------------------------------------------------------------------------ */

static void post_to_one_that_sleeps(void *data)
{
    plx_loop *loop = data;
    static size_t count;
    while (plx__atomic_load(&loop->is_sleeping) == 0)
        plx__thread_yield();
    ck_ok(plx_post(loop, on_post, &count));
}

/* A thread of the second child wakes the loop, also when the first had a wake on its way. */
static void daemon_is_woken(world *w)
{
    size_t posts = 0;
    if (!can_go_on(w) || !child_may_have_threads())
        return;
    if (child_fork()) {
        plx__thread thread;
        couple low = couple_open();
        (void)first_begin(w, (plx_loop_options){.keep_running = 1});
        turn_some(w);
        w->loop->ops->wake(w->loop->backend);
        second_begin();
        couple_close(&low); /* New descriptors get these numbers, and not those of old ones. */
        ck_ok(plx_loop_after_fork(w->loop));
        turn_some(w);
        for (int i = 0; i < 3; i++) {
            uint64_t before = counter(w, posts_run);
            ck_ok(plx__thread_start(&thread, post_to_one_that_sleeps, w->loop));
            while (counter(w, posts_run) == before)
                ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
            plx__thread_join(&thread);
        }
        ck_ok(plx_post(w->loop, on_post, &posts));
        ck_ok(plx_loop_run_once(w->loop, PLX_FOREVER));
        ck_assert_uint_eq(posts, 1);
        ck_ok(plx_loop_close(w->loop));
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
}

/* --- failures --------------------------------------------------------------------------------- */

/* In the second child. */
static int go_on_without(world *w, stand *s, holdings before, enum plx__fault_kind kind, uint32_t k)
{
    plx__fault_arm(kind, k, 1);
    int status = plx_loop_after_fork(w->loop);
    bool is_struck = plx__fault_disarm(kind) > 0;
    if (status == 0) {
        stand_check(w, s);
        ck_ok(plx_loop_close(w->loop));
    } else {
        ck_assert(is_struck);
        ck_assert_int_eq(status, kind == PLX__FAULT_MEMORY ? PLX_ENOMEM : PLX_EMFILE);
        ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_EBUSY);
        ck_assert_int_eq(plx_loop_close(w->loop), PLX_EBUSY);
        plx_loop_abandon(w->loop);
    }
    w->loop = NULL;
    stand_close(w, s);
    ck_assert_uint_eq(holdings_now().descriptors, before.descriptors);
    return is_struck ? CHILD_WAS_STRUCK : CHILD_IS_GOOD;
}

/* Without memory or descriptors the child is told, and can still drop the loop. */
static void going_on_fails_cleanly(world *w)
{
    const enum plx__fault_kind kinds[] = {PLX__FAULT_MEMORY, PLX__FAULT_DESCRIPTOR};
    stand s;
    if (!can_go_on(w))
        return;
    for (size_t i = 0; i < 2; i++) {
        int result = CHILD_WAS_STRUCK;
        for (uint32_t k = 0; result == CHILD_WAS_STRUCK; k++) {
            ck_assert_uint_lt(k, 20);
            if (child_fork()) {
                holdings before = first_begin(w, (plx_loop_options){0});
                stand_open(w, &s);
                second_begin();
                plx__test_report(go_on_without(w, &s, before, kinds[i], k));
            }
            result = plx__test_fork_join();
        }
        ck_assert_int_eq(result, CHILD_IS_GOOD);
    }
}

/* A loop that is nobody's copy needs nothing. A backend that cannot go on says so. */
static void ones_own_loop_needs_nothing(world *w)
{
    stand s;
    ck_ok(plx_loop_after_fork(w->loop));
    stand_open(w, &s);
    ck_ok(plx_loop_after_fork(w->loop));
    stand_check(w, &s);
    stand_close(w, &s);
}

static void count_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)socket;
    (void)ready;
    ++*(size_t *)data;
}

/* The owner closes a watched socket, by mistake, when the loop has been taken over and has not
 * waited yet. Others are served as before. */
static void watched_socket_is_closed_before_the_first_wait(world *w)
{
    if (!can_go_on(w))
        return;
    if (child_fork()) {
        holdings before = first_begin(w, (plx_loop_options){0});
        couple couples[] = {couple_open(), couple_open()};
        plx_watch watches[2];
        size_t counts[2] = {0, 0};
        for (int i = 0; i < 2; i++)
            ck_ok(plx_watch_open(w->loop, &watches[i], couples[i].ours.socket, PLX_READABLE,
                                 count_ready, &counts[i]));
        turn_some(w);
        second_begin();
        ck_ok(plx_loop_after_fork(w->loop));
        peer_close(&couples[0].ours);
        turn_some(w);
        peer_send(w, &couples[1].theirs, "x", 1);
        turn_until(w, &counts[1], 1);
        ck_assert_uint_le(counts[0], 1);
        int status = plx_watch_close(w->loop, watches[0]);
        ck_assert_int_eq(status, counts[0] == 1 ? PLX_ESTALE : 0);
        couple_close(&couples[0]);
        ck_ok(plx_watch_close(w->loop, watches[1]));
        couple_close(&couples[1]);
        second_end(w, before);
    }
    child_join();
}

const test_case behavior_daemon_cases[] = {
    CASE(daemon_goes_on),
    CASE(daemon_forks_twice),
    CASE(daemon_changes_nothing_of_the_first),
    CASE(first_goes_on_for_some_turns),
    CASE(daemon_goes_on_with_what_was_under_way),
    CASE(daemon_goes_on_connecting),
    CASE(daemon_is_told_of_a_socket_that_was_closed),
    CASE(daemon_is_born_in_a_callback),
    CASE(daemon_is_woken),
    CASE(watched_socket_is_closed_before_the_first_wait),
    CASE(going_on_fails_cleanly),
    CASE(ones_own_loop_needs_nothing),
    CASES_END,
};
