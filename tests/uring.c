/* tests/uring.c - what is io_uring's own: machines that refuse it, older kernels, its thread. The
 * behaviours say the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "tests/child.h"
#include "tests/uring_idle.h"

extern const test_case uring_accept_cases[], uring_loss_cases[], uring_odds_cases[],
    uring_renew_cases[], uring_requests_cases[], uring_ring_cases[], uring_told_cases[];

enum { CROWD = 300 };

/* --- machines that refuse ----------------------------------------------------------------------
 */

static void expect_refused(world *w, bool is_forbidden)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    plx_loop *loop;
    char answer[2];
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx__test_no_rings(is_forbidden));
    ck_assert_int_eq(plx_backend_probe(w->backend), PLX_ENOSYS);
    ck_assert_int_ne(plx_os_error(), 0);
    ck_assert_ptr_nonnull(strstr(plx_backend_needs(w->backend), "kernel.io_uring_disabled"));
    ck_assert_int_eq(plx_loop_open(&loop, &(plx_loop_options){.backend = w->backend}), PLX_ENOSYS);
    ck_assert_ptr_null(loop);
    /* A loop that has its ring keeps it, and others are to be had. */
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    ck_ok(plx_loop_open(&loop, &(plx_loop_options){.backend = "poll"}));
    ck_ok(plx_loop_close(loop));
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* EPERM: what a seccomp filter like Docker's answers, and the sysctl. */
static void forbidden_is_a_backend_that_cannot_run(world *w)
{
    expect_refused(w, true);
}

/* ENOSYS: a kernel without it. */
static void missing_is_a_backend_that_cannot_run(world *w)
{
    expect_refused(w, false);
}

static void needs_are_told_of_those_that_have_any(world *w)
{
    ck_assert_ptr_nonnull(plx_backend_needs(w->backend));
    ck_assert_ptr_null(plx_backend_needs("poll"));
    ck_assert_ptr_null(plx_backend_needs("carrier-pigeon"));
    ck_assert_ptr_null(plx_backend_needs(NULL));
}

/* --- older kernels, and tiny queues ------------------------------------------------------------
 */

static void send_large(world *w, peer *client, size_t total)
{
    unsigned char *bytes = malloc(total);
    unsigned char *back = malloc(total);
    pattern_fill(bytes, total, 0);
    peer_send(w, client, bytes, total);
    peer_receive(w, client, back, total);
    ck_assert_int_eq(memcmp(bytes, back, total), 0);
    free(bytes);
    free(back);
}

typedef struct crowd {
    plx_conn conns[CROWD];
    size_t count;
} crowd;

static void crowd_open(plx_loop *loop, plx_conn conn, probe *p)
{
    crowd *c = p->more;
    (void)loop;
    c->conns[c->count++] = conn;
}

/* The first that speaks is repeated to all. */
static size_t crowd_tell(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length)
{
    crowd *c = p->more;
    (void)conn;
    for (size_t i = 0; i < c->count; i++)
        ck_ok(plx_conn_write(loop, c->conns[i], bytes, length));
    return length;
}

/* Many connections, small pieces to all of them in one callback, large ones both ways. */
static void expect_all_works(world *w)
{
    static peer peers[CROWD];
    static crowd c;
    probe p = {.then_open = crowd_open, .then_data = crowd_tell, .more = &c};
    probe echo = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    plx_conn_options echo_options = probe_options(&echo);
    char address[PLX_ADDRESS_TEXT_MAX];
    c.count = 0;
    (void)listen_at(w, &options, address);
    for (int i = 0; i < CROWD; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, CROWD);
    peer_send(w, &peers[0], "to all", 6);
    for (int i = 0; i < CROWD; i++) {
        char heard[6];
        peer_receive(w, &peers[i], heard, sizeof heard);
        ck_assert_mem_eq(heard, "to all", 6);
        peer_close(&peers[i]);
    }
    turn_until(w, &p.closed, CROWD);
    peer client = connect_pair(w, &echo, &echo_options);
    send_large(w, &client, 100);
    send_large(w, &client, 300000);
    peer_close(&client);
    turn_until(w, &echo.closed, 1);
}

