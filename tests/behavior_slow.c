/* tests/behavior_slow.c - peers that read slowly, and more to send than any one call takes. */
#include <stdlib.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_slow_cases[];

typedef struct slow {
    probe probe; /* First. */
    size_t sent; /* Lent buffers that have come back. */
    int sent_status;
    size_t released;
    plx_socket socket;
} slow;

static void on_sent(plx_loop *loop, plx_conn conn, void *data, int status)
{
    slow *s = data;
    (void)loop;
    (void)conn;
    s->sent++;
    s->sent_status = status;
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    slow *s = data;
    (void)loop;
    (void)conn;
    (void)bytes;
    ck_assert_uint_eq(length, 0);
    s->socket = socket;
    s->released++;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR); /* It is the case's now. */
}

static void end_nothing(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

static void receive_pattern(world *w, peer *from, size_t total)
{
    unsigned char piece[10000];
    for (size_t at = 0; at < total;) {
        size_t length = total - at < sizeof piece ? total - at : sizeof piece;
        peer_receive(w, from, piece, length);
        pattern_check(piece, length, at);
        at += length;
    }
}

/* A connection whose peer has shut its side and reads slowly is released when all is sent. */
static void release_to_a_slow_peer_that_has_shut_its_side(world *w)
{
    enum { TOTAL = 16 << 20 };
    slow s = {.probe = {.then_end = end_nothing}};
    plx_conn_options options = probe_options(&s.probe);
    if (plx__test_loses_sends())
        return; /* The system itself would leave a gap. */
    unsigned char *bytes = malloc(TOTAL);
    pattern_fill(bytes, TOTAL, 0);
    options.on_release = on_release;
    options.send_max = TOTAL;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    peer client = connect_pair(w, &s.probe, &options);
    peer_shutdown(&client);
    turn_until(w, &s.probe.ended, 1);
    ck_ok(plx_conn_write(w->loop, s.probe.conn, bytes, TOTAL));
    turn_some(w);
    ck_assert_uint_gt(plx_conn_queued(w->loop, s.probe.conn), 0); /* Else this shows nothing. */
    ck_ok(plx_conn_release(w->loop, s.probe.conn));
    receive_pattern(w, &client, TOTAL);
    turn_until(w, &s.released, 1);
    peer ours = {s.socket};
    peer_send(w, &ours, bytes, 10);
    receive_pattern(w, &client, 10);
    peer_close(&ours);
    peer_close(&client);
    free(bytes);
}

/* A peer that has shut its side costs nothing while it does not read, and gets all when it does. */
static void slow_peer_that_has_shut_its_side_costs_no_turns(world *w)
{
    enum { TOTAL = 16 << 20, TURNS = 10 };
    slow s = {.probe = {.then_end = end_nothing}};
    plx_conn_options options = probe_options(&s.probe);
    if (plx__test_loses_sends())
        return; /* The system itself would leave a gap. */
    unsigned char *bytes = malloc(TOTAL);
    pattern_fill(bytes, TOTAL, 0);
    options.send_max = TOTAL;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    peer client = connect_pair(w, &s.probe, &options);
    ck_ok(plx_conn_send(w->loop, s.probe.conn, bytes, TOTAL, on_sent, &s));
    peer_shutdown(&client);
    turn_until(w, &s.probe.ended, 1);
    turn_some(w);
    receive_pattern(w, &client, TOTAL / 2);
    uint64_t completions = counter(w, completions);
    turn_some(w);
    turn_some(w);
    ck_assert_uint_le(counter(w, completions), completions + TURNS);
    unsigned char *rest = malloc(TOTAL / 2);
    peer_receive(w, &client, rest, TOTAL / 2);
    ck_assert_int_eq(memcmp(rest, bytes + TOTAL / 2, TOTAL / 2), 0);
    turn_until(w, &s.sent, 1);
    ck_ok(s.sent_status);
    ck_ok(plx_conn_close(w->loop, s.probe.conn));
    turn_until(w, &s.probe.closed, 1);
    peer_close(&client);
    free(rest);
    free(bytes);
}

/* Lent buffers whose length does not fit the 32 bits that systems count in: no matter what is left
 * of it modulo 2^32, or whether that is positive as an int, what is sent goes on. */
static void lent_buffer_of_gibibytes_goes_on(world *w)
{
    static const uint64_t lengths[] = {
        UINT64_C(1) << 32,
        (UINT64_C(1) << 32) + (1u << 20),
        UINT64_C(3) << 31,
        UINT64_C(1) << 31,
    };
    enum { TAKEN = 24 << 20, ROUNDS = sizeof lengths / sizeof lengths[0] };
    const uint64_t most = UINT64_C(3) << 31;
    const void *zeroes = NULL;
    unsigned char *taken = malloc(TAKEN);
    if (most > SIZE_MAX || plx__test_zeroes(&zeroes, (size_t)most) != 0) {
        free(taken);
        return; /* No address space for it. */
    }
    for (int i = 0; i < ROUNDS; i++) {
        slow s = {.sent = 0};
        plx_conn_options options = probe_options(&s.probe);
        options.send_max = SIZE_MAX;
        peer client = connect_pair(w, &s.probe, &options);
        ck_ok(plx_conn_send(w->loop, s.probe.conn, zeroes, (size_t)lengths[i], on_sent, &s));
        peer_receive(w, &client, taken, TAKEN);
        ck_assert_uint_eq(s.sent, 0);
        peer_reset(&client);
        turn_until(w, &s.sent, 1);
        ck_assert_int_eq(s.sent_status, PLX_ECANCELED);
        turn_until(w, &s.probe.closed, 1);
    }
    plx__test_zeroes_end(zeroes, (size_t)most);
    free(taken);
}

const test_case behavior_slow_cases[] = {
    CASE(release_to_a_slow_peer_that_has_shut_its_side),
    CASE(slow_peer_that_has_shut_its_side_costs_no_turns),
    CASE(lent_buffer_of_gibibytes_goes_on),
    CASES_END,
};
