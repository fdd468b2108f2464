/* backends/uring/ring.c - owns the ring; knows endpoints only by what their requests carry.
 *
 * Nothing is submitted before the first wait: with IORING_SETUP_SINGLE_ISSUER a ring belongs to the
 * thread that enables it, and that must be the one that runs the loop, not the one that opened it
 * (io_uring_setup(2)).
 */
#include "backends/uring/uring.h"

#include <string.h>
#include <unistd.h>

#include "platform/fault.h"
#include "platform/hook.h"

/* What the kernel is asked for, the best first; one that lacks a flag refuses with EINVAL. All that
 * can run this backend know SUBMIT_ALL (5.18) and COOP_TASKRUN (5.19); DEFER_TASKRUN came with 6.1.
 * Deferred work runs when we wait, in one go, rather than whenever the thread enters the kernel. */
static const unsigned ladder[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

/* How much there is room for. Tests can have so little that what is rare happens all the time. */
static void sizes_set(plx__backend *backend)
{
    bool is_tiny = plx__fault_strikes(PLX__FAULT_ROOM);
    backend->submissions = is_tiny ? 4 : PLX__URING_SUBMISSIONS;
    backend->completions = is_tiny ? 8 : PLX__URING_COMPLETIONS;
    backend->arena_max = is_tiny ? 512 : PLX__URING_ARENA_BYTES;
}

#define SETUP_ALWAYS (IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP)

/* --- opening ---------------------------------------------------------------------------------- */

/* ENOSYS: no such system call. EPERM and EACCES: the sysctl kernel.io_uring_disabled, a seccomp
 * filter (Docker's answers EPERM) or a security module. EINVAL: flags, on the last rung. All of
 * them mean that there is no io_uring for this process. ENOMEM is also what kernels before 5.12 and
 * from 6.14 on say when RLIMIT_MEMLOCK is too low (io_uring/memmap.c: io_create_region). */
static int setup_failed(int os_code)
{
    int status = plx__fail(os_code);
    return status == PLX_EACCES || status == PLX_EINVAL ? PLX_ENOSYS : status;
}

static int ring_setup(plx__backend *backend)
{
    int result = -ENOSYS;
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    sizes_set(backend);
    for (size_t rung = 0; rung < sizeof ladder / sizeof ladder[0]; rung++) {
        struct io_uring_params params = {0};
        params.flags = SETUP_ALWAYS | ladder[rung];
        params.cq_entries = backend->completions;
        if (plx__fault_strikes(PLX__FAULT_FEATURE)) {
            result = -EINVAL;
            continue;
        }
        result = io_uring_queue_init_params(backend->submissions, &backend->ring, &params);
        if (result != -EINVAL)
            break;
    }
    if (result < 0)
        return setup_failed(-result);
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

/* Multishot receives came with 6.0, and so did this operation, which can be asked for. All other
 * operations and features that are used came earlier (io_uring_enter(2), io_uring_setup(2)). */
static bool has_what_it_takes(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    if (probe == NULL)
        return false;
    bool has_it = io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
    io_uring_free_probe(probe);
    return has_it;
}

/* The other end goes to the ring, which lets go of it when nothing of it is left (io_uring.c:
 * io_ring_ctx_free). That is the only way to know: close(2) returns long before. */
static int last_open(plx__backend *backend)
{
    int ends[2];
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return plx__fail_last();
    int result = io_uring_register_files(&backend->ring, &ends[1], 1);
    (void)close(ends[1]);
    if (result < 0) {
        (void)close(ends[0]);
        return plx__fail(-result);
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    backend->last = ends[0];
    return 0;
}

/* No ring: it looks empty and has no room. */
static void ring_none_set(plx__backend *backend)
{
    struct io_uring *ring = &backend->ring;
    memset(ring, 0, sizeof *ring);
    backend->nothing = 0;
    ring->ring_fd = -1;
    ring->sq.khead = ring->sq.ktail = ring->sq.kflags = &backend->nothing;
    ring->cq.khead = ring->cq.ktail = ring->cq.kflags = &backend->nothing;
    backend->has_ring = backend->is_enabled = backend->is_wake_armed = false;
    plx__uring_ends_set(backend);
}

int plx__uring_ring_open(plx__backend *backend)
{
    int status = ring_setup(backend);
    if (status != 0) {
        ring_none_set(backend);
        return status;
    }
    backend->has_ring = true;
    status = has_what_it_takes(&backend->ring) ? 0 : plx__fail(ENOSYS);
    if (status == 0) /* Memory need not be there when the queue is full. */
        status = plx__uring_done_reserve(backend, PLX__URING_COMPLETIONS);
    if (status == 0)
        status = last_open(backend);
    if (status == 0)
        status = plx__uring_buffers_register(backend);
    if (status != 0) {
        plx__uring_ring_close(backend);
        return status;
    }
    plx__openings_tell(&backend->openings, backend->ring.ring_fd);
    plx__openings_tell(&backend->openings, backend->last);
    /* A send that is not to wait, and falls short, tells how much went only from 6.1 on, whatever
     * 6.0 was patched to; deferred sends rely on that. */
    backend->can_defer =
        backend->may_defer && (backend->ring.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
    plx__uring_ends_set(backend);
    return 0;
}

void plx__uring_ring_close(plx__backend *backend)
{
    if (!backend->has_ring)
        return;
    io_uring_queue_exit(&backend->ring);
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
    ring_none_set(backend);
}

/* --- entering --------------------------------------------------------------------------------- */

/* From here on the ring is this thread's. Its descriptor is not registered with the thread
 * (IORING_REGISTER_RING_FDS): the ring would live as long as the thread then, whoever closes it.
 * Returns 0 or the system's code, negated. */
static int ring_enable(plx__backend *backend)
{
    if ((backend->ring.flags & IORING_SETUP_R_DISABLED) != 0) {
        /* The shared library of liburing 2.3 does not export io_uring_enable_rings(). */
        int result = io_uring_register((unsigned)backend->ring.ring_fd,
                                       IORING_REGISTER_ENABLE_RINGS, NULL, 0);
        if (result < 0)
            return result;
    }
    backend->is_enabled = true;
    plx__uring_owner_set(backend);
    return 0;
}

/* Each write to the eventfd is a completion of its own, and nobody reads it while the poll is
 * armed. It must not be read here: core has decided already how long to sleep, and what has been
 * written since then is the wake that this wait must end with. */
static bool wake_arm(plx__backend *backend)
{
    plx__hook(PLX__HOOK_ARM);
    struct io_uring_sqe *sqe = plx__uring_sqe(backend);
    if (sqe == NULL)
        return false;
    io_uring_prep_poll_multishot(sqe, backend->wake.reader, POLLIN);
    sqe->user_data = PLX__URING_WAKE;
    backend->is_wake_armed = true;
    plx__hook(PLX__HOOK_ARMED);
    return true;
}

void plx__uring_woken(plx__backend *backend, const struct io_uring_cqe *cqe)
{
    bool is_renewed;
    if ((cqe->flags & IORING_CQE_F_MORE) != 0)
        return;
    backend->is_wake_armed = false;
    /* Armed again it would complete at once for what has been written already. That can be read
     * now: core does not sleep, and looks before it sleeps again. */
    (void)plx__wake_drain(&backend->wake, &is_renewed);
    if (cqe->res < 0 && cqe->res != -ECANCELED && backend->failure == 0)
        backend->failure = plx__fail(-cqe->res);
}

static int enter(struct io_uring *ring, uint64_t timeout_ns)
{
    struct io_uring_cqe *unused;
    if (timeout_ns == 0)
        return io_uring_submit_and_get_events(ring);
    if (timeout_ns == PLX_FOREVER)
        return io_uring_submit_and_wait(ring, 1);
    struct __kernel_timespec timeout = {
        .tv_sec = (long long)(timeout_ns / PLX_SECOND),
        .tv_nsec = (long long)(timeout_ns % PLX_SECOND),
    };
    return io_uring_submit_and_wait_timeout(ring, &unused, 1, &timeout, NULL);
}

int plx__uring_done_reserve(plx__backend *backend, uint32_t count)
{
    const struct io_uring_cqe *old = backend->done;
    size_t used = (size_t)(backend->done_tail - old);
    if (used + count <= backend->done_room)
        return 0;
    size_t next = (size_t)(backend->done_next - old);
    size_t end = (size_t)(backend->done_end - old);
    uint32_t room = 2 * ((uint32_t)used + count);
    struct io_uring_cqe *larger = plx__reallocate(backend->done, room * sizeof *larger);
    if (larger == NULL)
        return PLX_ENOMEM;
    backend->done = larger;
    backend->done_next = larger + next;
    backend->done_end = larger + end;
    backend->done_tail = larger + used;
    backend->done_room = room;
    plx__uring_ends_set(backend);
    return 0;
}

int plx__uring_done_take(plx__backend *backend)
{
    const struct io_uring_cq *cq = &backend->ring.cq;
    const unsigned head = *cq->khead;
    const unsigned count = io_uring_cq_ready(&backend->ring);
    if (count == 0)
        return 0;
    int status = plx__uring_done_reserve(backend, count);
    if (status != 0)
        return status;
    struct io_uring_cqe *copies = backend->done_tail;
    const unsigned at = head & cq->ring_mask;
    const unsigned before_wrap = cq->ring_entries - at;
    const unsigned first = count < before_wrap ? count : before_wrap;
    memcpy(copies, &cq->cqes[at], first * sizeof *copies);
    if (count > first)
        memcpy(copies + first, cq->cqes, (count - first) * sizeof *copies);
    io_uring_smp_store_release(cq->khead, head + count);
    backend->done_tail += count;
    for (const struct io_uring_cqe *cqe = copies; cqe != copies + count; cqe++) {
        if ((cqe->user_data & PLX__URING_DEFERRED) != 0)
            plx__uring_deferred_failed(backend, cqe);
    }
    return 0;
}

/* After a submission. The kernel has carried out the deferred sends while it took the requests, so
 * those that have not failed by now have not failed at all. It holds back what did not fit into the
 * queue, in its order, and sets a flag meanwhile. */
static int done_take_all(plx__backend *backend)
{
    struct io_uring *ring = &backend->ring;
    int status = plx__uring_done_take(backend);
    while (status == 0 && io_uring_cq_has_overflow(ring)) {
        int result = io_uring_get_events(ring);
        status =
            result >= 0 || result == -EINTR ? plx__uring_done_take(backend) : plx__fail(-result);
    }
    if (status == 0)
        plx__uring_deferred_reset(backend);
    else /* Which sends have failed is not known: no later one may be taken for one of them. */
        backend->can_defer = false;
    return status;
}

void plx__uring_ends_set(plx__backend *backend)
{
    const struct io_uring *ring = &backend->ring;
    backend->plain_end = backend->unsent_count == 0 ? backend->done_end : backend->done_next;
    backend->requests_end = ring->sq.sqe_tail + io_uring_sq_space_left(ring);
    backend->deferred_max =
        backend->can_defer && backend->unsent_count == 0 ? backend->arena_max : 0;
}

/* Of the completions from `first` on. */
static void more_set(plx__backend *backend, const struct io_uring_cqe *first, bool has_more)
{
    for (const struct io_uring_cqe *cqe = first; cqe != backend->done_tail; cqe++) {
        plx__endpoint *endpoint = NULL;
        if (cqe->user_data > PLX__URING_WAKE) /* Else it is nobody's. */
            endpoint = plx__uring_data_endpoint(cqe->user_data);
        if (endpoint != NULL)
            endpoint->has_more = has_more;
    }
    backend->has_more = has_more;
}

void plx__uring_more_tell(plx__backend *backend, const struct io_uring_cqe *first)
{
    if (first != backend->done_tail)
        more_set(backend, first, true);
}

void plx__uring_turn_begin(plx__backend *backend)
{
    if (backend->has_more)
        more_set(backend, backend->done_next, false);
    backend->done_end = backend->done_tail;
    plx__uring_ends_set(backend);
}

void plx__uring_flush(plx__backend *backend)
{
    if (!backend->has_ring || !plx__uring_is_ours(backend))
        return;
    int status = 0;
    /* What fails here fails in the next wait too, which knows what to do. */
    if ((backend->is_enabled || ring_enable(backend) == 0) && io_uring_submit(&backend->ring) >= 0)
        status = done_take_all(backend);
    plx__uring_more_tell(backend, backend->done_end);
    plx__uring_ends_set(backend);
    if (backend->failure == 0)
        backend->failure = status;
}

struct io_uring_sqe *plx__uring_sqe(plx__backend *backend)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&backend->ring);
    if (sqe != NULL)
        return sqe;
    plx__uring_flush(backend);
    return io_uring_get_sqe(&backend->ring);
}

/* Whether entering may do better next time: the kernel was short of memory, or of room for
 * completions. What it did not take is still there. A loop that closes does not wait for that. */
static bool is_transient(const plx__backend *backend, int result)
{
    return (result == -EAGAIN || result == -EBUSY || result == -ENOMEM) && !backend->is_closing;
}

/* What to tell core of a call that has failed. */
static int enter_failed(plx__backend *backend, int result)
{
    int status = plx__fail(-result);
    if (is_transient(backend, result))
        return backend->done_next != backend->done_tail ? 0 : PLX_ENOMEM;
    /* Such a ring is of no use any more: another one takes its place. */
    int left = plx__uring_leave(backend);
    if (!plx__uring_has_leftovers(backend))
        return status;
    backend->failure = status;
    return left;
}

int plx__uring_enter(plx__backend *backend, uint64_t timeout_ns)
{
    int status = backend->failure;
    int result = -ENOMEM;
    backend->failure = 0;
    if (status != 0)
        return status;
    int enabled = backend->is_enabled ? 0 : ring_enable(backend);
    if (enabled != 0)
        return enter_failed(backend, enabled);
    /* Without a request for it nobody could end a long wait. */
    if (!backend->is_wake_armed && !wake_arm(backend) && timeout_ns > PLX__URING_RETRY_NS)
        timeout_ns = PLX__URING_RETRY_NS;
    if (plx__uring_has_leftovers(backend))
        timeout_ns = 0;
    plx__hook(PLX__HOOK_SLEEP);
    if (!plx__fault_strikes(PLX__FAULT_WAIT))
        result = enter(&backend->ring, timeout_ns);
    status = done_take_all(backend);
    plx__uring_turn_begin(backend);
    if (result < 0 && result != -EINTR && result != -ETIME)
        return enter_failed(backend, result);
    return status;
}

/* --- cancelling at once ----------------------------------------------------------------------- */

/* Whether the last completion of the request has arrived. */
static bool has_ended(const plx__backend *backend, uint64_t data)
{
    for (const struct io_uring_cqe *cqe = backend->done_next; cqe != backend->done_tail; cqe++) {
        if (cqe->user_data == data && (cqe->flags & IORING_CQE_F_MORE) == 0)
            return true;
    }
    return false;
}

bool plx__uring_cancel_now(plx__backend *backend, uint64_t data)
{
    enum { TRIES = 4 };
    struct io_uring_sync_cancel_reg what = {
        .addr = data, .fd = -1, .timeout = {.tv_sec = -1, .tv_nsec = -1}};
    if (!backend->has_ring || has_ended(backend, data))
        return true;
    if (!plx__uring_is_ours(backend))
        return false;
    for (int i = 0; i < TRIES; i++) {
        int result = io_uring_register_sync_cancel(&backend->ring, &what);
        if (result < 0 && result != -ENOENT && result != -EALREADY && result != -EINTR)
            return false;
        /* The request ends in deferred work, which this runs, and nothing is submitted. */
        if (io_uring_get_events(&backend->ring) < 0 || plx__uring_done_take(backend) != 0)
            return false;
        plx__uring_more_tell(backend, backend->done_end);
        if (has_ended(backend, data))
            return true;
    }
    return false;
}