/* As on a kernel that lacks the newest flags: the first `rungs` attempts are refused. */
static void work_on_rung(world *w, uint32_t rungs)
{
    plx__fault_arm(PLX__FAULT_FEATURE, 0, rungs);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_FEATURE), rungs);
    expect_all_works(w);
}

static void works_without_deferred_work(world *w)
{
    work_on_rung(w, 1);
}

static void works_without_any_flag(world *w)
{
    work_on_rung(w, 2);
}

static void no_rung_is_a_backend_that_cannot_run(world *w)
{
    plx__fault_arm(PLX__FAULT_FEATURE, 0, UINT32_MAX);
    ck_assert_int_eq(plx_backend_probe(w->backend), PLX_ENOSYS);
    (void)plx__fault_disarm(PLX__FAULT_FEATURE);
    ck_ok(plx_backend_probe(w->backend));
}

/* Queues of a few entries: all of them overflow, all the time. */
static void works_with_tiny_queues(world *w)
{
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    expect_all_works(w);
}

/* More requests than there is room for are made with the first wait, before which the ring takes
 * none: none of them waits for the next one. */
static void first_wait_makes_all_requests(world *w)
{
    enum { LISTENERS = 20 };
    plx_listener listeners[LISTENERS];
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    for (size_t i = 0; i < LISTENERS; i++)
        ck_ok(plx_listen(w->loop, &listeners[i], "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_ptr_null(w->loop->backend->lists[PLX__URING_LIST_BUSY].first);
    for (size_t i = 0; i < LISTENERS; i++)
        ck_ok(plx_listener_close(w->loop, listeners[i]));
}

/* Writes to the first of them, and to the others, until what it wrote must wait. Returns how much
 * it has written. */
static size_t fill_among_others(world *w, const crowd *c, size_t room)
{
    enum { ROUNDS = 16 };
    unsigned char piece[256];
    size_t total = 0;
    while (plx_conn_queued(w->loop, c->conns[0]) == 0) {
        for (int i = 0; i < ROUNDS && plx_conn_queued(w->loop, c->conns[0]) == 0; i++) {
            ck_assert_uint_le(total + sizeof piece, room);
            pattern_fill(piece, sizeof piece, total);
            ck_ok(plx_conn_write(w->loop, c->conns[0], piece, sizeof piece));
            total += sizeof piece;
            for (size_t other = 1; other < c->count; other++)
                ck_ok(plx_conn_write(w->loop, c->conns[other], "x", 1));
        }
        ck_ok(plx_loop_run_once(w->loop, 0));
    }
    return total;
}

/* Requests that do not fit are submitted in the middle of a turn. What such a submission could not
 * send is known then, and goes before what the same connection writes next. */
static void deferred_send_that_failed_goes_before_what_is_written_next(world *w)
{
    enum { FEW = 6, ROOM = 64 << 20 };
    static crowd c;
    peer peers[FEW];
    probe p = {.then_open = crowd_open, .more = &c};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    c.count = 0;
    (void)listen_at(w, &options, address);
    for (uint32_t i = 0; i < FEW; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    size_t total = fill_among_others(w, &c, ROOM);
    unsigned char *expected = malloc(total);
    unsigned char *received = malloc(total);
    pattern_fill(expected, total, 0);
    peer_receive(w, &peers[0], received, total);
    ck_assert_int_eq(memcmp(expected, received, total), 0);
    free(expected);
    free(received);
    for (uint32_t i = 0; i < FEW; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, FEW);
}

/* A limit for all queues: nothing is deferred then, and all works as well. */
static void works_without_deferred_sends(world *w)
{
    world_reopen(w, (plx_loop_options){.queued_bytes_max = 64u << 20});
    ck_assert(!w->loop->backend->can_defer);
    expect_all_works(w);
}

/* Nor does a write submit anything then: a ring that no thread has waited with stays free for any.
 */
static void write_that_is_not_deferred_leaves_the_ring_alone(world *w)
{
    plx_conn conn;
    couple c = couple_open();
    char bytes[2];
    world_reopen(w, (plx_loop_options){.queued_bytes_max = 64u << 20});
    plx__socket_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(w->loop, &conn, c.ours.socket, NULL, NULL, 0));
    c.ours.socket = PLX_SOCKET_NONE;
    plx__endpoint *endpoint = &plx__conn_find(w->loop, conn)->object.endpoint;
    const plx__slice slice = plx__slice_of("hi", 2);
    ck_assert_int_eq((int)plx__uring_send(w->loop->backend, endpoint, &slice, 1), 2);
    ck_assert_int_eq((int)peer_try(&c.theirs, bytes, 2), 2);
    ck_assert_mem_eq(bytes, "hi", 2);
    ck_assert(!w->loop->backend->is_enabled);
    couple_close(&c);
}

/* --- its thread --------------------------------------------------------------------------------
 */

typedef struct runner {
    plx_loop *loop;
    int status;
} runner;

static void run_it(void *data)
{
    runner *r = data;
    r->status = plx_loop_run(r->loop);
}

static void stop_when_closed(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    (void)p;
    plx_loop_stop(loop);
}

/* A loop is opened and listens on one thread, runs on another, and is closed by the first with
 * everything still open. */
static void runs_on_another_thread_than_it_was_opened_on(world *w)
{
    probe p = {.then_data = echo_back, .then_close = stop_when_closed};
    plx_conn_options options = probe_options(&p);
    runner r = {.loop = w->loop, .status = 1};
    plx__thread thread;
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[2] = {0};
    (void)listen_at(w, &options, address);
    peer stays = peer_start(address);
    ck_ok(plx__thread_start(&thread, run_it, &r));
    peer client = peer_start(address);
    uint64_t until = plx__clock_now() + patience();
    while (plx__socket_send(client.socket, "hi", 2) != 2)
        ck_assert_uint_lt(plx__clock_now(), until);
    while (peer_try(&client, answer, 2) != 2)
        ck_assert_uint_lt(plx__clock_now(), until);
    ck_assert_mem_eq(answer, "hi", 2);
    peer_close(&client);
    plx__thread_join(&thread);
    ck_ok(r.status);
    ck_assert_uint_eq(p.closed, 1);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    ck_assert_uint_eq(p.closed, p.opened);
    peer_close(&stays);
}

/* --- deferred sends ---------------------------------------------------------------------------
 */

/* More is written in one turn than may be deferred at a time, in pieces that fill the last of it
 * and in some that do not: each peer gets its own bytes. */
static void what_is_deferred_at_a_time_is_bounded(world *w)
{
    enum { SOME = 40 };
    static const size_t lengths[] = {4096, 4095, 1000, 17, 1};
    static unsigned char bytes[4096];
    static peer peers[SOME];
    static crowd c;
    probe p = {.then_open = crowd_open, .more = &c};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    c.count = 0;
    (void)listen_at(w, &options, address);
    for (size_t i = 0; i < SOME; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        turn_some(w);
        for (size_t i = 0; i < SOME; i++) {
            pattern_fill(bytes, lengths[n], 1000 * i);
            ck_ok(plx_conn_write(w->loop, c.conns[i], bytes, lengths[n]));
        }
        for (size_t i = 0; i < SOME; i++) {
            peer_receive(w, &peers[i], bytes, lengths[n]);
            pattern_check(bytes, lengths[n], 1000 * i);
        }
    }
    for (size_t i = 0; i < SOME; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, SOME);
}

/* Several pieces are written in each turn until the socket is full: whichever of them is the first
 * that falls short, no byte is lost and none overtakes another. */
static void what_falls_short_is_followed_by_what_was_written_next(world *w)
{
    enum { PIECE = 1000, PIECES = 4, ROOM = 16 << 20 };
    unsigned char bytes[PIECE];
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    options.send_high = options.send_max = ROOM;
    peer client = connect_pair(w, &p, &options);
    size_t total = 0;
    for (int turns = 0; plx_conn_queued(w->loop, p.conn) == 0 || turns < 3; turns++) {
        for (int i = 0; i < PIECES; i++) {
            pattern_fill(bytes, PIECE, total);
            ck_ok(plx_conn_write(w->loop, p.conn, bytes, PIECE));
            total += PIECE;
        }
        ck_assert_uint_lt(total, ROOM);
        ck_ok(plx_loop_run_once(w->loop, 0));
    }
    for (size_t position = 0; position < total; position += PIECE) {
        peer_receive(w, &client, bytes, PIECE);
        pattern_check(bytes, PIECE, position);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Requests that do not fit are submitted between two turns, and the first of them fails: the next
 * wait does not wait for anything else before the connection is told. */
static void what_fails_between_turns_ends_the_next_wait(world *w)
{
    enum { FEW = 6 };
    static crowd c;
    peer peers[FEW];
    probe p = {.then_open = crowd_open, .more = &c};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__fault_arm(PLX__FAULT_ROOM, 0, 1);
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_ROOM), 1);
    c.count = 0;
    (void)listen_at(w, &options, address);
    for (uint32_t i = 0; i < FEW; i++) {
        peers[i] = peer_start(address);
        turn_until(w, &p.opened, i + 1);
    }
    turn_some(w);
    plx__fault_arm(PLX__FAULT_SEND, 0, 1);
    for (size_t i = 0; i < FEW; i++)
        ck_ok(plx_conn_write(w->loop, c.conns[i], "x", 1));
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_SEND), 1);
    uint64_t before = plx__clock_now();
    while (p.closed == 0)
        ck_ok(plx_loop_run_once(w->loop, patience()));
    ck_assert_uint_lt(plx__clock_now() - before, patience());
    ck_assert_uint_eq(p.gone.bits, c.conns[0].bits);
    for (uint32_t i = 0; i < FEW; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, FEW);
}

