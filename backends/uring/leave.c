/* backends/uring/leave.c - a ring is left, and another one takes its place.
 *
 * That happens when another thread runs or closes the loop than the one that did so far, when
 * entering the ring fails for good, and in a forked child that continues. What the ring has
 * completed is delivered before there is another one; so no completion of the old ring meets a
 * request of the new one. What was in flight in it is over, and requested anew. The kernel ends a
 * ring after close(2) has returned, in its own time, and until then its requests hold on to their
 * sockets: ports stay taken, and no FIN is sent. So that is waited for.
 *
 * A forked child has its own descriptors for the parent's ring, eventfd and sockets, and the ring's
 * queues are mapped in both: what one writes there the other reads. So a child that abandons its
 * copy unmaps and closes, and nothing else. What the last call saw of completions is in the child's
 * own memory, and so are the bytes that they brought.
 */
#include "backends/uring/uring.h"

#include "platform/hook.h"

/* How long to wait for what takes the kernel milliseconds, before giving up: it does it in workers
 * of its own, which wait for their turn on a busy machine. */
#define PATIENCE_NS (10 * PLX_SECOND)

/* --- what it leaves ---------------------------------------------------------------------------
 */

/* What is deferred and was not submitted is sent at once. */
static void deferred_carry_all(plx__backend *backend)
{
    const struct io_uring_sq *sq = &backend->ring.sq;
    unsigned at = *sq->khead;
    /* The other way round in a child whose parent has submitted them. */
    while ((int)(sq->sqe_tail - at) > 0)
        plx__uring_deferred_carry(backend, &sq->sqes[at++ & sq->ring_mask]);
}

static void endpoint_reset(plx__backend *backend, plx__uring_endpoint *uring, bool is_lossy)
{
    if (is_lossy && uring->input.state != PLX__URING_IDLE && uring->input.op == PLX__URING_RECEIVE)
        plx__uring_receive_break(uring, PLX_ENOMEM);
    uring->input.state = uring->room.state = PLX__URING_IDLE;
    if ((uring->flags & PLX__URING_DETACHED) != 0)
        plx__uring_list_set(backend, uring, PLX__URING_LIST_READY);
    else if (uring->list != PLX__URING_LIST_READY)
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
}

void plx__uring_reset(plx__backend *backend, bool is_lossy)
{
    /* Those that are moved come to the end of a list that has been or will be gone through, where
     * they are left as they are. */
    for (int kind = PLX__URING_LIST_IDLE; kind <= PLX__URING_LIST_READY; kind++) {
        plx__uring_endpoint *uring = backend->lists[kind].first;
        for (plx__uring_endpoint *next; uring != NULL; uring = next) {
            next = uring->next;
            endpoint_reset(backend, uring, is_lossy);
        }
    }
}

/* --- leaving ----------------------------------------------------------------------------------
 */

bool plx__uring_gone_await(plx__backend *backend)
{
    uint64_t until = plx__clock_now() + PATIENCE_NS;
    while (backend->last >= 0) {
        plx__poll_entry entry = {.fd = backend->last, .events = PLX__POLL_READ};
        uint64_t now = plx__clock_now();
        if (now >= until)
            return false;
        if (plx__poll(&entry, 1, until - now) <= 0)
            continue;
        plx__socket_close(backend->last);
        backend->last = -1;
    }
    return true;
}

/* `is_lossy`: what endpoints received may have been lost. */
static int ring_end(plx__backend *backend, bool is_lossy)
{
    deferred_carry_all(backend);
    plx__hook(PLX__HOOK_LEAVE);
    plx__uring_ring_close(backend);
    plx__uring_reset(backend, is_lossy);
    return plx__uring_gone_await(backend) ? 0 : PLX_EBUSY;
}

int plx__uring_leave(plx__backend *backend)
{
    if (!plx__uring_can_leave(backend))
        return PLX_EBUSY;
    int status = plx__uring_done_take(backend);
    return status == 0 ? ring_end(backend, io_uring_cq_has_overflow(&backend->ring)) : status;
}

int plx__uring_take_over(plx__backend *backend)
{
    if (backend->has_ring)
        return plx__uring_is_ours(backend) ? 0 : plx__uring_leave(backend);
    return plx__uring_gone_await(backend) ? 0 : PLX_EBUSY;
}

int plx__uring_ring_ready(plx__backend *backend)
{
    int status = plx__uring_take_over(backend);
    if (status != 0 || backend->has_ring || plx__uring_has_leftovers(backend))
        return status;
    return plx__uring_ring_open(backend);
}

/* --- forked children --------------------------------------------------------------------------
 */

/* The child has the sockets that core was not shown, too, and their peers would not see the parent
 * close them while it lives. */
void plx__uring_abandon(plx__backend *backend)
{
    for (int kind = PLX__URING_LIST_IDLE; kind <= PLX__URING_LIST_READY; kind++) {
        plx__uring_endpoint *uring = backend->lists[kind].first;
        for (; uring != NULL; uring = uring->next)
            plx__uring_accept_forget(uring);
    }
    plx__uring_done_drop(backend);
    plx__uring_free(backend);
}

/* The next wait opens another ring, when what the old one has left is delivered. */
int plx__uring_renew(plx__backend *backend)
{
    plx__wake wake;
    int status = plx__wake_open(&wake);
    if (status != 0)
        return status;
    plx__wake_close(&backend->wake);
    backend->wake = wake;
    plx__openings_tell_wake(&backend->openings, &backend->wake);
    return ring_end(backend, false);
}
