/* tests/behavior_send.c - what is written: order, limits, watermarks, lent buffers, the end. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_send_cases[];

enum { MEBIBYTE = 1 << 20 };

/* Receives `total` bytes of the pattern, in order. */
static void peer_expect_pattern(world *w, peer *client, size_t total)
{
    unsigned char bytes[8192];
    for (size_t position = 0; position < total;) {
        size_t piece = total - position < sizeof bytes ? total - position : sizeof bytes;
        peer_receive(w, client, bytes, piece);
        pattern_check(bytes, piece, position);
        position += piece;
    }
}

/* A peer that never reads. Writing goes on until it is refused: at that moment exactly `send_max`
 * bytes wait, whatever the system took before. Then the peer reads: on_drain comes once, and every
 * byte arrives in its place. */
static void backpressure_is_bounded(world *w)
{
    enum { MAX = 256 * 1024, PIECE = 1024 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    unsigned char bytes[PIECE];
    size_t written = 0;
    options.send_high = MAX / 2;
    options.send_max = MAX;
    peer client = connect_pair(w, &p, &options);
    int status;
    for (;;) {
        pattern_fill(bytes, sizeof bytes, written);
        status = plx_conn_write(w->loop, p.conn, bytes, sizeof bytes);
        if (status != 0)
            break;
        written += sizeof bytes;
        if (written % (8 * sizeof bytes) == 0)
            turn(w); /* The system may take more. */
    }
    ck_assert_int_eq(status, PLX_ENOBUFS);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 1);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), MAX);
    ck_assert_uint_eq(counter(w, queued_bytes), MAX);
    ck_assert_uint_eq(counter(w, queued_bytes_peak), MAX);
    turn_some(w);
    ck_assert_uint_eq(p.drained, 0);
    peer_expect_pattern(w, &client, written);
    turn_until(w, &p.drained, 1);
    ck_assert_int_eq(plx_conn_is_high(w->loop, p.conn), 0);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t answer_with_constants(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                    size_t length)
{
    static const char body[] = "world";
    char copied[] = ", ";
    (void)p;
    (void)bytes;
    ck_ok(plx_conn_send(loop, conn, "hello", 5, NULL, NULL));
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 5);
    if (length > 1) {
        ck_ok(plx_conn_write(loop, conn, copied, 2));
        memset(copied, '?', sizeof copied);
        ck_ok(plx_conn_send(loop, conn, body, 5, NULL, NULL));
    }
    return length;
}

/* Bytes that live forever are not copied when nothing is written behind them; they keep their order
 * when something is. */
