/* backends/iocp/iocp.c - a completion port: opening it, waiting on it, and closing it.
 *
 * Owns the port, and the lists that operations pass through. An operation is started (by core, or
 * before a wait), flies, and comes back through the port; one that succeeded at once goes into
 * `later` instead, and the next wait brings it. `next` looks at what the wait has brought, one
 * operation at a time. What is started meanwhile waits for the next turn, which is what bounds one.
 *
 * It never waits for an operation but in iocp_close(), and closes no socket but those that it
 * has made for AcceptEx.
 */
#include "backends/iocp/iocp.h"

#include <string.h>

#include "backends/registry.h"
#include "backends/settings.h"
#include "platform/fault.h"
#include "platform/hook.h"

/* How long the kernel is given, after everything has been cancelled, to hand back what it has. */
#define LAST_WAIT (10 * PLX_SECOND)

/* How long it pauses when it cannot even be asked. */
#define LAST_PAUSE (5 * PLX_MILLISECOND)

/* How often a wake is posted, a millisecond apart, before it is given up. */
#define WAKE_TRIES_MAX 1000

/* --- operations ------------------------------------------------------------------------------ */

/* What `from` has goes behind what `to` has. */
static void list_move(plx__iocp_list *to, plx__iocp_list *from)
{
    if (from->first == NULL)
        return;
    if (to->first == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    from->first = NULL;
}

void plx__iocp_list_append(plx__iocp_list *list, plx__iocp_op *op)
{
    op->next = NULL;
    if (list->first == NULL)
        list->first = op;
    else
        list->last->next = op;
    list->last = op;
}

static plx__iocp_op *list_take(plx__iocp_list *list)
{
    plx__iocp_op *op = list->first;
    if (op != NULL)
        list->first = op->next;
    return op;
}

plx__iocp_op *plx__iocp_op_take(plx__backend *backend, plx__endpoint *endpoint,
                                enum plx__iocp_kind kind)
{
    plx__iocp_op *op = backend->free;
    if (op != NULL)
        backend->free = op->next;
    else
        op = plx__allocate(sizeof *op);
    if (op == NULL)
        return NULL;
    memset(op, 0, sizeof *op);
    op->endpoint = endpoint;
    op->kind = (uint8_t)kind;
    return op;
}

void plx__iocp_op_give(plx__backend *backend, plx__iocp_op *op)
{
    op->next = backend->free;
    backend->free = op;
}

void plx__iocp_op_clear(plx__iocp_op *op)
{
    op->was_at_once = false;
}

void plx__iocp_op_wait(plx__backend *backend, plx__iocp_op *op)
{
    op->state = PLX__IOCP_WAITING;
    plx__iocp_list_append(&backend->waiting, op);
}

void plx__iocp_op_fly(plx__backend *backend, plx__iocp_op *op)
{
    op->state = PLX__IOCP_FLYING;
    backend->in_flight++;
}

void plx__iocp_op_done(plx__backend *backend, plx__iocp_op *op, int status, DWORD bytes)
{
    op->state = PLX__IOCP_DONE;
    op->was_at_once = true;
    op->status = status;
    op->bytes = bytes;
    plx__iocp_list_append(&backend->later, op);
}

int plx__iocp_op_called(plx__backend *backend, plx__iocp_op *op, bool has_succeeded, DWORD bytes)
{
    if (has_succeeded && plx__iocp_of(op->endpoint)->skips) {
        plx__iocp_op_done(backend, op, 0, bytes);
        return 0;
    }
    if (!has_succeeded && WSAGetLastError() != WSA_IO_PENDING)
        return plx__fail_last();
    plx__iocp_op_fly(backend, op);
    return 0;
}

int plx__iocp_op_result(plx__iocp_op *op, DWORD *bytes_out)
{
    DWORD flags;
    *bytes_out = op->bytes;
    if (op->was_at_once)
        return op->status;
    if (WSAGetOverlappedResult(op->endpoint->socket, &op->overlapped, bytes_out, FALSE, &flags))
        return 0;
    return plx__fail_last();
}

/* Nobody asks for it any more. */
static void op_drop(plx__backend *backend, plx__iocp_op *op)
{
    if (op->kind == PLX__IOCP_ACCEPT)
        (void)plx__iocp_accept_next(backend, op, NULL);
    else if (op->kind == PLX__IOCP_POLL)
        plx__iocp_poll_give(backend, op);
    else if (op->kind == PLX__IOCP_SEND)
        plx__iocp_send_give(backend, op);
    else
        plx__iocp_op_give(backend, op);
}

/* --- opening and closing --------------------------------------------------------------------- */

int plx__iocp_extension_find(plx_socket socket, const GUID *wanted, void *function_out, DWORD size)
{
    DWORD returned;
    GUID guid = *wanted;
    if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof guid, function_out, size,
                 &returned, NULL, NULL) == 0)
        return 0;
    (void)plx__fail_last();
    return PLX_ENOSYS;
}

