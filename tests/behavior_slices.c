/* tests/behavior_slices.c - plx_conn_writev(): slices that are written, and go out, together. */
#include <string.h>

#include "platform/fault.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_slices_cases[];

enum { SLICES = 40 };

/* The first `length` bytes of the pattern in `count` slices, every third of which is empty. */
static void slices_fill(plx_slice *slices, size_t count, size_t length)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        size_t some = i == count - 1 ? length - done : length / count;
        some = i % 3 == 1 && i < count - 1 ? 0 : some;
        slices[i] = (plx_slice){some > 0 ? plenty() + done : NULL, some};
        done += some;
    }
}

static void peer_expect_pattern(world *w, peer *client, size_t length)
{
    static unsigned char got[65536];
    for (size_t done = 0; done < length;) {
        size_t some = length - done < sizeof got ? length - done : sizeof got;
        peer_receive(w, client, got, some);
        pattern_check(got, some, done);
        done += some;
    }
}

/* A connection whose queue holds much; the bytes are the pattern's. */
static peer connect_roomy(world *w, probe *p)
{
    plx_conn_options options = probe_options(p);
    options.send_max = 2 * (size_t)PLENTY;
    pattern_fill(plenty(), PLENTY, 0);
    return connect_pair(w, p, &options);
}

static void close_both(world *w, probe *p, peer *client)
{
    peer_close(client);
    turn_until(w, &p->closed, 1);
}

/* Short ones in one send, however many; long ones in one for each 16. */
static void slices_go_out_in_one_send(world *w)
{
    static const struct {
        size_t count, length, sends;
    } ways[] = {{SLICES, 1000, 1}, {SLICES, 16384, 1}, {1, 30000, 1},
                {3, 30000, 1},     {16, 30000, 1},     {SLICES, 30000, 2}};
    plx_slice slices[SLICES];
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        probe p = {0};
        peer client = connect_roomy(w, &p);
        uint64_t before = counter(w, sends);
        slices_fill(slices, ways[i].count, ways[i].length);
        ck_ok(plx_conn_writev(w->loop, p.conn, slices, ways[i].count));
        ck_assert_uint_eq(counter(w, sends) - before, ways[i].sends);
        peer_expect_pattern(w, &client, ways[i].length);
        close_both(w, &p, &client);
    }
}

static size_t answer_in_slices(plx_loop *loop, plx_conn conn, probe *p, const void *at,
                               size_t length)
{
    const plx_slice two[] = {{"cd", 2}, {"e", 1}};
    const plx_slice last[] = {{"h", 1}, {NULL, 0}, {"ij", 2}};
    (void)at;
    if (p->shown == 1) {
        ck_ok(plx_conn_write(loop, conn, "ab", 2));
        ck_ok(plx_conn_writev(loop, conn, two, 2));
        ck_ok(plx_conn_write(loop, conn, "fg", 2));
    } else {
        ck_ok(plx_conn_send(loop, conn, "abcdefg", 7, NULL, NULL));
    }
    ck_ok(plx_conn_writev(loop, conn, last, 3));
    ck_assert_uint_eq(plx_conn_queued(loop, conn), 10);
    return length;
}

/* They stand in the order in which everything was written, and go out with it. */
static void slices_in_a_callback_go_out_with_the_rest(world *w)
{
    probe p = {.then_data = answer_in_slices};
    plx_conn_options options = probe_options(&p);
    char got[10];
    peer client = connect_pair(w, &p, &options);
    for (uint64_t i = 1; i <= 2; i++) {
        peer_send(w, &client, "?", 1);
        peer_receive(w, &client, got, sizeof got);
        ck_assert_mem_eq(got, "abcdefghij", 10);
        ck_assert_uint_eq(counter(w, sends), i);
    }
    close_both(w, &p, &client);
}

