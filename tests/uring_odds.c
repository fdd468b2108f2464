/* tests/uring_odds.c - odds and ends of the backend's own state: what it requests, and what it does
 * not, what it keeps when a ring goes, and what it gives back when one cannot be had. */
#include <errno.h>
#include <stdio.h>

#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "platform/hook.h"
#include "platform/test_system.h"
#include "tests/child.h"
#include "tests/uring_idle.h"

extern const test_case uring_odds_cases[];

static plx__uring_endpoint *endpoint_of(const world *w, plx_conn conn)
{
    return plx__uring_of(&plx__conn_find(w->loop, conn)->object.endpoint);
}

/* As if the kernel had found nothing to cancel. */
static void cancellation_fail(plx__backend *backend, plx__uring_endpoint *uring)
{
    const uint64_t data = plx__uring_data(plx__uring_endpoint_of(uring), PLX__URING_CANCEL);
    uring_bring(backend, (struct io_uring_cqe){.user_data = data, .res = -ENOENT});
}

/* --- what is requested -------------------------------------------------------------------------
 */

static void expect_receives(const plx__uring_endpoint *uring)
{
    ck_assert_int_eq(uring->input.op, PLX__URING_RECEIVE);
    ck_assert_int_eq(uring->input.state, PLX__URING_ARMED);
}

/* A connection that receives, and is looked at for some other reason, still receives: nothing is
 * cancelled and requested anew. */
