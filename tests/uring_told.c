/* tests/uring_told.c - what the backend makes of each completion: what core is told, and what it is
 * not. The completions are made here, and the endpoint is one of which nothing is in flight. */
#include <errno.h>

#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "tests/harness.h"
#include "tests/uring_idle.h"

extern const test_case uring_told_cases[];

enum { SMALL = 4096 }; /* Bytes of a small buffer. */

/* Hands the backend a completion of the endpoint with these flags; whether core is told. */
static bool received(uring_idle *i, uint16_t flags, int32_t result, uint32_t cqe_flags)
{
    const struct io_uring_cqe cqe = {.user_data = plx__uring_data(i->endpoint, PLX__URING_RECEIVE),
                                     .res = result,
                                     .flags = cqe_flags};
    i->uring->flags = flags;
    i->uring->input.op = PLX__URING_RECEIVE;
    i->uring->wanted = PLX__URING_RECEIVE;
    i->uring->turn = (uint16_t)(i->backend->turn - 1);
    i->completion = (plx__completion){.kind = PLX__ACCEPTED};
    plx__uring_list_set(i->backend, i->uring, PLX__URING_LIST_IDLE);
    bool is_told = plx__uring_take(i->backend, &cqe, &i->completion);
    i->backend->buffers.lent = -1;
    return is_told;
}

/* --- received ----------------------------------------------------------------------------------
 */

/* One piece with a small buffer's length, and from then on pieces come one by one into large ones,
 * until a smaller one with nothing behind it. */
static void pieces_are_large_until_a_small_one_comes_alone(world *w)
{
    enum { BULK = PLX__URING_BULK, ARMED = PLX__URING_ARMED, CANCELLING = PLX__URING_CANCELLING };
    static const struct {
        int32_t result;
        uint16_t before;
        bool is_multishot;
        uint8_t state;
        uint32_t flags;
        uint16_t after;
    } table[] = {
        {1, 0, false, ARMED, 0, 0},
        {SMALL - 1, 0, false, ARMED, 0, 0},
        {SMALL, 0, false, ARMED, 0, BULK},
        {SMALL, 0, true, ARMED, IORING_CQE_F_MORE, BULK},
        {SMALL + 1, 0, false, ARMED, 0, 0},
        {1, BULK, false, ARMED, 0, 0},
        {SMALL - 1, BULK, false, ARMED, 0, 0},
        {SMALL, BULK, false, ARMED, 0, BULK},
        {SMALL + 1, BULK, false, ARMED, 0, BULK},
        {0, BULK, false, ARMED, 0, BULK},
        {-EAGAIN, BULK, false, ARMED, 0, BULK},
        {1, BULK, false, ARMED, IORING_CQE_F_SOCK_NONEMPTY, BULK},
        {1, BULK, true, ARMED, 0, BULK},
        {1, BULK, true, ARMED, IORING_CQE_F_MORE, BULK},
        {1, 0, true, CANCELLING, IORING_CQE_F_MORE, 0},
        {1, 0, true, CANCELLING, 0, 0}, /* The end of a receive is that of its cancellation, too. */
        {-ECANCELED, 0, true, CANCELLING, 0, 0},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    ck_assert_uint_eq(i.backend->buffers.small.bytes, SMALL);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        i.uring->input.is_multishot = table[row].is_multishot;
        i.uring->input.state = table[row].state;
        bool is_told = received(&i, table[row].before, table[row].result, table[row].flags);
        bool is_over = (table[row].flags & IORING_CQE_F_MORE) == 0;
        ck_assert_int_eq(is_told, table[row].result >= 0);
        ck_assert_uint_eq(i.uring->flags, table[row].after);
        ck_assert_int_eq(i.uring->input.state, is_over ? PLX__URING_IDLE : table[row].state);
        ck_assert_int_eq(i.uring->list, is_over || table[row].result == SMALL
                                            ? PLX__URING_LIST_BUSY
                                            : PLX__URING_LIST_IDLE);
    }
    uring_idle_close(w, &i);
}

