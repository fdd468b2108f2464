/* tests/uring_renew.c - who may leave a ring, and what of it is kept: by one that leaves it, and by
 * one that makes everything anew, as a forked child does. */
#include "backends/uring/uring.h"
#include "core/conn/conn.h"
#include "core/loop.h"
#include "tests/rest.h"

extern const test_case uring_renew_cases[];

enum { COMPLETED = 2 };

/* As if the kernel had completed something that is of no interest. Returns where that begins. */
static unsigned ring_complete(plx__backend *backend)
{
    struct io_uring_cq *cq = &backend->ring.cq;
    const unsigned head = *cq->khead;
    for (unsigned i = 0; i < COMPLETED; i++)
        cq->cqes[(head + i) & cq->ring_mask] =
            (struct io_uring_cqe){.user_data = PLX__URING_NONE, .res = 11 + (int32_t)i};
    *cq->ktail = head + COMPLETED;
    return head;
}

static void expect_kept(const plx__backend *backend)
{
    ck_assert(!backend->has_ring);
    ck_assert_int_eq((int)(backend->done_tail - backend->done_next), COMPLETED);
    for (int i = 0; i < COMPLETED; i++)
        ck_assert_int_eq(backend->done_next[i].res, 11 + i);
}

/* What the last call saw of completions is not lost; what has come into the ring since may be
 * anything by now. The loop continues in either case. */