/* --- accepting ahead ---------------------------------------------------------------------------
 */

static void on_trouble(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    ck_assert_int_eq(status, PLX_ENOMEM);
    ++*(size_t *)data;
}

/* How many have been accepted, and are not held back any more: those that were turned away. */
static size_t turned_away(peer *peers, size_t count)
{
    size_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        char byte;
        ptrdiff_t got = peer_try(&peers[i], &byte, 1);
        gone += got != PLX_EAGAIN && got != PLX_ENOTCONN;
    }
    return gone;
}

/* The kernel accepts more in one turn than the loop wants, and at one piece after the other there
 * is no memory: whoever cannot be kept is turned away, the owner is told, and the others are
 * served. */
static void accepting_ahead_without_memory(world *w)
{
    enum { BURST = 200 };
    static peer peers[BURST];
    uint32_t struck = 1;
    for (uint32_t piece = 0; struck != 0; piece++) {
        probe p = {.opened = 0};
        size_t troubles = 0;
        const plx_conn_options accepted = probe_options(&p);
        const plx_listen_options options = {
            .conn = &accepted, .on_error = on_trouble, .data = &troubles};
        plx_listener listener;
        char address[PLX_ADDRESS_TEXT_MAX];
        world_reopen(w, (plx_loop_options){0});
        ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        turn(w);
        for (size_t i = 0; i < BURST; i++)
            peers[i] = peer_start(address);
        plx__fault_arm(PLX__FAULT_MEMORY, piece, 1);
        size_t gone = 0;
        uint64_t until = plx__clock_now() + patience();
        while (p.opened + gone < BURST) {
            ck_assert_uint_lt(plx__clock_now(), until);
            turn(w);
            gone = turned_away(peers, BURST);
        }
        struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_uint_eq(gone, troubles);
        ck_assert_uint_le(gone, struck);
        ck_assert_uint_lt(piece, 50);
        for (size_t i = 0; i < BURST; i++)
            peer_close(&peers[i]);
        turn_until(w, &p.closed, p.opened);
    }
}