/* What a piece is told as, and with which bytes. */
static void piece_is_told_with_its_buffer(world *w)
{
    enum { BUFFER = 5, LARGE = 2 };
    uring_idle i;
    uring_idle_open(w, &i);
    const plx__uring_pool *small = &i.backend->buffers.small;
    const plx__uring_pool *large = &i.backend->buffers.large;
    ck_assert(received(&i, 0, 7, BUFFER << IORING_CQE_BUFFER_SHIFT));
    ck_assert_int_eq(i.completion.kind, PLX__RECEIVED);
    ck_assert_ptr_eq(i.completion.endpoint, i.endpoint);
    ck_assert_ptr_eq(i.completion.bytes, small->memory + (size_t)BUFFER * small->stride);
    ck_assert_uint_eq(i.completion.length, 7);
    ck_assert_uint_eq(i.uring->turn, i.backend->turn);
    ck_assert(received(&i, 0, 7, (large->first + LARGE) << IORING_CQE_BUFFER_SHIFT));
    ck_assert_ptr_eq(i.completion.bytes, large->memory + (size_t)LARGE * large->stride);
    ck_assert(received(&i, 0, 7, large->first << IORING_CQE_BUFFER_SHIFT));
    ck_assert_ptr_eq(i.completion.bytes, large->memory);
    ck_assert(received(&i, 0, 7, (large->first - 1) << IORING_CQE_BUFFER_SHIFT));
    ck_assert_ptr_eq(i.completion.bytes,
                     small->memory + (size_t)(small->count - 1) * small->stride);
    uring_idle_close(w, &i);
}

/* What comes for one that has been shown a piece in this turn, or that holds some, is held back,
 * and shown in its order. Whoever holds more than one receives in large pieces. */
static void pieces_are_held_in_their_order(world *w)
{
    enum { PIECES = 4 };
    uring_idle i;
    uring_idle_open(w, &i);
    const plx__uring_pool *small = &i.backend->buffers.small;
    for (uint32_t piece = 0; piece < PIECES; piece++) {
        const struct io_uring_cqe cqe = {.res = (int32_t)piece + 10,
                                         .flags = IORING_CQE_F_MORE |
                                                  (2 * piece) << IORING_CQE_BUFFER_SHIFT};
        i.uring->turn = (uint16_t)(i.backend->turn - (piece != 0)); /* Others hold by then. */
        ck_assert(!plx__uring_received(i.backend, i.uring, &cqe, &i.completion));
        ck_assert_uint_eq(i.uring->flags,
                          piece == 0 ? PLX__URING_HOLDS : PLX__URING_HOLDS | PLX__URING_BULK);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_BUSY);
    }
    for (uint32_t piece = 0; piece < PIECES; piece++) {
        ck_assert_uint_ne(i.uring->flags & PLX__URING_HOLDS, 0);
        ck_assert(plx__uring_receive_next(i.backend, i.uring, &i.completion));
        ck_assert_int_eq(i.completion.kind, PLX__RECEIVED);
        ck_assert_uint_eq(i.completion.length, piece + 10);
        ck_assert_ptr_eq(i.completion.bytes, small->memory + (size_t)(2 * piece) * small->stride);
        ck_assert_int_eq(i.backend->buffers.lent, (int)(2 * piece));
    }
    ck_assert_uint_eq(i.uring->flags, PLX__URING_BULK);
    ck_assert(!plx__uring_receive_next(i.backend, i.uring, &i.completion));
    uring_idle_close(w, &i);
}

/* Some ends of a receive are none of the stream: it is requested anew. All others are told, with
 * the reason, and only once. */
static void ends_of_a_receive_and_of_a_stream_differ(world *w)
{
    static const int32_t passing[] = {-ECANCELED, -ENOBUFS, -EAGAIN, -EINTR};
    static const int32_t lasting[] = {0, -ECONNRESET, -EPIPE, -ENOMEM};
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t n = 0; n < sizeof passing / sizeof passing[0]; n++) {
        i.uring->input.state = PLX__URING_ARMED;
        ck_assert(!received(&i, 0, passing[n], 0));
        ck_assert_uint_eq(i.uring->flags, 0);
        ck_assert_int_eq(i.uring->wanted, PLX__URING_RECEIVE);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_BUSY);
    }
    for (size_t n = 0; n < sizeof lasting / sizeof lasting[0]; n++) {
        const int status = lasting[n] == 0 ? PLX_EEOF : plx__fail(-lasting[n]);
        ck_assert(received(&i, 0, lasting[n], 0));
        ck_assert_int_eq(i.completion.kind, PLX__ENDED);
        ck_assert_int_eq(i.completion.status, status);
        ck_assert_ptr_eq(i.completion.endpoint, i.endpoint);
        ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
        ck_assert_uint_eq(i.uring->flags, 0);
        ck_assert(!received(&i, PLX__URING_HOLDS, lasting[n], IORING_CQE_F_MORE));
        ck_assert_uint_eq(i.uring->flags, PLX__URING_HOLDS);
        ck_assert_int_eq(i.uring->ended, status);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_BUSY);
    }
    uring_idle_close(w, &i);
}

