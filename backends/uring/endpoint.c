/* backends/uring/endpoint.c - the life of an endpoint: it comes, it goes, it is released.
 *
 * One that goes with requests in flight is waited for. An endpoint stands in one list at the most,
 * which says what is to be done for it.
 */
#include "backends/uring/uring.h"

/* --- lists ------------------------------------------------------------------------------------ */

void plx__uring_list_remove(plx__backend *backend, plx__uring_endpoint *uring)
{
    plx__uring_list *list = &backend->lists[uring->list];
    if (uring->list == PLX__URING_LIST_NONE)
        return;
    if (uring->previous != NULL)
        uring->previous->next = uring->next;
    else
        list->first = uring->next;
    if (uring->next != NULL)
        uring->next->previous = uring->previous;
    else
        list->last = uring->previous;
    uring->list = PLX__URING_LIST_NONE;
}

void plx__uring_list_set(plx__backend *backend, plx__uring_endpoint *uring,
                         enum plx__uring_list_kind kind)
{
    plx__uring_list *list = &backend->lists[kind];
    if (uring->list == kind)
        return;
    plx__uring_list_remove(backend, uring);
    uring->list = (uint8_t)kind;
    uring->next = NULL;
    uring->previous = list->last;
    if (list->last != NULL)
        list->last->next = uring;
    else
        list->first = uring;
    list->last = uring;
}

/* --- requests --------------------------------------------------------------------------------- */

bool plx__uring_poll_arm(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__uring_request *request, enum plx__uring_op op, uint8_t interest)
{
    bool is_multishot = (uring->flags & PLX__URING_HUNG) != 0;
    struct io_uring_sqe *sqe = plx__uring_sqe(backend);
    if (sqe == NULL)
        return false;
    unsigned events = (interest & PLX_READABLE) != 0 ? PLX__POLL_READ : 0;
    if ((interest & PLX_WRITABLE) != 0)
        events |= PLX__POLL_WRITE;
    io_uring_prep_poll_add(sqe, plx__uring_endpoint_of(uring)->socket, events);
    if (is_multishot)
        sqe->len = IORING_POLL_ADD_MULTI;
    plx__uring_armed(uring, request, sqe, op, is_multishot);
    request->interest = interest & 127u;
    return true;
}

bool plx__uring_cancel(plx__backend *backend, plx__uring_endpoint *uring,
                       plx__uring_request *request)
{
    plx__endpoint *endpoint = plx__uring_endpoint_of(uring);
    struct io_uring_sqe *sqe = plx__uring_sqe(backend);
    if (sqe == NULL)
        return false;
    io_uring_prep_cancel64(sqe, plx__uring_data(endpoint, (enum plx__uring_op)request->op), 0);
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = plx__uring_data(endpoint, PLX__URING_CANCEL);
    request->state = PLX__URING_CANCELLING;
    return true;
}

bool plx__uring_is_in_flight(const plx__uring_endpoint *uring)
{
    return uring->input.state != PLX__URING_IDLE || uring->room.state != PLX__URING_IDLE;
}

/* --- coming and going ------------------------------------------------------------------------- */

int plx__uring_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    (void)origin; /* Every socket will do. */
    plx__uring_list_set(backend, plx__uring_of(endpoint), PLX__URING_LIST_IDLE);
    return 0;
}

/* Listeners, whose address is to be free at once, and foreign sockets, which their owner may close
 * at once: both would live on in the request. */
static bool input_end(plx__backend *backend, plx__uring_endpoint *uring)
{
    enum plx__uring_op op = (enum plx__uring_op)uring->input.op;
    if (op != PLX__URING_ACCEPT && op != PLX__URING_POLL)
        return false;
    if (plx__uring_cancel_now(backend, plx__uring_data(plx__uring_endpoint_of(uring), op)))
        uring->input.state = PLX__URING_IDLE;
    else if (plx__uring_take_over(backend) != 0)
        return false;
    return !plx__uring_is_in_flight(uring);
}

bool plx__uring_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__completion dropped;
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    (void)plx__uring_send_flush(backend, endpoint, &dropped);
    plx__uring_receive_forget(backend, uring);
    plx__uring_accept_forget(uring);
    uring->flags |= PLX__URING_DETACHED;
    if (!plx__uring_is_in_flight(uring) || input_end(backend, uring)) {
        plx__uring_list_remove(backend, uring);
        return true;
    }
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    return false;
}

bool plx__uring_release(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    if (!plx__uring_is_in_flight(uring) && (uring->flags & PLX__URING_HOLDS) == 0 &&
        !plx__uring_has_accepted(uring))
        return true;
    uring->flags |= PLX__URING_RELEASING;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    return false;
}

bool plx__uring_released(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__completion *completion)
{
    const uint16_t state = uring->flags & (PLX__URING_RELEASING | PLX__URING_HOLDS);
    if (state != PLX__URING_RELEASING || plx__uring_is_in_flight(uring) ||
        plx__uring_has_accepted(uring))
        return false;
    uring->flags &= (uint16_t)~PLX__URING_RELEASING;
    plx__uring_list_set(backend, uring, PLX__URING_LIST_IDLE);
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__RELEASED;
    return true;
}

bool plx__uring_detached(plx__backend *backend, plx__uring_endpoint *uring,
                         plx__completion *completion)
{
    if ((uring->flags & PLX__URING_DETACHED) == 0 || plx__uring_is_in_flight(uring))
        return false;
    plx__uring_list_remove(backend, uring);
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__DETACHED;
    return true;
}
