/* backends/uring/send.c - what is sent.
 *
 * Small sends are deferred: copied into the arena, and put into a request that is submitted
 * with all others when the loop waits. It is not to wait (MSG_DONTWAIT), to send all or to count as
 * failed (MSG_WAITALL), and to complete only if it has failed (IOSQE_CQE_SKIP_SUCCESS). So once the
 * requests are submitted each of them is over, the arena is free again, and only the few that fell
 * short cost a completion. What they left is told to core before it calls anybody, as PLX__UNSENT.
 *
 * Larger ones are sent at once by send(2), for what a copy costs is then more than what a system
 * call does; so is what waits in core's queue. So nothing that is being sent is ever in flight:
 * what the system has taken is known at once, however the ring ends, and core may close or lend out
 * what it likes. When the socket is full a poll says when to try again.
 *
 * A poll of the kernel's ends for a peer that has shut its side, too, whether that is asked for or
 * not (io_uring/poll.c: IO_POLL_UNMASK has EPOLLRDHUP). For such a peer one takes its place that
 * tells of changes only (multishot without IORING_POLL_ADD_LEVEL). It looks once when it is armed;
 * so it is armed anew for each send that waits.
 */
#include "backends/uring/uring.h"

#include <pollux/loop.h>
#include <string.h>

#include "platform/fault.h"

/* The bytes of a send that is made to fail (platform/fault.h): there are none, which the system
 * says by EFAULT. That comes as every other failure does. */
#define SPOILED ((const unsigned char *)1)

/* The request that holds what the endpoint has deferred, and is not submitted yet; or NULL. */
static struct io_uring_sqe *deferred_find(plx__backend *backend, plx__uring_endpoint *uring)
{
    const struct io_uring_sq *sq = &backend->ring.sq;
    uint64_t data = plx__uring_data(plx__uring_endpoint_of(uring), PLX__URING_DEFERRED);
    if (uring->batch != backend->batch || !backend->has_ring)
        return NULL;
    uint32_t behind = sq->sqe_tail - uring->deferred;
    struct io_uring_sqe *request = &sq->sqes[uring->deferred & sq->ring_mask];
    if (behind == 0 || behind > io_uring_sq_ready(&backend->ring) || request->user_data != data)
        return NULL;
    return request;
}

/* The arena is empty again when nothing in it is of interest any more. */
static void deferred_clear(plx__backend *backend)
{
    backend->unsent_used = 0;
    backend->arena_used = 0;
    backend->batch++;
}

static plx__uring_unsent unsent_of(const struct io_uring_sqe *request, plx__uring_endpoint *uring,
                                   int32_t result)
{
    return (plx__uring_unsent){
        .endpoint = uring,
        .bytes = (const unsigned char *)(uintptr_t)request->addr, /* NOLINT */
        .length = request->len,
        .result = result,
    };
}

static void unsent_add(plx__backend *backend, plx__uring_unsent unsent)
{
    plx__uring_endpoint *uring = unsent.endpoint;
    uring->flags |= PLX__URING_UNSENT;
    uring->deferred = backend->unsent_used++;
    backend->unsent[uring->deferred] = unsent;
    backend->unsent_count++;
    plx__uring_ends_set(backend);
}

/* Tells core of it, and then nothing of it is deferred any more. The system may find a socket full
 * before it looks for the bytes; where there are none, that is what counts. */
static void unsent_tell(plx__backend *backend, plx__uring_unsent *unsent,
                        plx__completion *completion)
{
    int32_t result = unsent->bytes != SPOILED ? unsent->result : -EFAULT;
    uint32_t sent = result > 0 ? (uint32_t)result : 0;
    bool is_passing = result >= 0 || result == -EAGAIN || result == -ENOBUFS || result == -EINTR;
    completion->endpoint = plx__uring_endpoint_of(unsent->endpoint);
    completion->kind = PLX__UNSENT;
    completion->status = is_passing ? 0 : plx__fail(-result);
    completion->bytes = unsent->bytes + sent;
    completion->length = unsent->length - sent;
    unsent->endpoint->flags &= (uint16_t)~PLX__URING_UNSENT;
    unsent->endpoint = NULL;
    if (--backend->unsent_count == 0)
        plx__uring_deferred_reset(backend);
}