/* An end that is kept is told to one that reads on. One that is released is told why its stream
 * broke, for that can be read once only, and finds an ordinary end by itself. */
static void kept_end_is_told_to_who_wants_it(world *w)
{
    enum { RELEASING = PLX__URING_RELEASING };
    static const struct {
        enum plx__uring_op wanted;
        uint16_t flags;
        int status;
        bool is_told;
    } table[] = {
        {PLX__URING_NONE, 0, PLX_EEOF, false},
        {PLX__URING_NONE, 0, PLX_ECONNRESET, false},
        {PLX__URING_NONE, RELEASING, PLX_EEOF, false},
        {PLX__URING_NONE, RELEASING, PLX_ECONNRESET, true},
        {PLX__URING_RECEIVE, 0, PLX_EEOF, true},
        {PLX__URING_RECEIVE, 0, PLX_ECONNRESET, true},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        i.uring->wanted = (uint8_t)table[row].wanted;
        i.uring->flags = table[row].flags;
        i.uring->ended = 0;
        ck_assert(!plx__uring_receive_next(i.backend, i.uring, &i.completion));
        i.uring->ended = (int16_t)table[row].status;
        ck_assert_int_eq(plx__uring_receive_next(i.backend, i.uring, &i.completion),
                         table[row].is_told);
        ck_assert_int_eq(i.uring->ended == 0, table[row].is_told);
        if (!table[row].is_told)
            continue;
        ck_assert_int_eq(i.completion.kind, PLX__ENDED);
        ck_assert_int_eq(i.completion.status, table[row].status);
        ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
    }
    uring_idle_close(w, &i);
}

/* A stream that may have lost bytes breaks, unless it has ended already, or nobody is there. */
static void stream_breaks_only_if_it_goes_on(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    for (int n = 0; n < 3; n++) {
        i.uring->flags = n == 2 ? PLX__URING_DETACHED : 0;
        i.uring->ended = n == 1 ? PLX_EEOF : 0;
        plx__uring_receive_break(i.uring, PLX_ENOMEM);
        ck_assert_int_eq(i.uring->ended, n == 0 ? PLX_ENOMEM : n == 1 ? PLX_EEOF : 0);
    }
    uring_idle_close(w, &i);
}

/* --- room to send ------------------------------------------------------------------------------
 */

