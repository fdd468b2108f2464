/* tests/behavior_events.c - what one wait has brought, while callbacks change what it was for. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_events_cases[];

/* --- many that are ready -----------------------------------------------------------------------
 */

enum { MANY = 300, CLOSED = 120 };

typedef struct herd herd;

typedef struct member {
    herd *herd;
    couple couple;
    plx_watch watch;
    size_t calls;
    uint64_t turn; /* Of the last call. */
} member;

struct herd {
    member members[MANY];
    bool closes; /* The next one that is called closes the first CLOSED ones. */
};

static void see(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    member *m = data;
    plx_loop_stats stats;
    (void)watch;
    ck_assert(socket == m->couple.ours.socket);
    ck_assert_uint_eq(ready, PLX_READABLE);
    plx_loop_stats_get(loop, &stats);
    ck_assert_msg(m->turn != stats.ticks, "called twice in one turn");
    m->turn = stats.ticks;
    m->calls++;
    if (!m->herd->closes)
        return;
    m->herd->closes = false;
    for (size_t i = 0; i < CLOSED; i++)
        ck_ok(plx_watch_close(loop, m->herd->members[i].watch));
}

/* Until each of them has been called, from this one on. */
static void herd_await(world *w, const herd *h, size_t first)
{
    uint64_t until = net_now() + patience();
    for (size_t i = first; i < MANY; i++) {
        while (h->members[i].calls == 0) {
            ck_assert_msg(net_now() < until, "patience is over");
            turn(w);
        }
    }
}

static void herd_close(world *w, herd *h, size_t first)
{
    for (size_t i = 0; i < MANY; i++) {
        if (i >= first)
            ck_ok(plx_watch_close(w->loop, h->members[i].watch));
        couple_close(&h->members[i].couple);
    }
}

/* All are ready, and the first that is called closes more of the others than a backend looks at at
 * a time: whoever is left is called once in a turn, and those that are closed are not called. */
static void closing_many_that_are_ready_uncovers_nobody(world *w)
{
    static herd h;
    h.closes = true;
    for (size_t i = 0; i < MANY; i++) {
        member *m = &h.members[i];
        m->herd = &h;
        m->couple = couple_open();
        ck_ok(plx_watch_open(w->loop, &m->watch, m->couple.ours.socket, PLX_READABLE, see, m));
    }
    turn(w);
    for (size_t i = MANY; i-- > 0;)
        peer_send(w, &h.members[i].couple.theirs, "x", 1);
    while (h.closes)
        turn(w);
    size_t before[CLOSED];
    for (size_t i = 0; i < CLOSED; i++)
        before[i] = h.members[i].calls;
    herd_await(w, &h, CLOSED);
    turn_some(w);
    for (size_t i = 0; i < CLOSED; i++) {
        ck_assert_uint_eq(h.members[i].calls, before[i]);
        ck_assert_uint_le(before[i], 1);
    }
    herd_close(w, &h, CLOSED);
}

static int open_without_memory(const world *w, member *m, uint32_t piece)
{
    plx__fault_arm(PLX__FAULT_MEMORY, piece, 1);
    int status = plx_watch_open(w->loop, &m->watch, m->couple.ours.socket, PLX_READABLE, see, m);
    uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
    ck_assert_msg(status == 0 || (struck == 1 && status == PLX_ENOMEM), "%s",
                  plx_error_name(status));
    ck_assert_uint_lt(piece, 20);
    return status;
}

/* Whatever grows as sockets are added fails to, at each piece of memory it asks for: the watch is
 * refused, those that are there are not harmed, and it can be opened once there is memory. */
static void memory_fails_whenever_something_grows(world *w)
{
    static herd h;
    for (size_t i = 0; i < MANY; i++) {
        member *m = &h.members[i];
        m->herd = &h;
        m->couple = couple_open();
        for (uint32_t piece = 0; open_without_memory(w, m, piece) != 0; piece++)
            continue;
    }
    turn(w);
    for (size_t i = 0; i < MANY; i++)
        peer_send(w, &h.members[i].couple.theirs, "x", 1);
    herd_await(w, &h, 0);
    herd_close(w, &h, 0);
}

/* --- one that is paused ------------------------------------------------------------------------
 */

enum { LARGE = 6 << 20 };

typedef struct pair {
    probe probes[2];
    peer peers[2];
    bool has_paused;
} pair;

/* The first that is shown something pauses the other one. */
static size_t pause_the_other(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    pair *both = p->more;
    (void)conn;
    (void)bytes;
    if (!both->has_paused)
        ck_ok(plx_conn_pause(loop, both->probes[p == &both->probes[0]].conn));
    both->has_paused = true;
    return length;
}

/* Two have sent something in the same turn, and something waits to be sent to each of them: the one
 * that is paused by the other stays open, and shows what came when it is resumed. */
