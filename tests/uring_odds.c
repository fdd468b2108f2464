/* tests/uring_odds.c - odds and ends of the backend's own state: what it requests, and what it does
 * not, what it keeps when a ring goes, and what it gives back when one cannot be had. */
#include <errno.h>

#include "backends/uring.h"
#include "core/conn.h"
#include "core/loop.h"
#include "platform/hook.h"
#include "platform/rehearsal.h"
#include "tests/child.h"

extern const test_case uring_odds_cases[];

static plx__uring_endpoint *endpoint_of(const world *w, plx_conn conn)
{
    return plx__uring_of(&plx__conn_find(w->loop, conn)->object.endpoint);
}

/* As if the kernel had brought this while the last turn ran. */
static void completion_bring(plx__backend *backend, struct io_uring_cqe cqe)
{
    ck_ok(plx__uring_spill_reserve(backend, 1));
    backend->spill[backend->spill_count++] = cqe;
    plx__uring_ends_set(backend);
}

/* As if the kernel had found nothing to cancel. */
static void cancellation_fail(plx__backend *backend, plx__uring_endpoint *uring)
{
    const uint64_t data = plx__uring_data(plx__uring_endpoint_of(uring), PLX__URING_CANCEL);
    completion_bring(backend, (struct io_uring_cqe){.user_data = data, .res = -ENOENT});
}

/* --- what is requested -------------------------------------------------------------------------
 */

/* A connection that receives, and is looked at for some other reason, goes on receiving: nothing is
 * cancelled and requested anew. */
static void what_is_wanted_and_in_flight_is_left_alone(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    turn_some(w);
    plx__uring_endpoint *uring = endpoint_of(w, p.conn);
    ck_assert_int_eq(uring->input, PLX__URING_RECEIVE);
    plx__uring_list_set(w->loop->backend, uring, PLX__URING_LIST_BUSY);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(uring->input, PLX__URING_RECEIVE);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    ck_assert_uint_eq(uring->flags, PLX__URING_MULTISHOT);
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
    ck_assert_int_eq(uring->input, PLX__URING_RECEIVE);
    ck_assert_uint_eq(uring->flags, PLX__URING_BULK);
    plx__uring_list_set(w->loop->backend, uring, PLX__URING_LIST_BUSY);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(uring->input, PLX__URING_RECEIVE);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

typedef struct seen {
    const plx__uring_endpoint *uring;
    uint16_t flags; /* When the kernel was entered last. */
} seen;

static void see_flags(enum plx__hook_step step, void *data)
{
    seen *s = data;
    if (step == PLX__HOOK_SLEEP)
        s->flags = s->uring->flags;
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
    uring->flags |= PLX__URING_INPUT_CANCELLED; /* It is not, and so goes on. */
    ck_ok(plx_conn_pause(w->loop, p.conn));
    turn_some(w);
    ck_assert_int_eq(uring->input, PLX__URING_RECEIVE);
    cancellation_fail(w->loop->backend, uring);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_int_eq(uring->list, PLX__URING_LIST_BUSY);
    plx__hook_set(see_flags, &s);
    ck_ok(plx_loop_run_once(w->loop, 0));
    plx__hook_set(NULL, NULL);
    ck_assert_uint_ne(s.flags & PLX__URING_INPUT_CANCELLED, 0);
    turn_some(w);
    ck_assert_int_eq(uring->input, PLX__URING_NONE);
    ck_assert_uint_eq(uring->flags & PLX__URING_INPUT_CANCELLED, 0);
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
    uring->flags |= PLX__URING_INPUT_CANCELLED; /* It is not, and so goes on. */
    ck_ok(plx_conn_release(w->loop, p.conn));
    turn_some(w);
    ck_assert_uint_eq(uring->flags & PLX__URING_RELEASING, PLX__URING_RELEASING);
    ck_assert_int_eq(uring->list, PLX__URING_LIST_IDLE);
    cancellation_fail(w->loop->backend, uring);
    turn_until(w, &p.closed, 1);
    peer_close(&client);
}

/* --- completions -------------------------------------------------------------------------------
 */

/* What has come for an endpoint may be in the queue, or fetched out of it; what has come for others
 * does not count, and neither does what `next` has handed out. */
static void what_has_come_is_found_wherever_it_is(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer clients[] = {connect_pair(w, &p, &options), {PLX_SOCKET_NONE}};
    plx__endpoint *first = &plx__conn_find(w->loop, p.conn)->object.endpoint;
    clients[1] = connect_pair(w, &p, &options);
    plx__endpoint *second = &plx__conn_find(w->loop, p.conn)->object.endpoint;
    plx__backend *backend = w->loop->backend;
    struct io_uring_cq *cq = &backend->ring.cq;
    turn_some(w);
    const unsigned tail = *cq->ktail;
    const struct io_uring_cqe of_wake = {.user_data = PLX__URING_WAKE};
    const struct io_uring_cqe of_first = {.user_data = plx__uring_data(first, PLX__URING_WRITABLE)};
    ck_assert(!plx__uring_has_more(backend, first));
    completion_bring(backend, of_wake);
    ck_assert(!plx__uring_has_more(backend, first));
    completion_bring(backend, of_first);
    ck_assert(plx__uring_has_more(backend, first));
    ck_assert(!plx__uring_has_more(backend, second));
    backend->spill_next = backend->spill_count;
    ck_assert(!plx__uring_has_more(backend, first));
    backend->spill_next = backend->spill_count = 0;
    cq->cqes[tail & cq->ring_mask] = of_wake;
    cq->cqes[(tail + 1) & cq->ring_mask] = of_first;
    *cq->ktail = tail + 1; /* Nothing is in flight that the kernel could complete by itself. */
    ck_assert(!plx__uring_has_more(backend, first));
    *cq->ktail = tail + 2;
    ck_assert(plx__uring_has_more(backend, first));
    ck_assert(!plx__uring_has_more(backend, second));
    *cq->ktail = tail;
    plx__uring_ends_set(backend);
    peer_close(&clients[0]);
    peer_close(&clients[1]);
    turn_until(w, &p.closed, 2);
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
    enum { SOME = 6, SPILLED = 2, IN_RING = 2 };
    const plx__backend_ops *ops = w->loop->ops;
    const plx__backend_config config = {.receive_bytes = 4096};
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
            completion_bring(backend, cqe);
        else
            cq->cqes[at++ & cq->ring_mask] = cqe;
    }
    backend->spill_count = SPILLED; /* The last ones are behind the ends. */
    *cq->ktail = *cq->khead + IN_RING;
    ops->close(backend);
    for (size_t i = 0; i < SOME; i++) {
        bool is_closed = i < SPILLED + IN_RING;
        ck_assert_int_eq((int)peer_try(&couples[i].theirs, &byte, 1), is_closed ? 0 : PLX_EAGAIN);
        if (is_closed) { /* The backend has counted it once more, and closed it. */
            plx__fault_given(PLX__FAULT_DESCRIPTOR);
            couples[i].ours.socket = PLX_SOCKET_NONE;
        }
        couple_close(&couples[i]);
    }
}