/* Whether one that waits for room is told, and whether its poll is over then. */
static void poll_for_room_tells_of_room_and_of_failures(world *w)
{
    enum { BLOCKED = PLX__URING_BLOCKED, HUNG = PLX__URING_HUNG };
    static const struct {
        int32_t result;
        uint16_t before;
        bool has_more, is_told;
        uint16_t after;
    } table[] = {
        {POLLOUT, BLOCKED, false, true, 0},
        {POLLOUT, BLOCKED, true, true, 0},
        {POLLOUT | POLLHUP, BLOCKED | HUNG, false, true, HUNG},
        {POLLERR, BLOCKED, false, true, 0},
        {POLLOUT, 0, false, false, 0},
        {-EBADF, 0, false, false, 0},
        {-ECANCELED, BLOCKED, false, false, BLOCKED},
        {-EPIPE, BLOCKED, false, true, 0},               /* As bits it says none of those. */
        {0x2000, BLOCKED, false, false, BLOCKED | HUNG}, /* POLLRDHUP */
        {0, BLOCKED, true, false, BLOCKED | HUNG},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        bool has_more = table[row].has_more;
        const struct io_uring_cqe cqe = {.user_data =
                                             plx__uring_data(i.endpoint, PLX__URING_WRITABLE),
                                         .res = table[row].result,
                                         .flags = has_more ? IORING_CQE_F_MORE : 0};
        i.completion = (plx__completion){.length = 1};
        i.uring->flags = table[row].before;
        i.uring->room = (plx__uring_request){
            .op = PLX__URING_WRITABLE, .state = PLX__URING_ARMED, .interest = PLX_WRITABLE};
        plx__uring_list_set(i.backend, i.uring, PLX__URING_LIST_IDLE);
        ck_assert_int_eq(plx__uring_take(i.backend, &cqe, &i.completion), table[row].is_told);
        ck_assert_uint_eq(i.uring->flags, table[row].after);
        ck_assert_int_eq(i.uring->room.state, has_more ? PLX__URING_ARMED : PLX__URING_IDLE);
        ck_assert_int_eq(i.uring->list, has_more && !table[row].is_told ? PLX__URING_LIST_IDLE
                                                                        : PLX__URING_LIST_BUSY);
        ck_assert_int_eq(i.uring->room.interest, table[row].is_told ? 0 : PLX_WRITABLE);
        if (!table[row].is_told)
            continue;
        ck_assert_int_eq(i.completion.kind, PLX__SENT);
        ck_assert_ptr_eq(i.completion.endpoint, i.endpoint);
        ck_assert_uint_eq(i.completion.length, 0);
        ck_assert_int_eq(i.completion.status,
                         table[row].result < 0 ? plx__fail(-table[row].result) : 0);
    }
    uring_idle_close(w, &i);
}

/* What is deferred is found in its request until that is submitted, and not by what an earlier
 * request has left in its place. */
static void deferred_send_is_found_until_it_is_submitted(world *w)
{
    uring_idle i;
    plx__completion unsent;
    char answer[8];
    uring_idle_open(w, &i);
    const struct io_uring_sq *sq = &i.backend->ring.sq;
    if (i.backend->can_defer) {
        ck_ok(plx_conn_write(w->loop, i.p.conn, "once", 4));
        ck_assert_int_eq(sq->sqes[i.uring->deferred & sq->ring_mask].opcode, IORING_OP_SEND);
        const uint64_t data = sq->sqes[i.uring->deferred & sq->ring_mask].user_data;
        plx__uring_flush(i.backend);
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), 4);
        i.uring->batch = i.backend->batch; /* As if it had sent in this one. */
        ck_assert(!plx__uring_send_flush(i.backend, i.endpoint, &unsent));
        i.uring->deferred = sq->sqe_tail;
        sq->sqes[sq->sqe_tail & sq->ring_mask] =
            (struct io_uring_sqe){.addr = (uintptr_t) "twice", .len = 5, .user_data = data};
        ck_assert(!plx__uring_send_flush(i.backend, i.endpoint, &unsent));
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), PLX_EAGAIN);
        ck_ok(plx_conn_write(w->loop, i.p.conn, "last", 4));
        sq->sqes[i.uring->deferred & sq->ring_mask].user_data = PLX__URING_NONE; /* Another's. */
        ck_assert(!plx__uring_send_flush(i.backend, i.endpoint, &unsent));
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), PLX_EAGAIN);
        sq->sqes[i.uring->deferred & sq->ring_mask].user_data = data;
        ck_assert(!plx__uring_send_flush(i.backend, i.endpoint, &unsent));
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), 4);
    }
    uring_idle_close(w, &i);
}

/* --- by what it was for ------------------------------------------------------------------------
 */

/* What core is told of a completion for this, or NULL. */
static const plx__completion *told(world *w, uring_idle *i, enum plx__uring_op op, int32_t result,
                                   uint32_t flags)
{
    uring_bring(i->backend, (struct io_uring_cqe){.user_data = plx__uring_data(i->endpoint, op),
                                                  .res = result,
                                                  .flags = flags});
    plx__uring_list_set(i->backend, i->uring, PLX__URING_LIST_IDLE);
    return w->loop->ops->next(i->backend);
}

/* A poll tells of what was asked for, and of a failure with it. When it ends for nothing of that
 * the peer has shut its side, unless something else is asked for by now. */
