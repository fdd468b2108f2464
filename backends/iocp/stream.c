/* backends/iocp/stream.c - connections: connecting, receiving, sending.
 *
 * A receive of nothing is in flight while something is awaited; it completes when something is
 * there, which is then received without waiting into the backend's one buffer. So an idle
 * connection holds no buffer. Sends are tried without waiting, too; what the system does not take
 * is copied and flies as an overlapped send, no more than PLX__IOCP_SEND_MAX bytes at a time. So
 * what is in flight refers to nobody's memory but its own.
 */
#include "backends/iocp/iocp.h"

#include <string.h>

/* How many sends are held for the next that need one: 1 MiB. */
#define FREE_SENDS_MAX 16u

/* --- connecting ------------------------------------------------------------------------------ */

/* Not in every SDK (ws2def.h, since Windows 10). */
#ifndef SO_REUSE_UNICASTPORT
#define SO_REUSE_UNICASTPORT 0x3007
#endif

/* ConnectEx wants a socket that is bound, to whatever address. */
static int any_address_bind(plx_socket socket, const plx__address *address)
{
    /* A port that bind() picks is taken from all others; one that connect() picks is shared by
     * connections to different peers. With this option bind() leaves it to ConnectEx. */
    BOOL on = TRUE;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSE_UNICASTPORT, (const char *)&on, sizeof on);
    plx__address any = {.length = address->length, .family = address->family};
    plx__address_raw(&any)->sa_family = plx__address_raw_const(address)->sa_family;
    return plx__socket_bind(socket, &any);
}

/* For what ConnectEx is not made for, Unix-domain sockets: an ordinary connect, and a poll. */
static int connect_by_poll(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__address *address)
{
    int status;
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    iocp->input = plx__iocp_poll_take(backend, endpoint, &status);
    if (iocp->input == NULL)
        return status;
    status = plx__socket_connect(endpoint->socket, address);
    if (status != 0 && status != PLX_EAGAIN)
        return status;
    iocp->is_connecting = true;
    plx__iocp_op_wait(backend, iocp->input); /* One that has connected is writable: one path. */
    return 0;
}

int plx__iocp_connect(plx__backend *backend, plx__endpoint *endpoint, const plx__address *address)
{
    if (address->family == PLX__FAMILY_UNIX)
        return connect_by_poll(backend, endpoint, address);
    int status = any_address_bind(endpoint->socket, address);
    if (status == 0)
        status = plx__iocp_join(backend, endpoint);
    if (status != 0)
        return status;
    plx__iocp_op *op = plx__iocp_op_take(backend, endpoint, PLX__IOCP_CONNECT);
    if (op == NULL)
        return PLX_ENOMEM;
    plx__iocp_of(endpoint)->input = op;
    plx__address to = *address;
    plx__socket_connect_aim(&to);
    plx__socket_connect_prepare(endpoint->socket, &to);
    BOOL has_succeeded = backend->connect_ex(endpoint->socket, plx__address_raw(&to),
                                             (int)to.length, NULL, 0, NULL, &op->overlapped);
    return plx__iocp_op_called(backend, op, has_succeeded, 0);
}

bool plx__iocp_connect_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    DWORD none;
    plx__endpoint *endpoint = op->endpoint;
    int status = plx__iocp_op_result(op, &none);
    (void)backend;
    /* Until then it has no peer, and cannot be shut. */
    if (status == 0 &&
        setsockopt(endpoint->socket, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0)
        status = plx__fail_last();
    op->kind = PLX__IOCP_RECEIVE;
    completion->endpoint = endpoint;
    completion->kind = PLX__CONNECTED;
    /* It had connected, and was reset before anybody looked. */
    completion->status = status == PLX_ENOTCONN ? PLX_ECONNRESET : status;
    return true;
}

/* --- receiving ------------------------------------------------------------------------------- */

int plx__iocp_receive_start(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    int status = plx__iocp_join(backend, endpoint);
    if (status != 0)
        return status;
    if (iocp->input == NULL) {
        iocp->input = plx__iocp_op_take(backend, endpoint, PLX__IOCP_RECEIVE);
        if (iocp->input == NULL)
            return PLX_ENOMEM;
    }
    iocp->is_receiving = true;
    if (iocp->input->state == PLX__IOCP_IDLE)
        plx__iocp_op_wait(backend, iocp->input);
    return 0;
}

void plx__iocp_receive_post(plx__backend *backend, plx__iocp_op *op)
{
    plx__endpoint *endpoint = op->endpoint;
    WSABUF nothing = {.len = 0, .buf = (char *)backend->received};
    DWORD flags = 0;
    DWORD got = 0;
    if (!plx__iocp_of(endpoint)->is_receiving) {
        if (plx__iocp_of(endpoint)->is_releasing)
            plx__iocp_op_done(backend, op, 0, 0);
        return;
    }
    plx__iocp_op_clear(op);
    bool has_succeeded =
        WSARecv(endpoint->socket, &nothing, 1, &got, &flags, &op->overlapped, NULL) == 0;
    int status = plx__iocp_op_called(backend, op, has_succeeded, got);
    if (status == PLX_ENOBUFS) {
        backend->is_starved = true;
        plx__iocp_op_wait(backend, op);
    } else if (status != 0) {
        plx__iocp_op_done(backend, op, status, 0); /* The receive that follows will tell. */
    }
}

