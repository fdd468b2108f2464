/* backends/uring/fork.c - what a forked child does with its copy of a loop.
 *
 * The child has its own descriptors for the parent's ring, eventfd and sockets, and the ring's
 * queues are mapped in both: what one writes there the other reads. So a child that abandons its
 * copy unmaps and closes, and nothing else. One that continues when the parent has gone makes
 * everything anew.
 *
 * What the parent's ring completed before the fork is in the child's memory too: completions up to
 * the end that the last call saw, and the bytes that they brought. After that nothing happens in
 * the ring, unless the parent takes further turns: it ends without any (thread.c).
 */
#include "backends/uring/uring.h"

static void endpoints_forget(plx__backend *backend)
{
    for (int kind = PLX__URING_LIST_IDLE; kind <= PLX__URING_LIST_DETACHING; kind++) {
        plx__uring_endpoint *uring = backend->lists[kind].first;
        for (; uring != NULL; uring = uring->next)
            plx__uring_accept_forget(uring);
    }
}

/* Copies what a completion has brought, if it is still there: a parent that goes on gives the place
 * back, and the kernel writes there anew. It may have written some that the tail does not tell yet:
 * half a ring is left for those. */
static bool completion_copy(const struct io_uring_cq *cq, unsigned at, struct io_uring_cqe *copy)
{
    const struct io_uring_cqe *there = &cq->cqes[at & cq->ring_mask];
    copy->user_data = io_uring_smp_load_acquire(&there->user_data);
    copy->res = io_uring_smp_load_acquire(&there->res);
    return (int)(io_uring_smp_load_acquire(cq->khead) - at) <= 0 ||
           io_uring_smp_load_acquire(cq->ktail) - at < cq->ring_entries / 2;
}

/* Sockets that the ring has brought and core was not shown: the child has them too, and their peers
 * would not see the parent close them while it lives. What the kernel has written over meanwhile
 * leaves nothing to tell them by. */
static void completions_forget(plx__backend *backend)
{
    struct io_uring_cqe copy;
    while (backend->spill_next < backend->spill_count)
        plx__uring_completion_drop(&backend->spill[backend->spill_next++]);
    /* Without a ring both are 0. */
    for (unsigned at = backend->taken; at != backend->seen; at++) {
        if (completion_copy(&backend->ring.cq, at, &copy))
            plx__uring_completion_drop(&copy);
    }
}

void plx__uring_abandon(plx__backend *backend)
{
    endpoints_forget(backend);
    completions_forget(backend);
    plx__uring_ring_close(backend);
    plx__uring_buffers_close(backend);
    plx__socket_close(backend->last);
    plx__wake_close(&backend->wake);
    plx__free(backend->spill);
    plx__free(backend);
}

static int wake_renew(plx__backend *backend)
{
    plx__wake wake;
    int status = plx__wake_open(&wake);
    if (status != 0)
        return status;
    plx__wake_close(&backend->wake);
    backend->wake = wake;
    plx__openings_tell_wake(&backend->openings, &backend->wake);
    return 0;
}

/* The next wait opens another ring, when what the old one has left is delivered. */
int plx__uring_renew(plx__backend *backend)
{
    unsigned known = backend->seen - *backend->ring.cq.khead; /* Without a ring both are 0. */
    if ((int)known < 0)
        known = 0; /* The parent has taken turns of its own since. */
    int status = plx__uring_spill_reserve(backend, known);
    if (status == 0)
        status = wake_renew(backend);
    if (status != 0)
        return status;
    plx__uring_spill(backend, known);
    plx__uring_deferred_carry_all(backend);
    plx__uring_ring_close(backend);
    plx__uring_reset(backend, false);
    return plx__uring_gone_await(backend) ? 0 : PLX_EBUSY;
}
