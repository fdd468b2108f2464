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
    const struct io_uring_cqe cqe = {.res = result, .flags = cqe_flags};
    i->uring->flags = flags;
    i->uring->input = PLX__URING_RECEIVE;
    i->uring->wanted = PLX__URING_RECEIVE;
    i->uring->turn = (uint16_t)(i->backend->turn - 1);
    i->completion = (plx__completion){.kind = PLX__ACCEPTED};
    plx__uring_list_set(i->backend, i->uring, PLX__URING_LIST_IDLE);
    bool is_told = plx__uring_received(i->backend, i->uring, &cqe, &i->completion);
    i->backend->buffers.lent = -1;
    return is_told;
}

/* --- received ----------------------------------------------------------------------------------
 */

/* One piece with a small buffer's length, and from then on pieces come one by one into large ones,
 * until a smaller one with nothing behind it. */
static void pieces_are_large_until_a_small_one_comes_alone(world *w)
{
    enum { BULK = PLX__URING_BULK, MULTISHOT = PLX__URING_MULTISHOT };
    enum { CANCELLED = PLX__URING_INPUT_CANCELLED };
    static const struct {
        int32_t result;
        uint16_t before;
        uint32_t flags;
        uint16_t after;
    } table[] = {
        {1, 0, 0, 0},
        {SMALL - 1, 0, 0, 0},
        {SMALL, 0, 0, BULK},
        {SMALL, MULTISHOT, IORING_CQE_F_MORE, BULK | MULTISHOT},
        {SMALL + 1, 0, 0, 0},
        {1, BULK, 0, 0},
        {SMALL - 1, BULK, 0, 0},
        {SMALL, BULK, 0, BULK},
        {SMALL + 1, BULK, 0, BULK},
        {0, BULK, 0, BULK},
        {-EAGAIN, BULK, 0, BULK},
        {1, BULK, IORING_CQE_F_SOCK_NONEMPTY, BULK},
        {1, BULK | MULTISHOT, 0, BULK | MULTISHOT},
        {1, BULK | MULTISHOT, IORING_CQE_F_MORE, BULK | MULTISHOT},
        {1, CANCELLED, IORING_CQE_F_MORE, CANCELLED},
        {1, CANCELLED, 0, 0}, /* The end of a receive is that of its cancellation, too. */
        {-ECANCELED, CANCELLED, 0, 0},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    ck_assert_uint_eq(i.backend->buffers.small.bytes, SMALL);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        bool is_told = received(&i, table[row].before, table[row].result, table[row].flags);
        bool is_over = (table[row].flags & IORING_CQE_F_MORE) == 0;
        ck_assert_int_eq(is_told, table[row].result >= 0);
        ck_assert_uint_eq(i.uring->flags, table[row].after);
        ck_assert_int_eq(i.uring->input, is_over ? PLX__URING_NONE : PLX__URING_RECEIVE);
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
        ck_assert_uint_eq(i.uring->flags, PLX__URING_HOLDS | PLX__URING_ENDED);
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
        i.uring->ended = table[row].status;
        ck_assert(!plx__uring_receive_next(i.backend, i.uring, &i.completion));
        i.uring->flags |= PLX__URING_ENDED;
        ck_assert_int_eq(plx__uring_receive_next(i.backend, i.uring, &i.completion),
                         table[row].is_told);
        ck_assert_int_eq((i.uring->flags & PLX__URING_ENDED) == 0, table[row].is_told);
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
        static const uint16_t flags[] = {0, PLX__URING_ENDED, PLX__URING_DETACHED};
        i.uring->flags = flags[n];
        i.uring->ended = PLX_EEOF;
        plx__uring_receive_break(i.uring, PLX_ENOMEM);
        ck_assert_int_eq(i.uring->ended, n == 0 ? PLX_ENOMEM : PLX_EEOF);
        ck_assert_uint_eq(i.uring->flags, n == 0 ? PLX__URING_ENDED : flags[n]);
    }
    uring_idle_close(w, &i);
}

/* --- room to send ------------------------------------------------------------------------------
 */

