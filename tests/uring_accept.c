/* tests/uring_accept.c - what the kernel has accepted and core has not been shown. The numbers of
 * most sockets are made up; nobody uses them. */
#include <errno.h>

#include "backends/uring/uring.h"
#include "core/loop.h"
#include "tests/harness.h"

extern const test_case uring_accept_cases[];

enum { ACCEPTS_MAX = 64, NUMBERS = 5000 };

/* A listener that core has stopped, and of which nothing is in flight. */
typedef struct stopped {
    plx_listener listener;
    plx__backend *backend;
    plx__endpoint *endpoint;
    plx__uring_endpoint *uring;
    plx__completion completion;
} stopped;

static void stopped_open(world *w, stopped *s)
{
    *s = (stopped){.backend = w->loop->backend};
    ck_ok(plx_listen(w->loop, &s->listener, "tcp://127.0.0.1:0", NULL));
    s->endpoint = &plx__find(w->loop, PLX__KIND_LISTENER, s->listener.bits)->endpoint;
    s->uring = plx__uring_of(s->endpoint);
    plx__uring_stop(s->backend, s->endpoint);
    turn_some(w);
    ck_assert(!plx__uring_is_in_flight(s->uring));
    ck_assert_int_eq(s->uring->list, PLX__URING_LIST_IDLE);
}

static void stopped_close(world *w, stopped *s)
{
    ck_assert_uint_eq(s->uring->accepted->count, 0);
    s->uring->wanted = PLX__URING_NONE;
    ck_ok(plx_listener_close(w->loop, s->listener));
}

/* The kernel has accepted this one; whether core is told of anything. */
static bool arrive(stopped *s, int32_t number)
{
    const struct io_uring_cqe cqe = {.res = number, .flags = IORING_CQE_F_MORE};
    s->completion = (plx__completion){.length = 1, .status = 1, .accepted = PLX_SOCKET_NONE};
    return plx__uring_accepted_take(s->backend, s->uring, &cqe, &s->completion);
}

/* What the last call told of is this socket, which is the case's then. */
static void expect_accepted(const stopped *s, int number)
{
    ck_assert_int_eq(s->completion.kind, PLX__ACCEPTED);
    ck_assert_ptr_eq(s->completion.endpoint, s->endpoint);
    ck_assert_int_eq(s->completion.status, 0);
    ck_assert_uint_eq(s->completion.length, 0);
    ck_assert_int_eq(s->completion.accepted, number);
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
}

static void expect_held(stopped *s, int number)
{
    plx_socket socket = PLX_SOCKET_NONE;
    ck_ok(plx__uring_accept_held(s->backend, s->endpoint, &socket));
    ck_assert_int_eq(socket, number);
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
}

/* What comes after a stop is held in its order, wherever in its ring that begins and however often
 * the ring grows. */
static void held_sockets_keep_their_order(world *w)
{
    enum { FIRST = 10, TAKEN = 7, ALL = 100 };
    plx_socket socket;
    stopped s;
    stopped_open(w, &s);
    ck_assert_int_eq(plx__uring_accept_held(s.backend, s.endpoint, &socket), PLX_EAGAIN);
    for (int i = 0; i < FIRST; i++)
        ck_assert(!arrive(&s, NUMBERS + i));
    for (int i = 0; i < TAKEN; i++)
        expect_held(&s, NUMBERS + i);
    for (int i = FIRST; i < ALL; i++) {
        ck_assert(!arrive(&s, NUMBERS + i));
        ck_assert_uint_eq(s.uring->accepted->count, (uint32_t)(i + 1 - TAKEN));
        ck_assert_uint_le(s.uring->accepted->count, s.uring->accepted->room);
    }
    ck_assert_int_eq(s.uring->list, PLX__URING_LIST_BUSY);
    ck_assert(!plx__uring_accept_next(s.backend, s.uring, &s.completion)); /* It is not wanted. */
    for (int i = TAKEN; i < ALL; i++)
        expect_held(&s, NUMBERS + i);
    ck_assert_int_eq(plx__uring_accept_held(s.backend, s.endpoint, &socket), PLX_EAGAIN);
    stopped_close(w, &s);
}

/* A turn brings so many, and holds the others; a later one goes on with those, and what comes then
 * goes behind them. */
static void turn_brings_so_many_sockets(world *w)
{
    enum { HELD = 3 };
    stopped s;
    stopped_open(w, &s);
    s.uring->wanted = PLX__URING_ACCEPT;
    for (int turns = 0; turns < 2; turns++) {
        s.backend->turn++;
        for (int i = 0; i < ACCEPTS_MAX; i++) {
            ck_assert(arrive(&s, NUMBERS + i));
            expect_accepted(&s, NUMBERS + i);
        }
    }
    for (int i = 0; i < HELD; i++)
        ck_assert(!arrive(&s, NUMBERS + i));
    ck_assert(!plx__uring_accept_next(s.backend, s.uring, &s.completion));
    s.backend->turn++;
    ck_assert(!arrive(&s, NUMBERS + HELD));
    for (int i = 0; i <= HELD; i++) {
        s.completion = (plx__completion){.length = 1, .status = 1};
        ck_assert(plx__uring_accept_next(s.backend, s.uring, &s.completion));
        expect_accepted(&s, NUMBERS + i);
    }
    ck_assert(!plx__uring_accept_next(s.backend, s.uring, &s.completion));
    ck_assert_uint_eq(s.uring->accepts, HELD + 1);
    stopped_close(w, &s);
}