static void what_is_wanted_and_in_flight_is_left_alone(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    expect_receives(uring);
    plx__uring_list_set(w->loop->backend, uring, PLX__URING_LIST_BUSY);
    ck_ok(plx_loop_run_once(w->loop, 0));
    expect_receives(uring);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    ck_assert(uring->input.is_multishot);
    ck_assert_uint_eq(uring->flags, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The same for one that receives piece by piece. */
static void receive_of_a_large_piece_is_left_alone(world *w)
{
    enum { TOTAL = 5 * 4096 };
    static unsigned char bytes[TOTAL];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    peer_send(w, &client, bytes, TOTAL);
    turn_until(w, &p.received, TOTAL);
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    uring->flags |= PLX__URING_BULK; /* Whatever the last piece was like. */
    turn_some(w);
    plx__uring_list_set(w->loop->backend, uring, PLX__URING_LIST_BUSY);
    turn_some(w);
    expect_receives(uring);
    ck_assert(!uring->input.is_multishot);
    ck_assert_uint_eq(uring->flags, PLX__URING_BULK);
    plx__uring_list_set(w->loop->backend, uring, PLX__URING_LIST_BUSY);
    ck_ok(plx_loop_run_once(w->loop, 0));
    expect_receives(uring);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

typedef struct seen {
    const plx__uring_endpoint *uring;
    uint8_t state; /* When the kernel was entered last. */
} seen;

static void see_state(enum plx__hook_step step, void *data)
{
    seen *s = data;
    if (step == PLX__HOOK_SLEEP)
        s->state = s->uring->input.state;
}

/* A pause cancels the receive, and once: while the cancellation is on its way there is no other
 * one. If it has found nothing, it is repeated. */
static void pause_cancels_once(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    seen s = {.uring = uring};
    uring->input.state = PLX__URING_CANCELLING; /* It is not: it stays in flight. */
    ck_ok(plx_conn_pause(w->loop, p.conn));
    turn_some(w);
    ck_assert_int_eq(uring->input.state, PLX__URING_CANCELLING);
    cancellation_fail(w->loop->backend, uring);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(uring->list, PLX__URING_LIST_BUSY);
    plx__hook_set(see_state, &s);
    ck_ok(plx_loop_run_once(w->loop, 0));
    plx__hook_set(NULL, NULL);
    ck_assert_int_eq(s.state, PLX__URING_CANCELLING);
    turn_some(w);
    ck_assert_int_eq(uring->input.state, PLX__URING_IDLE);
    peer_close(&client);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    probe *p = data;
    (void)loop;
    (void)conn;
    (void)bytes;
    ck_assert_uint_eq(length, 0);
    plx__fault_taken(PLX__FAULT_DESCRIPTOR); /* It is the case's now. */
    plx__socket_close(socket);
    p->closed++;
}

/* A request of another thread's ring is not cancelled at once, on a kernel that lets any thread do
 * so either: that thread may be about to complete it. */
static void request_of_another_thread_is_not_cancelled_at_once(world *w)
{
    for (uint32_t rungs = 0; rungs < 2; rungs++) {
        plx_listener listener;
        plx__fault_arm(PLX__FAULT_FEATURE, 0, rungs);
        world_reopen(w, (plx_loop_options){0});
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_FEATURE), rungs);
        plx__backend *backend = w->loop->backend;
        bool is_newest = (backend->ring.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
        ck_assert_int_eq(backend->can_defer, is_newest);
        ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
        turn_some(w);
        plx__endpoint *endpoint = &plx__find(w->loop, PLX__KIND_LISTENER, listener.bits)->endpoint;
        const uint64_t data = plx__uring_data(endpoint, PLX__URING_ACCEPT);
        const uint32_t owner = backend->owner;
        backend->owner = 0; /* No thread has this number. */
        ck_assert(!plx__uring_cancel_now(backend, data));
        ck_assert_ptr_eq(backend->done_next, backend->done_tail);
        backend->owner = owner;
        ck_assert(plx__uring_cancel_now(backend, data));
        ck_assert_ptr_ne(backend->done_next, backend->done_tail); /* It is still to be taken, */
        ck_assert(endpoint->has_more);                            /* and core knows. */
        backend->owner = 0;
        ck_assert(plx__uring_cancel_now(backend, data)); /* It has ended. */
        backend->owner = owner;
        ck_ok(plx_listener_close(w->loop, listener));
        ck_ok(plx__uring_leave(backend));
        ck_assert(plx__uring_cancel_now(backend, data)); /* Nothing is in flight without a ring. */
    }
}

/* A ring is left whose end has the number of the standard input, which the process has closed. */
static void ring_with_descriptor_zero_is_waited_for(world *w)
{
    plx__backend *backend = w->loop->backend;
    plx_socket zero;
    turn_some(w);
    plx__socket_dispose(0);
    ck_ok(plx__test_duplicate(backend->last, &zero));
    ck_assert_int_eq(zero, 0);
    plx__socket_dispose(backend->last);
    backend->last = zero;
    ck_ok(plx__uring_leave(backend));
    ck_assert(plx__uring_gone_await(backend));
    ck_assert_int_eq(backend->last, -1);
}

/* A connection that is released while its receive is in flight has nothing to show: it waits for
 * the last completion, and no wait ends for it. */
static void release_waits_for_what_is_in_flight(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    options.on_release = on_release;
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    uring->input.state = PLX__URING_CANCELLING; /* It is not: it stays in flight. */
    ck_ok(plx_conn_release(w->loop, p.conn));
    turn_some(w);
    ck_assert_uint_eq(uring->flags & PLX__URING_RELEASING, PLX__URING_RELEASING);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    cancellation_fail(w->loop->backend, uring);
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

/* What a release waited for is told once, and then nothing is to be done for the endpoint. */
static void release_is_told_once(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    plx__completion completion = {.endpoint = NULL};
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    ck_ok(plx_conn_pause(w->loop, p.conn));
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    ck_assert(plx__uring_release(backend, plx__uring_endpoint_of(uring)));
    ck_assert(!plx__uring_released(backend, uring, &completion));
    plx__uring_list_set(backend, uring, PLX__URING_LIST_READY);
    uring->flags |= PLX__URING_RELEASING | PLX__URING_HOLDS;
    ck_assert(!plx__uring_released(backend, uring, &completion));
    uring->flags &= (uint16_t)~PLX__URING_HOLDS;
    uring->room.state = PLX__URING_CANCELLING;
    ck_assert(!plx__uring_released(backend, uring, &completion));
    uring->room.state = PLX__URING_IDLE;
    ck_assert(plx__uring_released(backend, uring, &completion));
    ck_assert_int_eq(completion.kind, PLX__RELEASED);
    ck_assert_ptr_eq(completion.endpoint, plx__uring_endpoint_of(uring));
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    ck_assert(!plx__uring_released(backend, uring, &completion));
    ck_ok(plx_conn_resume(w->loop, p.conn));
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- completions -------------------------------------------------------------------------------
 */

/* Two pieces of one stream are there. A turn shows one of them, and the next one the other. */
static void second_piece_of_a_turn_is_held_back(world *w)
{
    enum { PIECES = 2 };
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    plx__endpoint *endpoint = plx__uring_endpoint_of(uring);
    for (unsigned i = 0; i < PIECES; i++)
        uring_bring(backend, (struct io_uring_cqe){
                                 .user_data = plx__uring_data(endpoint, PLX__URING_RECEIVE),
                                 .res = 1,
                                 .flags = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER |
                                          i << IORING_CQE_BUFFER_SHIFT});
    backend->turn++;
    const plx__completion *first = w->loop->ops->next(backend);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(first->endpoint, endpoint);
    ck_assert_ptr_eq(first->bytes, backend->buffers.small.memory);
    ck_assert_uint_eq(first->length, 1);
    ck_assert_ptr_null(w->loop->ops->next(backend));
    ck_assert_uint_eq(uring->flags & PLX__URING_HOLDS, PLX__URING_HOLDS);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(p.received, 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* What this turn does not deliver is told of by the endpoint that it is for, and no longer when a
 * turn delivers it. */
static void what_is_left_for_later_is_told(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer clients[] = {connect_pair(w, &p, &options), {PLX_SOCKET_NONE}};
    plx__endpoint *first = &plx__conn_find(w->loop, p.conn)->object.endpoint;
    clients[1] = connect_pair(w, &p, &options);
    plx__endpoint *second = &plx__conn_find(w->loop, p.conn)->object.endpoint;
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    ck_ok(plx__uring_done_reserve(backend, 2));
    const struct io_uring_cqe *from = backend->done_tail;
    *backend->done_tail++ = (struct io_uring_cqe){.user_data = PLX__URING_WAKE};
    *backend->done_tail++ =
        (struct io_uring_cqe){.user_data = plx__uring_data(first, PLX__URING_WRITABLE)};
    plx__uring_more_tell(backend, backend->done_tail);
    ck_assert(!first->has_more && !backend->has_more);
    plx__uring_more_tell(backend, from);
    ck_assert(first->has_more && !second->has_more);
    plx__uring_turn_begin(backend);
    ck_assert(!first->has_more && !backend->has_more);
    ck_assert_ptr_eq(backend->done_end, backend->done_tail);
    backend->failure = PLX_EINVAL; /* Core delivers nothing after a wait that fails so. */
    ck_assert_int_eq(w->loop->ops->wait(backend, 0), PLX_EINVAL);
    ck_assert(first->has_more);
    plx__uring_turn_begin(backend);
    backend->done_next = backend->done_end = backend->done_tail; /* Core is not to see them. */
    plx__uring_ends_set(backend);
    peer_close(&clients[0]);
    peer_close(&clients[1]);
    turn_until(w, &p.closed, 2);
}

/* What has come since the wait is not for this turn, and not lost: the next one shows it. */
static void what_comes_within_a_turn_is_for_the_next(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    plx__endpoint *endpoint = plx__uring_endpoint_of(endpoint_of(w, p.conn));
    struct io_uring_buf_ring *ring = backend->buffers.small.ring;
    const uint16_t tail = ring->tail;
    uring_bring(backend, (struct io_uring_cqe){.user_data = PLX__URING_NONE});
    *backend->done_tail++ =
        (struct io_uring_cqe){.user_data = plx__uring_data(endpoint, PLX__URING_RECEIVE),
                              .res = 1,
                              .flags = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER};
    ck_assert_ptr_null(w->loop->ops->next(backend));
    ck_ok(plx_loop_run_once(w->loop, patience())); /* It does not wait. */
    ck_assert_uint_eq(p.received, 1);
    ring->tail = tail; /* The kernel has the buffer still. */
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A buffer that comes with nothing in it goes back at once. */
static void end_of_a_receive_gives_its_buffer_back(world *w)
{
    static const int32_t results[] = {0, -EAGAIN, -ENOBUFS};
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    plx__completion completion;
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    struct io_uring_buf_ring *ring = w->loop->backend->buffers.small.ring;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        const struct io_uring_cqe cqe = {.res = results[i],
                                         .flags = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER};
        const uint16_t tail = ring->tail;
        (void)plx__uring_received(w->loop->backend, endpoint_of(w, p.conn), &cqe, &completion);
        ck_assert_uint_eq(ring->tail, (uint16_t)(tail + 1));
        ring->tail = tail; /* The kernel has it still. */
    }
    peer_close(&client);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
}

/* The poll for the wake has ended: it is to be armed anew, and what has been written until then is
 * read. Why it has ended is told if it is a failure, and nothing has failed before. */
static void wake_that_has_ended_tells_why(world *w)
{
    static const int32_t harmless[] = {0, POLLIN, -ECANCELED};
    plx__backend *backend = w->loop->backend;
    plx__poll_entry entry = {.fd = backend->wake.reader, .events = PLX__POLL_READ};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        backend->is_wake_armed = true;
        plx__uring_woken(backend, &(struct io_uring_cqe){.res = harmless[i]});
        ck_assert(!backend->is_wake_armed);
        ck_assert_int_eq(backend->failure, 0);
    }
    plx__wake_send(&backend->wake);
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 1);
    plx__uring_woken(backend, &(struct io_uring_cqe){.res = -ENOMEM});
    ck_assert_int_eq(plx__poll(&entry, 1, 0), 0);
    ck_assert_int_eq(backend->failure, PLX_ENOMEM);
    plx__uring_woken(backend, &(struct io_uring_cqe){.res = -EBADF});
    ck_assert_int_eq(backend->failure, PLX_ENOMEM);
    backend->failure = 0;
}

/* A backend closes with sockets that it has accepted and nobody was shown: those that it has
 * fetched and those that are in the queue, up to its end. */
static void sockets_that_nobody_was_shown_are_closed_with_the_backend(world *w)
{
    enum { SOME = 6, FETCHED = 2, IN_RING = 2 };
    const plx__backend_ops *ops = w->loop->ops;
    plx__backend_report report;
    const plx__backend_config config = {.receive_bytes = 4096, .report = &report};
    couple couples[SOME];
    plx__backend *backend;
    char byte;
    ck_ok(ops->open(&backend, &config));
    struct io_uring_cq *cq = &backend->ring.cq;
    unsigned at = *cq->khead;
    for (size_t i = 0; i < SOME; i++) {
        couples[i] = couple_open();
        const struct io_uring_cqe cqe = {.user_data = PLX__URING_ACCEPT,
                                         .res = couples[i].ours.socket};
        if (i % 2 == 0)
            uring_bring(backend, cqe);
        else
            cq->cqes[at++ & cq->ring_mask] = cqe;
    }
    backend->done_tail = backend->done + FETCHED; /* The last ones are behind the ends. */
    *cq->ktail = *cq->khead + IN_RING;
    ops->close(backend);
    for (size_t i = 0; i < SOME; i++) {
        bool is_closed = i < FETCHED + IN_RING;
        ck_assert_int_eq((int)peer_try(&couples[i].theirs, &byte, 1), is_closed ? 0 : PLX_EAGAIN);
        if (is_closed) { /* The backend has counted it once more, and closed it. */
            plx__fault_given(PLX__FAULT_DESCRIPTOR);
            couples[i].ours.socket = PLX_SOCKET_NONE;
        }
        couple_close(&couples[i]);
    }
}

/* --- machines that refuse a part ---------------------------------------------------------------
 */

/* A ring that cannot have its buffers, the end of its pipe or a list of what the system can is
 * none: the reason is told, and nothing is left behind. */
static void ring_that_lacks_a_part_is_none(world *w)
{
    static const struct {
        uint32_t operation;
        int os_code, status;
    } refusals[] = {
        {IORING_REGISTER_PBUF_RING, ENOMEM, PLX_ENOMEM},
        {IORING_REGISTER_PBUF_RING, EINVAL, PLX_ENOSYS}, /* Before Linux 5.19. */
        {IORING_REGISTER_FILES, ENOMEM, PLX_ENOMEM},
        {IORING_REGISTER_PROBE, EINVAL, PLX_ENOSYS}, /* Before Linux 5.6. */
    };
    const plx_loop_options options = {.backend = w->backend};
    const holdings before = holdings_now();
    const int descriptors = plx__test_descriptors();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        plx_loop *loop;
        ck_ok(plx__test_no_registering(refusals[i].operation, refusals[i].os_code));
        ck_assert_int_eq(plx_loop_open(&loop, &options), refusals[i].status);
        ck_assert_int_eq(plx_os_error(), i + 1 < sizeof refusals / sizeof refusals[0]
                                             ? refusals[i].os_code
                                             : ENOSYS);
        ck_assert_ptr_null(loop);
        ck_assert_int_eq(plx__test_descriptors(), descriptors);
        ck_assert_uint_eq(holdings_now().memory, before.memory);
        ck_assert_uint_eq(holdings_now().descriptors, before.descriptors);
    }
}

/* Where what overflows the queue of completions is kept needs no memory when it does. */
static void room_for_what_overflows_is_there_from_the_start(world *w)
{
    ck_assert_uint_ge(w->loop->backend->done_room, PLX__URING_COMPLETIONS);
}

/* --- deferred sends -----------------------------------------------------------------------------
 */

/* A connection over a Unix-domain socket, which stays full once it says that it is: TCP makes room
 * of its own in a while. */
static peer connect_pair_of_unix(world *w, probe *p)
{
    const plx_conn_options accepted = probe_options(p);
    const plx_listen_options options = {.conn = &accepted};
    char address[64];
    plx_listener listener;
    (void)snprintf(address, sizeof address, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    ck_ok(plx_listen(w->loop, &listener, address, &options));
    peer client = peer_open(w, address);
    turn_until(w, &p->opened, 1);
    ck_ok(plx_listener_close(w->loop, listener));
    return client;
}

static plx_socket socket_of(world *w, plx_conn conn)
{
    return plx__uring_endpoint_of(endpoint_of(w, conn))->socket;
}

/* A ring is left with deferred sends that were not submitted. They are sent at once; what the
 * system does not take waits in the queue, and its peer gets it behind all that was before. */
static void deferred_sends_of_a_ring_that_is_left_are_not_lost(world *w)
{
    enum { LENGTH = 200 };
    static unsigned char bytes[4096];
    probe probes[2] = {{.opened = 0}, {.opened = 0}};
    peer peers[2];
    size_t dropped;
    plx__backend *backend = w->loop->backend;
    if (!backend->can_defer)
        return;
    for (size_t i = 0; i < 2; i++)
        peers[i] = connect_pair_of_unix(w, &probes[i]);
    while (plx__socket_send(socket_of(w, probes[0].conn), bytes, sizeof bytes) > 0)
        continue;
    pattern_fill(bytes, LENGTH, 0);
    for (size_t i = 0; i < 2; i++)
        ck_ok(plx_conn_write(w->loop, probes[i].conn, bytes, LENGTH));
    ck_ok(plx__uring_leave(backend));
    ck_assert_uint_eq(backend->unsent_count, 1);
    ck_assert_int_eq((int)peer_try(&peers[1], bytes, LENGTH), LENGTH);
    pattern_check(bytes, LENGTH, 0);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(backend->unsent_count, 0);
    ck_assert_uint_eq(plx_conn_queued(w->loop, probes[0].conn), LENGTH);
    ck_ok(plx_conn_shutdown(w->loop, probes[0].conn));
    ck_assert_int_eq(peer_drain(w, &peers[0], &dropped), PLX_EEOF);
    ck_assert_uint_gt(dropped, LENGTH);
    for (size_t i = 0; i < 2; i++) {
        peer_close(&peers[i]);
        turn_until(w, &probes[i].closed, 1);
    }
}

/* Of what is deferred the system takes a part, for that is how much room there is: the rest goes
 * when there is more, and no byte is lost. A Unix-domain socket takes pieces of half its room; with
 * a few bytes in front only the first of them fits. */
static void part_of_a_deferred_send_is_followed_by_its_rest(world *w)
{
    static const size_t lengths[] = {1, 4096, 100, 4000, 500, 3000};
    enum { ROOM = 1 << 20, LENGTHS = sizeof lengths / sizeof lengths[0] };
    static unsigned char bytes[ROOM];
    for (size_t first = 0; first < LENGTHS; first += 2) {
        probe p = {.opened = 0};
        size_t total = 0;
        peer client = connect_pair_of_unix(w, &p);
        ck_ok(plx__socket_set(socket_of(w, p.conn), PLX__SOCKET_SEND_BYTES, 1)); /* The least. */
        for (size_t i = first; plx_conn_queued(w->loop, p.conn) == 0; i = (i + 1) % LENGTHS) {
            ck_assert_uint_le(total + lengths[i], ROOM);
            pattern_fill(bytes, lengths[i], total);
            ck_ok(plx_conn_write(w->loop, p.conn, bytes, lengths[i]));
            total += lengths[i];
            ck_ok(plx_loop_run_once(w->loop, 0));
        }
        peer_receive(w, &client, bytes, total);
        pattern_check(bytes, total, 0);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* A process writes, forks and ends before its loop has waited. Its child goes on with the loop, and
 * sends what was deferred. */
static void daemon_sends_what_was_deferred(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char bytes[5];
    if (!child_is_possible(w))
        return;
    if (child_fork()) {
        uint64_t until = plx__clock_now() + patience();
        plx_loop_abandon(w->loop);
        ck_ok(plx_loop_open(&w->loop, &(plx_loop_options){.backend = w->backend}));
        peer client = connect_pair(w, &p, &options);
        turn_some(w);
        ck_ok(plx_conn_write(w->loop, p.conn, "hello", 5));
        ck_assert_int_eq((int)peer_try(&client, bytes, 5),
                         w->loop->backend->can_defer ? PLX_EAGAIN : 5);
        if (!w->loop->backend->can_defer)
            plx__test_report(CHILD_IS_GOOD);
        if (!child_fork())
            plx__test_vanish();
        while (!plx__test_is_orphan()) {
            ck_assert_uint_lt(plx__clock_now(), until);
            plx__thread_yield();
        }
        ck_ok(plx_loop_after_fork(w->loop));
        ck_assert_int_eq((int)peer_try(&client, bytes, 5), 5);
        ck_assert_mem_eq(bytes, "hello", 5);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
        ck_ok(plx_loop_close(w->loop));
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
}

const test_case uring_odds_cases[] = {
    CASE(what_is_wanted_and_in_flight_is_left_alone),
    CASE(receive_of_a_large_piece_is_left_alone),
    CASE(pause_cancels_once),
    CASE(request_of_another_thread_is_not_cancelled_at_once),
    CASE(ring_with_descriptor_zero_is_waited_for),
    CASE(release_waits_for_what_is_in_flight),
    CASE(release_is_told_once),
    CASE(second_piece_of_a_turn_is_held_back),
    CASE(what_is_left_for_later_is_told),
    CASE(what_comes_within_a_turn_is_for_the_next),
    CASE(end_of_a_receive_gives_its_buffer_back),
    CASE(wake_that_has_ended_tells_why),
    CASE(sockets_that_nobody_was_shown_are_closed_with_the_backend),
    CASE_ALONE(ring_that_lacks_a_part_is_none),
    CASE(room_for_what_overflows_is_there_from_the_start),
    CASE(deferred_sends_of_a_ring_that_is_left_are_not_lost),
    CASE(part_of_a_deferred_send_is_followed_by_its_rest),
    CASE(daemon_sends_what_was_deferred),
    CASES_END,
};
