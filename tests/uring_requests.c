/* tests/uring_requests.c - which requests are made, and what they say. They are taken back before
 * the kernel gets to see them. */
#include <errno.h>

#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "platform/fault.h"
#include "platform/hook.h"
#include "platform/os.h"
#include "platform/test_system.h"
#include "tests/harness.h"
#include "tests/uring_idle.h"

extern const test_case uring_requests_cases[];

/* Takes back the one request that has been made since the last was submitted; NULL if there is
 * none.
 */
static const struct io_uring_sqe *request_take_back(plx__backend *backend)
{
    struct io_uring_sq *sq = &backend->ring.sq;
    unsigned count = io_uring_sq_ready(&backend->ring);
    ck_assert_uint_le(count, 1);
    if (count == 0)
        return NULL;
    return &sq->sqes[--sq->sqe_tail & sq->ring_mask];
}

/* A poll for room is requested for one that waits for it, and cancelled for one that has gone, or
 * that waits anew; each of both once. */
static void poll_for_room_is_requested_and_cancelled_once(world *w)
{
    enum { BLOCKED = PLX__URING_BLOCKED, HUNG = PLX__URING_HUNG };
    enum { GONE = PLX__URING_DETACHED, LEAVES = PLX__URING_RELEASING };
    enum { IDLE = PLX__URING_IDLE, ARMED = PLX__URING_ARMED, CANCELLING = PLX__URING_CANCELLING };
    static const struct {
        uint16_t flags;
        uint8_t state;
        bool has_told;
        enum plx__uring_op op; /* Of the request, or PLX__URING_NONE. */
    } table[] = {
        {0, IDLE, false, PLX__URING_NONE},
        {BLOCKED, IDLE, false, PLX__URING_WRITABLE},
        {BLOCKED | HUNG, IDLE, false, PLX__URING_WRITABLE},
        {BLOCKED | GONE, IDLE, false, PLX__URING_NONE},
        {BLOCKED | LEAVES, IDLE, false, PLX__URING_NONE},
        {BLOCKED, ARMED, false, PLX__URING_NONE},
        {BLOCKED, ARMED, true, PLX__URING_CANCEL},
        {0, ARMED, true, PLX__URING_CANCEL},
        {GONE, ARMED, false, PLX__URING_CANCEL},
        {LEAVES, ARMED, false, PLX__URING_CANCEL},
        {BLOCKED, CANCELLING, true, PLX__URING_NONE},
        {GONE, CANCELLING, false, PLX__URING_NONE},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        const uint64_t room = plx__uring_data(i.endpoint, PLX__URING_WRITABLE);
        const uint8_t before = table[row].state;
        i.uring->flags = table[row].flags;
        i.uring->room = (plx__uring_request){.op = PLX__URING_WRITABLE, .state = before};
        i.uring->room.interest = table[row].has_told ? 0 : PLX_WRITABLE;
        ck_assert(plx__uring_room_update(i.backend, i.uring));
        const struct io_uring_sqe *request = request_take_back(i.backend);
        ck_assert_uint_eq(i.uring->flags, table[row].flags);
        ck_assert_int_eq(i.uring->room.state, table[row].op == PLX__URING_WRITABLE ? ARMED
                                              : table[row].op == PLX__URING_CANCEL ? CANCELLING
                                                                                   : before);
        ck_assert_int_eq(request != NULL, table[row].op != PLX__URING_NONE);
        if (request == NULL)
            continue;
        ck_assert_uint_eq(request->user_data, plx__uring_data(i.endpoint, table[row].op));
        if (table[row].op == PLX__URING_CANCEL) {
            ck_assert_int_eq(request->opcode, IORING_OP_ASYNC_CANCEL);
            ck_assert_uint_eq(request->addr, room);
            ck_assert_uint_eq(request->flags, IOSQE_CQE_SKIP_SUCCESS);
            continue;
        }
        ck_assert_int_eq(request->opcode, IORING_OP_POLL_ADD);
        ck_assert_int_eq(request->fd, i.endpoint->socket);
        ck_assert_int_eq(i.uring->room.interest, PLX_WRITABLE);
        ck_assert_uint_eq(request->len, (table[row].flags & HUNG) != 0 ? IORING_POLL_ADD_MULTI : 0);
    }
    uring_idle_close(w, &i);
}

