/* tests/uring_loss.c - what nobody sees from outside: the backend's own state is looked at, and set
 * by hand where the kernel would have to be caught at the right moment. First a ring that is left
 * while the kernel has more completions than it could put into it.
 */
#include <errno.h>

#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "platform/test_system.h"
#include "tests/child.h"
#include "tests/uring_idle.h"

extern const test_case uring_loss_cases[];

/* --- completions that were lost ----------------------------------------------------------------
 */

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

/* --- cancellations -----------------------------------------------------------------------------
 */

static plx__uring_endpoint *endpoint_of(const world *w, plx_conn conn)
{
    return plx__uring_of(&plx__conn_find(w->loop, conn)->object.endpoint);
}

/* Writes until something must wait and the system makes no more room for it by itself: the poll for
 * room stays in flight. */
static void fill(world *w, plx_conn conn)
{
    static const unsigned char piece[4096];
    const plx__uring_endpoint *uring = endpoint_of(w, conn);
    do {
        while (plx_conn_queued(w->loop, conn) == 0) {
            ck_ok(plx_conn_write(w->loop, conn, piece, sizeof piece));
            ck_ok(plx_loop_run_once(w->loop, 0));
        }
        turn_some(w);
    } while (uring->room.state == PLX__URING_IDLE);
}

/* As if the kernel had found nothing to cancel. */
static void cancellation_fail(plx__backend *backend, plx__endpoint *endpoint)
{
    const uint64_t data = plx__uring_data(endpoint, PLX__URING_CANCEL);
    uring_bring(backend, (struct io_uring_cqe){.user_data = data, .res = -ENOENT});
}

/* A connection closes with a receive and a poll for room in flight, and the cancellations of both
 * find nothing. They are repeated, or the ring is left, which ends both: the socket is closed. */
static void cancellation_that_found_nothing_is_repeated(world *w)
{
    for (int is_left = 0; is_left < 2; is_left++) {
        probe p = {.opened = 0};
        plx_conn_options options = probe_options(&p);
        size_t dropped;
        peer client = connect_pair(w, &p, &options);
        plx__backend *backend = w->loop->backend;
        fill(w, p.conn);
        plx__uring_endpoint *uring = endpoint_of(w, p.conn);
        ck_assert_int_eq(uring->input.op, PLX__URING_RECEIVE);
        ck_assert_int_eq(uring->input.state, PLX__URING_ARMED);
        uring->input.state = uring->room.state = PLX__URING_CANCELLING;
        ck_ok(plx_conn_close(w->loop, p.conn));
        turn_some(w);
        ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
        cancellation_fail(backend, plx__uring_endpoint_of(uring));
        if (is_left != 0)
            ck_ok(plx__uring_leave(backend));
        turn_until(w, &p.closed, 1); /* There is no room before the peer has read. */
        (void)peer_drain(w, &client, &dropped);
        peer_close(&client);
    }
}

/* A connection that waits for room reads on and closes in the same turn: only the poll is in
 * flight, and nothing is received any more, which would wait for a peer that says nothing. */
static void one_that_closes_does_not_begin_to_receive(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    size_t dropped;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_pause(w->loop, p.conn));
    fill(w, p.conn);
    ck_assert_int_eq(endpoint_of(w, p.conn)->input.state, PLX__URING_IDLE);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    (void)peer_drain(w, &client, &dropped);
    peer_close(&client);
}

static void never_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    ck_abort_msg("ready: %x", (unsigned)ready);
}

/* A watch is cancelled when it is closed, and is in no list from then on: what an earlier
 * cancellation tells later changes nothing. */
static void cancellation_that_found_nothing_of_what_has_gone_is_dropped(world *w)
{
    couple c = couple_open();
    plx_watch watch;
    ck_ok(plx_watch_open(w->loop, &watch, c.ours.socket, PLX_READABLE, never_ready, NULL));
    turn_some(w);
    plx__endpoint *endpoint = &plx__find(w->loop, PLX__KIND_WATCH, watch.bits)->endpoint;
    cancellation_fail(w->loop->backend, endpoint);
    ck_ok(plx_watch_close(w->loop, watch));
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(plx__uring_of(endpoint)->list, PLX__URING_LIST_NONE);
    couple_close(&c);
}