/* Sends what the request has deferred now, and makes it one that does nothing. False: some of it is
 * left. */
static bool deferred_send(plx__backend *backend, struct io_uring_sqe *request,
                          plx__uring_endpoint *uring)
{
    plx__uring_unsent unsent = unsent_of(request, uring, 0);
    /* All of it, as io_uring_get_sqe() would: prep functions clear nothing since liburing 2.4. */
    *request = (struct io_uring_sqe){
        .opcode = IORING_OP_NOP,
        .flags = IOSQE_CQE_SKIP_SUCCESS,
        .fd = -1,
        .user_data = PLX__URING_NONE,
    };
    ptrdiff_t sent = plx__send(plx__uring_endpoint_of(uring)->socket, unsent.bytes, unsent.length);
    unsent.result = sent < 0 ? -plx_os_error() : (int32_t)sent;
    if (unsent.result == (int32_t)unsent.length)
        return true;
    unsent_add(backend, unsent);
    return false;
}

/* Whether nothing of the endpoint is deferred any more; else what is left of it is known, and will
 * be asked for. */
static bool deferred_flush(plx__backend *backend, plx__uring_endpoint *uring)
{
    if ((uring->flags & PLX__URING_UNSENT) != 0)
        return false;
    struct io_uring_sqe *request = deferred_find(backend, uring);
    return request == NULL || deferred_send(backend, request, uring);
}

bool plx__uring_send_flush(plx__backend *backend, plx__endpoint *endpoint,
                           plx__completion *unsent_out)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    if (deferred_flush(backend, uring))
        return false;
    unsent_tell(backend, &backend->unsent[uring->deferred], unsent_out);
    return true;
}

void plx__uring_deferred_failed(plx__backend *backend, const struct io_uring_cqe *cqe)
{
    const struct io_uring_sq *sq = &backend->ring.sq;
    if (plx__uring_data_op(cqe->user_data) != PLX__URING_DEFERRED)
        return;
    plx__endpoint *endpoint = plx__uring_data_endpoint(cqe->user_data);
    if (endpoint == NULL)
        return;
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    const struct io_uring_sqe *request = &sq->sqes[uring->deferred & sq->ring_mask];
    unsent_add(backend, unsent_of(request, uring, cqe->res));
}

void plx__uring_deferred_carry(plx__backend *backend, struct io_uring_sqe *request)
{
    /* First this: the wake's request, and one whose bytes went at once, have no endpoint. */
    if (plx__uring_data_op(request->user_data) != PLX__URING_DEFERRED)
        return;
    plx__endpoint *endpoint = plx__uring_data_endpoint(request->user_data);
    if (endpoint == NULL)
        return;
    (void)deferred_send(backend, request, plx__uring_of(endpoint));
}

void plx__uring_deferred_reset(plx__backend *backend)
{
    if (backend->unsent_count == 0 && io_uring_sq_ready(&backend->ring) == 0)
        deferred_clear(backend);
}

void plx__uring_unsent_next(plx__backend *backend, plx__completion *completion)
{
    plx__uring_unsent *unsent = backend->unsent;
    while (unsent->endpoint == NULL)
        unsent++;
    unsent_tell(backend, unsent, completion);
}

static uint32_t arena_rounded(size_t used)
{
    return (uint32_t)((used + 15) & ~(size_t)15);
}

static bool deferred_has_room(const plx__backend *backend, size_t length)
{
    return length <= PLX__URING_DEFERRED_BYTES &&
           backend->ring.sq.sqe_tail != backend->requests_end &&
           arena_rounded(backend->arena_used + length) <= backend->deferred_max;
}

PLX__SLOW static void request_spoil(struct io_uring_sqe *request)
{
    request->addr = (uintptr_t)SPOILED;
}