/* As if the kernel had brought this while the last turn ran. */
static void completion_bring(plx__backend *backend, plx__endpoint *endpoint, enum plx__uring_op op,
                             int32_t result)
{
    uring_bring(backend, (struct io_uring_cqe){.user_data = plx__uring_data(endpoint, op),
                                               .res = result,
                                               .flags = IORING_CQE_F_MORE});
}

static void count_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    ck_assert_int_ne(status, 0);
    ++*(size_t *)data;
}

/* A failure of an accept is told to a listener that accepts. One that has stopped has not asked,
 * and finds it out when it starts again, if it is still true. */
static void failure_to_accept_is_told_to_who_accepts(world *w)
{
    size_t errors = 0;
    plx_listener listener;
    plx__backend *backend = w->loop->backend;
    const plx_listen_options options = {.on_error = count_error, .data = &errors};
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
    plx__endpoint *endpoint = &plx__find(w->loop, PLX__KIND_LISTENER, listener.bits)->endpoint;
    turn_some(w);
    plx__uring_stop(backend, endpoint);
    completion_bring(backend, endpoint, PLX__URING_ACCEPT, -EMFILE);
    turn_some(w);
    ck_assert_uint_eq(errors, 0);
    ck_ok(plx__uring_accept_start(backend, endpoint, NULL));
    for (int i = 0; i < 3; i++) {
        static const int32_t passing[] = {-ECANCELED, -EAGAIN, -EINTR};
        completion_bring(backend, endpoint, PLX__URING_ACCEPT, passing[i]);
        turn_some(w);
        ck_assert_uint_eq(errors, 0);
    }
    completion_bring(backend, endpoint, PLX__URING_ACCEPT, -EMFILE);
    turn_some(w);
    ck_assert_uint_eq(errors, 1);
    ck_ok(plx_listener_close(w->loop, listener));
}

