/* tests/behavior_failure.c - sends that the system refuses for reasons of its own.
 *
 * platform/fault.h makes them fail. On io_uring a send that is to fail is given an address that is
 * none, so that it fails as any other does: in a completion.
 */
#include <string.h>

#include "tests/harness.h"

extern const test_case behavior_failure_cases[];

enum { LARGE = 6 << 20 };

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
    for (int way = 0; way < 3; way++) {
        probe p = {.then_data = arm_and_answer};
        plx_conn_options options = probe_options(&p);
        size_t count;
        peer client = connect_pair(w, &p, &options);
        if (way == 0) {
            peer_send(w, &client, "one", 3);
        } else {
            plx__fault_arm(PLX__FAULT_SEND, 0, 1);
            ck_ok(plx_conn_write(w->loop, p.conn, "one", 3));
            if (way == 2) /* It is the first to learn of the failure on some backends. */
                (void)plx_conn_shutdown(w->loop, p.conn);
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
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE));
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

typedef struct sender {
    plx_loop *loop;
    plx_conn conn;
} sender;

/* The peer may have everything a turn before a completion tells of it. */
static bool has_sent_all(void *data)
{
    const sender *s = data;
    return plx_conn_queued(s->loop, s->conn) == 0;
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
        pattern_fill(plenty(), LARGE, 0);
        plx__fault_arm(PLX__FAULT_SEND_LATER, first, 3);
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE / 2));
        ck_ok(plx_conn_write(w->loop, p.conn, plenty() + LARGE / 2, LARGE / 2));
        peer_receive(w, &client, got, LARGE);
        pattern_check(got, LARGE, 0);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_SEND_LATER);
        if (first == 0) /* Later ones may not be made: the system takes much at a time. */
            ck_assert_uint_eq(struck, 3);
    }
    turn_until_true(w, has_sent_all, &(sender){w->loop, p.conn});
    ck_assert_uint_eq(p.closed, 0);
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
        ck_ok(plx_conn_write(w->loop, p[i].conn, plenty(), LARGE));
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

/* Only tries that fail in a row lead to giving up: after one that succeeds there are as many again.
 * Each of both rounds has more than half of them. */
static void send_that_succeeds_renews_the_tries(world *w)
{
    enum { FAILING = 27 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    unsigned char got[8192];
    peer client = connect_pair(w, &p, &options);
    pattern_fill(plenty(), sizeof got, 0);
    for (int round = 0; round < 2; round++) {
        plx__fault_arm(PLX__FAULT_SEND_LATER, 0, FAILING);
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), sizeof got));
        peer_receive(w, &client, got, sizeof got);
        pattern_check(got, sizeof got, 0);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), FAILING);
    }
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* One waits for memory, and another, older one is well: the first is not passed over. */
static void send_is_tried_again_beside_one_that_is_well(world *w)
{
    probe well = {0};
    probe p = {0};
    plx_conn_options options = probe_options(&well);
    unsigned char got[8192];
    peer other = connect_pair(w, &well, &options);
    options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    pattern_fill(plenty(), sizeof got, 0);
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, 1);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), sizeof got));
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 1);
    peer_receive(w, &client, got, sizeof got);
    pattern_check(got, sizeof got, 0);
    peer_close(&client);
    peer_close(&other);
    turn_until(w, &p.closed, 1);
    turn_until(w, &well.closed, 1);
}

static void note_return(plx_loop *loop, plx_conn conn, void *data, int status)
{
    (void)loop;
    (void)conn;
    ck_ok(status);
    ++*(size_t *)data;
}