/* Whether its SOCKETs are the kernel's own handles. Where a layered provider has put something of
 * its own in front, completions are that provider's, and the port may be told of each. */
static bool is_kernel_handle(SOCKET socket)
{
    WSAPROTOCOL_INFOW about;
    int size = sizeof about;
    return getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&about, &size) == 0 &&
           (about.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
}

/* What this machine's sockets can do, from one that is made to ask. */
static int extensions_find(plx__backend *backend)
{
    const GUID accept_id = WSAID_ACCEPTEX;
    const GUID connect_id = WSAID_CONNECTEX;
    LPFN_ACCEPTEX accept_ex;
    plx_socket socket;
    int status = plx__socket_open(&socket, PLX__FAMILY_IPV4);
    if (status != 0)
        return status;
    /* Each listener asks for its own AcceptEx: it is its provider's. */
    status = plx__iocp_extension_find(socket, &accept_id, &accept_ex, sizeof accept_ex);
    if (status == 0)
        status = plx__iocp_extension_find(socket, &connect_id, &backend->connect_ex,
                                          sizeof backend->connect_ex);
    backend->can_skip = is_kernel_handle(socket);
    plx__socket_close(socket);
    return status;
}

static int port_open(plx__backend *backend)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(WSAEMFILE);
    backend->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (backend->port == NULL)
        return plx__fail((int)GetLastError());
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

/* Frees what the backend has, once the kernel has none of it. */
static void backend_free(plx__backend *backend)
{
    while (backend->free != NULL) {
        plx__iocp_op *op = backend->free;
        backend->free = op->next;
        plx__free(op);
    }
    while (backend->free_sends != NULL) {
        plx__iocp_send *send = backend->free_sends;
        backend->free_sends = send->next;
        plx__free(send);
    }
    plx__iocp_polls_close(backend);
    if (backend->port != NULL) {
        plx__fault_given(PLX__FAULT_DESCRIPTOR);
        (void)CloseHandle(backend->port);
    }
    plx__free(backend->received);
    plx__free(backend);
}

static int iocp_open(plx__backend **backend_out, const plx__backend_config *config)
{
    plx__backend *backend = plx__allocate_zeroed(1, sizeof *backend);
    if (backend == NULL)
        return PLX_ENOMEM;
    backend->receive_bytes = config->receive_bytes;
    backend->report = config->report;
    backend->accepts_ahead = (uint32_t)config->settings[PLX__IOCP_ACCEPTS_AHEAD];
    backend->received = plx__allocate(config->receive_bytes);
    int status = backend->received != NULL ? port_open(backend) : PLX_ENOMEM;
    if (status == 0)
        status = extensions_find(backend);
    if (status != 0) {
        backend_free(backend);
        return status;
    }
    *backend_out = backend;
    return 0;
}

static int iocp_wait(plx__backend *backend, uint64_t timeout_ns);
static bool completion_find(plx__backend *backend, plx__completion *completion_out);

/* Whether an operation is anywhere but among the free. */
static bool is_busy(const plx__backend *backend)
{
    return backend->in_flight > 0 || backend->waiting.first != NULL || backend->later.first != NULL;
}

static void iocp_close(plx__backend *backend)
{
    plx__completion completion;
    uint64_t until = plx__clock_now() + LAST_WAIT;
    /* With no endpoint left there is nothing to tell: this only drops what comes back. */
    while (completion_find(backend, &completion))
        continue;
    while (is_busy(backend) && plx__clock_now() < until) {
        /* What the kernel does not have is dropped without blocking. */
        uint64_t timeout_ns = backend->in_flight > 0 ? 100 * PLX_MILLISECOND : 0;
        /* The system may lack memory for one wait and have it for the next. */
        if (iocp_wait(backend, timeout_ns) != 0)
            plx__sleep(LAST_PAUSE);
        while (completion_find(backend, &completion))
            continue;
    }
    /* What the kernel may still write to is better lost than given to others. */
    if (!is_busy(backend))
        backend_free(backend);
}

