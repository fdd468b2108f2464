/* backends/uring/uring.c - io_uring: what is wanted of endpoints, as requests, and completions.
 *
 * Core's calls change what is wanted, and put the endpoint into the list of those to be seen to.
 * When the loop waits, each of these is compared with what is in flight: requests are made or
 * cancelled. So what starts and stops within a turn costs nothing. It owns the requests, and no
 * endpoint; one that goes with requests in flight is waited for.
 */
#include "backends/uring/uring.h"

#include <string.h>

#include "backends/registry.h"
#include "platform/hook.h"

/* --- opening ---------------------------------------------------------------------------------- */

void plx__uring_free(plx__backend *backend)
{
    plx__uring_ring_close(backend);
    plx__uring_buffers_close(backend);
    plx__socket_close(backend->last);
    plx__wake_close(&backend->wake);
    plx__free(backend->done);
    plx__free(backend);
}

static int uring_open(plx__backend **backend_out, const plx__backend_config *config)
{
    plx__backend *backend = plx__allocate_zeroed(1, sizeof *backend);
    if (backend == NULL)
        return PLX_ENOMEM;
    backend->turn = 1;
    backend->batch = 1;
    backend->last = -1;
    backend->may_defer = config->may_defer;
    backend->openings = config->openings;
    int status = plx__wake_open(&backend->wake);
    if (status != 0) {
        plx__free(backend);
        return status;
    }
    status = plx__uring_buffers_open(backend, config->receive_bytes);
    if (status == 0)
        status = plx__uring_ring_open(backend);
    if (status != 0) {
        plx__uring_free(backend);
        return status;
    }
    *backend_out = backend;
    return 0;
}

/* Sockets that arrived, and core is not to be shown: of listeners that had gone by then, say. */
void plx__uring_done_drop(plx__backend *backend)
{
    for (; backend->done_next != backend->done_tail; backend->done_next++) {
        if (plx__uring_data_op(backend->done_next->user_data) == PLX__URING_ACCEPT)
            plx__uring_accept_drop(backend->done_next);
    }
}

static void uring_close(plx__backend *backend)
{
    (void)plx__uring_done_take(backend);
    plx__uring_done_drop(backend);
    plx__uring_free(backend);
}

static int uring_own(plx__backend *backend)
{
    int status = plx__uring_take_over(backend);
    backend->is_closing = status == 0;
    return status;
}

/* --- what is wanted --------------------------------------------------------------------------- */

void plx__uring_want(plx__backend *backend, plx__endpoint *endpoint, enum plx__uring_op op)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    uring->wanted = (uint8_t)op;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
}

static int uring_connect(plx__backend *backend, plx__endpoint *endpoint,
                         const plx__address *address)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    /* At once, not with the next wait: IORING_OP_CONNECT would need a call of its own for that, and
     * asks a Unix-domain listener whose queue is full again and again. */
    int status = plx__socket_connect(endpoint->socket, address);
    if (status != 0 && status != PLX_EAGAIN)
        return status;
    uring->interest = PLX_WRITABLE;
    plx__uring_want(backend, endpoint, PLX__URING_CONNECT);
    return 0;
}

static int uring_receive_start(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__uring_want(backend, endpoint, PLX__URING_RECEIVE);
    return 0;
}

void plx__uring_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__uring_want(backend, endpoint, PLX__URING_NONE);
}

