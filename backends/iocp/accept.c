/* backends/iocp/accept.c - listeners: AcceptEx, posted ahead.
 *
 * A listener keeps `accepts_ahead` of them in flight, each with a socket that is made ahead. Those,
 * with the memory that the kernel writes to, are one block, which outlives the endpoint until the
 * last has come back: so that core can close the listener at once, which is what frees its address.
 *
 * A connection that comes is handed out when the socket that takes its place has been made. If that
 * fails the connection is held, and core is told why; core's timer has it tried again, by
 * plx__iocp_accept_start(), and core turns away who is held if it still fails. So a listener may
 * run low, but not out: as long as one is in flight each that comes back has the others filled up,
 * and when none is core knows.
 *
 * With `receive_first` a connection completes with its first bytes. Who connects and stays silent
 * holds one of them; once a second those that do so for too long are dropped.
 */
#include "backends/iocp/iocp.h"

#include <string.h>

/* What AcceptEx wants for each of the two addresses: the largest, and 16 bytes. */
#define ADDRESS_BYTES ((DWORD)sizeof(SOCKADDR_STORAGE) + 16u)

/* The most that comes with a connection: a request of most protocols. */
#define FIRST_BYTES_MAX 2048u

/* What SO_CONNECT_TIME says of a socket that has no peer. */
#define NOT_CONNECTED UINT32_MAX

/* How often peers that stay silent are looked for. */
#define SWEEP_NS PLX_SECOND

typedef struct accept_op {
    plx__iocp_op op; /* First. */
    struct plx__iocp_accepts *accepts;
    plx_socket socket; /* NONE, if there is none: then it is idle. */
    bool is_held;
    bool is_dropped;
    uint32_t silent;      /* For how many seconds, when it was last looked at; or NOT_CONNECTED. */
    unsigned char *bytes; /* The first bytes, and both addresses. */
} accept_op;

typedef struct plx__iocp_accepts {
    uint32_t family;
    uint32_t busy; /* In flight, or on their way through the backend's lists. */
    DWORD first_bytes;
    LPFN_ACCEPTEX accept_ex;
    bool is_no_delay; /* Which connections inherit, where accept() is the one to bring them. */
    plx__iocp_list held;
    struct plx__iocp_accepts *next;  /* Whose silent peers are to be looked for; */
    struct plx__iocp_accepts **link; /* NULL: they are not. */
    uint32_t silence_max;            /* As core has told. */
    uint32_t count;
    accept_op ops[]; /* And their bytes behind them. */
} plx__iocp_accepts;

static void sweeps_add(plx__backend *backend, plx__iocp_accepts *accepts)
{
    if (backend->sweeps == NULL)
        backend->report->due_ns = plx__clock_now() + SWEEP_NS;
    accepts->next = backend->sweeps;
    accepts->link = &backend->sweeps;
    if (accepts->next != NULL)
        accepts->next->link = &accepts->next;
    backend->sweeps = accepts;
}

static void sweeps_remove(plx__backend *backend, plx__iocp_accepts *accepts)
{
    if (accepts->link == NULL)
        return;
    *accepts->link = accepts->next;
    if (accepts->next != NULL)
        accepts->next->link = accepts->link;
    if (backend->sweeps == NULL)
        backend->report->due_ns = UINT64_MAX;
}

static int accepts_open(plx__backend *backend, plx__endpoint *endpoint,
                        const plx__accept_config *config)
{
    const GUID accept_id = WSAID_ACCEPTEX;
    LPFN_ACCEPTEX accept_ex;
    plx__address name;
    BOOL is_no_delay = FALSE;
    int size = sizeof is_no_delay;
    size_t first_bytes = 0;
    if (config->receive_first)
        first_bytes =
            FIRST_BYTES_MAX < backend->receive_bytes ? FIRST_BYTES_MAX : backend->receive_bytes;
    int status = plx__socket_name(endpoint->socket, &name);
    if (status == 0)
        status =
            plx__iocp_extension_find(endpoint->socket, &accept_id, &accept_ex, sizeof accept_ex);
    if (status != 0)
        return status;
    size_t stride = first_bytes + 2 * ADDRESS_BYTES;
    plx__iocp_accepts *accepts = plx__allocate_zeroed(
        1, sizeof *accepts + backend->accepts_ahead * (sizeof accepts->ops[0] + stride));
    if (accepts == NULL)
        return PLX_ENOMEM;
    unsigned char *bytes = (unsigned char *)&accepts->ops[backend->accepts_ahead];
    accepts->count = backend->accepts_ahead;
    accepts->family = name.family;
    accepts->accept_ex = accept_ex;
    accepts->first_bytes = (DWORD)first_bytes;
    if (getsockopt(endpoint->socket, IPPROTO_TCP, TCP_NODELAY, (char *)&is_no_delay, &size) == 0)
        accepts->is_no_delay = is_no_delay != 0;
    for (size_t i = 0; i < accepts->count; i++) {
        accept_op *accept = &accepts->ops[i];
        accept->op.endpoint = endpoint;
        accept->op.kind = PLX__IOCP_ACCEPT;
        accept->accepts = accepts;
        accept->socket = PLX_SOCKET_NONE;
        accept->bytes = bytes + i * stride;
    }
    accepts->silence_max = config->silence_max;
    if (config->receive_first)
        sweeps_add(backend, accepts);
    plx__iocp_of(endpoint)->accepts = accepts;
    return 0;
}

