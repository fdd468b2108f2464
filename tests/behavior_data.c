/* tests/behavior_data.c - how bytes arrive: whole, in pieces, kept, paused, and ended. */
#include <stdlib.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_data_cases[];

/* A peer sends; the bytes arrive as they were, and go back as they came. */
static void data_is_echoed(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    char answer[5];
    peer_send(w, &client, "hello", 5);
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    ck_assert_uint_eq(p.opened, 1);
    ck_assert_uint_eq(p.received, 5);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
}

/* A parser of fixed records, for data that is cut at every place there is: it consumes records of
 * ten bytes and leaves the rest, whatever is shown to it. */
static size_t consume_records(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    (void)loop;
    (void)conn;
    size_t *records = p->more;
    size_t whole = length / 10;
    for (size_t i = 0; i < whole; i++) {
        const unsigned char *record = (const unsigned char *)bytes + 10 * i;
        pattern_check(record, 10, 10 * *records);
        ++*records;
    }
    return 10 * whole;
}

/* 30 bytes in two pieces, cut after each byte in turn: three records each time, never torn. */
static void data_split_at_every_byte(world *w)
{
    unsigned char bytes[30];
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        size_t records = 0;
        probe p = {.then_data = consume_records, .more = &records};
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        pattern_fill(bytes, sizeof bytes, 0);
        peer_send(w, &client, bytes, cut);
        turn(w);
        peer_send(w, &client, bytes + cut, sizeof bytes - cut);
        turn_until(w, &p.received, sizeof bytes);
        ck_assert_uint_eq(records, 3);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* The same one byte at a time: what is not consumed is shown again, longer by what came. */
static void data_comes_byte_by_byte(world *w)
{
    size_t records = 0;
    probe p = {.then_data = consume_records, .more = &records};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (size_t i = 0; i < 30; i++) {
        unsigned char byte = pattern(i);
        peer_send(w, &client, &byte, 1);
        turn_until(w, &p.shown, i + 1);
        ck_assert_uint_eq(p.received, (i + 1) / 10 * 10);
    }
    ck_assert_uint_eq(records, 3);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* One mebibyte through a receive buffer of 1,024 bytes: no piece is larger than the buffer, and all
 * arrives in order. */
static size_t consume_in_order(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    (void)loop;
    (void)conn;
    ck_assert_uint_le(length, 1024);
    pattern_check(bytes, length, p->received);
    return length;
}

static void data_larger_than_the_receive_buffer(world *w)
{
    const size_t total = 1 << 20;
    probe p = {.then_data = consume_in_order};
    plx_conn_options options = probe_options(&p);
    world_reopen(w, (plx_loop_options){.receive_bytes = 1024});
    peer client = connect_pair(w, &p, &options);
    unsigned char *bytes = malloc(total);
    pattern_fill(bytes, total, 0);
    peer_send(w, &client, bytes, total);
    turn_until(w, &p.received, total);
    free(bytes);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Four mebibytes out and back through an echo, while both directions are full: every byte comes
 * back in its place. */
static void data_flows_both_ways_at_once(world *w)
{
    const size_t total = 4 << 20;
    size_t out = 0;
    size_t back = 0;
    unsigned char bytes[8192];
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    uint64_t until = net_now() + 3 * patience();
    while (back < total) {
        size_t piece = total - out < sizeof bytes ? total - out : sizeof bytes;
        pattern_fill(bytes, piece, out);
        ptrdiff_t sent = piece > 0 ? net_send(client.socket, bytes, piece) : 0;
        ck_assert_int_ge(sent, 0);
        out += (size_t)sent;
        turn(w);
        for (ptrdiff_t got; (got = peer_try(&client, bytes, sizeof bytes)) != PLX_EAGAIN;) {
            ck_assert_int_gt(got, 0);
            pattern_check(bytes, (size_t)got, back);
            back += (size_t)got;
        }
        ck_assert_msg(net_now() < until, "only %u bytes came back", (unsigned)back);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Nobody asked for the data: it is discarded, and the connection lives. */
static void data_without_a_handler_is_discarded(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.on_data = NULL;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "nobody reads this", 17);
    turn_until_counter(w, received_bytes, 17);
    ck_assert_uint_eq(counter(w, connections_open), 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t consume_nothing(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    (void)length;
    return 0;
}

/* A peer that sends what is never consumed is closed as soon as more than the limit is kept. */
static void data_beyond_the_receive_limit_closes(world *w)
{
    probe p = {.then_data = consume_nothing};
    plx_conn_options options = probe_options(&p);
    unsigned char bytes[100] = {0};
    options.receive_limit = 100;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, bytes, 100);
    turn_until_counter(w, received_bytes, 100);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    peer_send(w, &client, bytes, 1);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_EMSGSIZE);
    peer_close(&client);
}

static void pause_when_opened(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_pause(loop, conn));
}

/* Paused, nothing is shown, however much comes; resumed, all of it is. */
static void pause_holds_data_back(world *w)
{
    probe p = {.then_open = pause_when_opened};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "wait", 4);
    turn_some(w);
    ck_assert_uint_eq(p.shown, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.received, 4);
    ck_assert_mem_eq(p.bytes, "wait", 4);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The option PLX_CONN_PAUSED is a pause from the start, on_open included. */
static void pause_from_the_start(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.flags = PLX_CONN_PAUSED;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "wait", 4);
    turn_some(w);
    ck_assert_uint_eq(p.shown, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.received, 4);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t take_half_and_pause(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                  size_t length)
{
    (void)bytes;
    if (p->received > 0)
        return length;
    ck_ok(plx_conn_pause(loop, conn));
    return length / 2;
}

/* What was kept when reading was paused is shown when it is resumed, though nothing more comes. */
static void resume_shows_what_was_kept(world *w)
{
    probe p = {.then_data = take_half_and_pause};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "firstsecond!", 12);
    turn_until(w, &p.received, 6);
    turn_some(w);
    ck_assert_uint_eq(p.shown, 1);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.received, 12);
    ck_assert_mem_eq(p.bytes, "firstsecond!", 12);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void answer_and_shut(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, "last words", 10));
    ck_ok(plx_conn_shutdown(loop, conn));
}