static int uring_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest)
{
    plx__uring_of(endpoint)->interest = (uint8_t)interest;
    plx__uring_want(backend, endpoint, interest != 0 ? PLX__URING_POLL : PLX__URING_NONE);
    return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

static bool input_is_unwanted(const plx__uring_endpoint *uring)
{
    const plx__uring_request *input = &uring->input;
    if ((uring->flags & PLX__URING_DETACHED) != 0 || input->op != uring->wanted)
        return true;
    if (input->op == PLX__URING_POLL)
        return uring->interest != input->interest ||
               (input->is_multishot && (uring->flags & PLX__URING_HUNG) == 0);
    return input->op == PLX__URING_RECEIVE && input->is_multishot &&
           (uring->flags & PLX__URING_BULK) != 0;
}

static bool input_update(plx__backend *backend, plx__uring_endpoint *uring)
{
    if (uring->input.state == PLX__URING_ARMED && input_is_unwanted(uring))
        return plx__uring_cancel(backend, uring, &uring->input);
    if (uring->input.state != PLX__URING_IDLE || uring->ended != 0 ||
        (uring->flags & (PLX__URING_DETACHED | PLX__URING_HOLDS)) != 0)
        return true;
    switch (uring->wanted) {
    case PLX__URING_RECEIVE:
        return plx__uring_receive_arm(backend, uring);
    case PLX__URING_ACCEPT:
        return plx__uring_accept_arm(backend, uring);
    case PLX__URING_POLL:
    case PLX__URING_CONNECT:
        return plx__uring_poll_arm(backend, uring, &uring->input, (enum plx__uring_op)uring->wanted,
                                   uring->interest);
    default:
        return true;
    }
}

static bool has_something(const plx__uring_endpoint *uring)
{
    if ((uring->flags & PLX__URING_DETACHED) != 0)
        return false;
    if ((uring->flags & PLX__URING_HOLDS) != 0)
        return true;
    if ((uring->flags & PLX__URING_RELEASING) != 0 && !plx__uring_is_in_flight(uring))
        return true;
    if (uring->ended != 0)
        return uring->wanted == PLX__URING_RECEIVE;
    return plx__uring_has_accepted(uring) &&
           (uring->wanted == PLX__URING_ACCEPT || (uring->flags & PLX__URING_RELEASING) != 0);
}

/* Makes what is in flight what is wanted. What could not be requested stays in the list. */
static void endpoint_update(plx__backend *backend, plx__uring_endpoint *uring)
{
    if (input_update(backend, uring) && plx__uring_room_update(backend, uring))
        plx__uring_list_set(backend, uring,
                            has_something(uring) ? PLX__URING_LIST_READY : PLX__URING_LIST_IDLE);
}

static void busy_update(plx__backend *backend)
{
    const plx__uring_list *busy = &backend->lists[PLX__URING_LIST_BUSY];
    for (plx__uring_endpoint *uring = busy->first, *next; uring != NULL; uring = next) {
        next = uring->next;
        endpoint_update(backend, uring);
    }
}

/* --- completions ------------------------------------------------------------------------------ */

/* What was brought behind the last turn's end comes first in this one. */
static void done_rewind(plx__backend *backend)
{
    size_t left = (size_t)(backend->done_tail - backend->done_next);
    if (left > 0)
        memmove(backend->done, backend->done_next, left * sizeof *backend->done);
    backend->done_next = backend->done_end = backend->done;
    backend->done_tail = backend->done + left;
    plx__uring_ends_set(backend); /* A wait that fails from here on brings nothing. */
}

static int uring_wait(plx__backend *backend, uint64_t timeout_ns)
{
    plx__hook(PLX__HOOK_PREPARE);
    int status = plx__uring_ring_ready(backend);
    if (status != 0)
        return status;
    done_rewind(backend);
    backend->turn++;
    if (!backend->has_ring) { /* What an earlier one has left is to be delivered first. */
        plx__uring_turn_begin(backend);
        return 0;
    }
    busy_update(backend);
    /* The kernel is short of memory; nobody tells when it is not. */
    if (backend->lists[PLX__URING_LIST_BUSY].first != NULL && timeout_ns > PLX__URING_RETRY_NS)
        timeout_ns = PLX__URING_RETRY_NS;
    status = plx__uring_enter(backend, timeout_ns);
    if (status != 0) /* Core does not deliver what there is. */
        plx__uring_more_tell(backend, backend->done_next);
    return status;
}

static void uring_wake(plx__backend *backend)
{
    /* Core wakes a wait once only, so there is nothing to be coalesced here. */
    plx__wake_send(&backend->wake);
}

static bool connected(plx__uring_endpoint *uring, const struct io_uring_cqe *cqe,
                      plx__completion *completion)
{
    plx__endpoint *endpoint = plx__uring_endpoint_of(uring);
    uring->wanted = PLX__URING_NONE;
    completion->endpoint = endpoint;
    completion->kind = PLX__CONNECTED;
    completion->status =
        cqe->res < 0 ? plx__fail(-cqe->res) : plx__socket_connect_result(endpoint->socket);
    return true;
}

/* Armed anew in each turn it tells of what is still true, as poll() does. Of a peer that has shut
 * its side it tells too, whether that is asked for or not (send.c): then one that tells of changes
 * takes its place, until there is something to tell. */
static bool polled(plx__backend *backend, plx__uring_endpoint *uring,
                   const struct io_uring_cqe *cqe, plx__completion *completion)
{
    int32_t result = cqe->res;
    uint32_t ready = 0;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    if (result == -ECANCELED || uring->wanted != PLX__URING_POLL)
        return false;
    if (result < 0) {
        uring->wanted = PLX__URING_NONE;
        ready = PLX_FAILED;
    } else {
        if ((result & PLX__POLL_READABLE) != 0)
            ready |= PLX_READABLE & uring->interest;
        if ((result & PLX__POLL_WRITABLE) != 0)
            ready |= PLX_WRITABLE & uring->interest;
        if (ready != 0 && (result & POLLERR) != 0)
            ready |= PLX_FAILED;
        if (ready == 0 && uring->interest == uring->input.interest)
            uring->flags |= PLX__URING_HUNG;
        else
            uring->flags &= (uint16_t)~PLX__URING_HUNG;
    }
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__READY;
    completion->ready = ready;
    return ready != 0;
}

/* There was nothing to cancel; if there still is something, it was between two states. */
static void cancel_failed(plx__backend *backend, plx__uring_endpoint *uring)
{
    plx__uring_request *requests[] = {&uring->input, &uring->room};
    for (int i = 0; i < 2; i++) {
        if (requests[i]->state == PLX__URING_CANCELLING)
            requests[i]->state = PLX__URING_ARMED;
    }
    if (plx__uring_is_in_flight(uring))
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
}

/* A completion of somebody who has gone: the last one is told. */
static bool detached_take(plx__backend *backend, plx__uring_endpoint *uring,
                          const struct io_uring_cqe *cqe, bool is_last, plx__completion *completion)
{
    plx__uring_receive_drop(backend, cqe); /* Only a receive has a buffer. */
    if (plx__uring_data_op(cqe->user_data) == PLX__URING_ACCEPT)
        plx__uring_accept_drop(cqe);
    return is_last && plx__uring_detached(backend, uring, completion);
}

/* Whether the completion ends what is in flight. */
static bool request_end(plx__uring_request *request, enum plx__uring_op op,
                        const struct io_uring_cqe *cqe)
{
    if ((cqe->flags & IORING_CQE_F_MORE) != 0 || request->op != op ||
        request->state == PLX__URING_IDLE)
        return false;
    request->state = PLX__URING_IDLE;
    return true;
}

bool plx__uring_take(plx__backend *backend, const struct io_uring_cqe *cqe,
                     plx__completion *completion)
{
    enum plx__uring_op op = plx__uring_data_op(cqe->user_data);
    if (op == PLX__URING_WAKE)
        plx__uring_woken(backend, cqe);
    if (op == PLX__URING_NONE || op == PLX__URING_DEFERRED || op == PLX__URING_WAKE)
        return false;
    plx__endpoint *endpoint = plx__uring_data_endpoint(cqe->user_data);
    if (endpoint == NULL) {
        if (op == PLX__URING_ACCEPT)
            plx__uring_accept_drop(cqe);
        return false;
    }
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    if (op == PLX__URING_CANCEL) {
        cancel_failed(backend, uring);
        return false;
    }
    bool is_last = request_end(op == PLX__URING_WRITABLE ? &uring->room : &uring->input, op, cqe);
    if ((uring->flags & PLX__URING_DETACHED) != 0)
        return detached_take(backend, uring, cqe, is_last, completion);
    if (is_last)
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    switch (op) {
    case PLX__URING_ACCEPT:
        return plx__uring_accepted_take(backend, uring, cqe, completion);
    case PLX__URING_CONNECT:
        return connected(uring, cqe, completion);
    case PLX__URING_WRITABLE:
        return plx__uring_writable(backend, uring, cqe, completion);
    case PLX__URING_POLL:
        return polled(backend, uring, cqe, completion);
    default:
        return plx__uring_received(backend, uring, cqe, completion);
    }
}

/* What was held back in earlier turns, one endpoint after the other. */
static bool ready_next(plx__backend *backend, plx__completion *completion)
{
    for (;;) {
        plx__uring_endpoint *uring = backend->lists[PLX__URING_LIST_READY].first;
        if (uring == NULL)
            return false;
        if (plx__uring_detached(backend, uring, completion) ||
            plx__uring_accept_next(backend, uring, completion))
            return true;
        plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
        if (plx__uring_receive_next(backend, uring, completion) ||
            plx__uring_released(backend, uring, completion))
            return true;
    }
}

static bool completion_find(plx__backend *backend, plx__completion *completion_out)
{
    if (backend->unsent_count > 0) {
        plx__uring_unsent_next(backend, completion_out);
        return true;
    }
    while (backend->done_next != backend->done_end) {
        if (plx__uring_take(backend, backend->done_next++, completion_out))
            return true;
    }
    return ready_next(backend, completion_out);
}

PLX__SLOW static const plx__completion *next_slowly(plx__backend *backend)
{
    plx__uring_buffers_return(backend);
    bool is_found = completion_find(backend, &backend->completion);
    plx__uring_ends_set(backend); /* Though none is left: the next wait may fail before it does. */
    return is_found ? &backend->completion : NULL;
}

/* Whether it is most likely a piece of a stream that yields on, in a small buffer that it does not
 * fill. */
static inline bool is_plain(const plx__backend *backend, const struct io_uring_cqe *cqe)
{
    return plx__uring_data_op(cqe->user_data) == PLX__URING_RECEIVE &&
           (cqe->flags & IORING_CQE_F_MORE) != 0 &&
           (uint32_t)cqe->res - 1 < backend->buffers.plain_max;
}

/* Most completions: such a piece, to be shown at once. Whatever is special about one, or has to
 * come before it, the rest looks at. */
static const plx__completion *uring_next(plx__backend *backend)
{
    const uint16_t special = PLX__URING_HOLDS | PLX__URING_DETACHED;
    const struct io_uring_cqe *cqe = backend->done_next;
    const plx__uring_pool *pool = &backend->buffers.small;
    plx__completion *completion = &backend->completion;
    uint32_t lent = (uint32_t)backend->buffers.lent;
    if (lent < PLX__URING_SMALL_COUNT) {
        plx__uring_buffer_give(pool, PLX__URING_SMALL_COUNT, lent, completion->bytes);
        backend->buffers.lent = -1;
    }
    if (cqe == backend->plain_end || !is_plain(backend, cqe) || backend->buffers.lent >= 0)
        return next_slowly(backend);
    plx__endpoint *endpoint = plx__uring_data_endpoint(cqe->user_data);
    if (endpoint == NULL)
        return next_slowly(backend);
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    if ((uring->flags & special) != 0 || uring->turn == backend->turn)
        return next_slowly(backend);
    uint32_t number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    uring->turn = backend->turn;
    backend->buffers.lent = (int32_t)number;
    completion->endpoint = endpoint;
    completion->kind = PLX__RECEIVED;
    completion->bytes = pool->memory + (size_t)number * pool->stride;
    completion->length = (uint32_t)cqe->res;
    backend->done_next++;
    return completion;
}

const plx__backend_ops plx__uring_backend = {
    .name = "uring",
    .shares_listeners = true,
    .host = &plx__system_host,
    .deferred_max = PLX__URING_DEFERRED_BYTES,
    .needs = "Linux 6.0 or later, the sysctl kernel.io_uring_disabled at 0 (or at 1, for members "
             "of kernel.io_uring_group), no seccomp filter that forbids io_uring_setup, and about "
             "200 KiB of memory that may be locked for each loop (RLIMIT_MEMLOCK, ulimit -l), "
             "which \"out of memory\" may be about",
    .endpoint_bytes = sizeof(plx__uring_endpoint),
    .open = uring_open,
    .close = uring_close,
    .own = uring_own,
    .abandon = plx__uring_abandon,
    .renew = plx__uring_renew,
    .attach = plx__uring_attach,
    .detach = plx__uring_detach,
    .release = plx__uring_release,
    .accept_start = plx__uring_accept_start,
    .accept_held = plx__uring_accept_held,
    .connect = uring_connect,
    .receive_start = uring_receive_start,
    .stop = plx__uring_stop,
    .send = plx__uring_send,
    .send_flush = plx__uring_send_flush,
    .send_start = plx__uring_send_start,
    .watch = uring_watch,
    .wait = uring_wait,
    .next = uring_next,
    .wake = uring_wake,
};