static void one_that_sends_is_paused_when_it_is_ready(world *w)
{
    pair both = {.has_paused = false};
    for (size_t i = 0; i < 2; i++) {
        both.probes[i].then_data = pause_the_other;
        both.probes[i].more = &both;
        plx_conn_options options = probe_options(&both.probes[i]);
        options.send_high = options.send_max = 2 * (size_t)LARGE;
        both.peers[i] = connect_pair(w, &both.probes[i], &options);
        ck_ok(plx_conn_write(w->loop, both.probes[i].conn, plenty(), LARGE));
        turn_some(w);
        ck_assert_uint_gt(plx_conn_queued(w->loop, both.probes[i].conn), 0);
    }
    uint64_t receives = counter(w, receives);
    for (size_t i = 0; i < 2; i++)
        peer_send(w, &both.peers[i], "hi", 2);
    turn_some(w);
    ck_assert_uint_eq(both.probes[0].closed + both.probes[1].closed, 0);
    ck_assert_uint_eq(both.probes[0].received + both.probes[1].received, 2);
    size_t paused = both.probes[0].received == 0 ? 0 : 1;
    ck_assert_uint_eq(both.probes[paused].received, 0);
    ck_ok(plx_conn_resume(w->loop, both.probes[paused].conn));
    turn_until(w, &both.probes[paused].received, 2);
    ck_assert_uint_eq(counter(w, receives), receives + 2);
    for (size_t i = 0; i < 2; i++)
        peer_close(&both.peers[i]);
    turn_until(w, &both.probes[0].closed, 1);
    turn_until(w, &both.probes[1].closed, 1);
}

/* What waited to be sent is lost by then, and no more is taken. */
static size_t hear_last_words(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    (void)p;
    (void)bytes;
    ck_assert_int_eq(plx_conn_is_high(loop, conn), 0);
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 0);
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), PLX_EPIPE);
    ck_assert_int_eq(plx_conn_send(loop, conn, "x", 1, NULL, NULL), PLX_EPIPE);
    return length;
}

/* Reading rests while the queue is high. What the peer says before it resets the connection is
 * shown all the same, by systems that keep it: Windows drops it, and libuv does not learn of the
 * reset there (backends/readiness/libuv.c), unless by Wine 8. */
static void last_words_are_heard_though_the_queue_was_high(world *w)
{
#ifdef _WIN32
    if (strcmp(w->backend, "libuv") == 0)
        return;
#endif
    probe p = {.then_data = hear_last_words};
    plx_conn_options options = probe_options(&p);
    options.send_high = 1000;
    options.send_max = 2 * (size_t)LARGE;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE));
    turn_some(w);
    ck_assert_int_ne(plx_conn_is_high(w->loop, p.conn), 0);
    peer_send(w, &client, "bye", 3);
    turn_some(w);
    ck_assert_uint_eq(p.received, 0);
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_msg(p.reason == PLX_ECONNRESET || p.reason == PLX_ECONNABORTED, "%s",
                  plx_error_name(p.reason));
#ifndef _WIN32
    ck_assert_uint_eq(p.received, 3);
    ck_assert_mem_eq(p.bytes, "bye", 3);
#endif
}

/* --- the time ----------------------------------------------------------------------------------
 */

static uint64_t called_ns; /* When a callback returned; 0: none has been called. */

static void let_time_pass(void)
{
    uint64_t before = net_now();
    while (called_ns < before + PLX_MILLISECOND)
        called_ns = net_now();
}

static void pass_in_timer(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    let_time_pass();
}

static void pass_in_signal(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)loop;
    (void)signal;
    (void)data;
    (void)number;
    let_time_pass();
}

static void pass_in_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
    let_time_pass();
}

static void pass_in_close(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
    let_time_pass();
}

/* The turn in which it is called ends with the time at which it returned, or later. */
static void expect_time(world *w)
{
    uint64_t until = net_now() + patience();
    while (called_ns == 0) {
        ck_assert_uint_lt(net_now(), until);
        turn(w);
    }
    ck_assert_uint_ge(plx_loop_now(w->loop), called_ns);
    called_ns = 0;
}

/* What is called in a turn takes time, and the loop's time goes on with it, whichever step of the
 * turn it was: what is started next counts from then. */
static void time_goes_on_over_callbacks(world *w)
{
    probe p = {.then_close = pass_in_close};
    plx_conn_options options = probe_options(&p);
    plx_signal signal;
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    ck_ok(plx_timer_start(w->loop, NULL, 0, 0, pass_in_timer, NULL));
    expect_time(w);
    ck_ok(plx_post(w->loop, pass_in_post, NULL));
    expect_time(w);
    ck_ok(plx_conn_close(w->loop, p.conn));
    expect_time(w);
    ck_ok(plx_signal_open(w->loop, &signal, PLX_SIGNAL_INTERRUPT, pass_in_signal, NULL));
    if (plx__test_signal(PLX_SIGNAL_INTERRUPT) == 0)
        expect_time(w);
    ck_ok(plx_signal_close(w->loop, signal));
    peer_close(&client);
}

const test_case behavior_events_cases[] = {
    CASE(time_goes_on_over_callbacks),
    CASE(closing_many_that_are_ready_uncovers_nobody),
    CASE(memory_fails_whenever_something_grows),
    CASE(one_that_sends_is_paused_when_it_is_ready),
    CASE(last_words_are_heard_though_the_queue_was_high),
    CASES_END,
};
