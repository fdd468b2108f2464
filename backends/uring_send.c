/* backends/uring_send.c - what is sent.
 *
 * Small sends are taken on credit: copied into the arena, and put into a request that is submitted
 * with all others when the loop waits. It is not to wait (MSG_DONTWAIT), to send all or to count as
 * failed (MSG_WAITALL), and to complete only if it has failed (IOSQE_CQE_SKIP_SUCCESS). So once the
 * requests are submitted each of them is over, the arena is free again, and only the few that fell
 * short cost a completion. What they left is told to core before it calls anybody, as PLX__UNSENT.
 *
 * Larger ones are sent at once by send(2), for what a copy costs is then more than what a system
 * call does. What waits in core's queue is sent by a request that stays in flight until the socket
 * takes some of it; it does not wait for all, so that core hears of progress.
 *
 * That request waits by a poll of the kernel's own, which ends for a peer that has shut its side,
 * too (io_uring/poll.c: IO_POLL_UNMASK has EPOLLRDHUP). While the socket is full it would be tried
 * again at once, 128 times, then be handed to a thread, and fail with EAGAIN. From the first such
 * failure on the endpoint's sends are not to wait, and a poll that tells of changes only (multishot
 * without IORING_POLL_ADD_LEVEL) says when to try again.
 */
#include "backends/uring.h"

#include <pollux/loop.h>
#include <string.h>

static plx__uring_credit *credit_find(plx__backend *backend, const plx__uring_endpoint *uring)
{
    if (uring->credit >= backend->credits_count)
        return NULL;
    plx__uring_credit *credit = &backend->credits[uring->credit];
    return credit->endpoint == uring ? credit : NULL;
}

/* The table and the arena are empty again when nothing in them is of interest any more. */
static void credits_clear(plx__backend *backend)
{
    backend->credits_count = 0;
    backend->arena_used = 0;
}

static void credit_end(plx__backend *backend, plx__uring_credit *credit)
{
    plx__uring_endpoint *uring = credit->endpoint;
    credit->endpoint = NULL;
    if ((uring->flags & PLX__URING_UNSENT) == 0)
        return;
    uring->flags &= (uint16_t)~PLX__URING_UNSENT;
    backend->unsent_count--;
}

/* Sends what is on credit now, and makes its request one that does nothing. Returns how much is
 * left, at `credit->bytes`, or a code. */
static ptrdiff_t credit_send(plx__backend *backend, plx__uring_credit *credit)
{
    struct io_uring_sq *sq = &backend->ring.sq;
    struct io_uring_sqe *request = &sq->sqes[credit->request & sq->ring_mask];
    io_uring_prep_nop(request);
    request->flags = IOSQE_CQE_SKIP_SUCCESS;
    request->user_data = PLX__URING_NONE;
    ptrdiff_t sent =
        plx__send(plx__uring_endpoint_of(credit->endpoint)->socket, credit->bytes, credit->length);
    if (sent < 0)
        return sent;
    credit->bytes += sent;
    credit->length -= (uint32_t)sent;
    return (ptrdiff_t)credit->length;
}

/* What has become of a credit that failed: how much is left, or a code. */
static ptrdiff_t credit_result(plx__uring_credit *credit)
{
    int32_t result = credit->result;
    if (result == -EAGAIN || result == -ENOBUFS || result == -EINTR)
        result = 0;
    if (result < 0)
        return plx__fail(-result);
    credit->bytes += result;
    credit->length -= (uint32_t)result;
    return (ptrdiff_t)credit->length;
}

ptrdiff_t plx__uring_send_settle(plx__backend *backend, plx__endpoint *endpoint,
                                 const void **bytes_out)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    plx__uring_credit *credit = credit_find(backend, uring);
    if (credit == NULL)
        return 0;
    bool has_failed = (uring->flags & PLX__URING_UNSENT) != 0;
    ptrdiff_t left = has_failed ? credit_result(credit) : credit_send(backend, credit);
    credit_end(backend, credit);
    *bytes_out = credit->bytes;
    return left;
}