/* Small pieces come as long as there are buffers; a large one comes once. */
static void receive_asks_for_buffers_of_a_size(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    for (int is_bulk = 0; is_bulk < 2; is_bulk++) {
        i.uring->flags = is_bulk != 0 ? PLX__URING_BULK : 0;
        ck_assert(plx__uring_receive_arm(i.backend, i.uring));
        const struct io_uring_sqe *request = request_take_back(i.backend);
        ck_assert_ptr_nonnull(request);
        ck_assert_int_eq(request->opcode, IORING_OP_RECV);
        ck_assert_int_eq(request->fd, i.endpoint->socket);
        ck_assert_uint_eq(request->flags, IOSQE_BUFFER_SELECT);
        ck_assert_uint_eq(request->user_data, plx__uring_data(i.endpoint, PLX__URING_RECEIVE));
        ck_assert_uint_eq(request->len, is_bulk != 0 ? i.backend->buffers.large.bytes : 0);
        ck_assert_int_eq(request->buf_group, is_bulk);
        ck_assert_uint_eq(request->ioprio, is_bulk != 0 ? 0 : IORING_RECV_MULTISHOT);
        ck_assert_int_eq(i.uring->input.is_multishot, is_bulk == 0);
        ck_assert_int_eq(i.uring->input.op, PLX__URING_RECEIVE);
        ck_assert_int_eq(i.uring->input.state, PLX__URING_ARMED);
    }
    uring_idle_close(w, &i);
}

/* What cannot be requested, because there is no ring, does not count as in flight. */
static void request_that_cannot_be_made_is_still_to_be_made(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    ck_ok(plx__uring_leave(i.backend));
    i.uring->flags = PLX__URING_BLOCKED;
    ck_assert(!plx__uring_receive_arm(i.backend, i.uring));
    ck_assert(!plx__uring_accept_arm(i.backend, i.uring));
    ck_assert(!plx__uring_room_update(i.backend, i.uring));
    i.uring->room.state = PLX__URING_ARMED;
    i.uring->room.interest = 0;
    ck_assert(!plx__uring_room_update(i.backend, i.uring));
    ck_assert_int_eq(i.uring->room.state, PLX__URING_ARMED); /* It is not being cancelled. */
    i.uring->room.state = PLX__URING_IDLE;
    ck_assert(!plx__uring_is_in_flight(i.uring));
    ck_assert_uint_eq(i.uring->flags, PLX__URING_BLOCKED);
    i.uring->flags = 0;
    uring_idle_close(w, &i);
}

/* What is in flight when the kernel is about to be entered, and is taken back. */
static void take_back(enum plx__hook_step step, void *data)
{
    uring_idle *i = data;
    const struct io_uring_sqe *request =
        step == PLX__HOOK_SLEEP ? request_take_back(i->backend) : NULL;
    if (request != NULL)
        ck_assert_uint_eq(request->addr, plx__uring_data(i->endpoint, PLX__URING_POLL));
}

/* A poll is left alone as long as it tells of what it is to tell of: in each turn what is true, or
 * once the peer has shut its side what changes. */
static void poll_that_tells_what_it_should_is_left_alone(world *w)
{
    enum { IN = PLX_READABLE, OUT = PLX_WRITABLE, HUNG = PLX__URING_HUNG };
    static const struct {
        uint16_t flags;
        bool is_multishot;
        uint8_t in_flight; /* Which interest; it is to be PLX_READABLE. */
        bool is_cancelled;
    } table[] = {
        {0, false, IN, false},   {HUNG, false, IN, false}, {0, true, IN, true},
        {HUNG, true, IN, false}, {0, false, OUT, true},    {HUNG, true, OUT, true},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        i.uring->flags = table[row].flags;
        i.uring->input = (plx__uring_request){.op = PLX__URING_POLL, .state = PLX__URING_ARMED};
        i.uring->input.is_multishot = table[row].is_multishot;
        i.uring->input.interest = table[row].in_flight & (IN | OUT);
        i.uring->wanted = PLX__URING_POLL;
        i.uring->interest = PLX_READABLE;
        plx__uring_list_set(i.backend, i.uring, PLX__URING_LIST_BUSY);
        plx__hook_set(take_back, &i);
        ck_ok(plx_loop_run_once(w->loop, 0));
        plx__hook_set(NULL, NULL);
        ck_assert_int_eq(i.uring->input.state,
                         table[row].is_cancelled ? PLX__URING_CANCELLING : PLX__URING_ARMED);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_IDLE);
    }
    uring_idle_close(w, &i);
}