/* --- sends -------------------------------------------------------------------------------------
 */

/* What has told that there is room is over: it does not go on to tell of each change. */
static void poll_for_room_ends_when_there_is_room(world *w)
{
    probe p = {.opened = 0};
    unsigned char bytes[4096];
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    uint64_t until = plx__clock_now() + patience();
    fill(w, p.conn);
    ck_ok(plx_conn_pause(w->loop, p.conn)); /* Whatever else changes leaves the poll alone. */
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(endpoint_of(w, p.conn)->room.state, PLX__URING_ARMED);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    while (plx_conn_queued(w->loop, p.conn) > 0) {
        ck_assert_uint_lt(plx__clock_now(), until);
        (void)peer_try(&client, bytes, sizeof bytes);
        turn(w);
    }
    turn_some(w);
    ck_assert_int_eq(endpoint_of(w, p.conn)->room.state, PLX__URING_IDLE);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The request that holds what the connection has deferred. */
static struct io_uring_sqe *deferred_of(const world *w, plx_conn conn)
{
    const struct io_uring_sq *sq = &w->loop->backend->ring.sq;
    return &sq->sqes[endpoint_of(w, conn)->deferred & sq->ring_mask];
}

/* As if the kernel had carried out the connection's last deferred send with this result. */
static void deferred_fall_short(const world *w, plx_conn conn, int32_t result)
{
    struct io_uring_sqe *request = deferred_of(w, conn);
    const struct io_uring_cqe cqe = {.user_data = request->user_data, .res = result};
    ck_assert_int_eq(request->opcode, IORING_OP_SEND);
    plx__uring_deferred_failed(w->loop->backend, &cqe);
    *request = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .flags = IOSQE_CQE_SKIP_SUCCESS};
}

/* What a deferred send has left is sent when there may be room, or memory, for it. What was sent
 * of it is not sent again. What it fails with for good is why the connection closes. */