/* The listener has gone, and this one has come back to nobody. */
static void accept_bury(accept_op *accept)
{
    plx__iocp_accepts *accepts = accept->accepts;
    plx__socket_close(accept->socket);
    if (accepts->busy == 0)
        plx__free(accepts);
}

void plx__iocp_accept_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    plx__iocp_accepts *accepts = iocp->accepts;
    sweeps_remove(backend, accepts);
    (void)CancelIoEx((HANDLE)endpoint->socket, NULL);
    for (size_t i = 0; i < accepts->count; i++) {
        accept_op *accept = &accepts->ops[i];
        accept->op.endpoint = NULL;
        if (accept->is_held)
            plx__socket_close(accept->socket);
    }
    if (accepts->busy == 0)
        plx__free(accepts);
}

/* --- posting --------------------------------------------------------------------------------- */

/* Has it accept, with the socket that it has or a new one. Only the want of a socket is an error
 * here: what AcceptEx meets itself comes back like any other result. */
static int accept_post(plx__backend *backend, accept_op *accept)
{
    plx__iocp_accepts *accepts = accept->accepts;
    plx__iocp_op *op = &accept->op;
    DWORD got = 0;
    int status = 0;
    if (accept->socket == PLX_SOCKET_NONE)
        status = plx__socket_open(&accept->socket, accepts->family);
    if (status != 0)
        return status;
    plx__iocp_op_clear(op);
    accept->is_dropped = false;
    accepts->busy++;
    BOOL has_succeeded = accepts->accept_ex(op->endpoint->socket, accept->socket, accept->bytes,
                                            accepts->first_bytes, ADDRESS_BYTES, ADDRESS_BYTES,
                                            &got, &op->overlapped);
    status = plx__iocp_op_called(backend, op, has_succeeded, got);
    if (status != 0)
        plx__iocp_op_done(backend, op, status, 0);
    return 0;
}

/* Posts those that had to do without a socket so far. 0, or why one still has to. */
static int accepts_fill(plx__backend *backend, plx__iocp_accepts *accepts)
{
    int status = 0;
    for (size_t i = 0; i < accepts->count && status == 0; i++) {
        accept_op *accept = &accepts->ops[i];
        if (accept->op.state == PLX__IOCP_IDLE) /* Then it has no socket. */
            status = accept_post(backend, accept);
    }
    return status;
}

/* Nobody would ever be accepted. */
static bool accepts_are_deaf(const plx__iocp_accepts *accepts)
{
    return accepts->busy == 0 && accepts->held.first == NULL;
}

/* Takes back what is held, for `next` to tell of it. */
static void held_return(plx__backend *backend, plx__iocp_accepts *accepts)
{
    plx__iocp_op *held = accepts->held.first;
    accepts->held.first = NULL;
    for (plx__iocp_op *next; held != NULL; held = next) {
        next = held->next;
        ((accept_op *)(void *)held)->is_held = false;
        accepts->busy++;
        plx__iocp_list_append(&backend->later, held);
    }
}

int plx__iocp_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__accept_config *config)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    int status = plx__iocp_join(backend, endpoint);
    if (status == 0 && iocp->accepts == NULL)
        status = accepts_open(backend, endpoint, config);
    if (status != 0)
        return status;
    plx__iocp_accepts *accepts = iocp->accepts;
    held_return(backend, accepts);
    status = accepts_fill(backend, accepts);
    iocp->is_accepting = !accepts_are_deaf(accepts);
    return iocp->is_accepting ? 0 : status;
}

