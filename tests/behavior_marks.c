/* tests/behavior_marks.c - the marks of a send queue, to the byte: with other options, with a cork,
 * and when others make room.
 */
#include "core/loop.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_marks_cases[];

/* A connection whose peer does not read, and of which the socket takes no more. */
static peer stuck_pair(world *w, probe *p)
{
    plx_conn_options options = probe_options(p);
    options.send_high = options.send_max = 2 * (size_t)PLENTY;
    peer client = connect_pair(w, p, &options);
    ck_ok(plx_conn_write(w->loop, p->conn, plenty(), PLENTY));
    turn_some(w);
    ck_assert_uint_gt(plx_conn_queued(w->loop, p->conn), 1);
    return client;
}

/* With new options a queue is high from one byte above their mark on. */
static void changed_mark_is_exact(world *w)
{
    for (size_t above = 0; above < 2; above++) {
        probe p = {0};
        peer client = stuck_pair(w, &p);
        plx_conn_options options = probe_options(&p);
        options.send_max = 2 * (size_t)PLENTY;
        options.send_high = plx_conn_queued(w->loop, p.conn) - above;
        ck_ok(plx_conn_become(w->loop, p.conn, &options));
        ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), (int)above);
        peer_send(w, &client, "x", 1);
        if (above == 0)
            turn_until(w, &p.received, 1);
        turn_some(w);
        ck_assert_uint_eq(p.received, 1 - above);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* What a cork gathers is sent before its end from one byte above the mark on. */
static void gathered_writes_stay_up_to_the_mark(world *w)
{
    enum { HIGH = 1000 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = HIGH;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_cork(w->loop, p.conn));
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), HIGH));
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), HIGH);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 1));
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    ck_ok(plx_conn_uncork(w->loop, p.conn));
    ck_ok(plx_conn_shutdown(w->loop, p.conn));
    size_t got;
    ck_assert_int_eq(peer_drain(w, &client, &got), PLX_EEOF);
    ck_assert_uint_eq(got, HIGH + 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* What counts is what is left of it then: one send takes 16 pieces, and the next is refused for a
 * moment. */
static void what_is_left_of_gathered_writes_counts(world *w)
{
    enum { PIECES = 16, HIGH = 1000 };
    for (size_t above = 0; above < 2; above++) {
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        options.send_high = HIGH;
        peer client = connect_pair(w, &p, &options);
        ck_ok(plx_conn_cork(w->loop, p.conn));
        for (int i = 0; i < PIECES; i++)
            ck_ok(plx_conn_send(w->loop, p.conn, plenty(), 1, NULL, NULL));
        plx__fault_arm(PLX__FAULT_SEND_LATER, 1, 1);
        ck_ok(plx_conn_send(w->loop, p.conn, plenty(), HIGH + above, NULL, NULL));
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 1);
        ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), HIGH + above);
        ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), (int)above);
        ck_ok(plx_conn_close(w->loop, p.conn));
        turn_until(w, &p.closed, 1);
        peer_close(&client);
    }
}

/* A queue that is full takes a send of no bytes, and is not high by that. */
static void nothing_is_sent_behind_a_full_queue(world *w)
{
    probe p = {0};
    peer client = stuck_pair(w, &p);
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = plx_conn_queued(w->loop, p.conn);
    ck_ok(plx_conn_become(w->loop, p.conn, &options));
    ck_ok(plx_conn_send(w->loop, p.conn, "", 0, NULL, NULL));
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, "x", 1), PLX_ENOBUFS);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void note_queued(plx_loop *loop, plx_conn conn, probe *p)
{
    *(size_t *)p->more = plx_conn_queued(loop, conn);
}

/* The queues of a loop are full, and one that was refused for that has as much in its own as its
 * low mark: it is told when another connection has made room, and need not send for that. Above the
 * mark it has to: far above, for the system may take something even of one that is stuck. */
static void room_of_others_is_told_at_the_low_mark(world *w)
{
    for (size_t above = 0; above < 2; above++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_conn other;
        size_t noted = 0;
        probe p = {.then_drain = note_queued, .more = &noted};
        probe q = {0};
        world_reopen(w, (plx_loop_options){.queued_bytes_max = 2 * (uint64_t)PLENTY});
        plx_socket listener = socket_listening(address);
        peer client = stuck_pair(w, &p);
        const size_t queued = plx_conn_queued(w->loop, p.conn);
        plx_conn_options options = probe_options(&p);
        options.send_max = options.send_high = PLENTY;
        options.send_low = above == 0 ? queued : queued / 2;
        ck_ok(plx_conn_become(w->loop, p.conn, &options));
        plx_conn_options large = probe_options(&q);
        large.send_high = large.send_max = 2 * (size_t)PLENTY;
        ck_ok(plx_connect(w->loop, &other, address, &large));
        ck_ok(plx_conn_send(w->loop, other, plenty(), PLENTY, NULL, NULL));
        ck_ok(plx_conn_send(w->loop, other, plenty(), PLENTY - queued, NULL, NULL));
        ck_assert_int_eq(plx_conn_write(w->loop, p.conn, "x", 1), PLX_ENOBUFS);
        ck_ok(plx_conn_close(w->loop, other));
        turn_until(w, &q.closed, 1);
        turn_some(w);
        ck_assert_uint_eq(p.drained, 1 - above);
        ck_assert((noted > queued / 2) == (above == 0));
        ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), (int)above);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
        net_close(listener);
    }
}

/* clang-format off: a case is a line of its own, for tests/CMakeLists.txt. */
const test_case behavior_marks_cases[] = {
    CASE(changed_mark_is_exact),
    CASE(gathered_writes_stay_up_to_the_mark),
    CASE(what_is_left_of_gathered_writes_counts),
    CASE(nothing_is_sent_behind_a_full_queue),
    CASE(room_of_others_is_told_at_the_low_mark),
    CASES_END,
};