static void what_falls_short_for_a_while_is_sent_later(world *w)
{
    static const int32_t results[] = {-EAGAIN, -ENOBUFS, -EINTR, 0, 1, 4};
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    for (size_t i = 0; backend->can_defer && i < sizeof results / sizeof results[0]; i++) {
        size_t sent = results[i] > 0 ? (size_t)results[i] : 0;
        char rest[5];
        turn_some(w);
        ck_ok(plx_conn_write(w->loop, p.conn, "abcde", 5));
        deferred_fall_short(w, p.conn, results[i]);
        ck_assert_uint_eq(backend->unsent_count, 1);
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(backend->unsent_count, 0);
        peer_receive(w, &client, rest, 5 - sent);
        ck_assert_mem_eq(rest, &"abcde"[sent], 5 - sent);
    }
    if (backend->can_defer) /* Each byte counts once. */
        ck_assert_uint_eq(counter(w, sent_bytes), 5 * (sizeof results / sizeof results[0]));
    ck_assert_uint_eq(p.closed, 0);
    if (backend->can_defer) {
        ck_ok(plx_conn_write(w->loop, p.conn, "abcde", 5));
        deferred_fall_short(w, p.conn, -ENOMEM);
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, PLX_ENOMEM);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Two connections have something deferred, and the socket of the first is full: what it wrote
 * falls short in the middle of the turn. What the other one has in the arena stays there, whatever
 * is written deferred next. */
static void send_that_falls_short_leaves_others_deferred(world *w)
{
    static const size_t lengths[] = {200, 200, 800};
    static const unsigned char filler[4096];
    unsigned char bytes[800];
    size_t dropped;
    peer peers[3];
    static probe probes[3];
    if (!w->loop->backend->can_defer)
        return;
    for (size_t i = 0; i < 3; i++) {
        plx_conn_options options = probe_options(&probes[i]);
        peers[i] = connect_pair(w, &probes[i], &options);
    }
    turn_some(w);
    plx__endpoint *first = plx__uring_endpoint_of(endpoint_of(w, probes[0].conn));
    do { /* Full is what it is when not a byte fits after some turns. */
        while (plx__socket_send(first->socket, filler, sizeof filler) > 0)
            continue;
        turn_some(w);
    } while (plx__socket_send(first->socket, filler, 1) > 0);
    for (size_t i = 0; i < 3; i++) {
        pattern_fill(bytes, lengths[i], 1000 * i);
        ck_ok(plx_conn_write(w->loop, probes[i].conn, bytes, lengths[i]));
        if (i != 1)
            continue;
        const plx__slice slice = plx__slice_of("x", 1);
        ck_assert_int_eq((int)plx__uring_send(w->loop->backend, first, &slice, 1), 0);
        ck_assert_uint_eq(w->loop->backend->unsent_count, 1);
        ck_ok(plx_conn_write(w->loop, probes[0].conn, "x", 1));
    }
    ck_assert_uint_eq(plx_conn_queued(w->loop, probes[0].conn), lengths[0] + 1);
    for (size_t i = 1; i < 3; i++) {
        peer_receive(w, &peers[i], bytes, lengths[i]);
        pattern_check(bytes, lengths[i], 1000 * i);
    }
    ck_ok(plx_conn_shutdown(w->loop, probes[0].conn));
    (void)peer_drain(w, &peers[0], &dropped);
    for (size_t i = 0; i < 3; i++) {
        peer_close(&peers[i]);
        turn_until(w, &probes[i].closed, 1);
    }
}

/* What was submitted within the turn falls short, and nothing is deferred until core has asked for
 * what is left. Then all of the arena, and of the list of those that failed, is free again. */
static void what_has_failed_gives_its_room_back_at_once(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char bytes[3];
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    for (int i = 0; i < 3 && backend->can_defer; i++) {
        ck_ok(plx_conn_write(w->loop, p.conn, "ab", 2));
        deferred_fall_short(w, p.conn, -EAGAIN);
        plx__uring_flush(backend);
        ck_assert_uint_eq(backend->unsent_count, 1);
        ck_assert_uint_eq(backend->deferred_max, 0);
        ck_assert_uint_gt(backend->arena_used, 0);
        ck_ok(plx_conn_write(w->loop, p.conn, "c", 1));
        ck_assert_uint_eq(backend->unsent_count, 0);
        ck_assert_uint_eq(backend->unsent_used, 0);
        ck_assert_uint_eq(backend->arena_used, 0);
        peer_receive(w, &client, bytes, 3);
        ck_assert_mem_eq(bytes, "abc", 3);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Each wait submits what is deferred, and all of the arena is free again: what is written later is
 * deferred, too. */
static void sends_are_deferred_again_after_each_wait(world *w)
{
    enum { PIECE = 4000, TURNS = 2 * PLX__URING_ARENA_BYTES / PIECE };
    unsigned char bytes[PIECE] = {0};
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    const plx__backend *backend = w->loop->backend;
    ck_assert_int_eq(backend->can_defer, (backend->ring.flags & IORING_SETUP_DEFER_TASKRUN) != 0);
    for (int i = 0; i < TURNS; i++) {
        ck_ok(plx_conn_write(w->loop, p.conn, bytes, PIECE));
        ck_assert_int_eq(backend->arena_used > 0, backend->can_defer);
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(backend->arena_used, 0);
        peer_receive(w, &client, bytes, PIECE);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- buffers -----------------------------------------------------------------------------------
 */

static uint32_t buffers_given(const plx__uring_pool *pool)
{
    return io_uring_smp_load_acquire(&pool->ring->tail);
}

/* A new ring gets all buffers but those that hold something, each once; what they hold is shown, in
 * its order, and then it has them, too. */
static void new_ring_gets_the_buffers_that_hold_nothing(world *w)
{
    enum { PIECES = 5, PIECE = 4096, TOTAL = PIECES * PIECE };
    static unsigned char bytes[TOTAL];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    const plx__uring_buffers *buffers = &backend->buffers;
    turn_some(w);
    pattern_fill(bytes, TOTAL, 0);
    ck_assert_int_eq((int)plx__socket_send(client.socket, bytes, TOTAL), TOTAL);
    turn_until(w, &p.received, PIECE); /* And no more: the others are held. */
    ck_assert_uint_eq(p.received, PIECE);
    ck_assert_uint_ne(endpoint_of(w, p.conn)->flags & PLX__URING_HOLDS, 0);
    for (uint32_t held = PIECES - 1; held > 0; held--) {
        ck_ok(plx__uring_leave(backend));
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(p.received, TOTAL - (held - 1) * PIECE);
        ck_assert_uint_eq(buffers_given(&buffers->small), buffers->small.count - (held - 1));
        ck_assert_uint_eq(buffers_given(&buffers->large), buffers->large.count);
    }
    pattern_check(p.bytes, sizeof p.bytes, 0);
    ck_ok(plx__uring_leave(backend));
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(buffers_given(&buffers->small), buffers->small.count);
    ck_assert_uint_eq(buffers_given(&buffers->large), buffers->large.count);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A turn shows one piece, the first one that comes. What was held back, or waited for the
 * connection to read on, ends each wait at once. */
static void what_is_held_back_ends_each_wait(world *w)
{
    enum { PIECES = 5, PIECE = 4096, TOTAL = PIECES * PIECE };
    static unsigned char bytes[TOTAL];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    ck_assert_int_eq((int)plx__socket_send(client.socket, bytes, TOTAL), TOTAL);
    uint64_t before = plx__clock_now();
    ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_eq(p.received, PIECE);
    while (p.received < TOTAL)
        ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_ne(endpoint_of(w, p.conn)->flags & PLX__URING_BULK, 0);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, TOTAL + 1);
    ck_assert_uint_eq(endpoint_of(w, p.conn)->flags & PLX__URING_BULK, 0);
    turn_some(w);
    peer_shutdown(&client);
    ck_ok(plx_conn_pause(w->loop, p.conn));
    turn_some(w);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    while (p.closed == 0)
        ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_lt(plx__clock_now() - before, patience());
    peer_close(&client);
}

/* 8 to 64 large buffers, together at most 1 MiB unless 8 take more (plx_loop_options). */
static void large_buffers_are_neither_too_many_nor_too_few(world *w)
{
    static const uint32_t bytes[] = {1, 16384, 16385, 65536, 131072, 131073, 4194304};
    static const uint32_t counts[] = {64, 64, 32, 16, 8, 8, 8};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        world_reopen(w, (plx_loop_options){.receive_bytes = bytes[i]});
        ck_assert_uint_eq(w->loop->backend->buffers.large.count, counts[i]);
        ck_assert_uint_eq(w->loop->backend->buffers.large.bytes, bytes[i]);
    }
}

/* A child drops its copy, and what comes into the ring meanwhile is its parent's. A socket is
 * closed if the parent had seen its completion before the fork, and core was not shown it. */
static void child_closes_what_the_parent_had_seen(world *w)
{
    enum { SHOWN, SEEN, LATER, SOME };
    couple couples[SOME];
    plx__backend *backend = w->loop->backend;
    struct io_uring_cq *cq = &backend->ring.cq;
    char byte;
    turn_some(w);
    const unsigned head = *cq->khead;
    for (size_t i = 0; i < SOME; i++)
        couples[i] = couple_open();
    if (child_fork()) {
        for (unsigned i = 0; i < SOME; i++) {
            const struct io_uring_cqe cqe = {.user_data = PLX__URING_ACCEPT,
                                             .res = couples[i].ours.socket};
            if (i == LATER)
                cq->cqes[head & cq->ring_mask] = cqe;
            else
                uring_bring(backend, cqe);
        }
        backend->done_next += SHOWN + 1;
        *cq->ktail = head + 1;
        plx_loop_abandon(w->loop);
        for (size_t i = 0; i < SOME; i++)
            ck_assert_int_eq((int)peer_try(&couples[i].ours, &byte, 1),
                             i == SEEN ? PLX_EBADF : PLX_EAGAIN);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    *cq->ktail = head; /* Both processes have it mapped. */
    for (size_t i = 0; i < SOME; i++)
        couple_close(&couples[i]);
}

/* --- rings and threads that do not end ---------------------------------------------------------
 */

/* The kernel does not end the ring that was left: after a while the caller is told, and there is no
 * other ring before it has ended. The pipe that tells is another one here. */
static void ring_that_does_not_end_is_told(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char answer[2];
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    couple c = couple_open();
    plx_socket last = backend->last;
    backend->last = c.ours.socket;
    backend->owner = 0; /* As if the thread that it belongs to had ended. */
    backend->owner_id = -1;
    ck_assert_int_eq(plx__uring_ring_ready(backend), PLX_EBUSY);
    ck_assert(!backend->has_ring);
    ck_assert_int_eq(backend->last, c.ours.socket);
    peer_close(&c.theirs);
    ck_ok(plx__uring_take_over(backend));
    plx__socket_close(last);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* What may pass costs a wait, and not the ring; anything else costs that, too. */
static void ring_that_may_do_better_is_kept(world *w)
{
    static const int passing[] = {EAGAIN, EBUSY, ENOMEM};
    const plx__backend *backend = w->loop->backend;
    turn_some(w);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        ck_ok(plx__test_no_entering(passing[i]));
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(counter(w, wait_failures), i + 1);
        ck_assert(backend->has_ring);
    }
    ck_ok(plx__test_no_entering(EIO));
    ck_assert_int_ne(plx_loop_run_once(w->loop, 0), 0);
    ck_assert(!backend->has_ring);
}

/* A ring is left, and the system has none any more: each wait says so, and the loop closes. */
static void ring_that_is_refused_is_told_by_each_wait(world *w)
{
    enum { SOME = 3 };
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    ck_ok(plx__uring_leave(w->loop->backend));
    ck_ok(plx__test_no_rings(true));
    for (int i = 0; i < SOME; i++)
        ck_assert_int_eq(plx_loop_run_once(w->loop, 0), PLX_ENOSYS);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, 1);
    peer_close(&client);
}

/* Threads of C11, whose header not every C library has. */
_Noreturn void thrd_exit(int result);

static void run_when_it_may(void *data)
{
    plx_loop *loop = data;
    uint64_t until = plx__clock_now() + patience();
    int status;
    do
        status = plx_loop_run_once(loop, 0);
    while (status == PLX_EBUSY && plx__clock_now() < until);
    plx__test_report(status == 0 ? CHILD_IS_GOOD : 0);
}

/* The first thread of a process ends, and the system keeps it until the others have ended, too. It
 * does not keep the loop, on a kernel that lacks deferred work either. */
static void first_thread_that_has_ended_does_not_keep_the_loop(world *w)
{
    if (!child_may_have_threads())
        return;
    int forked = plx__test_fork();
    if (forked == 0) {
        plx_loop *loop;
        plx__thread thread;
        plx__fault_arm(PLX__FAULT_FEATURE, 0, 1);
        int status = plx_loop_open(&loop, &(plx_loop_options){.backend = w->backend});
        if (status == 0)
            status = plx_loop_run_once(loop, 0);
        if (status == 0)
            status = plx__thread_start(&thread, run_when_it_may, loop);
        if (status == 0)
            thrd_exit(0);
        plx__test_report(0);
    }
    ck_assert_int_eq(forked, 1);
    ck_assert_int_eq(plx__test_fork_join(), CHILD_IS_GOOD);
}

const test_case uring_loss_cases[] = {
    CASE(stream_that_may_have_lost_bytes_ends),
    CASE(stream_that_had_ended_stays_ended),
    CASE(cancellation_that_found_nothing_is_repeated),
    CASE(one_that_closes_does_not_begin_to_receive),
    CASE(cancellation_that_found_nothing_of_what_has_gone_is_dropped),
    CASE(poll_for_room_ends_when_there_is_room),
    CASE(what_falls_short_for_a_while_is_sent_later),
    CASE(send_that_falls_short_leaves_others_deferred),
    CASE(what_has_failed_gives_its_room_back_at_once),
    CASE(sends_are_deferred_again_after_each_wait),
    CASE(new_ring_gets_the_buffers_that_hold_nothing),
    CASE(what_is_held_back_ends_each_wait),
    CASE(large_buffers_are_neither_too_many_nor_too_few),
    CASE(first_thread_that_has_ended_does_not_keep_the_loop),
    CASE(ring_that_does_not_end_is_told),
    CASE(child_closes_what_the_parent_had_seen),
    CASE_ALONE(ring_that_may_do_better_is_kept),
    CASE_ALONE(ring_that_is_refused_is_told_by_each_wait),
    CASES_END,
};