static size_t answer_at_length(plx_loop *loop, plx_conn conn, probe *p, const void *at,
                               size_t length)
{
    plx_slice slices[SLICES];
    (void)p;
    (void)at;
    slices_fill(slices, SLICES, 100000);
    ck_ok(plx_conn_write(loop, conn, "head", 4));
    ck_ok(plx_conn_writev(loop, conn, slices, SLICES));
    ck_ok(plx_conn_write(loop, conn, "tail", 4));
    return length;
}

/* More than fits what a callback's writes are collected in. */
static void slices_in_a_callback_that_are_long(world *w)
{
    probe p = {.then_data = answer_at_length};
    char got[4];
    peer client = connect_roomy(w, &p);
    peer_send(w, &client, "?", 1);
    peer_receive(w, &client, got, 4);
    ck_assert_mem_eq(got, "head", 4);
    peer_expect_pattern(w, &client, 100000);
    peer_receive(w, &client, got, 4);
    ck_assert_mem_eq(got, "tail", 4);
    close_both(w, &p, &client);
}

/* What a callback has written to its own connection, and is not sent yet, is not disturbed. */
static size_t answer_both(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    const plx_slice slices[] = {{"oth", 3}, {"er", 2}};
    const probe *other = p->more;
    (void)at;
    ck_ok(plx_conn_write(loop, conn, "own", 3));
    ck_ok(plx_conn_writev(loop, other->conn, slices, 2));
    ck_ok(plx_conn_write(loop, conn, "too", 3));
    return length;
}

static void slices_to_another_connection(world *w)
{
    probe other = {0};
    probe p = {.then_data = answer_both, .more = &other};
    char got[6];
    plx_conn_options options = probe_options(&other);
    peer reader = connect_pair(w, &other, &options);
    options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "?", 1);
    peer_receive(w, &client, got, 6);
    ck_assert_mem_eq(got, "owntoo", 6);
    peer_receive(w, &reader, got, 5);
    ck_assert_mem_eq(got, "other", 5);
    close_both(w, &p, &client);
    close_both(w, &other, &reader);
}

/* If the system lacks memory for the first send, no other overtakes it. */
static void slices_that_are_sent_later(world *w)
{
    plx_slice slices[SLICES];
    probe p = {0};
    peer client = connect_roomy(w, &p);
    slices_fill(slices, SLICES, 100000);
    plx__fault_arm(PLX__FAULT_SEND_LATER, 0, 1);
    ck_ok(plx_conn_writev(w->loop, p.conn, slices, SLICES));
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND_LATER), 1);
    ck_assert_uint_eq(plx_conn_queued(w->loop, p.conn), 100000);
    peer_expect_pattern(w, &client, 100000);
    close_both(w, &p, &client);
}

/* What the system does not take waits, and nothing is lost or moved: short and long ones, before
 * the connection is open and after. */
static void slices_that_wait_keep_their_order(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_slice slices[SLICES];
    probe server = {0};
    probe p = {0};
    plx_conn conn;
    plx_conn_options options = probe_options(&server);
    (void)listen_at(w, &options, address);
    options = probe_options(&p);
    options.send_max = 2 * (size_t)PLENTY;
    pattern_fill(plenty(), PLENTY, 0);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    slices_fill(slices, SLICES, 1000);
    ck_ok(plx_conn_writev(w->loop, conn, slices, SLICES));
    slices_fill(slices, SLICES, 200000);
    ck_ok(plx_conn_writev(w->loop, conn, slices, SLICES));
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 201000);
    turn_until(w, &server.received, 201000);
    pattern_check(server.bytes, 1000, 0);
    pattern_check(server.bytes + 1000, sizeof server.bytes - 1000, 0);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    turn_until(w, &server.closed, 1);
    probe q = {0};
    peer client = connect_roomy(w, &q);
    slices_fill(slices, SLICES, PLENTY);
    ck_ok(plx_conn_writev(w->loop, q.conn, slices, SLICES));
    ck_assert_uint_gt(plx_conn_queued(w->loop, q.conn), 0);
    peer_expect_pattern(w, &client, PLENTY);
    close_both(w, &q, &client);
}