static void constants_keep_their_order(world *w)
{
    probe p = {.then_data = answer_with_constants};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    char got[12];
    peer_send(w, &client, "1", 1);
    peer_receive(w, &client, got, 5);
    ck_assert_mem_eq(got, "hello", 5);
    ck_assert_uint_eq(counter(w, sends), 1);
    peer_send(w, &client, "22", 2);
    peer_receive(w, &client, got, 12);
    ck_assert_mem_eq(got, "hello, world", 12);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A constant that the system does not take whole: the rest waits, as it stands. */
static size_t answer_with_much(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    static unsigned char much[8192];
    (void)bytes;
    pattern_fill(much, sizeof much, 0);
    int status = plx_conn_send(loop, conn, much, sizeof much, NULL, NULL);
    size_t *taken = p->more;
    if (status == 0)
        ++*taken;
    else
        ck_assert_int_eq(status, PLX_ENOBUFS);
    return length;
}

static void constants_wait_when_they_must(world *w)
{
    enum { PIECE = 8192 };
    size_t taken = 0;
    unsigned char got[PIECE];
    probe p = {.then_data = answer_with_much, .more = &taken};
    plx_conn_options options = probe_options(&p);
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    options.send_high = PIECE;
    options.send_max = (size_t)4 * PIECE;
    peer client = connect_pair(w, &p, &options);
    /* Beyond it, for one that is refused as a whole is no more than it. */
    while (plx_conn_queued(w->loop, p.conn) <= options.send_high) {
        peer_send(w, &client, "x", 1);
        turn(w);
    }
    for (size_t i = 0; i < taken; i++) {
        peer_receive(w, &client, got, PIECE);
        pattern_check(got, PIECE, 0);
    }
    turn_until(w, &p.drained, 1);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A peer floods an echo and reads nothing. Reading from it pauses while its answers wait, so what
 * it holds is bounded; when it reads at last, it gets all of its bytes in order. */
static void flood_without_reading_is_bounded(world *w)
{
    enum { HIGH = 64 * 1024, MAX = 4 * HIGH };
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    unsigned char bytes[4096];
    size_t sent = 0;
    unsigned refused = 0;
    options.send_high = HIGH;
    peer client = connect_pair(w, &p, &options);
    while (refused < 100) {
        size_t piece = sizeof bytes;
        pattern_fill(bytes, piece, sent);
        ptrdiff_t took = net_send(client.socket, bytes, piece);
        ck_assert_int_ge(took, 0);
        refused = took == 0 ? refused + 1 : 0;
        sent += (size_t)took;
        turn(w);
    }
    ck_assert_uint_ge(counter(w, read_pauses), 1);
    ck_assert_uint_le(counter(w, queued_bytes_peak), MAX);
    peer_expect_pattern(w, &client, sent);
    ck_assert_uint_eq(p.received, sent);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The same, but the user wants to read all the same: reading does not pause. */
static void read_while_high_goes_on(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = 1000;
    options.send_max = PLENTY;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 1000);
    peer_send(w, &client, "still heard", 11);
    turn_until(w, &p.received, 11);
    ck_assert_uint_eq(counter(w, read_pauses), 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* All or nothing: a write that does not fit changes nothing. One that never will says so. */
static void write_takes_all_or_nothing(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 4 * MEBIBYTE;
    peer client = connect_pair(w, &p, &options);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), 4 * MEBIBYTE + 1), PLX_EMSGSIZE);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 0);
    while (plx_conn_queued(w->loop, p.conn) < 2 * MEBIBYTE)
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 2 * MEBIBYTE));
    size_t before = plx_conn_queued(w->loop, p.conn);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), 4 * MEBIBYTE), PLX_ENOBUFS);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), before);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t answer_in_ten_pieces(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                   size_t length)
{
    (void)p;
    (void)bytes;
    for (char digit = '0'; digit <= '9'; digit++)
        ck_ok(plx_conn_write(loop, conn, &digit, 1));
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 10);
    return length;
}