void plx__uring_credit_forget(plx__backend *backend, plx__uring_endpoint *uring)
{
    const void *bytes;
    (void)plx__uring_send_settle(backend, plx__uring_endpoint_of(uring), &bytes);
}

void plx__uring_credit_failed(plx__backend *backend, const struct io_uring_cqe *cqe)
{
    plx__uring_credit *credit = &backend->credits[cqe->user_data >> 4];
    if (credit->endpoint == NULL)
        return;
    credit->result = cqe->res;
    credit->endpoint->flags |= PLX__URING_UNSENT;
    backend->unsent_count++;
}

void plx__uring_credits_settle(plx__backend *backend)
{
    if (backend->unsent_count == 0 && io_uring_sq_ready(&backend->ring) == 0) {
        credits_clear(backend);
        return;
    }
    for (uint32_t i = 0; i < backend->credits_count; i++) {
        plx__uring_credit *credit = &backend->credits[i];
        if (credit->endpoint != NULL && (credit->endpoint->flags & PLX__URING_UNSENT) == 0 &&
            plx__uring_is_submitted(backend, credit->request))
            credit->endpoint = NULL;
    }
}

bool plx__uring_unsent_next(plx__backend *backend, plx__completion *completion)
{
    plx__uring_credit *credit = backend->credits;
    while (credit->endpoint == NULL || (credit->endpoint->flags & PLX__URING_UNSENT) == 0)
        credit++;
    completion->endpoint = plx__uring_endpoint_of(credit->endpoint);
    ptrdiff_t left = credit_result(credit);
    completion->kind = left < 0 ? PLX__SENT : PLX__UNSENT;
    completion->status = left < 0 ? (int)left : 0;
    completion->bytes = credit->bytes;
    completion->length = left < 0 ? 0 : (size_t)left;
    credit_end(backend, credit);
    if (backend->unsent_count == 0)
        plx__uring_credits_settle(backend);
    return true;
}

/* Whether nothing of the endpoint is on credit any more; else what is left of it is known, and will
 * be asked for. */
static bool credit_is_settled(plx__backend *backend, plx__uring_endpoint *uring)
{
    plx__uring_credit *credit = credit_find(backend, uring);
    if (credit == NULL)
        return true;
    if ((uring->flags & PLX__URING_UNSENT) != 0)
        return false;
    ptrdiff_t left = credit_send(backend, credit);
    if (left == 0) {
        credit_end(backend, credit);
        return true;
    }
    credit->result = left < 0 ? -plx_os_error() : 0;
    uring->flags |= PLX__URING_UNSENT;
    backend->unsent_count++;
    return false;
}