/* Whether one that waits for room is told, and whether its poll is over then. */
static void poll_for_room_tells_of_room_and_of_failures(world *w)
{
    enum { BLOCKED = PLX__URING_BLOCKED, WATCHED = PLX__URING_WATCHED, HUNG = PLX__URING_HUNG };
    enum { ALL = WATCHED | PLX__URING_WATCH_CANCELLED | PLX__URING_WATCH_STALE };
    static const struct {
        int32_t result;
        uint16_t before;
        bool has_more, is_told;
        uint16_t after;
    } table[] = {
        {POLLOUT, ALL | BLOCKED, false, true, 0},
        {POLLOUT, ALL | BLOCKED, true, true, ALL},
        {POLLOUT | POLLHUP, ALL | BLOCKED | HUNG, false, true, HUNG},
        {POLLERR, WATCHED | BLOCKED, false, true, 0},
        {POLLOUT, ALL, false, false, 0},
        {-EBADF, ALL, false, false, 0},
        {-ECANCELED, ALL | BLOCKED, false, false, BLOCKED},
        {-EPIPE, ALL | BLOCKED, false, true, 0}, /* As bits it says none of those. */
        {0x2000, WATCHED | BLOCKED, false, false, BLOCKED | HUNG}, /* POLLRDHUP */
        {0, WATCHED | BLOCKED, true, false, WATCHED | BLOCKED | HUNG},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        const struct io_uring_cqe cqe = {.res = table[row].result,
                                         .flags = table[row].has_more ? IORING_CQE_F_MORE : 0};
        i.completion = (plx__completion){.length = 1};
        i.uring->flags = table[row].before;
        plx__uring_list_set(i.backend, i.uring, PLX__URING_LIST_IDLE);
        ck_assert_int_eq(plx__uring_writable(i.backend, i.uring, &cqe, &i.completion),
                         table[row].is_told);
        ck_assert_uint_eq(i.uring->flags, table[row].after);
        ck_assert_int_eq(i.uring->list,
                         table[row].has_more ? PLX__URING_LIST_IDLE : PLX__URING_LIST_BUSY);
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
    const void *bytes;
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
        ck_assert_int_eq((int)plx__uring_send_flush(i.backend, i.endpoint, &bytes), 0);
        i.uring->deferred = sq->sqe_tail;
        sq->sqes[sq->sqe_tail & sq->ring_mask] =
            (struct io_uring_sqe){.addr = (uintptr_t) "twice", .len = 5, .user_data = data};
        ck_assert_int_eq((int)plx__uring_send_flush(i.backend, i.endpoint, &bytes), 0);
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), PLX_EAGAIN);
        ck_ok(plx_conn_write(w->loop, i.p.conn, "last", 4));
        sq->sqes[i.uring->deferred & sq->ring_mask].user_data = PLX__URING_NONE; /* Another's. */
        ck_assert_int_eq((int)plx__uring_send_flush(i.backend, i.endpoint, &bytes), 0);
        ck_assert_int_eq((int)peer_try(&i.client, answer, sizeof answer), PLX_EAGAIN);
        sq->sqes[i.uring->deferred & sq->ring_mask].user_data = data;
        ck_assert_int_eq((int)plx__uring_send_flush(i.backend, i.endpoint, &bytes), 0);
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
    enum { CANCELLED = PLX__URING_INPUT_CANCELLED, RDHUP = 0x2000 };
    static const struct {
        int interest, in_flight;
        int32_t result;
        uint16_t before;
        uint32_t ready;
        uint16_t after;
    } table[] = {
        {IN, IN, POLLIN, CANCELLED, IN, 0},
        {IN, IN, POLLIN, HUNG, IN, 0},
        {OUT, OUT, POLLOUT, 0, OUT, 0},
        {BOTH, BOTH, POLLIN | POLLOUT, 0, BOTH, 0},
        {BOTH, BOTH, POLLOUT, HUNG, OUT, 0},
        {OUT, OUT, POLLIN | POLLOUT, 0, OUT, 0},
        {IN, IN, POLLIN | POLLERR, 0, IN | PLX_FAILED, 0},
        {OUT, OUT, POLLERR, 0, OUT | PLX_FAILED, 0},
        {OUT, OUT, POLLIN | RDHUP, 0, 0, HUNG},
        {OUT, IN, POLLIN | RDHUP, HUNG, 0, 0},
        {OUT, OUT, -ECANCELED, CANCELLED | HUNG, 0, HUNG},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        for (uint32_t more = 0; more < 2; more++) {
            i.uring->interest = (uint8_t)table[row].interest;
            i.uring->interest_in_flight = (uint8_t)table[row].in_flight;
            i.uring->input = i.uring->wanted = PLX__URING_POLL;
            i.uring->flags = table[row].before;
            const plx__completion *one =
                told(w, &i, PLX__URING_POLL, table[row].result, more * IORING_CQE_F_MORE);
            ck_assert_uint_eq(i.uring->flags,
                              table[row].after | (more * table[row].before & CANCELLED));
            ck_assert_int_eq(i.uring->input, more != 0 ? PLX__URING_POLL : PLX__URING_NONE);
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
    i.uring->interest = i.uring->interest_in_flight = PLX_READABLE;
    i.uring->input = i.uring->wanted = PLX__URING_POLL;
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
        i.uring->input = i.uring->wanted = PLX__URING_CONNECT;
        const plx__completion *one = told(w, &i, PLX__URING_CONNECT, results[n], 0);
        ck_assert_ptr_nonnull(one);
        ck_assert_int_eq(one->kind, PLX__CONNECTED);
        ck_assert_ptr_eq(one->endpoint, i.endpoint);
        ck_assert_int_eq(one->status, n == 0 ? 0 : PLX_EBADF);
        ck_assert_int_eq(i.uring->input, PLX__URING_NONE);
        ck_assert_int_eq(i.uring->wanted, PLX__URING_NONE);
    }
    uring_idle_close(w, &i);
}