/* What a callback writes in ten pieces goes out in one. */
static void writes_of_one_callback_go_out_together(world *w)
{
    probe p = {.then_data = answer_in_ten_pieces};
    plx_conn_options options = probe_options(&p);
    char answer[10];
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "?", 1);
    peer_receive(w, &client, answer, sizeof answer);
    ck_assert_mem_eq(answer, "0123456789", 10);
    ck_assert_uint_eq(counter(w, sends), 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t answer_small_and_large(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                     size_t length)
{
    static unsigned char large[100000];
    size_t position = 0;
    (void)p;
    (void)bytes;
    for (int i = 0; i < 20; i++) {
        size_t piece = i % 3 == 0 ? sizeof large : (size_t)(i * 100 + 1);
        pattern_fill(large, piece, position);
        ck_ok(plx_conn_write(loop, conn, large, piece));
        position += piece;
    }
    return length;
}

/* Small pieces and large ones, mixed, in one callback: they keep their order. */
static void writes_of_all_sizes_keep_their_order(world *w)
{
    probe p = {.then_data = answer_small_and_large};
    plx_conn_options options = probe_options(&p);
    size_t total = 0;
    for (int i = 0; i < 20; i++)
        total += i % 3 == 0 ? 100000 : (size_t)(i * 100 + 1);
    options.send_max = 2 * MEBIBYTE;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "?", 1);
    peer_expect_pattern(w, &client, total);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* With a `send_max` smaller than a cork every limit holds inside callbacks too. */
static size_t answer_to_a_small_queue(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                      size_t length)
{
    (void)p;
    (void)bytes;
    ck_assert_int_eq(plx_conn_write(loop, conn, plenty(), 101), PLX_EMSGSIZE);
    ck_ok(plx_conn_write(loop, conn, "fits", 4));
    return length;
}

static void small_send_max_holds_in_callbacks(world *w)
{
    probe p = {.then_data = answer_to_a_small_queue};
    plx_conn_options options = probe_options(&p);
    char answer[4];
    options.send_high = options.send_max = 100;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "?", 1);
    peer_receive(w, &client, answer, sizeof answer);
    ck_assert_mem_eq(answer, "fits", 4);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

typedef struct lent {
    size_t returned;
    int status;
    uint64_t turn_of_call;
    uint64_t turn_of_return;
} lent;

static void on_returned(plx_loop *loop, plx_conn conn, void *data, int status)
{
    lent *l = data;
    plx_loop_stats stats;
    (void)conn;
    plx_loop_stats_get(loop, &stats);
    l->returned++;
    l->status = status;
    l->turn_of_return = stats.ticks;
}

/* A lent buffer comes back once, with 0, and later than the call that lent it, though the system
 * took it at once. */
static void lent_buffer_comes_back_later(world *w)
{
    probe p = {0};
    lent l = {.status = 1};
    plx_conn_options options = probe_options(&p);
    char answer[5];
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_send(w->loop, p.conn, "hello", 5, on_returned, &l));
    ck_assert_uint_eq(l.returned, 0);
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    turn_until(w, &l.returned, 1);
    ck_ok(l.status);
    /* None to lend is given back all the same. */
    ck_ok(plx_conn_send(w->loop, p.conn, NULL, 0, on_returned, &l));
    ck_assert_uint_eq(l.returned, 1);
    turn_until(w, &l.returned, 2);
    /* One that lives for ever needs no callback. */
    ck_ok(plx_conn_send(w->loop, p.conn, "again", 5, NULL, NULL));
    peer_receive(w, &client, answer, 5);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void lend_again(plx_loop *loop, plx_conn conn, void *data, int status)
{
    lent *l = data;
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    ck_ok(status);
    ck_assert_uint_gt(stats.ticks, l->turn_of_call);
    l->turn_of_call = stats.ticks;
    if (++l->returned < 50)
        ck_ok(plx_conn_send(loop, conn, "x", 1, lend_again, l));
}

/* Lending again from on_sent: each round takes a turn of its own, so that it cannot hold the loop.
 */
static void lending_from_on_sent_takes_turns(world *w)
{
    probe p = {0};
    lent l = {0};
    plx_conn_options options = probe_options(&p);
    char answer[50];
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_send(w->loop, p.conn, "x", 1, lend_again, &l));
    peer_receive(w, &client, answer, sizeof answer);
    turn_until(w, &l.returned, 50);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static size_t mix_on_data(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    static unsigned char parts[6][50000];
    lent *l = p->more;
    size_t position = 0;
    (void)bytes;
    for (int i = 0; i < 6; i++) {
        size_t piece = i % 2 == 0 ? 100 : sizeof parts[i];
        pattern_fill(parts[i], piece, position);
        if (i % 3 == 1)
            ck_ok(plx_conn_send(loop, conn, parts[i], piece, on_returned, l));
        else
            ck_ok(plx_conn_write(loop, conn, parts[i], piece));
        position += piece;
    }
    return length;
}

/* Written and lent pieces in one callback keep their order. */
static void written_and_lent_keep_their_order(world *w)
{
    lent l = {0};
    probe p = {.then_data = mix_on_data, .more = &l};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "?", 1);
    peer_expect_pattern(w, &client, 3 * 100 + 3 * 50000);
    turn_until(w, &l.returned, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void returned_before_close(plx_loop *loop, plx_conn conn, probe *p)
{
    lent *l = p->more;
    (void)loop;
    (void)conn;
    ck_assert_uint_eq(l->returned, 2);
}

/* Buffers that are lent when the connection closes come back with PLX_ECANCELED, before on_close.
 */
static void lent_buffers_come_back_before_on_close(world *w)
{
    lent l = {0};
    probe p = {.then_close = returned_before_close, .more = &l};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 4 * PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_send(w->loop, p.conn, plenty(), PLENTY, on_returned, &l));
    ck_ok(plx_conn_send(w->loop, p.conn, plenty(), PLENTY, on_returned, &l));
    ck_ok(plx_conn_close(w->loop, p.conn));
    ck_assert_uint_eq(l.returned, 0);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(l.status, PLX_ECANCELED);
    peer_close(&client);
}

/* The end is sent behind everything that waits. */
static void shutdown_comes_behind_the_queue(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    size_t count;
    options.send_high = options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_ok(plx_conn_shutdown(w->loop, p.conn));
    ck_ok(plx_conn_shutdown(w->loop, p.conn));
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, "x", 1), PLX_EPIPE);
    ck_assert_int_eq(plx_conn_send(w->loop, p.conn, "x", 1, on_returned, NULL), PLX_EPIPE);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, PLENTY);
    /* The other half is still open. */
    peer_send(w, &client, "heard", 5);
    turn_until(w, &p.received, 5);
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
}