static void poll_tells_of_what_was_asked_for(world *w)
{
    enum { IN = PLX_READABLE, OUT = PLX_WRITABLE, BOTH = IN | OUT, HUNG = PLX__URING_HUNG };
    enum { ARMED = PLX__URING_ARMED, CANCELLING = PLX__URING_CANCELLING, RDHUP = 0x2000 };
    static const struct {
        uint8_t interest, in_flight, state;
        int32_t result;
        uint16_t before;
        uint32_t ready;
        uint16_t after;
    } table[] = {
        {IN, IN, CANCELLING, POLLIN, 0, IN, 0},
        {IN, IN, ARMED, POLLIN, HUNG, IN, 0},
        {OUT, OUT, ARMED, POLLOUT, 0, OUT, 0},
        {BOTH, BOTH, ARMED, POLLIN | POLLOUT, 0, BOTH, 0},
        {BOTH, BOTH, ARMED, POLLOUT, HUNG, OUT, 0},
        {OUT, OUT, ARMED, POLLIN | POLLOUT, 0, OUT, 0},
        {IN, IN, ARMED, POLLIN | POLLERR, 0, IN | PLX_FAILED, 0},
        {OUT, OUT, ARMED, POLLERR, 0, OUT | PLX_FAILED, 0},
        {OUT, OUT, ARMED, POLLIN | RDHUP, 0, 0, HUNG},
        {OUT, IN, ARMED, POLLIN | RDHUP, HUNG, 0, 0},
        {OUT, OUT, CANCELLING, -ECANCELED, HUNG, 0, HUNG},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        for (uint32_t more = 0; more < 2; more++) {
            i.uring->interest = table[row].interest;
            i.uring->input = (plx__uring_request){.op = PLX__URING_POLL, .state = table[row].state};
            i.uring->input.interest = table[row].in_flight & BOTH;
            i.uring->wanted = PLX__URING_POLL;
            i.uring->flags = table[row].before;
            const plx__completion *one =
                told(w, &i, PLX__URING_POLL, table[row].result, more * IORING_CQE_F_MORE);
            ck_assert_uint_eq(i.uring->flags, table[row].after);
            ck_assert_int_eq(i.uring->input.state, more != 0 ? table[row].state : PLX__URING_IDLE);
            ck_assert_int_eq(i.uring->wanted, PLX__URING_POLL);
            ck_assert_int_eq(i.uring->list, PLX__URING_LIST_BUSY);
            ck_assert_int_eq(one != NULL, table[row].ready != 0);
            if (one == NULL)
                continue;
            ck_assert_int_eq(one->kind, PLX__READY);
            ck_assert_ptr_eq(one->endpoint, i.endpoint);
            ck_assert_uint_eq(one->ready, table[row].ready);
        }
    }
    uring_idle_close(w, &i);
}

/* A poll that fails has let go of the socket. One that nobody wants any more tells nothing. */
static void poll_that_fails_is_told_to_who_wants_it(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    i.uring->interest = PLX_READABLE;
    i.uring->wanted = PLX__URING_POLL;
    i.uring->input = (plx__uring_request){
        .op = PLX__URING_POLL, .state = PLX__URING_ARMED, .interest = PLX_READABLE};
    const plx__completion *one = told(w, &i, PLX__URING_POLL, -EBADF, 0);
    ck_assert_ptr_nonnull(one);
    ck_assert_uint_eq(one->ready, PLX_FAILED);
    ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
    ck_assert_ptr_null(told(w, &i, PLX__URING_POLL, -EBADF, 0));
    ck_assert_ptr_null(told(w, &i, PLX__URING_POLL, POLLIN, 0));
    ck_assert_uint_eq(i.uring->flags, 0);
    uring_idle_close(w, &i);
}

/* The outcome of connecting is the poll's failure, or what the socket says. */
static void outcome_of_connecting_is_told(world *w)
{
    static const int32_t results[] = {POLLOUT, -EBADF};
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t n = 0; n < 2; n++) {
        i.uring->wanted = PLX__URING_CONNECT;
        i.uring->input = (plx__uring_request){.op = PLX__URING_CONNECT, .state = PLX__URING_ARMED};
        const plx__completion *one = told(w, &i, PLX__URING_CONNECT, results[n], 0);
        ck_assert_ptr_nonnull(one);
        ck_assert_int_eq(one->kind, PLX__CONNECTED);
        ck_assert_ptr_eq(one->endpoint, i.endpoint);
        ck_assert_int_eq(one->status, n == 0 ? 0 : PLX_EBADF);
        ck_assert_int_eq(i.uring->input.state, PLX__URING_IDLE);
        ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
    }
    uring_idle_close(w, &i);
}