/* All or nothing, by the codes of plx_conn_write(). */
static void slices_are_held_against_the_limits_together(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    const plx_slice too_much[] = {{plenty(), 600}, {plenty(), 401}};
    const plx_slice some[] = {{plenty(), 300}, {plenty(), 301}};
    const plx_slice endless[] = {{plenty(), SIZE_MAX}, {plenty(), 1}};
    probe p = {0};
    plx_conn conn;
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 1000;
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, too_much, 2), PLX_EMSGSIZE);
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, endless, 2), PLX_EMSGSIZE);
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 0);
    ck_ok(plx_conn_write(w->loop, conn, plenty(), 400));
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, some, 2), PLX_ENOBUFS);
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 400);
    ck_ok(plx_conn_writev(w->loop, conn, some, 1));
    ck_ok(plx_conn_writev(w->loop, conn, some, 0));
    ck_ok(plx_conn_writev(w->loop, conn, NULL, 0));
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 700);
    ck_ok(plx_conn_close(w->loop, conn));
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, some, 2), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, NULL, 0), PLX_ESTALE);
    ck_assert_int_eq(plx_conn_writev(w->loop, conn, endless, 2), PLX_ESTALE);
    turn_until(w, &p.closed, 1);
    net_close(listener);
}

/* Nothing is queued for want of memory for the last of it, and all of it afterwards. */
static void slices_without_memory(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    plx_slice slices[SLICES];
    probe p = {0};
    plx_conn conn;
    plx_conn_options options = probe_options(&p);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    slices_fill(slices, SLICES, 60000);
    for (uint32_t first = 0; first < 4; first++) {
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        int status = plx_conn_writev(w->loop, conn, slices, SLICES);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), status == 0 ? 0 : 1);
        if (first == 0)
            ck_assert_int_eq(status, PLX_ENOMEM);
        ck_assert_uint_eq(plx_conn_queued(w->loop, conn), status == 0 ? 60000 : 0);
        if (status == 0)
            break; /* The segments that were taken in vain are there to be used. */
    }
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    net_close(listener);
    probe q = {0};
    peer client = connect_roomy(w, &q);
    slices_fill(slices, SLICES, PLENTY);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ck_assert_int_eq(plx_conn_writev(w->loop, q.conn, slices, SLICES), PLX_ENOMEM);
    plx__fault_disarm(PLX__FAULT_MEMORY);
    turn_until(w, &q.closed, 1); /* Half of it is on its way. */
    ck_assert_int_eq(q.reason, PLX_ENOMEM);
    peer_close(&client);
}

/* Empty slices behind as many as one send takes are no reason for another: systems differ about a
 * send of nothing. */
static void slices_that_end_in_an_empty_one_are_one_send(world *w)
{
    enum { FULL = 16, EACH = 2048 };
    plx_slice slices[FULL + 1] = {{NULL, 0}};
    probe p = {0};
    peer client = connect_roomy(w, &p);
    for (size_t i = 0; i < FULL; i++)
        slices[i] = (plx_slice){plenty() + i * EACH, EACH};
    plx__fault_arm(PLX__FAULT_SEND, 1, 1); /* The second one. */
    ck_ok(plx_conn_writev(w->loop, p.conn, slices, FULL + 1));
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 0);
    peer_expect_pattern(w, &client, (size_t)FULL * EACH);
    close_both(w, &p, &client);
}

const test_case behavior_slices_cases[] = {
    CASE(slices_go_out_in_one_send),
    CASE(slices_in_a_callback_go_out_with_the_rest),
    CASE(slices_in_a_callback_that_are_long),
    CASE(slices_to_another_connection),
    CASE(slices_that_are_sent_later),
    CASE(slices_that_wait_keep_their_order),
    CASE(slices_are_held_against_the_limits_together),
    CASE(slices_without_memory),
    CASE(slices_that_end_in_an_empty_one_are_one_send),
    CASES_END,
};