static size_t answer_and_end(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                             size_t length)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    ck_ok(plx_conn_shutdown(loop, conn));
    ck_assert_int_eq(plx_conn_write(loop, conn, bytes, length), PLX_EPIPE);
    return length;
}

/* Answer and end in one callback: the peer gets the answer, then the end. */
static void shutdown_in_the_callback_that_wrote(world *w)
{
    probe p = {.then_data = answer_and_end};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    size_t count;
    peer_send(w, &client, "bye", 3);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    ck_assert_uint_eq(count, 3);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
}

/* Writing to a peer that has reset the connection closes it; the writes that come before that is
 * known do no harm. */
static void writing_to_a_peer_that_has_gone_closes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.flags = PLX_CONN_PAUSED; /* So that only sending can find out. */
    peer client = connect_pair(w, &p, &options);
    peer_reset(&client);
    uint64_t until = net_now() + patience();
    while (p.closed == 0) {
        ck_assert_uint_lt(net_now(), until);
        int status = plx_conn_write(w->loop, p.conn, "x", 1);
        ck_assert_msg(status == 0 || status == PLX_ESTALE || status == PLX_EPIPE, "%s",
                      plx_error_name(status));
        turn(w);
    }
    ck_assert_uint_eq(p.closed, 1);
    ck_assert_msg(p.reason == PLX_ECONNRESET || p.reason == PLX_ECONNABORTED, "%s",
                  plx_error_name(p.reason));
}

/* All queues of a loop together have a limit. A connection that met it is told when there is room
 * again, though its own queue never was high. */