/* A cancellation that has found nothing is repeated for what is in flight. */
static void cancellation_is_repeated_for_what_is_in_flight(world *w)
{
    enum { IDLE = PLX__URING_IDLE, ARMED = PLX__URING_ARMED, CANCELLING = PLX__URING_CANCELLING };
    static const uint8_t states[] = {IDLE, ARMED, CANCELLING};
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t input = 0; input < 3; input++) {
        for (size_t room = 0; room < 3; room++) {
            i.uring->input.state = states[input];
            i.uring->room.state = states[room];
            ck_assert_ptr_null(told(w, &i, PLX__URING_CANCEL, -ENOENT, 0));
            ck_assert_int_eq(i.uring->input.state, input == 0 ? IDLE : ARMED);
            ck_assert_int_eq(i.uring->room.state, room == 0 ? IDLE : ARMED);
            ck_assert_int_eq(i.uring->list,
                             input + room > 0 ? PLX__URING_LIST_BUSY : PLX__URING_LIST_IDLE);
        }
    }
    uring_idle_close(w, &i);
}

/* Some completions are of no interest, whatever they bring. */
static void completions_of_no_interest_change_nothing(world *w)
{
    static const enum plx__uring_op ops[] = {PLX__URING_NONE, PLX__URING_DEFERRED, PLX__URING_WAKE};
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t n = 0; n < sizeof ops / sizeof ops[0]; n++) {
        ck_assert_ptr_null(told(w, &i, ops[n], 1, IORING_CQE_F_MORE));
        ck_assert_uint_eq(i.uring->flags, 0);
        ck_assert_int_eq(i.uring->list, PLX__URING_LIST_IDLE);
        ck_assert_int_eq(i.backend->failure, 0);
    }
    uring_idle_close(w, &i);
}

/* --- endpoints ---------------------------------------------------------------------------------
 */

/* One that has gone is told to have gone with its last completion: once, and not if that is known
 * already. What the others bring is given back. */
static void last_completion_of_one_that_has_gone_is_told(world *w)
{
    enum { IDLE = PLX__URING_IDLE, ARMED = PLX__URING_ARMED, MORE = IORING_CQE_F_MORE };
    uring_idle i;
    uring_idle_open(w, &i);
    struct io_uring_buf_ring *ring = i.backend->buffers.small.ring;
    const uint16_t tail = ring->tail;
    i.uring->flags = PLX__URING_DETACHED;
    i.uring->input = (plx__uring_request){.op = PLX__URING_RECEIVE, .state = ARMED};
    i.uring->room = (plx__uring_request){.op = PLX__URING_WRITABLE, .state = ARMED};
    ck_assert_ptr_null(told(w, &i, PLX__URING_RECEIVE, 1, MORE | IORING_CQE_F_BUFFER));
    ck_assert_uint_eq(ring->tail, (uint16_t)(tail + 1));
    ring->tail = tail; /* The kernel has it still. */
    ck_assert_int_eq(i.uring->input.state, ARMED);
    ck_assert_ptr_null(told(w, &i, PLX__URING_WRITABLE, 0, 0));
    ck_assert_int_eq(i.uring->room.state, IDLE);
    ck_assert_int_eq(i.uring->input.state, ARMED);
    ck_assert_ptr_null(told(w, &i, PLX__URING_POLL, 0, 0));
    ck_assert_int_eq(i.uring->input.state, ARMED);
    const plx__completion *one = told(w, &i, PLX__URING_RECEIVE, -ECANCELED, 0);
    ck_assert_ptr_nonnull(one);
    ck_assert_uint_eq(ring->tail, tail);
    ck_assert_int_eq(i.uring->input.state, IDLE);
    ck_assert_int_eq(one->kind, PLX__DETACHED);
    ck_assert_ptr_eq(one->endpoint, i.endpoint);
    ck_assert_int_eq(i.uring->list, PLX__URING_LIST_NONE);
    ck_assert_ptr_null(told(w, &i, PLX__URING_RECEIVE, -ECANCELED, 0));
    i.uring->flags = 0;
    ck_assert(!plx__uring_detached(i.backend, i.uring, &i.completion));
    uring_idle_close(w, &i);
}