/* --- credit ------------------------------------------------------------------------------------
 */

/* The socket of the connection is full, whatever the system makes of it in some turns. */
static void socket_fill(world *w, plx_conn conn)
{
    static const unsigned char filler[4096];
    plx_socket socket = plx__uring_endpoint_of(endpoint_of(w, conn))->socket;
    do {
        while (plx__socket_send(socket, filler, sizeof filler) > 0)
            continue;
        turn_some(w);
    } while (plx__socket_send(socket, filler, 1) > 0);
}

/* A ring is left with sends on credit that were not submitted. They are sent at once; what the
 * system does not take waits in the queue, and its peer gets it behind all that was before. */
static void credit_of_a_ring_that_is_left_is_kept(world *w)
{
    enum { LENGTH = 200 };
    static unsigned char bytes[LENGTH];
    probe probes[2] = {{.opened = 0}, {.opened = 0}};
    peer peers[2];
    size_t dropped;
    plx__backend *backend = w->loop->backend;
    if (!backend->has_credit)
        return;
    for (size_t i = 0; i < 2; i++) {
        plx_conn_options options = probe_options(&probes[i]);
        peers[i] = connect_pair(w, &probes[i], &options);
    }
    turn_some(w);
    socket_fill(w, probes[0].conn);
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

/* A process writes, forks and ends before its loop has waited. Its child goes on with the loop, and
 * sends what was on credit. */
static void daemon_sends_what_was_on_credit(world *w)
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
                         w->loop->backend->has_credit ? PLX_EAGAIN : 5);
        if (!w->loop->backend->has_credit)
            plx__rehearse_report(CHILD_IS_GOOD);
        if (!child_fork())
            plx__rehearse_vanish();
        while (!plx__rehearsal_is_orphan()) {
            ck_assert_uint_lt(plx__clock_now(), until);
            plx__thread_yield();
        }
        ck_ok(plx_loop_after_fork(w->loop));
        ck_assert_int_eq((int)peer_try(&client, bytes, 5), 5);
        ck_assert_mem_eq(bytes, "hello", 5);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
        ck_ok(plx_loop_close(w->loop));
        plx__rehearse_report(CHILD_IS_GOOD);
    }
    child_join();
}

const test_case uring_odds_cases[] = {
    CASE(what_is_wanted_and_in_flight_is_left_alone),
    CASE(receive_of_a_large_piece_is_left_alone),
    CASE(pause_cancels_once),
    CASE(release_waits_for_what_is_in_flight),
    CASE(what_has_come_is_found_wherever_it_is),
    CASE(wake_that_has_ended_tells_why),
    CASE(sockets_that_nobody_was_shown_are_closed_with_the_backend),
    CASE(credit_of_a_ring_that_is_left_is_kept),
    CASE(daemon_sends_what_was_on_credit),
    CASES_END,
};