/* The end of a stream that core does not read from is kept, and core is not told yet. */
static void end_waits_until_core_reads_on(world *w)
{
    static const int32_t results[] = {0, -ECONNRESET};
    plx__completion one;
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t n = 0; n < 2; n++) {
        const struct io_uring_cqe cqe = {.res = results[n]};
        i.uring->ended = 0;
        ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
        ck_assert(!plx__uring_received(i.backend, i.uring, &cqe, &one));
        ck_assert_int_eq(i.uring->ended, n == 0 ? PLX_EEOF : PLX_ECONNRESET);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_BUSY);
    }
    uring_idle_close(w, &i);
}

/* As if the kernel had carried out what this one has deferred, with this result. */
static void deferred_fall_short(uring_idle *i, int32_t result)
{
    const struct io_uring_sq *sq = &i->backend->ring.sq;
    struct io_uring_sqe *request = &sq->sqes[i->uring->deferred & sq->ring_mask];
    const struct io_uring_cqe cqe = {.user_data = request->user_data, .res = result};
    ck_assert_int_eq(request->opcode, IORING_OP_SEND);
    plx__uring_deferred_failed(i->backend, &cqe);
    *request = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .flags = IOSQE_CQE_SKIP_SUCCESS};
}

/* In one turn a connection writes, which is deferred; that falls short; and it writes as much as
 * its queue may hold, which goes into no cork then: together they would be more. */
typedef struct fill {
    uring_idle idle;
    size_t calls;
} fill;

static size_t write_and_fill(plx_loop *loop, plx_conn conn, probe *p, const void *data,
                             size_t length)
{
    static const unsigned char much[16384];
    fill *f = p->more;
    (void)data;
    if (f->calls++ == 0) {
        ck_ok(plx_conn_write(loop, conn, much, PLX__URING_DEFERRED_BYTES));
    } else if (f->idle.backend->can_defer) {
        deferred_fall_short(&f->idle, -EAGAIN);
        ck_assert_int_eq(plx_conn_write(loop, conn, much, sizeof much), PLX_ENOBUFS);
        ck_assert_uint_eq(plx_conn_queued(loop, conn), PLX__URING_DEFERRED_BYTES);
    }
    return length;
}

