/* tests/uring_loss.c - a ring that is left while the kernel has more completions than it could put
 * into it. The bits of the ring that say so are set by hand.
 */
#include "backends/uring.h"
#include "core/loop.h"
#include "tests/harness.h"

extern const test_case uring_loss_cases[];

static void ring_lose(const world *w)
{
    plx__backend *backend = w->loop->backend;
    *backend->ring.sq.kflags |= IORING_SQ_CQ_OVERFLOW;
    ck_ok(plx__uring_leave(backend));
    ck_assert(!backend->has_ring);
}

/* What was received may have been lost, so the stream of one that was receiving ends, behind what
 * it has been shown, and with the reason. One that was paused has lost nothing, nor has a listener.
 */
static void stream_that_may_have_lost_bytes_ends(world *w)
{
    probe reading = {.opened = 0};
    probe paused = {.then_data = echo_back};
    plx_conn_options options[] = {probe_options(&reading), probe_options(&paused)};
    peer clients[] = {connect_pair(w, &reading, &options[0]),
                      connect_pair(w, &paused, &options[1])};
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[2];
    (void)listen_at(w, &options[1], address);
    peer_send(w, &clients[0], "abc", 3);
    turn_until(w, &reading.received, 3);
    ck_ok(plx_conn_pause(w->loop, paused.conn));
    turn_some(w);
    ring_lose(w);
    turn_until(w, &reading.closed, 1);
    ck_assert_int_eq(reading.reason, PLX_ENOMEM);
    ck_assert_uint_eq(reading.received, 3);
    ck_ok(plx_conn_resume(w->loop, paused.conn));
    peer_send(w, &clients[1], "hi", 2);
    peer_receive(w, &clients[1], answer, 2);
    peer late = peer_open(w, address);
    peer_send(w, &late, "hi", 2);
    peer_receive(w, &late, answer, 2);
    ck_assert_uint_eq(paused.closed, 0);
    for (size_t i = 0; i < 2; i++)
        peer_close(&clients[i]);
    peer_close(&late);
    turn_until(w, &paused.closed, 2);
}

/* The peer has ended its stream already, and the end waits until the connection reads on: it stays
 * the end that it was. */
static void stream_that_had_ended_stays_ended(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    peer_shutdown(&client);
    ck_ok(plx_conn_pause(w->loop, p.conn)); /* The end may be in the ring already. */
    turn_some(w);
    ring_lose(w);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_ok(p.reason);
    peer_close(&client);
}

const test_case uring_loss_cases[] = {
    CASE(stream_that_may_have_lost_bytes_ends),
    CASE(stream_that_had_ended_stays_ended),
    CASES_END,
};
