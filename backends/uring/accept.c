/* backends/uring/accept.c - owns the sockets that the kernel has accepted and core has not seen.
 *
 * An accept yields until it is cancelled, and the kernel accepts all that wait whenever it runs:
 * more than core wants in one turn, and some after core has stopped. Those are held back until
 * their turn has come, or the listener closes.
 */
#include "backends/uring/uring.h"

#include "platform/fault.h"

/* The most connections that one listener brings in one turn, so that it starves nobody. */
#define ACCEPTS_MAX 64
/* Room for held sockets, at first. */
#define HELD_ROOM 16u

static plx__uring_accepted *held_resize(plx__uring_accepted *held, uint32_t room)
{
    plx__uring_accepted *larger = plx__allocate(sizeof *larger + room * sizeof larger->sockets[0]);
    if (larger == NULL)
        return NULL;
    larger->first = 0;
    larger->count = held != NULL ? held->count : 0;
    larger->room = room;
    for (uint32_t i = 0; i < larger->count; i++)
        larger->sockets[i] = held->sockets[(held->first + i) & (held->room - 1)];
    plx__free(held);
    return larger;
}

static int held_take(plx__uring_accepted *held)
{
    int socket = held->sockets[held->first];
    held->first = (held->first + 1) & (held->room - 1);
    held->count--;
    return socket;
}

/* False when there is no memory for it. */
static bool held_add(plx__uring_endpoint *uring, int socket)
{
    plx__uring_accepted *held = uring->accepted;
    if (held->count == held->room) {
        held = held_resize(held, 2 * held->room);
        if (held == NULL)
            return false;
        uring->accepted = held;
    }
    held->sockets[(held->first + held->count++) & (held->room - 1)] = socket;
    return true;
}

int plx__uring_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                            const plx__accept_config *config)
{
    (void)config; /* The listening socket waits for the first bytes itself. */
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    if (uring->accepted == NULL)
        uring->accepted = held_resize(NULL, HELD_ROOM);
    if (uring->accepted == NULL)
        return PLX_ENOMEM;
    plx__uring_want(backend, endpoint, PLX__URING_ACCEPT);
    return 0;
}

int plx__uring_accept_held(plx__backend *backend, plx__endpoint *endpoint, plx_socket *socket_out)
{
    plx__uring_endpoint *uring = plx__uring_of(endpoint);
    (void)backend;
    if (uring->accepted == NULL || uring->accepted->count == 0)
        return PLX_EAGAIN;
    *socket_out = held_take(uring->accepted);
    return 0;
}

bool plx__uring_accept_arm(plx__backend *backend, plx__uring_endpoint *uring)
{
    struct io_uring_sqe *sqe = plx__uring_sqe(backend);
    if (sqe == NULL)
        return false;
    io_uring_prep_multishot_accept(sqe, plx__uring_endpoint_of(uring)->socket, NULL, NULL,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    plx__uring_armed(uring, &uring->input, sqe, PLX__URING_ACCEPT, true);
    return true;
}

void plx__uring_accept_drop(const struct io_uring_cqe *cqe)
{
    if (cqe->res < 0)
        return;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    plx__socket_close(cqe->res);
}

/* `socket` or, with a code, why there is none. */
static bool accepted_deliver(plx__backend *backend, plx__uring_endpoint *uring, int socket,
                             int status, plx__completion *completion)
{
    if (uring->turn != backend->turn)
        uring->accepts = 0;
    uring->turn = backend->turn;
    uring->accepts++;
    completion->endpoint = plx__uring_endpoint_of(uring);
    completion->kind = PLX__ACCEPTED;
    completion->accepted = socket;
    completion->status = status;
    completion->length = 0;
    return true;
}

static bool may_deliver(const plx__backend *backend, const plx__uring_endpoint *uring)
{
    return (uring->wanted == PLX__URING_ACCEPT || (uring->flags & PLX__URING_RELEASING) != 0) &&
           (uring->turn != backend->turn || uring->accepts < ACCEPTS_MAX);
}

/* Holds it back; if that fails its peer is turned away, and core told why. */
static bool socket_hold(plx__backend *backend, plx__uring_endpoint *uring, int socket,
                        plx__completion *completion)
{
    plx__uring_list_set(backend, uring, PLX__URING_LIST_BUSY);
    if (held_add(uring, socket))
        return false;
    plx__socket_close(socket);
    return uring->wanted == PLX__URING_ACCEPT &&
           accepted_deliver(backend, uring, PLX_SOCKET_NONE, PLX_ENOMEM, completion);
}

bool plx__uring_accepted_take(plx__backend *backend, plx__uring_endpoint *uring,
                              const struct io_uring_cqe *cqe, plx__completion *completion)
{
    int32_t result = cqe->res;
    if (result < 0) {
        if (result == -ECANCELED || result == -EAGAIN || result == -EINTR)
            return false;
        /* Starting again meets it again, if it is still true when core wants it. */
        return uring->wanted == PLX__URING_ACCEPT &&
               accepted_deliver(backend, uring, PLX_SOCKET_NONE, plx__accept_failed(-result),
                                completion);
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    if (uring->accepted->count > 0 || !may_deliver(backend, uring))
        return socket_hold(backend, uring, result, completion);
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR)) {
        /* As if the kernel had none: the peer goes on waiting. */
        return socket_hold(backend, uring, result, completion) ||
               accepted_deliver(backend, uring, PLX_SOCKET_NONE, plx__fail(EMFILE), completion);
    }
    return accepted_deliver(backend, uring, result, 0, completion);
}

bool plx__uring_accept_next(plx__backend *backend, plx__uring_endpoint *uring,
                            plx__completion *completion)
{
    if (!plx__uring_has_accepted(uring) || !may_deliver(backend, uring))
        return false;
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return accepted_deliver(backend, uring, PLX_SOCKET_NONE, plx__fail(EMFILE), completion);
    return accepted_deliver(backend, uring, held_take(uring->accepted), 0, completion);
}

void plx__uring_accept_forget(plx__uring_endpoint *uring)
{
    while (uring->accepted != NULL && uring->accepted->count > 0)
        plx__socket_close(held_take(uring->accepted));
    plx__free(uring->accepted);
    uring->accepted = NULL;
}