static void renewal_keeps_what_was_completed(world *w)
{
    for (int is_seen = 0; is_seen < 2; is_seen++) {
        probe p = {.then_data = echo_back};
        plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        plx__backend *backend = w->loop->backend;
        expect_service(w, &client);
        turn_some(w);
        (void)ring_complete(backend);
        if (is_seen != 0)
            ck_ok(plx__uring_done_take(backend));
        ck_ok(plx__uring_renew(backend));
        if (is_seen != 0)
            expect_kept(backend);
        else
            ck_assert_ptr_eq(backend->done_tail, backend->done_next);
        ck_assert_int_eq(plx__uring_of(&plx__conn_find(w->loop, p.conn)->object.endpoint)->list,
                         PLX__URING_LIST_BUSY);
        ck_ok(plx__uring_renew(backend)); /* There is no ring now, and all is kept. */
        ck_assert_int_eq((int)(backend->done_tail - backend->done_next),
                         is_seen != 0 ? COMPLETED : 0);
        expect_service(w, &client);
        ck_assert(backend->has_ring);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* Without a wake all is as it was. */
static void renewal_fails_before_it_changes_anything(world *w)
{
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    const plx_socket reader = backend->wake.reader;
    (void)ring_complete(backend);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(plx__uring_renew(backend), PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    ck_assert(backend->has_ring);
    ck_assert_int_eq(backend->wake.reader, reader);
    ck_assert_ptr_eq(backend->done_tail, backend->done_next);
    ck_ok(plx__uring_leave(backend));
    expect_kept(backend);
    turn_some(w);
    ck_assert(backend->has_ring);
}

/* Without memory for what it holds a ring is not left. */
static void ring_is_not_left_without_memory(world *w)
{
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    const uint32_t room = backend->done_room;
    (void)ring_complete(backend);
    backend->done_room = 0;
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
    ck_assert_int_eq(plx__uring_leave(backend), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert(backend->has_ring);
    backend->done_room = room;
    ck_ok(plx__uring_leave(backend));
    ck_assert(!backend->has_ring);
    turn_some(w);
}

/* What has overflowed is fetched when requests are submitted, and for want of memory that fails:
 * the next wait tells, unless something else has failed before. */
static void submission_that_fails_is_told_by_the_next_wait(world *w)
{
    static const int before[] = {0, PLX_EBADF};
    plx__backend *backend = w->loop->backend;
    const struct io_uring *ring = &backend->ring;
    turn_some(w);
    const uint32_t room = backend->done_room;
    const unsigned head = ring_complete(backend);
    for (size_t i = 0; i < 2; i++) {
        *ring->sq.kflags |= IORING_SQ_CQ_OVERFLOW;
        backend->failure = before[i];
        backend->done_room = 0;
        plx__fault_arm(PLX__FAULT_MEMORY, 0, 1);
        plx__uring_flush(backend);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
        ck_assert_int_eq(backend->failure, i == 0 ? PLX_ENOMEM : PLX_EBADF);
    }
    *ring->sq.kflags &= ~(unsigned)IORING_SQ_CQ_OVERFLOW;
    *ring->cq.ktail = head;
    backend->done_room = room;
    plx__uring_ends_set(backend);
    ck_assert_int_eq(plx__uring_enter(backend, 0), PLX_EBADF);
    ck_ok(plx__uring_enter(backend, 0));
}

typedef struct opened {
    plx_socket numbers[8];
    size_t count;
} opened;

static void note_opened(void *data, plx_socket descriptor)
{
    opened *o = data;
    ck_assert_uint_lt(o->count, sizeof o->numbers / sizeof o->numbers[0]);
    o->numbers[o->count++] = descriptor;
}

/* Core learns of each descriptor of a ring, and of a wake that is made anew. */
static void descriptors_of_a_ring_are_told(world *w)
{
    opened o = {.count = 0};
    const plx__backend_ops *ops = w->loop->ops;
    plx__backend_report report;
    const plx__backend_config config = {
        .receive_bytes = 4096, .report = &report, .openings = {.on_open = note_opened, .data = &o}};
    plx__backend *backend;
    ck_ok(ops->open(&backend, &config));
    ck_assert_uint_eq(o.count, 2);
    ck_assert_int_eq(o.numbers[0], backend->ring.ring_fd);
    ck_assert_int_eq(o.numbers[1], backend->last);
    o.count = 0;
    ck_ok(ops->renew(backend));
    ck_assert_uint_eq(o.count, 2);
    ck_assert_int_eq(o.numbers[0], backend->wake.reader);
    ck_assert_int_eq(o.numbers[1], backend->wake.writer);
    ops->close(backend);
}

/* A thread leaves its own ring. Another one does if nothing of it can happen meanwhile: the kernel
 * is one that sees to that, or the ring's thread has ended. */
static void ring_is_left_by_who_may(world *w)
{
    enum { FEATURE_OF_6_12 = 1 << 15 };
    plx__backend *backend = w->loop->backend;
    turn_some(w);
    const unsigned flags = backend->ring.flags;
    const unsigned features = backend->ring.features;
    const uint32_t owner = backend->owner;
    const int32_t owner_id = backend->owner_id;
    for (unsigned n = 0; n < 4; n++) {
        backend->ring.flags = flags & ~IORING_SETUP_DEFER_TASKRUN;
        backend->ring.flags |= (n & 1) != 0 ? IORING_SETUP_DEFER_TASKRUN : 0;
        backend->ring.features = (features & ~(unsigned)FEATURE_OF_6_12) |
                                 ((n & 2) != 0 ? (unsigned)FEATURE_OF_6_12 : 0);
        ck_assert(plx__uring_can_leave(backend));
        backend->owner = 0;
        ck_assert(!plx__uring_is_ours(backend));
        ck_assert_int_eq(plx__uring_can_leave(backend), n == 3);
        if (n != 3)
            ck_assert_int_eq(plx__uring_leave(backend), PLX_EBUSY);
        ck_assert(backend->has_ring);
        backend->owner_id = -1; /* No thread has this number. */
        ck_assert(plx__uring_can_leave(backend));
        backend->is_enabled = false; /* No thread has begun to use it. */
        backend->owner_id = owner_id;
        ck_assert(plx__uring_is_ours(backend));
        backend->is_enabled = true;
        backend->owner = owner;
        ck_assert(plx__uring_is_ours(backend));
    }
    backend->ring.flags = flags;
    backend->ring.features = features;
}

/* What a ring that has gone leaves is any of three things. */
static void leftovers_are_any_of_three_things(world *w)
{
    plx__backend *backend = w->loop->backend;
    plx__uring_endpoint one = {.list = PLX__URING_LIST_NONE};
    turn_some(w);
    ck_assert(!plx__uring_has_leftovers(backend));
    backend->done_tail++;
    ck_assert(plx__uring_has_leftovers(backend));
    backend->done_tail--;
    backend->unsent_count = 1;
    ck_assert(plx__uring_has_leftovers(backend));
    backend->unsent_count = 0;
    plx__uring_list_set(backend, &one, PLX__URING_LIST_READY);
    ck_assert(plx__uring_has_leftovers(backend));
    plx__uring_list_remove(backend, &one);
    ck_assert(!plx__uring_has_leftovers(backend));
}

/* Nothing of an endpoint is in flight any more: what was is to be requested, and what it holds for
 * core stays. One that has gone is to be told of. */
static void reset_leaves_nothing_in_flight(world *w)
{
    enum { KEPT = PLX__URING_HOLDS | PLX__URING_HUNG | PLX__URING_BLOCKED | PLX__URING_BULK };
    static const struct {
        enum plx__uring_list_kind before;
        uint16_t more;
        enum plx__uring_list_kind after;
    } table[] = {
        {PLX__URING_LIST_IDLE, 0, PLX__URING_LIST_BUSY},
        {PLX__URING_LIST_BUSY, 0, PLX__URING_LIST_BUSY},
        {PLX__URING_LIST_READY, 0, PLX__URING_LIST_READY},
        {PLX__URING_LIST_IDLE, PLX__URING_DETACHED, PLX__URING_LIST_READY},
        {PLX__URING_LIST_BUSY, PLX__URING_DETACHED, PLX__URING_LIST_READY},
    };
    enum { ROWS = sizeof table / sizeof table[0] };
    plx__backend *backend = w->loop->backend;
    plx__uring_endpoint endpoints[ROWS] = {{.list = PLX__URING_LIST_NONE}};
    for (size_t row = 0; row < ROWS; row++) {
        endpoints[row].wanted = endpoints[row].input.op = PLX__URING_RECEIVE;
        endpoints[row].input.state = row % 2 == 0 ? PLX__URING_ARMED : PLX__URING_CANCELLING;
        endpoints[row].room.state = row % 2 == 0 ? PLX__URING_CANCELLING : PLX__URING_ARMED;
        endpoints[row].flags = KEPT | table[row].more;
        plx__uring_list_set(backend, &endpoints[row], table[row].before);
    }
    plx__uring_reset(backend, false);
    for (size_t row = 0; row < ROWS; row++) {
        ck_assert_uint_eq(endpoints[row].flags, KEPT | table[row].more);
        ck_assert_int_eq(endpoints[row].ended, 0);
        ck_assert(!plx__uring_is_in_flight(&endpoints[row]));
        ck_assert_int_eq(endpoints[row].wanted, PLX__URING_RECEIVE);
        ck_assert_int_eq(endpoints[row].list, table[row].after);
    }
    for (size_t row = 0; row < ROWS; row++) {
        endpoints[row].input.op = row % 2 == 0 ? PLX__URING_RECEIVE : PLX__URING_POLL;
        endpoints[row].input.state = row != 2 ? PLX__URING_ARMED : PLX__URING_IDLE;
    }
    plx__uring_reset(backend, true);
    for (size_t row = 0; row < ROWS; row++) {
        bool is_broken = row == 0; /* The others did not receive, or have gone. */
        ck_assert_int_eq(endpoints[row].ended, is_broken ? PLX_ENOMEM : 0);
        plx__uring_list_remove(backend, &endpoints[row]);
    }
}

/* What a ring had brought when it was left is for the turn that follows, also for one that was
 * shown something in the turn before. */
static void leftovers_are_shown_in_a_turn_of_their_own(world *w)
{
    probe p = {.opened = 0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    plx__backend *backend = w->loop->backend;
    uint64_t until = plx__clock_now() + patience();
    turn_some(w);
    peer_send(w, &client, "a", 1);
    turn_until(w, &p.received, 1);
    (void)!plx__socket_send(client.socket, "b", 1);
    while (io_uring_cq_ready(&backend->ring) == 0) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_assert_int_ge(io_uring_get_events(&backend->ring), 0);
    }
    ck_ok(plx__uring_leave(backend));
    ck_assert_ptr_ne(backend->done_tail, backend->done_next);
    ck_ok(plx_loop_run_once(w->loop, 0));
    ck_assert_uint_eq(p.received, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

const test_case uring_renew_cases[] = {
    CASE(leftovers_are_shown_in_a_turn_of_their_own),
    CASE(renewal_keeps_what_was_completed),
    CASE(renewal_fails_before_it_changes_anything),
    CASE(ring_is_not_left_without_memory),
    CASE(submission_that_fails_is_told_by_the_next_wait),
    CASE(descriptors_of_a_ring_are_told),
    CASE(ring_is_left_by_who_may),
    CASE(leftovers_are_any_of_three_things),
    CASE(reset_leaves_nothing_in_flight),
    CASES_END,
};