/* An endpoint is in one list, behind those that were there before, and leaves it from anywhere. */
static void lists_keep_their_order(world *w)
{
    enum { SOME = 3 };
    plx__backend *backend = w->loop->backend;
    plx__uring_list *list = &backend->lists[PLX__URING_LIST_READY];
    for (size_t gone = 0; gone < SOME; gone++) {
        plx__uring_endpoint members[SOME] = {{.list = PLX__URING_LIST_NONE}};
        for (size_t i = 0; i < SOME; i++)
            plx__uring_list_set(backend, &members[i], PLX__URING_LIST_READY);
        plx__uring_list_set(backend, &members[0], PLX__URING_LIST_READY); /* It stays there. */
        ck_assert_ptr_eq(list->first, &members[0]);
        ck_assert_ptr_eq(list->last, &members[SOME - 1]);
        plx__uring_list_remove(backend, &members[gone]);
        plx__uring_list_remove(backend, &members[gone]); /* It is in none. */
        plx__uring_endpoint *first = &members[gone == 0 ? 1 : 0];
        plx__uring_endpoint *last = &members[gone == SOME - 1 ? SOME - 2 : SOME - 1];
        ck_assert_ptr_eq(list->first, first);
        ck_assert_ptr_eq(list->last, last);
        ck_assert_ptr_eq(first->next, last);
        ck_assert_ptr_eq(last->previous, first);
        ck_assert_ptr_null(first->previous);
        ck_assert_ptr_null(last->next);
        plx__uring_list_remove(backend, first);
        plx__uring_list_remove(backend, last);
        ck_assert_ptr_null(list->first);
        ck_assert_ptr_null(list->last);
        ck_assert_ptr_null(backend->lists[PLX__URING_LIST_NONE].first); /* Which is no list. */
        ck_assert_ptr_null(backend->lists[PLX__URING_LIST_NONE].last);
    }
}

/* The numbers that the shortest ways look at say when something special comes first. */
static void ends_tell_what_is_special(world *w)
{
    uring_idle i;
    uring_idle_open(w, &i);
    plx__backend *backend = i.backend;
    struct io_uring_cqe *next = backend->done_next;
    struct io_uring_cqe *end = backend->done_end;
    backend->done_end = next + 5;
    for (uint32_t n = 0; n < 2; n++) {
        backend->unsent_count = n;
        plx__uring_ends_set(backend);
        ck_assert_ptr_eq(backend->plain_end, n == 0 ? next + 5 : next);
        ck_assert_uint_eq(backend->deferred_max, backend->unsent_count == 0 && backend->can_defer
                                                     ? backend->arena_max
                                                     : 0);
        ck_assert_uint_eq(backend->requests_end,
                          backend->ring.sq.sqe_tail + io_uring_sq_space_left(&backend->ring));
    }
    backend->unsent_count = 0;
    backend->done_end = end;
    plx__uring_ends_set(backend);
    uring_idle_close(w, &i);
}

const test_case uring_told_cases[] = {
    CASE(pieces_are_large_until_a_small_one_comes_alone),
    CASE(piece_is_told_with_its_buffer),
    CASE(pieces_are_held_in_their_order),
    CASE(ends_of_a_receive_and_of_a_stream_differ),
    CASE(kept_end_is_told_to_who_wants_it),
    CASE(stream_breaks_only_if_it_goes_on),
    CASE(poll_for_room_tells_of_room_and_of_failures),
    CASE(poll_tells_of_what_was_asked_for),
    CASE(poll_that_fails_is_told_to_who_wants_it),
    CASE(outcome_of_connecting_is_told),
    CASE(cancellation_is_repeated_for_what_is_in_flight),
    CASE(completions_of_no_interest_change_nothing),
    CASE(deferred_send_is_found_until_it_is_submitted),
    CASE(last_completion_of_one_that_has_gone_is_told),
    CASE(lists_keep_their_order),
    CASE(ends_tell_what_is_special),
    CASES_END,
};