/* --- endpoints ------------------------------------------------------------------------------- */

int plx__iocp_join(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    HANDLE handle = (HANDLE)endpoint->socket;
    if (iocp->is_joined)
        return 0;
    if (CreateIoCompletionPort(handle, backend->port, 0, 0) == NULL)
        return plx__fail((int)GetLastError());
    iocp->is_joined = true;
    iocp->skips = (backend->can_skip && SetFileCompletionNotificationModes(
                                            handle, PLX__IOCP_SKIP | PLX__IOCP_NO_EVENT)) ||
                  plx__iocp_handle_skips(handle);
    return 0;
}

/* It joins the port with its first operation; one that was somebody else's at once, for it may have
 * joined another port. */
static int iocp_attach(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin)
{
    int status = origin == PLX__ADOPTED ? plx__iocp_join(backend, endpoint) : 0;
    return status == PLX_EINVAL ? PLX_EBUSY : status;
}

/* Accepts and receives that are in flight stay there. Whom the ones accept is held, and waits like
 * those whom the system has accepted beyond that; the others take nothing, and come back unheeded.
 */
static void iocp_stop(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    (void)backend;
    iocp->is_accepting = iocp->is_receiving = false;
}

static ptrdiff_t iocp_send(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                           size_t count)
{
    (void)backend;
    int fault = plx__fault_send();
    return fault == 0 ? plx__send_slices(endpoint->socket, slices, count) : fault;
}

/* The endpoint goes, whatever becomes of its operation. */
static void op_detach(plx__backend *backend, plx__endpoint *endpoint, plx__iocp_op *op)
{
    if (op == NULL)
        return;
    op->endpoint = NULL;
    if (op->state == PLX__IOCP_IDLE)
        op_drop(backend, op);
    else if (op->state == PLX__IOCP_FLYING && op->kind == PLX__IOCP_POLL)
        plx__iocp_poll_abandon(backend, op);
    else if (op->state == PLX__IOCP_FLYING)
        /* Closing would cancel it too, but a socket that is closed with a receive in flight resets
         * its connection (libuv #3036). */
        (void)CancelIoEx((HANDLE)endpoint->socket, &op->overlapped);
}

/* Whatever is in flight reads and writes memory of the backend's own, so nobody waits for it. */
static bool iocp_detach(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    if (iocp->accepts != NULL)
        plx__iocp_accept_detach(backend, endpoint);
    op_detach(backend, endpoint, iocp->input);
    op_detach(backend, endpoint, iocp->output);
    return true;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* Starts what waits for it. What that adds waits for the next time. */
static void waiting_post(plx__backend *backend)
{
    plx__iocp_list waiting = backend->waiting;
    backend->waiting.first = NULL;
    for (plx__iocp_op *op; (op = list_take(&waiting)) != NULL;) {
        op->state = PLX__IOCP_IDLE;
        if (op->endpoint == NULL)
            op_drop(backend, op);
        else if (op->kind == PLX__IOCP_POLL)
            plx__iocp_poll_post(backend, op);
        else
            plx__iocp_receive_post(backend, op);
    }
}

/* What the port has handed back. */
static void entries_take(plx__backend *backend, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        plx__iocp_op *op = (plx__iocp_op *)(void *)backend->entries[i].lpOverlapped;
        if (op == NULL) {
            plx__atomic_store(&backend->wake_sent, 0);
            continue;
        }
        backend->in_flight--;
        op->state = PLX__IOCP_DONE;
        plx__iocp_list_append(&backend->ready, op);
    }
}

/* Takes what the port has, after `count` entries, of which there may be more than one call takes:
 * each that is ready is told in each turn. What is in flight bounds it, since nothing is started
 * meanwhile. */
static void port_empty(plx__backend *backend, ULONG count)
{
    entries_take(backend, count);
    while (count == PLX__IOCP_ENTRIES_MAX &&
           GetQueuedCompletionStatusEx(backend->port, backend->entries, PLX__IOCP_ENTRIES_MAX,
                                       &count, 0, FALSE))
        entries_take(backend, count);
}