/* There is room for it. */
static inline ptrdiff_t deferred_take(plx__backend *backend, plx__endpoint *endpoint,
                                      const plx__slice *slice)
{
    struct io_uring_sq *sq = &backend->ring.sq;
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    unsigned char *copy = backend->arena.bytes + backend->arena_used;
    uint32_t number = sq->sqe_tail;
    struct io_uring_sqe *request = &sq->sqes[number & sq->ring_mask];
    *request = (struct io_uring_sqe){
        .opcode = IORING_OP_SEND,
        .flags = IOSQE_CQE_SKIP_SUCCESS,
        .fd = endpoint->socket,
        .addr = (uintptr_t)copy,
        .len = (uint32_t)slice->length,
        .msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL,
        .user_data = plx__uring_data(endpoint, PLX__URING_DEFERRED),
    };
    if (plx__fault_strikes(PLX__FAULT_SEND))
        request_spoil(request);
    sq->sqe_tail = number + 1;
    uring->deferred = number;
    uring->batch = backend->batch;
    backend->arena_used = arena_rounded(backend->arena_used + slice->length);
    memcpy(copy, slice->bytes, slice->length);
    return (ptrdiff_t)slice->length;
}

/* `length`: of the one slice that may be deferred, or more than that can be. */
PLX__SLOW static ptrdiff_t send_slowly(plx__backend *backend, plx__endpoint *endpoint,
                                       const plx__slice *slices, size_t count, size_t length)
{
    if (!deferred_flush(backend, plx__uring_of(endpoint)))
        return 0;
    plx__uring_ends_set(backend);
    if (length <= PLX__URING_DEFERRED_BYTES && backend->can_defer && backend->has_ring &&
        !deferred_has_room(backend, length))
        plx__uring_flush(backend);
    if (deferred_has_room(backend, length))
        return deferred_take(backend, endpoint, slices);
    int fault = plx__fault_send();
    return fault == 0 ? plx__send_slices(endpoint->socket, slices, count) : fault;
}

ptrdiff_t plx__uring_send(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count)
{
    size_t length = count == 1 && !endpoint->is_queued ? slices->length : SIZE_MAX;
    /* Those that have sent in this batch already may have something deferred. */
    if (plx__uring_of(endpoint)->batch == backend->batch || !deferred_has_room(backend, length))
        return send_slowly(backend, endpoint, slices, count, length);
    return deferred_take(backend, endpoint, slices);
}

/* The socket has just been found full. */
int plx__uring_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                          size_t count)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    (void)slices;
    (void)count;
    uring->flags |= PLX__URING_BLOCKED;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    return 0;
}

/* --- waiting until it is writable ------------------------------------------------------------- */

bool plx__uring_room_update(plx__backend *backend, plx__uring_endpoint *uring)
{
    bool is_over = (uring->flags & (PLX__URING_DETACHED | PLX__URING_RELEASING)) != 0;
    if (uring->room.state == PLX__URING_IDLE)
        return is_over || (uring->flags & PLX__URING_BLOCKED) == 0 ||
               plx__uring_poll_arm(backend, uring, &uring->room, PLX__URING_WRITABLE, PLX_WRITABLE);
    return uring->room.state == PLX__URING_CANCELLING || (!is_over && uring->room.interest != 0) ||
           plx__uring_cancel(backend, uring, &uring->room);
}

bool plx__uring_writable(plx__backend *backend, plx__uring_endpoint *uring,
                         const struct io_uring_cqe *cqe, plx__completion *completion)
{
    int32_t result = cqe->res;
    if ((uring->flags & PLX__URING_BLOCKED) == 0 || result == -ECANCELED)
        return false;
    if (result >= 0 && (result & PLX__POLL_WRITABLE) == 0) {
        uring->flags |= PLX__URING_HUNG; /* The peer has shut its side, and that is all. */
        return false;
    }
    uring->flags &= (uint16_t)~PLX__URING_BLOCKED;
    uring->room.interest = 0; /* One that tells of changes does not look again. */
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__SENT;
    completion->status = result < 0 ? plx__fail(-result) : 0;
    completion->length = 0;
    return true;
}