/* Lending fails for want of memory: what was to be lent is nobody else's, and can be lent again. */
static void lending_without_memory_changes_nothing(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    size_t returned = 0;
    char answer[5];
    peer client = connect_pair(w, &p, &options);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx_conn_send(w->loop, p.conn, "hello", 5, note_return, &returned),
                     PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    turn_some(w);
    ck_assert_uint_eq(returned, 0);
    ck_ok(plx_conn_send(w->loop, p.conn, "hello", 5, note_return, &returned));
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    turn_until(w, &returned, 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

typedef struct over_a_reset {
    peer client;
    int status; /* Of the last write. */
} over_a_reset;

static size_t write_over_a_reset(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                 size_t length)
{
    over_a_reset *o = p->more;
    (void)bytes;
    peer_reset(&o->client);
    ck_ok(plx_conn_pause(loop, conn));
    ck_ok(plx_conn_write(loop, conn, "x", 1)); /* This waits for what else is written. */
    o->status = plx_conn_write(loop, conn, plenty(), LARGE);
    return length;
}

/* Until the connection has closed, whose on_data resets its peer and writes. */
static void run_over_a_reset(world *w, over_a_reset *o, probe *p)
{
    plx_conn_options options = probe_options(p);
    options.send_high = options.send_max = 2 * (size_t)LARGE;
    o->client = connect_pair(w, p, &options);
    peer_send(w, &o->client, "go", 2);
    turn_until(w, &p->closed, 1);
}

/* What was written before fails when more is written, and closes the connection, for nothing is
 * read: the second write tells so. Backends that learn of it later have taken both. */
static void write_behind_one_that_closes(world *w)
{
    over_a_reset o = {.status = PLX_EINVAL};
    probe p = {.then_data = write_over_a_reset, .more = &o};
    run_over_a_reset(w, &o, &p);
    ck_assert_msg(o.status == 0 || o.status == PLX_ESTALE, "%s", plx_error_name(o.status));
}

static size_t write_behind_a_failure(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                                     size_t length)
{
    over_a_reset *o = p->more;
    (void)bytes;
    peer_reset(&o->client);
    ck_ok(plx_conn_write(loop, conn, plenty(), LARGE));
    bool has_failed = plx_conn_queued(loop, conn) == 0; /* Some backends learn of it later. */
    ck_assert_int_eq(plx_conn_write(loop, conn, "x", 1), has_failed ? PLX_EPIPE : 0);
    return length;
}

/* In one callback: after a write has failed, the next one is refused and not corked. */
static void write_behind_a_failed_one_is_refused(world *w)
{
    over_a_reset o;
    probe p = {.then_data = write_behind_a_failure, .more = &o};
    run_over_a_reset(w, &o, &p);
}

/* For longer than the tries take in all. */
static void spin(void)
{
    for (uint64_t until = net_now() + PLX_SECOND * 11 / 10; net_now() < until;)
        continue;
}

/* The loop comes to its first try late, because something else took the time: it is made all the
 * same. So when the queue has waited for a slow peer before memory is short: that time does not
 * count as tries. */
static void send_is_tried_again_however_long_it_has_waited(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    unsigned char *got = plx__allocate(LARGE);
    ck_assert_ptr_nonnull(got);
    options.send_high = options.send_max = 2 * (size_t)LARGE;
    peer client = connect_pair(w, &p, &options);
    pattern_fill(plenty(), LARGE, 0);
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, 1);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), 8192));
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 1);
    spin();
    peer_receive(w, &client, got, 8192);
    pattern_check(got, 8192, 0);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE));
    turn_some(w);
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 0);
    spin();
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, 5);
    peer_receive(w, &client, got, LARGE);
    pattern_check(got, LARGE, 0);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 5);
    ck_assert_uint_eq(p.closed, 0);
    plx__free(got);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A connection that closes while it waits for memory leaves nothing behind. */
static void close_while_memory_is_short(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 2 * (size_t)LARGE;
    peer client = connect_pair(w, &p, &options);
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, UINT32_MAX);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE));
    turn_some(w);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_SEND_LATER), 0);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(plx_loop_next_timeout(w->loop), PLX_FOREVER);
    ck_assert_uint_eq(counter(w, queued_bytes), 0);
    peer_close(&client);
}

/* --- memory that ends, and closes with a reason ------------------------------------------------
 */

/* A connection over a socket whose buffers are small, and its peer. */
static couple adopt_small(world *w, probe *p, const plx_conn_options *options)
{
    couple c = couple_open();
    ck_ok(net_set(c.ours.socket, PLX__SOCKET_SEND_BYTES, 4096));
    ck_ok(net_set(c.theirs.socket, PLX__SOCKET_RECEIVE_BYTES, 4096));
    net_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, NULL, c.ours.socket, options, NULL, 0));
    c.ours.socket = PLX_SOCKET_NONE;
    turn_until(w, &p->opened, 1);
    return c;
}

static size_t answer_with_4000(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                               size_t length)
{
    (void)bytes;
    ck_ok(plx_conn_write(loop, conn, plenty(), 4000));
    *(size_t *)p->more += 4000;
    return length;
}

/* Nothing of the message that was refused has been sent: the peer has those before it, and then the
 * next one. */
static void expect_whole_messages(world *w, probe *p, couple *c, size_t written)
{
    unsigned char *got = plx__allocate(written + 1);
    ck_assert_ptr_nonnull(got);
    peer_receive(w, &c->theirs, got, written);
    turn_some(w);
    ck_assert_int_eq(peer_try(&c->theirs, got, 1), PLX_EAGAIN);
    ck_ok(plx_conn_write(w->loop, p->conn, plenty(), 1));
    peer_receive(w, &c->theirs, got, 1);
    plx__free(got);
    ck_ok(plx_conn_close(w->loop, p->conn));
    turn_until(w, &p->closed, 1);
}