static void queue_has_room_for_what_is_deferred(world *w)
{
    world_reopen(w, (plx_loop_options){.receive_bytes = 1024});
    static const unsigned char two[2048];
    fill f = {.calls = 0};
    probe p = {.then_data = write_and_fill, .more = &f};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = 16384;
    peer client = connect_pair(w, &p, &options);
    plx__conn *conn = plx__conn_find(w->loop, p.conn);
    f.idle.backend = w->loop->backend;
    f.idle.endpoint = &conn->object.endpoint;
    f.idle.uring = plx__uring_of(f.idle.endpoint);
    peer_send(w, &client, two, sizeof two);
    turn_until(w, &f.calls, 2);
    ck_ok(plx_conn_reset(w->loop, p.conn));
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Several fall short. One of them is asked for what is left before the next turn; the others are
 * told of in their order, with what is left or why, and each once. */
static void each_that_falls_short_is_told_of_once(world *w)
{
    enum { SOME = 4 };
    static const int32_t results[SOME] = {1, -EAGAIN, 3, -ENOMEM};
    uring_idle all[SOME];
    plx__backend *backend = w->loop->backend;
    plx__completion one;
    for (size_t i = 0; i < SOME; i++)
        uring_idle_open(w, &all[i]);
    for (size_t i = 0; i < SOME && backend->can_defer; i++)
        ck_ok(plx_conn_write(w->loop, all[i].p.conn, "hello", 5));
    for (size_t i = 0; i < SOME && backend->can_defer; i++)
        deferred_fall_short(&all[i], results[i]);
    if (backend->can_defer) {
        ck_assert_uint_eq(backend->unsent_count, SOME);
        ck_assert(plx__uring_send_flush(backend, all[0].endpoint, &one));
        ck_assert_int_eq(one.status, 0);
        ck_assert_uint_eq(one.length, 4);
        ck_assert_mem_eq(one.bytes, "ello", 4);
        ck_assert(!plx__uring_send_flush(backend, all[0].endpoint, &one));
        for (size_t i = 1; i < SOME; i++) {
            ck_assert_uint_eq(backend->unsent_count, SOME - i);
            ck_assert_uint_eq(all[i].uring->flags & PLX__URING_UNSENT, PLX__URING_UNSENT);
            one = (plx__completion){.status = 1, .length = 1};
            plx__uring_unsent_next(backend, &one);
            ck_assert_ptr_eq(one.endpoint, all[i].endpoint);
            ck_assert_uint_eq(all[i].uring->flags & PLX__URING_UNSENT, 0);
            ck_assert_int_eq(one.kind, PLX__UNSENT);
            ck_assert_int_eq(one.status, i == 3 ? PLX_ENOMEM : 0);
            ck_assert_uint_eq(one.length, i == 2 ? 2 : 5);
            ck_assert_mem_eq(one.bytes, i == 2 ? "lo" : "hello", one.length);
        }
        ck_assert_uint_eq(backend->unsent_count, 0);
    }
    for (size_t i = 0; i < SOME; i++)
        uring_idle_close(w, &all[i]);
}

/* What is written next waits for what has failed deferred, and for what that says. */
static void nothing_is_sent_behind_what_has_failed(world *w)
{
    const plx__slice slice = plx__slice_of("x", 1);
    plx__completion one;
    uring_idle i;
    uring_idle_open(w, &i);
    if (i.backend->can_defer) {
        ck_ok(plx_conn_write(w->loop, i.p.conn, "hello", 5));
        ck_ok(plx__socket_shutdown(i.endpoint->socket));
        ck_assert_int_eq((int)plx__uring_send(i.backend, i.endpoint, &slice, 1), 0);
        ck_assert_uint_eq(i.backend->unsent_count, 1);
        ck_assert_int_eq((int)plx__uring_send(i.backend, i.endpoint, &slice, 1), 0);
        ck_assert_uint_eq(i.backend->unsent_count, 1);
        plx__uring_unsent_next(i.backend, &one);
        ck_assert_int_eq(one.status, PLX_EPIPE);
    }
    uring_idle_close(w, &i);
}

/* A send that is made to fail does so on a full socket, too, where the system does not come to look
 * for its bytes: whether the next wait sends it, or a later write has it flushed. */
static void failure_that_was_asked_for_comes_on_a_full_socket(world *w)
{
    static unsigned char filler[65536];
    for (int is_asked = 0; is_asked < 2; is_asked++) {
        uring_idle i;
        uring_idle_open(w, &i);
        if (i.backend->can_defer) {
            do { /* Full is what it is when not a byte fits after some turns. */
                while (plx__socket_send(i.endpoint->socket, filler, sizeof filler) > 0)
                    continue;
                turn_some(w);
            } while (plx__socket_send(i.endpoint->socket, filler, 1) > 0);
            plx__fault_arm(PLX__FAULT_SEND, 0, 1);
            ck_ok(plx_conn_write(w->loop, i.p.conn, "hello", 5));
            ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 1);
            if (is_asked == 1)
                ck_assert_int_ne(plx_conn_write(w->loop, i.p.conn, "x", 1), 0);
            turn_until(w, &i.p.closed, 1);
            peer_close(&i.client);
        } else {
            uring_idle_close(w, &i);
        }
    }
}

/* Of all completions that have the bit of a deferred send only those of deferred sends are looked
 * at, and not those of an endpoint that has gone. */