/* A forked child that drops its copy closes the sockets that had been fetched and core was not
 * shown, all of them: their peers would not see the parent close them. */
static void child_closes_what_was_accepted_and_not_shown(world *w)
{
    enum { SOME = 3 };
    couple couples[SOME];
    plx_listener listener;
    char byte;
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
    plx__endpoint *endpoint = &plx__find(w->loop, PLX__KIND_LISTENER, listener.bits)->endpoint;
    turn_some(w);
    for (size_t i = 0; i < SOME; i++)
        couples[i] = couple_open();
    if (child_fork()) {
        for (size_t i = 0; i < SOME; i++)
            completion_bring(w->loop->backend, endpoint, PLX__URING_ACCEPT, couples[i].ours.socket);
        w->loop->backend->done_tail--; /* The last one is none of them. */
        plx_loop_abandon(w->loop);
        for (size_t i = 0; i < SOME; i++)
            ck_assert_int_eq((int)peer_try(&couples[i].ours, &byte, 1),
                             i == SOME - 1 ? PLX_EAGAIN : PLX_EBADF);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    for (size_t i = 0; i < SOME; i++)
        couple_close(&couples[i]);
}

static const test_case uring_cases[] = {
    CASE_ALONE(forbidden_is_a_backend_that_cannot_run),
    CASE_ALONE(missing_is_a_backend_that_cannot_run),
    CASE(needs_are_told_of_those_that_have_any),
    CASE(works_without_deferred_work),
    CASE(works_without_any_flag),
    CASE(no_rung_is_a_backend_that_cannot_run),
    CASE(works_with_tiny_queues),
    CASE(first_wait_makes_all_requests),
    CASE(deferred_send_that_failed_goes_before_what_is_written_next),
    CASE(works_without_deferred_sends),
    CASE(write_that_is_not_deferred_leaves_the_ring_alone),
    CASE(runs_on_another_thread_than_it_was_opened_on),
    CASE(what_is_deferred_at_a_time_is_bounded),
    CASE(what_falls_short_is_followed_by_what_was_written_next),
    CASE(what_fails_between_turns_ends_the_next_wait),
    CASE(accepting_ahead_without_memory),
    CASE(failure_to_accept_is_told_to_who_accepts),
    CASE(child_closes_what_was_accepted_and_not_shown),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        uring_cases,      uring_accept_cases, uring_loss_cases,
        uring_odds_cases, uring_renew_cases,  uring_requests_cases,
        uring_ring_cases, uring_told_cases,   NULL};
    return suite_main(argc, argv, groups, true);
}