/* Memory ends while a message is on its way: part of it has been sent, and the rest can neither be
 * sent nor queued. In a callback, where it was collected; and outside of one, with small messages
 * and with one that is more than any system takes. A small one may be refused as a whole, as all
 * are that Windows does not take: then the connection stays. */
static void memory_that_ends_amid_a_message_resets(world *w)
{
    static const size_t lengths[] = {0, 4000, LARGE};
    for (int way = 0; way < 3; way++) {
        size_t written = 0;
        size_t count;
        int status = 0;
        probe p = {.then_data = answer_with_4000, .more = &written};
        plx_conn_options options = probe_options(&p);
        options.send_high = options.send_max = LARGE;
        uint64_t until = net_now() + patience();
        couple c = adopt_small(w, &p, &options);
        plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
        while (p.closed == 0 && status == 0) {
            ck_assert_uint_lt(net_now(), until);
            if (way == 0)
                (void)!net_send(c.theirs.socket, "x", 1);
            else if ((status = plx_conn_write(w->loop, p.conn, plenty(), lengths[way])) == 0)
                written += lengths[way];
            turn(w);
        }
        ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_MEMORY), 0);
        if (plx_conn_write(w->loop, p.conn, plenty(), 0) == 0) { /* It is open. */
            ck_assert_int_eq(way, 1);
            ck_assert_int_eq(status, PLX_ENOMEM);
            expect_whole_messages(w, &p, &c, written);
        } else {
            turn_until(w, &p.closed, 1);
            ck_assert_int_eq(p.reason, PLX_ENOMEM);
            expect_reset(peer_drain(w, &c.theirs, &count));
        }
        couple_close(&c);
    }
}

static size_t leave_all(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)p;
    (void)bytes;
    (void)length;
    return 0;
}

/* The same for what has arrived and was not consumed: who asked learns that no answer comes. */
static void memory_that_ends_amid_a_request_resets(world *w)
{
    probe p = {.then_data = leave_all};
    plx_conn_options options = probe_options(&p);
    size_t count;
    peer client = connect_pair(w, &p, &options);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    peer_send(w, &client, "half a req", 10);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_gt(plx__fault_disarm(PLX__FAULT_MEMORY), 0);
    ck_assert_int_eq(p.reason, PLX_ENOMEM);
    expect_reset(peer_drain(w, &client, &count));
    peer_close(&client);
}

/* A connection closes for a reason of its own or the loop's while bytes wait to be sent: the peer
 * does not get an end behind the first of them. */
static void close_that_drops_the_queue_resets(world *w)
{
    for (int way = 0; way < 3; way++) {
        probe p = {.then_data = leave_all};
        plx_conn_options options = probe_options(&p);
        size_t count;
        options.send_high = options.send_max = LARGE;
        options.flags = PLX_CONN_READ_WHILE_HIGH;
        options.receive_limit = 1;
        options.write_timeout_ns = way == 0 ? 50 * PLX_MILLISECOND : 0;
        peer client = connect_pair(w, &p, &options);
        ck_ok(plx_conn_write(w->loop, p.conn, plenty(), LARGE));
        ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 0);
        if (way == 1)
            peer_send(w, &client, "xx", 2);
        if (way == 2)
            world_reopen(w, (plx_loop_options){0});
        turn_until(w, &p.closed, 1);
        static const int reasons[] = {PLX_ETIMEDOUT, PLX_EMSGSIZE, PLX_ECANCELED};
        ck_assert_int_eq(p.reason, reasons[way]);
        expect_reset(peer_drain(w, &client, &count));
        ck_assert_uint_lt(count, LARGE);
        peer_close(&client);
    }
}

const test_case behavior_failure_cases[] = {
    CASE(send_that_fails_closes_with_the_reason),
    CASE(stream_that_is_cut_ends_with_a_reset),
    CASE(send_is_tried_again_when_memory_is_short),
    CASE(send_that_succeeds_renews_the_tries),
    CASE(send_is_tried_again_beside_one_that_is_well),
    CASE(lending_without_memory_changes_nothing),
    CASE(write_behind_one_that_closes),
    CASE(write_behind_a_failed_one_is_refused),
    CASE(send_is_tried_again_however_long_it_has_waited),
    CASE(send_is_given_up_when_memory_stays_short),
    CASE(close_while_memory_is_short),
    CASE(memory_that_ends_amid_a_message_resets),
    CASE(memory_that_ends_amid_a_request_resets),
    CASE(close_that_drops_the_queue_resets),
    CASES_END,
};