static void only_deferred_sends_fall_short(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    const uint64_t deferred = plx__uring_data(i.endpoint, PLX__URING_DEFERRED);
    const uint64_t data[] = {PLX__URING_WAKE, deferred + (UINT64_C(1) << 48),
                             plx__uring_data(i.endpoint, PLX__URING_RECEIVE)};
    for (size_t n = 0; n < sizeof data / sizeof data[0]; n++) {
        plx__uring_deferred_failed(i.backend, &(struct io_uring_cqe){.user_data = data[n]});
        ck_assert_uint_eq(i.backend->unsent_count, 0);
        ck_assert_uint_eq(i.uring->flags, 0);
    }
    uring_idle_close(w, &i);
}

/* The kernel does not cancel at once: what accepts is cancelled with the next wait, and nobody can
 * connect any more once that has ended. */
static void accept_that_is_not_cancelled_at_once_ends_later(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener = listen_at(w, &options, address);
    turn_some(w);
    ck_ok(plx__test_no_registering(IORING_REGISTER_SYNC_CANCEL, ENOMEM));
    ck_ok(plx_listener_close(w->loop, listener));
    turn_some(w);
    peer late = peer_start(address);
    plx__poll_entry entry = {.fd = late.socket, .events = PLX__POLL_WRITE};
    ck_assert_int_eq(plx__poll(&entry, 1, patience()), 1);
    ck_assert_int_eq(plx__socket_connect_result(late.socket), PLX_ECONNREFUSED);
    peer_close(&late);
    ck_assert_uint_eq(p.opened, 0);
}

/* A wait that fails at once delivers nothing again. */
static void wait_that_fails_at_once_shows_nothing_again(world *w)
{
    probe p = {.then_data = echo_back};
    char answer[2];
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    peer_send(w, &client, "hi", 2);
    turn_until(w, &p.received, 2);
    w->loop->backend->failure = PLX_ENOMEM; /* As plx__uring_woken() does in this turn. */
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(p.received, 2);
    peer_receive(w, &client, answer, 2);
    turn_some(w);
    ck_assert_uint_eq(p.received, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* There is not enough room for what comes while completions of before are still there, some of them
 * for this turn: all keep their slots and their order. */
static void room_grows_behind_what_is_there(world *w)
{
    enum { THERE = 3 };
    plx__backend *backend = w->loop->backend;
    uint32_t room = backend->done_room;
    if (!backend->has_ring)
        return;
    turn_some(w);
    ck_assert_ptr_eq(backend->done_next, backend->done_tail);
    for (int i = 0; i < THERE; i++)
        backend->done[i] = (struct io_uring_cqe){.user_data = 100u + (unsigned)i};
    backend->done_next = backend->done + 1;
    backend->done_end = backend->done + 2;
    backend->done_tail = backend->done + THERE;
    ck_ok(plx__uring_done_reserve(backend, room));
    ck_assert_uint_ge(backend->done_room, THERE + room);
    ck_assert_int_eq(backend->done_next - backend->done, 1);
    ck_assert_int_eq(backend->done_end - backend->done, 2);
    ck_assert_int_eq(backend->done_tail - backend->done, THERE);
    for (int i = 0; i < THERE; i++)
        ck_assert_uint_eq(backend->done[i].user_data, 100u + (unsigned)i);
    backend->done_next = backend->done_end = backend->done_tail; /* Core is not to see them. */
    plx__uring_ends_set(backend);
    turn_some(w);
}

const test_case uring_requests_cases[] = {
    CASE(room_grows_behind_what_is_there),
    CASE(wait_that_fails_at_once_shows_nothing_again),
    CASE_ALONE(accept_that_is_not_cancelled_at_once_ends_later),
    CASE(poll_for_room_is_requested_and_cancelled_once),
    CASE(receive_asks_for_buffers_of_a_size),
    CASE(request_that_cannot_be_made_is_still_to_be_made),
    CASE(poll_that_tells_what_it_should_is_left_alone),
    CASE(end_waits_until_core_reads_on),
    CASE(queue_has_room_for_what_is_deferred),
    CASE(each_that_falls_short_is_told_of_once),
    CASE(nothing_is_sent_behind_what_has_failed),
    CASE(failure_that_was_asked_for_comes_on_a_full_socket),
    CASE(only_deferred_sends_fall_short),
    CASES_END,
};
