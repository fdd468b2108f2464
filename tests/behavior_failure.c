/* tests/behavior_failure.c - sends and waits that the system refuses for reasons of its own.
 *
 * platform/fault.h makes them fail. On io_uring a send that is to fail is given an address that is
 * none, so that it fails as any other does: in a completion.
 */
#include <string.h>

#include "platform/rehearsal.h"
#include "tests/harness.h"

extern const test_case behavior_failure_cases[];

enum { LARGE = 6 << 20 };

static unsigned char large[LARGE];

/* The peer is told of a reset. Wine 8 says the end where Windows and Wine 10 say WSAECONNRESET. */
static void expect_reset(int status)
{
    if (!plx__rehearsal_is_wine() || status != PLX_EEOF)
        ck_assert_msg(status == PLX_ECONNRESET || status == PLX_ECONNABORTED, "%s",
                      plx_error_name(status));
}

/* --- sends -------------------------------------------------------------------------------------
 */

static size_t arm_and_answer(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    (void)p;
    plx__fault_arm(PLX__FAULT_SEND, 0, 1);
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    return length;
}

/* The answer fails for want of memory. The connection does not stay open and mute: it closes with
 * the reason, and the peer learns that the stream is broken. */
static void send_that_fails_closes_with_the_reason(world *w)
{
    for (int way = 0; way < 2; way++) {
        probe p = {.then_data = arm_and_answer};
        plx_conn_options options = probe_options(&p);
        size_t count;
        peer client = connect_pair(w, &p, &options);
        if (way == 0) {
            peer_send(w, &client, "one", 3);
        } else {
            plx__fault_arm(PLX__FAULT_SEND, 0, 1);
            ck_ok(plx_conn_write(w->loop, p.conn, "one", 3));
        }
        turn_until(w, &p.closed, 1);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 1);
        ck_assert_int_ne(p.reason, 0);
        ck_assert_int_ne(p.reason, PLX_ECONNRESET);
        if (strcmp(w->backend, "uring") != 0) /* There it is another one. */
            ck_assert_int_eq(p.reason, PLX_ENOMEM);
        expect_reset(peer_drain(w, &client, &count));
        ck_assert_uint_eq(count, 0);
        peer_close(&client);
    }
}

static size_t nothing_more(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)p;
    return length;
}

/* Part of a stream has gone when a send fails: the peer gets no end that it could take for that of
 * the whole. So when the queue fails, and when the first try does. */
static void stream_that_is_cut_ends_with_a_reset(world *w)
{
    for (uint32_t failing = 1; failing <= 4; failing++) {
        probe p = {.then_data = nothing_more};
        plx_conn_options options = probe_options(&p);
        size_t count;
        options.send_high = options.send_max = LARGE;
        peer client = connect_pair(w, &p, &options);
        plx__fault_arm(PLX__FAULT_SEND, failing, 1);
        ck_ok(plx_conn_write(w->loop, p.conn, large, LARGE));
        ck_ok(plx_conn_shutdown(w->loop, p.conn));
        int status = peer_drain(w, &client, &count);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 1);
        expect_reset(status);
        ck_assert_uint_lt(count, LARGE);
        turn_until(w, &p.closed, 1);
        ck_assert_int_ne(p.reason, 0);
        ck_assert_int_ne(p.reason, PLX_ECONNRESET);
        peer_close(&client);
    }
}

/* Want that passes: all bytes arrive. */
static void send_is_tried_again_when_memory_is_short(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    unsigned char *got = plx__allocate(LARGE);
    ck_assert_ptr_nonnull(got);
    options.send_high = options.send_max = 2 * (size_t)LARGE;
    peer client = connect_pair(w, &p, &options);
    for (uint32_t first = 0; first < 3; first++) {
        pattern_fill(large, LARGE, 0);
        plx__fault_arm(PLX__FAULT_SEND_LATER, first, 3);
        ck_ok(plx_conn_write(w->loop, p.conn, large, LARGE / 2));
        ck_ok(plx_conn_write(w->loop, p.conn, large + LARGE / 2, LARGE / 2));
        peer_receive(w, &client, got, LARGE);
        pattern_check(got, LARGE, 0);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_SEND_LATER);
        if (first == 0) /* Later ones may not be made: the system takes much at a time. */
            ck_assert_uint_eq(struck, 3);
    }
    ck_assert_uint_eq(p.closed, 0);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    plx__free(got);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Want that lasts: several connections are given up, each with its reason and a reset. The loop
 * waits from one try to the next: a second of them is no more than some hundred for each. */
static void send_is_given_up_when_memory_stays_short(world *w)
{
    enum { SOME = 3 };
    probe p[SOME] = {{0}};
    peer clients[SOME];
    for (int i = 0; i < SOME; i++) {
        plx_conn_options options = probe_options(&p[i]);
        options.send_high = options.send_max = 2 * (size_t)LARGE;
        clients[i] = connect_pair(w, &p[i], &options);
    }
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, UINT32_MAX);
    for (int i = 0; i < SOME; i++)
        ck_ok(plx_conn_write(w->loop, p[i].conn, large, LARGE));
    for (int i = 0; i < SOME; i++)
        turn_until(w, &p[i].closed, 1);
    uint32_t struck = plx__fault_disarm(PLX__FAULT_SEND_LATER);
    ck_assert_uint_gt(struck, SOME);
    ck_assert_uint_lt(struck, 300 * SOME);
    for (int i = 0; i < SOME; i++) {
        size_t count;
        ck_assert_int_eq(p[i].reason, PLX_ENOBUFS);
        expect_reset(peer_drain(w, &clients[i], &count));
        peer_close(&clients[i]);
    }
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
}

/* A connection that closes while it waits for memory leaves nothing behind. */
static void close_while_memory_is_short(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 2 * (size_t)LARGE;
    peer client = connect_pair(w, &p, &options);
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, UINT32_MAX);
    ck_ok(plx_conn_write(w->loop, p.conn, large, LARGE));
    turn_some(w);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_SEND_LATER), 0);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    ck_assert_uint_eq(counter(w, queued_bytes), 0);
    peer_close(&client);
}

const test_case behavior_failure_cases[] = {
    CASE(send_that_fails_closes_with_the_reason),
    CASE(stream_that_is_cut_ends_with_a_reset),
    CASE(send_is_tried_again_when_memory_is_short),
    CASE(send_is_given_up_when_memory_stays_short),
    CASE(close_while_memory_is_short),
    CASES_END,
};