static int iocp_wait(plx__backend *backend, uint64_t timeout_ns)
{
    uint64_t deadline = PLX_FOREVER;
    plx__hook(PLX__HOOK_PREPARE);
    waiting_post(backend);
    plx__iocp_silent_drop(backend);
    bool is_starved = backend->is_starved; /* By what began since the last wait, too. */
    backend->is_starved = false;
    if (is_starved)
        Sleep(1); /* Memory is short for a moment: do not spin on it. */
    /* Behind what a wait has brought that failed all the same, and that nobody has looked at. */
    list_move(&backend->ready, &backend->later);
    if (backend->ready.first != NULL || is_starved)
        timeout_ns = 0;
    if (timeout_ns != 0) {
        uint64_t now = plx__clock_now();
        deadline = timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
    }
    for (;;) {
        ULONG count;
        if (plx__fault_strikes(PLX__FAULT_WAIT))
            return PLX_ENOMEM;
        plx__hook(PLX__HOOK_SLEEP);
        if (GetQueuedCompletionStatusEx(backend->port, backend->entries, PLX__IOCP_ENTRIES_MAX,
                                        &count, plx__milliseconds(timeout_ns), FALSE)) {
            port_empty(backend, count);
            return 0;
        }
        if (GetLastError() != WAIT_TIMEOUT)
            return plx__fail((int)GetLastError());
        if (timeout_ns == 0)
            return 0;
        /* It counts in ticks of up to 15.6 ms, and may end early (libuv #385). */
        uint64_t now = plx__clock_now();
        if (now >= deadline)
            return 0;
        timeout_ns = deadline - now;
    }
}

static bool op_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    op->state = PLX__IOCP_IDLE;
    if (op->endpoint == NULL) {
        op_drop(backend, op);
        return false;
    }
    switch ((enum plx__iocp_kind)op->kind) {
    case PLX__IOCP_RECEIVE:
        return plx__iocp_receive_next(backend, op, completion);
    case PLX__IOCP_SEND:
        return plx__iocp_send_next(backend, op, completion);
    case PLX__IOCP_ACCEPT:
        return plx__iocp_accept_next(backend, op, completion);
    case PLX__IOCP_CONNECT:
        return plx__iocp_connect_next(backend, op, completion);
    case PLX__IOCP_POLL:
        return plx__iocp_poll_next(backend, op, completion);
    }
    return false;
}

static bool completion_find(plx__backend *backend, plx__completion *completion_out)
{
    for (plx__iocp_op *op; (op = list_take(&backend->ready)) != NULL;) {
        if (op_next(backend, op, completion_out))
            return true;
    }
    return false;
}

/* Posting fails while the system lacks memory for it. Other threads whose wakes were merged with
 * this one have returned by then, so this thread retries; the loop might sleep for ever. */
static void iocp_wake(plx__backend *backend)
{
    if (plx__atomic_exchange(&backend->wake_sent, 1) != 0)
        return;
    for (int tries = 0; tries < WAKE_TRIES_MAX; tries++) {
        if (PostQueuedCompletionStatus(backend->port, 0, 0, NULL))
            return;
        Sleep(1);
    }
    plx__atomic_store(&backend->wake_sent, 0); /* The next wake posts again. */
}

static const plx__completion *iocp_next(plx__backend *backend)
{
    return completion_find(backend, &backend->completion) ? &backend->completion : NULL;
}

const plx__backend_ops plx__iocp_backend = {
    .name = "iocp",
    .host = &plx__system_host,
    .settings = &plx__iocp_settings,
    .endpoint_bytes = sizeof(plx__iocp_endpoint),
    .open = iocp_open,
    .close = iocp_close,
    .attach = iocp_attach,
    .detach = iocp_detach,
    .release = plx__iocp_release,
    .accept_start = plx__iocp_accept_start,
    .accept_held = plx__iocp_accept_held,
    .connect = plx__iocp_connect,
    .receive_start = plx__iocp_receive_start,
    .stop = iocp_stop,
    .send = iocp_send,
    .send_start = plx__iocp_send_start,
    .watch = plx__iocp_watch,
    .wait = iocp_wait,
    .next = iocp_next,
    .wake = iocp_wake,
};