/* The peer shuts its side: on_end comes once, after the data; what is written then still arrives;
 * with both sides shut the connection closes by itself, in order. */
static void half_close_leaves_the_other_half(world *w)
{
    probe p = {.then_end = answer_and_shut};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t count;
    char answer[10];
    peer_send(w, &client, "question", 8);
    peer_shutdown(&client);
    peer_receive(w, &client, answer, 10);
    ck_assert_mem_eq(answer, "last words", 10);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(p.received, 8);
    ck_assert_uint_eq(p.ended, 1);
    ck_assert_int_eq(p.reason, 0);
    peer_close(&client);
}

static void end_does_nothing(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* A connection whose peer has shut its side stays open for as long as its owner likes, at no cost:
 * the loop waits, and does not turn for the hang-up that stands. */
static void half_closed_connection_does_not_spin(world *w)
{
    probe p = {.then_end = end_does_nothing};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_shutdown(&client);
    turn_until(w, &p.ended, 1);
    uint64_t before = counter(w, completions);
    ck_ok(plx_loop_run_once(w->loop, 50 * PLX_MILLISECOND));
    ck_assert_uint_eq(counter(w, completions), before);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

/* Without an on_end the connection sends what waits, and then closes. */
static void end_without_a_handler_sends_the_queue(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    size_t back;
    options.send_high = options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 0);
    peer_shutdown(&client);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_assert_int_eq(peer_drain(w, &client, &back), PLX_EEOF);
    if (!plx__test_loses_sends())
        ck_assert_uint_eq(back, PLENTY);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
    peer_close(&client);
}

static size_t pause_at_once(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                            size_t length)
{
    (void)bytes;
    if (p->shown == 1)
        ck_ok(plx_conn_pause(loop, conn));
    return p->shown == 1 ? 0 : length;
}

/* Data, then the end, both while reading is paused: after resuming they come in this order. */
static void end_waits_behind_the_data(world *w)
{
    probe p = {.then_data = pause_at_once, .then_end = answer_and_shut};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t count;
    peer_send(w, &client, "data", 4);
    turn_until(w, &p.shown, 1);
    peer_shutdown(&client);
    turn_some(w);
    ck_assert_uint_eq(p.ended, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.received, 4);
    turn_until(w, &p.ended, 1);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

/* The peer resets the connection: it closes, and says so. */
static void reset_closes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
    /* Wine 8 says 0, the end, where Windows and Wine 10 say WSAECONNRESET. */
    if (!plx__test_is_wine() || p.reason != 0)
        ck_assert_int_eq(p.reason, PLX_ECONNRESET);
}

/* A reset with data before it: the data is not lost if it had been received, and the connection
 * closes once either way. */
static void reset_after_data_closes_once(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "farewell", 8);
    turn_until(w, &p.received, 8);
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 1);
}

/* What is kept is counted, and while on_data is shown it, it is not. */
static size_t keep_two(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)p;
    (void)at;
    ck_assert_uint_eq(plx_conn_unconsumed(loop, conn), 0);
    return length - 2;
}

static void unconsumed_input_is_counted(world *w)
{
    probe p = {.then_data = keep_two};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_assert_uint_eq(plx_conn_unconsumed(w->loop, p.conn), 0);
    for (size_t i = 1; i <= 3; i++) {
        peer_send(w, &client, "abcd", 4);
        turn_until(w, &p.received, 4 * i - 2);
        ck_assert_uint_eq(plx_conn_unconsumed(w->loop, p.conn), 2);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The queue is high, more is unconsumed than may be, and the peer resets. What is left is shown
 * once more; it is the reset that the connection closes with. */
static size_t write_much_consume_nothing(plx_loop *loop, plx_conn conn, probe *p, const void *data,
                                         size_t length)
{
    static const unsigned char much[65536];
    (void)p, (void)data, (void)length;
    while (!plx_conn_is_high(loop, conn) && plx_conn_write(loop, conn, much, sizeof much) == 0)
        continue;
    return 0;
}

static void reset_is_the_reason_though_too_much_is_unconsumed(world *w)
{
    static const unsigned char message[3000];
    probe p = {.then_data = write_much_consume_nothing};
    plx_conn_options options = probe_options(&p);
    options.receive_limit = 1000;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, message, sizeof message);
    turn_until(w, &p.shown, 1);
    ck_assert(plx_conn_is_high(w->loop, p.conn));
    peer_reset(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ECONNRESET);
}

const test_case behavior_data_cases[] = {
    CASE(reset_is_the_reason_though_too_much_is_unconsumed),
    CASE(data_is_echoed),
    CASE(data_split_at_every_byte),
    CASE(data_comes_byte_by_byte),
    CASE(data_larger_than_the_receive_buffer),
    CASE(data_flows_both_ways_at_once),
    CASE(data_without_a_handler_is_discarded),
    CASE(data_beyond_the_receive_limit_closes),
    CASE(pause_holds_data_back),
    CASE(pause_from_the_start),
    CASE(resume_shows_what_was_kept),
    CASE(half_close_leaves_the_other_half),
    CASE(half_closed_connection_does_not_spin),
    CASE(end_without_a_handler_sends_the_queue),
    CASE(end_waits_behind_the_data),
    CASE(reset_closes),
    CASE(reset_after_data_closes_once),
    CASE(unconsumed_input_is_counted),
    CASES_END,
};