/* --- what comes ------------------------------------------------------------------------------ */

static void accept_hold(accept_op *accept)
{
    accept->is_held = true;
    accept->op.state = PLX__IOCP_DONE;
    plx__iocp_list_append(&accept->accepts->held, &accept->op);
}

/* Holds those, too, that have come back with it: core may be about to turn away who waits. */
static void accepts_gather(plx__backend *backend, plx__endpoint *listener)
{
    plx__iocp_list ready = backend->ready;
    backend->ready.first = NULL;
    for (plx__iocp_op *op = ready.first, *next; op != NULL; op = next) {
        next = op->next;
        if (op->endpoint != listener) {
            plx__iocp_list_append(&backend->ready, op);
            continue;
        }
        plx__iocp_of(listener)->accepts->busy--;
        accept_hold((accept_op *)(void *)op);
    }
}

static bool accept_tell(plx__iocp_op *op, plx__completion *completion, int status)
{
    completion->endpoint = op->endpoint;
    completion->kind = PLX__ACCEPTED;
    completion->status = status;
    completion->length = 0;
    completion->accepted = PLX_SOCKET_NONE;
    return true;
}

static bool accept_failed(plx__backend *backend, accept_op *accept, plx__completion *completion,
                          int status)
{
    bool is_dropped = accept->is_dropped;
    plx__socket_close(accept->socket);
    accept->socket = PLX_SOCKET_NONE;
    if (status == PLX_EBADF || status == PLX_ENOTSOCK) /* Somebody else closed the listener's. */
        return accept_tell(&accept->op, completion, status);
    int status_of_post = accept_post(backend, accept);
    if (accepts_are_deaf(accept->accepts)) /* Posting it has failed, and it was the last. */
        return accept_tell(&accept->op, completion, status_of_post);
    if (is_dropped || status == PLX_ECONNRESET)
        return accept_tell(&accept->op, completion, PLX_ECONNABORTED);
    /* The end of the thread that has posted it cancels it, which is nobody's loss. */
    return status != PLX_ECANCELED && accept_tell(&accept->op, completion, status);
}

/* Makes of it what accept() would have brought. */
static int accept_inherit(plx__iocp_op *op, plx_socket accepted, const plx__iocp_accepts *accepts)
{
    SOCKET listener = op->endpoint->socket;
    if (setsockopt(accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener,
                   sizeof listener) != 0)
        return plx__fail_last();
    if (accepts->is_no_delay)
        (void)plx__socket_set(accepted, PLX__SOCKET_NO_DELAY, 1);
    return 0;
}

static bool accept_succeeded(plx__backend *backend, accept_op *accept, plx__completion *completion,
                             DWORD got)
{
    plx__iocp_op *op = &accept->op;
    plx_socket fresh;
    plx_socket accepted = accept->socket;
    int status = plx__socket_open(&fresh, accept->accepts->family);
    if (status != 0) {
        accept_hold(accept);
        accepts_gather(backend, op->endpoint);
        return accept_tell(op, completion, status);
    }
    (void)accept_tell(op, completion, 0);
    completion->accepted = accepted;
    completion->bytes = backend->received;
    completion->length = got;
    memcpy(backend->received, accept->bytes, got); /* The kernel is about to write there again. */
    status = accept_inherit(op, accepted, accept->accepts);
    accept->socket = fresh;
    (void)accept_post(backend, accept); /* It has a socket: it does not fail. */
    (void)accepts_fill(backend, accept->accepts);
    if (status == 0)
        return true;
    plx__socket_close(accepted); /* It was reset meanwhile. */
    return accept_tell(op, completion, PLX_ECONNABORTED);
}

bool plx__iocp_accept_release(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    held_return(backend, iocp->accepts);
    iocp->is_releasing = iocp->accepts->busy > 0;
    (void)CancelIoEx((HANDLE)endpoint->socket, NULL);
    return !iocp->is_releasing;
}

/* Of a listener that is to be released: whoever was accepted is told of, and nothing is posted. The
 * last one, if it is such, comes again to tell that it was. */