/* A cancellation that has found nothing is repeated, if there still is something to cancel and core
 * does not believe it gone. */
static void cancellation_is_repeated_for_what_is_in_flight(world *w)
{
    enum { CANCELLED = PLX__URING_INPUT_CANCELLED | PLX__URING_WATCH_CANCELLED };
    enum { WATCHED = PLX__URING_WATCHED, SILENT = PLX__URING_SILENT };
    static const struct {
        uint8_t input;
        uint16_t flags;
        bool is_repeated;
    } table[] = {
        {PLX__URING_NONE, 0, false},      {PLX__URING_RECEIVE, 0, true},
        {PLX__URING_NONE, WATCHED, true}, {PLX__URING_RECEIVE, SILENT, false},
        {PLX__URING_POLL, WATCHED, true},
    };
    uring_idle i;
    uring_idle_open(w, &i);
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        i.uring->input = table[row].input;
        i.uring->flags = table[row].flags | CANCELLED;
        ck_assert_ptr_null(told(w, &i, PLX__URING_CANCEL, -ENOENT, 0));
        ck_assert_uint_eq(i.uring->flags, table[row].flags);
        ck_assert_int_eq(i.uring->input, table[row].input);
        ck_assert_int_eq(i.uring->list,
                         table[row].is_repeated ? PLX__URING_LIST_BUSY : PLX__URING_LIST_IDLE);
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
    enum { DETACHED = PLX__URING_DETACHED, WATCHED = PLX__URING_WATCHED };
    uring_idle i;
    uring_idle_open(w, &i);
    struct io_uring_buf_ring *ring = i.backend->buffers.small.ring;
    const uint16_t tail = ring->tail;
    const uint64_t receive = plx__uring_data(i.endpoint, PLX__URING_RECEIVE);
    const uint64_t room = plx__uring_data(i.endpoint, PLX__URING_WRITABLE);
    struct io_uring_cqe cqe = {
        .user_data = receive, .res = 1, .flags = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER};
    i.uring->flags = DETACHED | WATCHED;
    i.uring->input = PLX__URING_RECEIVE;
    ck_assert(!plx__uring_detached_take(i.backend, i.uring, &cqe, &i.completion));
    ck_assert_uint_eq(ring->tail, (uint16_t)(tail + 1));
    ring->tail = tail; /* The kernel has it still. */
    ck_assert_int_eq(i.uring->input, PLX__URING_RECEIVE);
    cqe = (struct io_uring_cqe){.user_data = room};
    ck_assert(!plx__uring_detached_take(i.backend, i.uring, &cqe, &i.completion));
    ck_assert_uint_eq(i.uring->flags, DETACHED);
    ck_assert_int_eq(i.uring->input, PLX__URING_RECEIVE);
    cqe = (struct io_uring_cqe){.user_data = plx__uring_data(i.endpoint, PLX__URING_POLL)};
    ck_assert(!plx__uring_detached_take(i.backend, i.uring, &cqe, &i.completion));
    ck_assert_int_eq(i.uring->input, PLX__URING_RECEIVE);
    cqe = (struct io_uring_cqe){.user_data = receive, .res = -ECANCELED};
    ck_assert(plx__uring_detached_take(i.backend, i.uring, &cqe, &i.completion));
    ck_assert_uint_eq(ring->tail, tail);
    ck_assert_int_eq(i.uring->input, PLX__URING_NONE);
    ck_assert_int_eq(i.completion.kind, PLX__DETACHED);
    ck_assert_ptr_eq(i.completion.endpoint, i.endpoint);
    ck_assert_int_eq(i.uring->list, PLX__URING_LIST_NONE);
    ck_assert(!plx__uring_detached(i.backend, i.uring, &i.completion));
    i.uring->flags = 0;
    ck_assert(!plx__uring_detached(i.backend, i.uring, &i.completion));
    uring_idle_close(w, &i);
}

/* An endpoint is in one list, behind those that were there before, and leaves it from anywhere. */
static void lists_keep_their_order(world *w)
{
    enum { SOME = 3 };
    plx__backend *backend = w->loop->backend;
    plx__uring_list *list = &backend->lists[PLX__URING_LIST_DETACHING];
    for (size_t gone = 0; gone < SOME; gone++) {
        plx__uring_endpoint members[SOME] = {{.list = PLX__URING_LIST_NONE}};
        for (size_t i = 0; i < SOME; i++)
            plx__uring_list_set(backend, &members[i], PLX__URING_LIST_DETACHING);
        plx__uring_list_set(backend, &members[0], PLX__URING_LIST_DETACHING); /* It stays there. */
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
    const uint32_t next = backend->done_next;
    const uint32_t end = backend->done_end;
    backend->done_end = next + 5;
    for (uint32_t n = 0; n < 2; n++) {
        backend->unsent_count = n;
        plx__uring_ends_set(backend);
        ck_assert_uint_eq(backend->plain_end, n == 0 ? next + 5 : next);
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