static bool credit_take(plx__backend *backend, plx__endpoint *endpoint, const void *bytes,
                        size_t length)
{
    void *copy;
    if (backend->credits_count == backend->credits_max)
        plx__uring_flush(backend);
    if (backend->credits_count == backend->credits_max)
        return false;
    struct io_uring_sqe *request = plx__uring_request(backend, length, &copy);
    if (request == NULL)
        return false;
    memcpy(copy, bytes, length);
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    plx__uring_credit *credit = &backend->credits[backend->credits_count];
    uring->credit = backend->credits_count++;
    credit->endpoint = uring;
    credit->bytes = copy;
    credit->length = (uint32_t)length;
    credit->request = backend->ring.sq.sqe_tail - 1;
    io_uring_prep_send(request, endpoint->socket, copy, length,
                       MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    request->flags = IOSQE_CQE_SKIP_SUCCESS;
    request->user_data = (uint64_t)uring->credit << 4 | PLX__URING_CREDIT;
    return true;
}

ptrdiff_t plx__uring_send_now(plx__backend *backend, plx__endpoint *endpoint, const void *bytes,
                              size_t length)
{
    if (!credit_is_settled(backend, plx__uring_of(endpoint)))
        return 0;
    if (length <= PLX__URING_CREDIT_BYTES && backend->has_credit &&
        credit_take(backend, endpoint, bytes, length))
        return (ptrdiff_t)length;
    return plx__send(endpoint->socket, bytes, length);
}

ptrdiff_t plx__uring_send_slices_now(plx__backend *backend, plx__endpoint *endpoint,
                                     const plx__slice *slices, size_t count)
{
    (void)backend;
    (void)endpoint;
    (void)slices;
    (void)count; /* The system was full a moment ago; plx__uring_send_start() finds out. */
    return 0;
}

int plx__uring_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count)
{
    struct msghdr *message;
    int flags = MSG_NOSIGNAL;
    size_t message_bytes = count > 1 ? sizeof *message + count * sizeof *message->msg_iov : 0;
    void *memory;
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    struct io_uring_sqe *request = plx__uring_request(backend, message_bytes, &memory);
    if (request == NULL) {
        /* Core tries again when a poll, which the next wait requests, says that it may. */
        uring->flags |= PLX__URING_BLOCKED;
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
        return 0;
    }
    if ((uring->flags & PLX__URING_HUNG) != 0)
        flags |= MSG_DONTWAIT;
    if (count > 1) {
        /* The kernel copies both while it takes the request (IORING_FEAT_SUBMIT_STABLE). */
        message = memory;
        memset(message, 0, sizeof *message);
        message->msg_iov = (struct iovec *)(void *)(message + 1);
        message->msg_iovlen = count;
        memcpy(message->msg_iov, slices, count * sizeof *slices);
        io_uring_prep_sendmsg(request, endpoint->socket, message, (unsigned)flags);
    } else {
        io_uring_prep_send(request, endpoint->socket, slices->bytes, slices->length, flags);
    }
    request->user_data = plx__uring_data(endpoint, PLX__URING_SEND);
    uring->flags |= PLX__URING_SENDING;
    return 0;
}

static bool sent_deliver(plx__uring_endpoint *uring, int32_t result, plx__completion *completion)
{
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__SENT;
    completion->status = result < 0 ? plx__fail(-result) : 0;
    completion->length = result < 0 ? 0 : (size_t)result;
    return true;
}

bool plx__uring_sent(plx__backend *backend, plx__uring_endpoint *uring,
                     const struct io_uring_cqe *cqe, plx__completion *completion)
{
    int32_t result = cqe->res;
    uring->flags &= (uint16_t) ~(PLX__URING_SENDING | PLX__URING_SEND_CANCELLED);
    if (result == -EAGAIN) {
        uring->flags |= PLX__URING_HUNG | PLX__URING_BLOCKED;
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
        return false;
    }
    return sent_deliver(uring, result == -ENOBUFS || result == -EINTR ? 0 : result, completion);
}

bool plx__uring_writable_arm(plx__backend *backend, plx__uring_endpoint *uring)
{
    plx__endpoint *endpoint = plx__uring_endpoint_of(uring);
    struct io_uring_sqe *request = plx__uring_request(backend, 0, NULL);
    if (request == NULL)
        return false;
    io_uring_prep_poll_multishot(request, endpoint->socket, PLX__POLL_WRITE);
    request->user_data = plx__uring_data(endpoint, PLX__URING_WRITABLE);
    uring->flags |= PLX__URING_WATCHED;
    return true;
}

bool plx__uring_writable(plx__backend *backend, plx__uring_endpoint *uring,
                         const struct io_uring_cqe *cqe, plx__completion *completion)
{
    bool is_blocked = (uring->flags & PLX__URING_BLOCKED) != 0;
    if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
        uring->flags &= (uint16_t) ~(PLX__URING_WATCHED | PLX__URING_WATCH_CANCELLED);
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    }
    if (!is_blocked || cqe->res == -ECANCELED ||
        (cqe->res >= 0 && (cqe->res & PLX__POLL_WRITABLE) == 0))
        return false;
    uring->flags &= (uint16_t)~PLX__URING_BLOCKED;
    return sent_deliver(uring, cqe->res < 0 ? cqe->res : 0, completion);
}