static bool accept_released(plx__backend *backend, accept_op *accept, plx__completion *completion)
{
    plx__iocp_op *op = &accept->op;
    plx__iocp_accepts *accepts = accept->accepts;
    plx_socket accepted = accept->socket;
    DWORD got;
    int status = plx__iocp_op_result(op, &got);
    accept->socket = PLX_SOCKET_NONE;
    if (status == 0 && !accept->is_dropped)
        status = accept_inherit(op, accepted, accepts);
    if (status == 0 && !accept->is_dropped) {
        (void)accept_tell(op, completion, 0);
        completion->accepted = accepted;
        completion->bytes = backend->received;
        completion->length = got;
        memcpy(backend->received, accept->bytes, got);
        if (accepts->busy == 0) {
            accepts->busy++;
            plx__iocp_op_done(backend, op, PLX_ECANCELED, 0);
        }
        return true;
    }
    plx__socket_close(accepted);
    if (accepts->busy > 0)
        return false;
    plx__iocp_of(op->endpoint)->is_releasing = false;
    plx__iocp_port_leave(op->endpoint);
    completion->endpoint = op->endpoint;
    completion->kind = PLX__RELEASED;
    return true;
}

bool plx__iocp_accept_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    accept_op *accept = (accept_op *)(void *)op;
    DWORD got;
    accept->accepts->busy--;
    if (op->endpoint == NULL) {
        accept_bury(accept);
        return false;
    }
    if (plx__iocp_of(op->endpoint)->is_releasing)
        return accept_released(backend, accept, completion);
    if (!plx__iocp_of(op->endpoint)->is_accepting) {
        accept_hold(accept);
        return false;
    }
    int status = plx__iocp_op_result(op, &got);
    /* It may have completed when its socket was about to be closed. */
    if (status == 0 && !accept->is_dropped)
        return accept_succeeded(backend, accept, completion, got);
    return accept_failed(backend, accept, completion, status);
}

int plx__iocp_accept_held(plx__backend *backend, plx__endpoint *endpoint, plx_socket *socket_out)
{
    plx__iocp_accepts *accepts = plx__iocp_of(endpoint)->accepts;
    (void)backend;
    for (plx__iocp_op *op; accepts != NULL && (op = accepts->held.first) != NULL;) {
        accept_op *accept = (accept_op *)(void *)op;
        plx_socket socket = accept->socket;
        DWORD got;
        accepts->held.first = op->next;
        op->state = PLX__IOCP_IDLE;
        accept->is_held = false;
        accept->socket = PLX_SOCKET_NONE;
        if (plx__iocp_op_result(op, &got) == 0 && !accept->is_dropped) {
            *socket_out = socket;
            return 0;
        }
        plx__socket_close(socket); /* Nobody is there who could be turned away. */
    }
    return PLX_EAGAIN;
}

/* --- who stays silent ------------------------------------------------------------------------ */

/* For how many seconds there has been a peer. Microsoft documents the option for this purpose. */
static uint32_t accept_seconds(const accept_op *accept)
{
    DWORD seconds = NOT_CONNECTED;
    int size = sizeof seconds;
    if (HasOverlappedIoCompleted(&accept->op.overlapped) ||
        getsockopt(accept->socket, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &size) != 0)
        return NOT_CONNECTED;
    return seconds;
}

void plx__iocp_accepts_sweep(plx__iocp_accepts *accepts, uint32_t seconds)
{
    bool is_full = true;
    for (size_t i = 0; i < accepts->count; i++) {
        accept_op *accept = &accepts->ops[i];
        accept->silent = accept_seconds(accept);
        if (accept->op.state == PLX__IOCP_FLYING && accept->silent == NOT_CONNECTED)
            is_full = false;
    }
    /* When each holds somebody who is silent, those who speak would have to wait for them. */
    uint32_t limit = is_full ? 1 : seconds;
    for (size_t i = 0; i < accepts->count; i++) {
        accept_op *accept = &accepts->ops[i];
        if (accept->silent == NOT_CONNECTED || accept->silent < limit ||
            HasOverlappedIoCompleted(&accept->op.overlapped)) /* It spoke since it was asked. */
            continue;
        /* Which ends the operation, with a failure. */
        accept->is_dropped = true;
        plx__socket_close(accept->socket);
        accept->socket = PLX_SOCKET_NONE;
    }
}

void plx__iocp_silent_drop(plx__backend *backend)
{
    if (backend->sweeps == NULL)
        return;
    uint64_t now = plx__clock_now();
    if (now < backend->report->due_ns)
        return;
    backend->report->due_ns = now + SWEEP_NS;
    for (plx__iocp_accepts *one = backend->sweeps; one != NULL; one = one->next)
        plx__iocp_accepts_sweep(one, one->silence_max);
}