PLX__SLOW static bool receive_end(plx__endpoint *endpoint, plx__completion *completion, int status)
{
    completion->endpoint = endpoint;
    completion->kind = PLX__ENDED;
    completion->status = status;
    return true;
}

/* There was nothing after all, or there is no more. */
PLX__SLOW static bool receive_failed(plx__backend *backend, plx__iocp_op *op,
                                     plx__completion *completion, ptrdiff_t got)
{
    DWORD none;
    if (got == 0)
        return receive_end(op->endpoint, completion, PLX_EEOF);
    if (got != PLX_EAGAIN)
        return receive_end(op->endpoint, completion, (int)got);
    int status = plx__iocp_op_result(op, &none);
    /* The end of the thread that has started an operation cancels it. */
    if (status != 0 && status != PLX_ECANCELED)
        return receive_end(op->endpoint, completion, status);
    plx__iocp_op_wait(backend, op);
    return false;
}

bool plx__iocp_receive_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    plx__endpoint *endpoint = op->endpoint;
    if (!plx__iocp_of(endpoint)->is_receiving)
        return plx__iocp_released(backend, op, completion);
    ptrdiff_t got = plx__receive(endpoint->socket, backend->received, backend->receive_bytes);
    if (got <= 0)
        return receive_failed(backend, op, completion, got);
    /* One that has filled the buffer has probably left something: no need to ask. */
    if ((size_t)got == backend->receive_bytes)
        plx__iocp_op_done(backend, op, 0, 0);
    else
        plx__iocp_op_wait(backend, op);
    completion->endpoint = endpoint;
    completion->kind = PLX__RECEIVED;
    completion->bytes = backend->received;
    completion->length = (size_t)got;
    return true;
}

/* --- sending --------------------------------------------------------------------------------- */

static plx__iocp_send *send_take(plx__backend *backend, plx__endpoint *endpoint)
{
    plx__iocp_send *send = backend->free_sends;
    if (send != NULL) {
        backend->free_sends = send->next;
        backend->free_sends_count--;
    } else {
        send = plx__allocate(sizeof *send);
    }
    if (send == NULL)
        return NULL;
    memset(&send->op, 0, sizeof send->op);
    send->op.endpoint = endpoint;
    send->op.kind = PLX__IOCP_SEND;
    return send;
}

void plx__iocp_send_give(plx__backend *backend, plx__iocp_op *op)
{
    plx__iocp_send *send = (plx__iocp_send *)(void *)op;
    if (backend->free_sends_count == FREE_SENDS_MAX) {
        plx__free(send);
        return;
    }
    send->next = backend->free_sends;
    backend->free_sends = send;
    backend->free_sends_count++;
}

/* Copies as much of the slices as one send has room for. */
static DWORD slices_copy(unsigned char *bytes, const plx__slice *slices, size_t count)
{
    DWORD copied = 0;
    for (size_t i = 0; i < count; i++) {
        DWORD room = PLX__IOCP_SEND_MAX - copied;
        DWORD length = slices[i].length < room ? slices[i].length : room;
        memcpy(bytes + copied, slices[i].bytes, length);
        copied += length;
    }
    return copied;
}

int plx__iocp_send_start(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                         size_t count)
{
    plx__iocp_endpoint *iocp = plx__iocp_of(endpoint);
    DWORD sent = 0;
    int status = plx__iocp_join(backend, endpoint);
    if (status != 0)
        return status;
    plx__iocp_send *send = send_take(backend, endpoint);
    if (send == NULL)
        return PLX_ENOMEM;
    plx__iocp_op *op = &send->op;
    /* Winsock has copied this when the call returns, though not the bytes. */
    WSABUF piece = {.len = slices_copy(send->bytes, slices, count), .buf = (char *)send->bytes};
    bool has_succeeded = WSASend(endpoint->socket, &piece, 1, &sent, 0, &op->overlapped, NULL) == 0;
    status = plx__iocp_op_called(backend, op, has_succeeded, sent);
    if (status == 0)
        iocp->output = op;
    else
        plx__iocp_send_give(backend, op);
    return status;
}

bool plx__iocp_send_next(plx__backend *backend, plx__iocp_op *op, plx__completion *completion)
{
    plx__endpoint *endpoint = op->endpoint;
    DWORD sent;
    int status = plx__iocp_op_result(op, &sent);
    completion->endpoint = endpoint;
    completion->kind = PLX__SENT;
    /* The end of the thread that has started it cancels it; the next one goes on behind it. */
    completion->status = status == PLX_ECANCELED ? 0 : status;
    completion->length = sent;
    plx__iocp_of(endpoint)->output = NULL;
    plx__iocp_send_give(backend, op);
    return true;
}