/* Of all that connect at once each turn delivers 64, and the next ones deliver the others. */
static void accepting_ahead_takes_turns(world *w)
{
    enum { BURST = 150 };
    static peer peers[BURST];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    turn(w);
    for (size_t i = 0; i < BURST; i++)
        peers[i] = peer_start(address);
    for (size_t opened = 0; opened < BURST;) {
        opened = opened + ACCEPTS_MAX < BURST ? opened + ACCEPTS_MAX : BURST;
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_assert_uint_eq(p.opened, opened);
    }
    for (size_t i = 0; i < BURST; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, BURST);
}

/* Core lacks a descriptor: it is told, and the socket waits. */
static void socket_waits_for_a_descriptor(world *w)
{
    stopped s;
    stopped_open(w, &s);
    s.uring->wanted = PLX__URING_ACCEPT;
    s.backend->turn++;
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 2);
    ck_assert(arrive(&s, NUMBERS));
    ck_assert_int_eq(s.completion.kind, PLX__ACCEPTED);
    ck_assert_int_eq(s.completion.status, PLX_EMFILE);
    ck_assert_uint_eq(s.completion.length, 0);
    ck_assert_ptr_eq(s.completion.endpoint, s.endpoint);
    s.completion.status = 0;
    ck_assert(plx__uring_accept_next(s.backend, s.uring, &s.completion));
    ck_assert_int_eq(s.completion.status, PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 2);
    ck_assert_uint_eq(s.uring->accepted->count, 1);
    s.completion.length = 1;
    ck_assert(plx__uring_accept_next(s.backend, s.uring, &s.completion));
    expect_accepted(&s, NUMBERS);
    stopped_close(w, &s);
}

/* Nobody can be held for want of memory: the peer is turned away, and a listener that accepts is
 * told. */
static void socket_that_cannot_be_held_is_closed(world *w)
{
    char byte;
    for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
        couple c = couple_open();
        stopped s;
        stopped_open(w, &s);
        int room = (int)s.uring->accepted->room;
        for (int i = 0; i < room; i++)
            ck_assert(!arrive(&s, NUMBERS + i));
        s.uring->wanted = is_wanted != 0 ? PLX__URING_ACCEPT : PLX__URING_NONE;
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
        ck_assert_int_eq(arrive(&s, c.ours.socket), is_wanted);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
        ck_assert_int_eq(s.completion.status, is_wanted != 0 ? PLX_ENOMEM : 1);
        ck_assert_int_eq((int)peer_try(&c.theirs, &byte, 1), 0);
        plx__fault_given(PLX__FAULT_DESCRIPTOR); /* It was counted twice. */
        c.ours.socket = PLX_SOCKET_NONE;
        for (int i = 0; i < room; i++)
            expect_held(&s, NUMBERS + i);
        couple_close(&c);
        stopped_close(w, &s);
    }
}

/* The last completion of an accept: it is requested anew if it is wanted. What it fails with is
 * told if that is not likely to pass, and to one that accepts. */
static void end_of_an_accept_is_told_if_it_is_a_failure(world *w)
{
    static const int32_t results[] = {-ECANCELED, -EAGAIN, -EINTR, -EMFILE, -EBADF};
    stopped s;
    stopped_open(w, &s);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
            const struct io_uring_cqe cqe = {
                .user_data = plx__uring_data(s.endpoint, PLX__URING_ACCEPT), .res = results[i]};
            s.uring->wanted = is_wanted != 0 ? PLX__URING_ACCEPT : PLX__URING_NONE;
            s.uring->input.op = PLX__URING_ACCEPT;
            s.uring->input.state = PLX__URING_CANCELLING;
            plx__uring_list_set(s.backend, s.uring, PLX__URING_LIST_IDLE);
            bool is_told = plx__uring_take(s.backend, &cqe, &s.completion);
            ck_assert_int_eq(is_told, is_wanted != 0 && i >= 3);
            if (is_told)
                ck_assert_int_eq(s.completion.status, plx__accept_failed(-results[i]));
            ck_assert_int_eq(s.uring->input.state, PLX__URING_IDLE);
            ck_assert_int_eq(s.uring->list, PLX__URING_LIST_BUSY);
        }
    }
    stopped_close(w, &s);
}

const test_case uring_accept_cases[] = {
    CASE(held_sockets_keep_their_order),
    CASE(turn_brings_so_many_sockets),
    CASE(accepting_ahead_takes_turns),
    CASE(socket_waits_for_a_descriptor),
    CASE(socket_that_cannot_be_held_is_closed),
    CASE(end_of_an_accept_is_told_if_it_is_a_failure),
    CASES_END,
};