static void loop_limits_what_waits_in_all(world *w)
{
    probe p = {0};
    probe q = {0};
    plx_conn_options options = probe_options(&p);
    plx_conn_options other_options = probe_options(&q);
    unsigned char bytes[64 * 1024] = {0};
    size_t count = 0;
    options.send_high = options.send_max = 8 * MEBIBYTE;
    world_reopen(w, (plx_loop_options){.queued_bytes_max = MEBIBYTE});
    peer client = connect_pair(w, &p, &options);
    peer other = connect_pair(w, &q, &other_options);
    while (plx_conn_write(w->loop, p.conn, bytes, sizeof bytes) == 0)
        count += sizeof bytes;
    ck_assert_uint_gt(counter(w, queued_bytes), MEBIBYTE - sizeof bytes);
    ck_assert_uint_le(counter(w, queued_bytes), MEBIBYTE);
    ck_assert_int_eq(plx_conn_write(w->loop, p.conn, plenty(), MEBIBYTE + 1), PLX_EMSGSIZE);
    ck_assert_int_eq(plx_conn_write(w->loop, q.conn, bytes, sizeof bytes), PLX_ENOBUFS);
    ck_assert_uint_eq(q.drained, 0);
    while (count > 0) {
        size_t piece = count < sizeof bytes ? count : sizeof bytes;
        peer_receive(w, &client, bytes, piece);
        count -= piece;
    }
    turn_until(w, &q.drained, 1);
    ck_ok(plx_conn_write(w->loop, q.conn, bytes, sizeof bytes));
    peer_receive(w, &other, bytes, sizeof bytes);
    peer_close(&client);
    peer_close(&other);
    turn_until(w, &p.closed, 1);
    turn_until(w, &q.closed, 1);
}

static void drain_writes_more(plx_loop *loop, plx_conn conn, probe *p)
{
    size_t *left = p->more;
    while (*left > 0 && plx_conn_write(loop, conn, plenty(), 100000) == 0)
        --*left;
}

/* A producer that lives on on_drain alone delivers all it has. */
static void drain_drives_a_producer(world *w)
{
    size_t left = 100;
    probe p = {.then_drain = drain_writes_more, .more = &left};
    plx_conn_options options = probe_options(&p);
    size_t count = 0;
    peer client = connect_pair(w, &p, &options);
    drain_writes_more(w->loop, p.conn, &p);
    unsigned char bytes[8192];
    while (count < 100 * 100000) {
        size_t piece = 100 * 100000 - count < sizeof bytes ? 100 * 100000 - count : sizeof bytes;
        peer_receive(w, &client, bytes, piece);
        count += piece;
    }
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_le(counter(w, queued_bytes_peak), MEBIBYTE);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The peer has shut its side and reads slowly: the queue goes out at its pace, and the loop does
 * not turn for the hang-up meanwhile. On WSAPoll that hang-up stands, and cannot be masked. */
static void slow_reader_that_has_shut_its_side(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    size_t count;
    options.send_high = options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 0);
    peer_shutdown(&client);
    turn_some(w);
    uint64_t before = counter(w, ticks);
    uint64_t until = net_now() + 50 * PLX_MILLISECOND;
    while (net_now() < until)
        ck_ok(plx_loop_run_once(w->loop, 50 * PLX_MILLISECOND));
    ck_assert_uint_le(counter(w, ticks) - before, 20);
    ck_assert_int_eq(peer_drain(w, &client, &count), PLX_EEOF);
    if (!plx__test_loses_sends())
        ck_assert_uint_eq(count, PLENTY);
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

const test_case behavior_send_cases[] = {
    CASE(backpressure_is_bounded),
    CASE(constants_keep_their_order),
    CASE(constants_wait_when_they_must),
    CASE(flood_without_reading_is_bounded),
    CASE(read_while_high_goes_on),
    CASE(write_takes_all_or_nothing),
    CASE(writes_of_one_callback_go_out_together),
    CASE(writes_of_all_sizes_keep_their_order),
    CASE(small_send_max_holds_in_callbacks),
    CASE(lent_buffer_comes_back_later),
    CASE(lending_from_on_sent_takes_turns),
    CASE(written_and_lent_keep_their_order),
    CASE(lent_buffers_come_back_before_on_close),
    CASE(shutdown_comes_behind_the_queue),
    CASE(shutdown_in_the_callback_that_wrote),
    CASE(writing_to_a_peer_that_has_gone_closes),
    CASE(loop_limits_what_waits_in_all),
    CASE(drain_drives_a_producer),
    CASE(slow_reader_that_has_shut_its_side),
    CASES_END,
};
