/* posix/socket/socket_io.c - send and receive, in all their forms. */
#include "posix/base/duration.h"
#include "posix/signal/signal.h"
#include "posix/socket/local.h"
#include "posix/wait/wait.h"

#include <mswsock.h>
#include <string.h>

/* A send hands the system no more than this at once: Winsock takes a buffer whole or not at all
 * (libev's manual, "Win32 platform limitations"), and POSIX programs count on partial writes. */
#define CHUNK_BYTES (128 * 1024)

#define FLAGS_OF_WINSOCK (MSG_OOB | MSG_PEEK | MSG_DONTROUTE)

uint64_t plx__socket_deadline(const plx__file *file, bool is_send, bool is_nonblocking)
{
    const plx__socket *socket = plx__socket_of(file);
    uint64_t timeout = is_send ? socket->send_timeout_ns : socket->receive_timeout_ns;
    if (is_nonblocking)
        return 0;
    return timeout != 0 ? plx__deadline_after(timeout) : PLX_FOREVER;
}

static bool state_is(plx__socket *socket, uint32_t state)
{
    return plx__atomic_load_acquire(&socket->state) == state;
}

int plx__socket_error_take(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    if (state_is(socket, PLX__SOCKET_CONNECTING)) {
        plx__poll_item item = {file, PLX__POLLOUT, 0, 0};
        (void)plx__wait(&item, 1, 0, true);
    }
    return (int)plx__atomic_exchange(&socket->error, 0);
}

/* Wine (8.0) says that a stream that was reset has ended; its poll knows better. */
static bool was_reset(plx__file *file)
{
    plx__poll_entry entry = {
        .fd = plx__socket_handle(file), .events = PLX__POLL_READ, .revents = 0};
    return WSAPoll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) != 0;
}

/* The first to hear of a reset is told; for the others the stream has ended. */
static ptrdiff_t receive_reset(plx__socket *socket)
{
    uint32_t before = plx__atomic_or(&socket->marks, PLX__MARK_RESET | PLX__MARK_ENDED);
    bool is_untold = plx__atomic_exchange(&socket->error, 0) != 0;
    return is_untold || (before & PLX__MARK_RESET) == 0 ? -ECONNRESET : 0;
}

static ptrdiff_t stream_refused(plx__socket *socket)
{
    uint32_t error;
    switch (plx__atomic_load_acquire(&socket->state)) {
    case PLX__SOCKET_FAILED:
        error = plx__atomic_exchange(&socket->error, 0);
        return -(ptrdiff_t)error; /* Once told, the end. */
    case PLX__SOCKET_CONNECTING:
        return -EAGAIN;
    default:
        return -ENOTCONN;
    }
}

/* What the system said of a receive, in POSIX's words. */
static ptrdiff_t stream_received(plx__file *file, int got, int code, int flags)
{
    plx__socket *socket = plx__socket_of(file);
    if (got > 0)
        return got;
    uint32_t marks = plx__atomic_load_acquire(&socket->marks);
    if (got == 0) {
        if ((marks & PLX__MARK_RESET) != 0)
            return receive_reset(socket);
        if ((marks & PLX__MARK_ENDED) == 0 && was_reset(file))
            return receive_reset(socket);
        plx__atomic_or(&socket->marks, PLX__MARK_ENDED);
        return 0;
    }
    if (code == WSAECONNRESET || code == WSAECONNABORTED || code == WSAENETRESET ||
        code == ERROR_NETNAME_DELETED)
        return receive_reset(socket);
    if (code == WSAEWOULDBLOCK && (marks & PLX__SHUT_RECEIVE) != 0)
        return 0;
    if (code == WSAEWOULDBLOCK && (flags & MSG_OOB) != 0)
        return -EINVAL; /* Nothing urgent is there, which POSIX does not wait for. */
    return code == WSAESHUTDOWN ? 0 : plx__errno_of(code);
}

static ptrdiff_t stream_receive(plx__file *file, void *bytes, size_t size, int flags,
                                plx__extras *extras)
{
    if (!state_is(plx__socket_of(file), PLX__SOCKET_CONNECTED))
        return stream_refused(plx__socket_of(file));
    int length = size < INT32_MAX ? (int)size : INT32_MAX;
    int got = plx__socket_of(file)->local != NULL
                  ? plx__local_receive(file, bytes, length, flags & FLAGS_OF_WINSOCK, extras)
                  : recv(plx__socket_handle(file), bytes, length, flags & FLAGS_OF_WINSOCK);
    return stream_received(file, got, got < 0 ? WSAGetLastError() : 0, flags);
}

/* The common case: one call of the system, in which it waits as well. */
static ptrdiff_t stream_receive_waiting(plx__file *file, void *bytes, size_t size)
{
    int count = 0;
    int code = 0;
    uint64_t deadline = plx__socket_deadline(file, false, false);
    int status = plx__receive_wait(file, bytes, size, deadline, &count, &code);
    return status != 0 ? status : stream_received(file, code != 0 ? -1 : count, code, 0);
}

/* What is to be told of it comes with the datagram, in a call that costs more. */
static int datagram_take(plx__file *file, void *bytes, int size, int flags,
                         struct sockaddr_storage *from, int *from_length, plx__extras *extras)
{
    bool tells = (plx__atomic_load(&plx__socket_of(file)->marks) & PLX__MARK_CONTROL) != 0;
    SOCKET handle = plx__socket_handle(file);
    if (tells && extras != NULL && extras->takes_control)
        return plx__control_receive(handle, bytes, size, flags, from, from_length, extras);
    return recvfrom(handle, bytes, size, flags, (struct sockaddr *)from, from_length);
}

static ptrdiff_t datagram_receive(plx__file *file, void *bytes, size_t size, int flags,
                                  void *address, plx__socklen *address_length, plx__extras *extras)
{
    plx__socket *socket = plx__socket_of(file);
    struct sockaddr_storage from;
    int from_length = sizeof from;
    char nothing;
    int length = size < INT32_MAX ? (int)size : INT32_MAX;
    int got = datagram_take(file, size > 0 ? bytes : &nothing, length, flags & FLAGS_OF_WINSOCK,
                            &from, &from_length, extras);
    if (got < 0) {
        int code = WSAGetLastError();
        if (code == WSAEINVAL && (plx__atomic_load(&socket->marks) & PLX__MARK_BOUND) == 0)
            return -EAGAIN; /* Not bound: nothing can come yet, which is no error on Linux. */
        if (code == WSAEWOULDBLOCK && (plx__atomic_load(&socket->marks) & PLX__SHUT_RECEIVE) != 0)
            return 0;
        if (code == WSAECONNRESET || code == WSAENETRESET)
            return -EAGAIN; /* What ICMP said of an earlier datagram. */
        if (code != WSAEMSGSIZE)
            return plx__errno_of(code);
        got = length; /* It was longer, and is cut off. */
        if (extras != NULL)
            extras->flags |= PLX__MSG_TRUNC;
    }
    plx__address_give(&from, from_length, address, address_length);
    return got;
}

static ptrdiff_t receive_once(plx__file *file, void *bytes, size_t size, int flags, void *address,
                              plx__socklen *address_length, plx__extras *extras)
{
    plx__socket *socket = plx__socket_of(file);
    if (socket->type != SOCK_STREAM)
        return datagram_receive(file, bytes, size, flags, address, address_length, extras);
    if (address_length != NULL)
        *address_length = 0;
    return stream_receive(file, bytes, size, flags, extras);
}

/* An unbound datagram socket waits for nothing; Linux's too, but it may be bound meanwhile. */
static ptrdiff_t receive_waiting(plx__file *file, void *bytes, size_t size, int flags,
                                 void *address, plx__socklen *address_length, plx__extras *extras)
{
    bool is_nonblocking = (flags & PLX__MSG_DONTWAIT) != 0 || plx__file_is_nonblocking(file);
    uint64_t deadline = UINT64_MAX;
    bool has_deadline = false;
    if (!is_nonblocking && (flags & FLAGS_OF_WINSOCK) == 0 &&
        plx__socket_of(file)->type == SOCK_STREAM && plx__socket_of(file)->family != AF_UNIX &&
        state_is(plx__socket_of(file), PLX__SOCKET_CONNECTED)) {
        if (address_length != NULL)
            *address_length = 0;
        return stream_receive_waiting(file, bytes, size);
    }
    for (;;) {
        ptrdiff_t got = receive_once(file, bytes, size, flags, address, address_length, extras);
        if (got != -EAGAIN || is_nonblocking)
            return got;
        if (!has_deadline) {
            deadline = plx__socket_deadline(file, false, false);
            has_deadline = true;
        }
        int status = plx__wait_for(file, PLX__POLLIN, deadline);
        if (status != 0)
            return status;
    }
}

ptrdiff_t plx__socket_receive_from(plx__file *file, void *bytes, size_t size, int flags,
                                   void *address, plx__socklen *address_length, plx__extras *extras)
{
    bool is_stream = plx__socket_of(file)->type == SOCK_STREAM;
    size_t whole = 0;
    if (bytes == NULL && size > 0)
        return -EFAULT;
    if (size == 0 && is_stream) { /* Linux waits for something to be there, and takes nothing. */
        char one;
        ptrdiff_t got = receive_waiting(file, &one, 1, flags | PLX__MSG_PEEK, NULL, NULL, NULL);
        return got > 0 ? 0 : got;
    }
    for (;;) {
        ptrdiff_t got = receive_waiting(file, (char *)bytes + whole, size - whole, flags, address,
                                        address_length, extras);
        if (got <= 0)
            return whole > 0 ? (ptrdiff_t)whole : got;
        whole += (size_t)got;
        if (!is_stream || whole == size || (extras != NULL && extras->rights != NULL) ||
            (flags & (PLX__MSG_WAITALL | PLX__MSG_PEEK | PLX__MSG_DONTWAIT)) != PLX__MSG_WAITALL ||
            plx__file_is_nonblocking(file))
            return (ptrdiff_t)whole;
    }
}

/* --- sending -------------------------------------------------------------------------------- */

static ptrdiff_t send_failed(plx__file *file, int code)
{
    plx__socket *socket = plx__socket_of(file);
    uint32_t before;
    uint32_t untold;
    switch (code) {
    case WSAENOBUFS:
        return -EAGAIN; /* Too much for the moment. */
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
        if (socket->type != SOCK_STREAM)
            return -EAGAIN;
        /* Linux: a reset is told once, as ECONNRESET; after that, and when the peer had ended its
         * side before, it is a broken pipe (tcp_reset). */
        before = plx__atomic_or(&socket->marks, PLX__MARK_RESET);
        untold = plx__atomic_exchange(&socket->error, 0);
        if (untold != 0)
            return -(ptrdiff_t)untold;
        return (before & (PLX__MARK_RESET | PLX__MARK_ENDED)) != 0 ? -EPIPE : -ECONNRESET;
    case WSAENOTCONN:
        return socket->type == SOCK_STREAM ? -EPIPE : -EDESTADDRREQ;
    default:
        return plx__errno_of(code);
    }
}

/* Waits for room if it may. 0: try again. */
static int send_wait(plx__file *file, bool is_nonblocking, uint64_t *deadline)
{
    if (is_nonblocking)
        return -EAGAIN;
    if (*deadline == 0)
        *deadline = plx__socket_deadline(file, true, false);
    return plx__wait_for(file, PLX__POLLOUT, *deadline);
}

static int stream_put(plx__file *file, const char *bytes, int length, int flags,
                      plx__rights **rights)
{
    flags &= FLAGS_OF_WINSOCK;
    if (plx__socket_of(file)->local != NULL)
        return plx__local_send(file, bytes, length, flags, rights);
    return send(plx__socket_handle(file), bytes, length, flags);
}

static ptrdiff_t stream_send(plx__file *file, const char *bytes, size_t length, int flags,
                             plx__control *control)
{
    plx__rights **rights = control != NULL ? &control->rights : NULL;
    plx__socket *socket = plx__socket_of(file);
    bool is_nonblocking = (flags & PLX__MSG_DONTWAIT) != 0 || plx__file_is_nonblocking(file);
    uint64_t deadline = 0;
    size_t sent = 0;
    do {
        int status = 0;
        if ((plx__atomic_load_acquire(&socket->marks) & PLX__SHUT_SEND) != 0)
            status = -EPIPE;
        else if (state_is(socket, PLX__SOCKET_FAILED))
            status = -(int)plx__atomic_exchange(&socket->error, 0);
        if (state_is(socket, PLX__SOCKET_FRESH) || state_is(socket, PLX__SOCKET_LISTENING) ||
            (state_is(socket, PLX__SOCKET_FAILED) && status == 0))
            status = socket->family == AF_UNIX ? -ENOTCONN : -EPIPE;
        if (status == 0 && state_is(socket, PLX__SOCKET_CONNECTING))
            status = -EAGAIN;
        if (status == 0) {
            size_t chunk = length - sent < CHUNK_BYTES ? length - sent : CHUNK_BYTES;
            int taken = stream_put(file, bytes + sent, (int)chunk, flags, rights);
            if (taken >= 0) {
                sent += (size_t)taken;
                continue;
            }
            status = (int)send_failed(file, WSAGetLastError());
        }
        if (status == -EAGAIN)
            status = send_wait(file, is_nonblocking, &deadline);
        if (status != 0)
            return sent > 0 ? (ptrdiff_t)sent : status;
    } while (sent < length);
    return (ptrdiff_t)sent;
}

static int datagram_put(SOCKET handle, const void *bytes, int length, int flags,
                        const struct sockaddr *address, plx__socklen address_length,
                        const plx__control *control)
{
    flags &= FLAGS_OF_WINSOCK;
    if (control != NULL)
        return plx__control_send(handle, bytes, length, flags, address, (int)address_length,
                                 control);
    return address != NULL ? sendto(handle, bytes, length, flags, address, (int)address_length)
                           : send(handle, bytes, length, flags);
}

static ptrdiff_t datagram_send(plx__file *file, const void *bytes, size_t length, int flags,
                               const struct sockaddr *address, plx__socklen address_length,
                               const plx__control *control)
{
    plx__socket *socket = plx__socket_of(file);
    bool is_nonblocking = (flags & PLX__MSG_DONTWAIT) != 0 || plx__file_is_nonblocking(file);
    uint64_t deadline = 0;
    SOCKET handle = plx__socket_handle(file);
    if ((plx__atomic_load(&socket->marks) & PLX__SHUT_SEND) != 0)
        return -EPIPE;
    if (address == NULL && !state_is(socket, PLX__SOCKET_CONNECTED))
        return -EDESTADDRREQ;
    if (address != NULL && address_length < sizeof(struct sockaddr_in))
        return -EINVAL;
    if (address != NULL && address->sa_family != socket->family)
        return -EAFNOSUPPORT;
    if (length > 65535)
        return -EMSGSIZE;
    for (;;) {
        int sent =
            datagram_put(handle, bytes, (int)length, flags, address, address_length, control);
        if (sent >= 0) {
            plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
            return sent;
        }
        ptrdiff_t status = send_failed(file, WSAGetLastError());
        if (status == -EAGAIN)
            status = send_wait(file, is_nonblocking, &deadline);
        if (status != 0)
            return status;
    }
}

ptrdiff_t plx__socket_send_to(plx__file *file, const void *bytes, size_t length, int flags,
                              const void *address, plx__socklen address_length,
                              plx__control *control)
{
    if (bytes == NULL && length > 0)
        return -EFAULT;
    if (plx__socket_of(file)->type != SOCK_STREAM)
        return datagram_send(file, bytes, length, flags, address, address_length, control);
    return stream_send(file, bytes, length, flags, control);
}

ptrdiff_t plx__file_send(plx__file *file, const void *bytes, size_t length, int flags,
                         const void *address, plx__socklen address_length, plx__control *control)
{
    ptrdiff_t sent;
    bool is_stream = true;
    if (plx__file_is_socket(file)) {
        is_stream = plx__socket_of(file)->type == SOCK_STREAM;
        sent = plx__socket_send_to(file, bytes, length, flags, address, address_length, control);
    } else {
        sent = bytes == NULL && length > 0
                   ? -EFAULT
                   : plx__channel_send(file, bytes, length, flags,
                                       control != NULL ? &control->rights : NULL);
    }
    (void)plx__atomic_add(&file->writes, 1);
    if (sent == -EPIPE && is_stream && (flags & PLX__MSG_NOSIGNAL) == 0)
        plx__signal_broken_pipe();
    return sent;
}

/* --- the calls ------------------------------------------------------------------------------ */

PLX__CALL ptrdiff_t plx_posix_recvfrom(int fd, void *bytes, size_t size, int flags, void *address,
                                       plx__socklen *address_length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t got;
    bool is_held = plx__file_hold(file);
    if (plx__file_is_socket(file)) {
        got = plx__socket_receive_from(file, bytes, size, flags, address, address_length, NULL);
    } else {
        if (address_length != NULL)
            *address_length = 0;
        got = bytes == NULL && size > 0 ? -EFAULT
                                        : plx__channel_receive(file, bytes, size, flags, NULL);
    }
    plx__file_release(file, is_held);
    (void)plx__atomic_add(&file->reads, 1);
    plx__file_put(file);
    return plx__answer(got);
}

PLX__CALL ptrdiff_t plx_posix_recv(int fd, void *bytes, size_t size, int flags)
{
    return plx_posix_recvfrom(fd, bytes, size, flags, NULL, NULL);
}

PLX__CALL ptrdiff_t plx_posix_sendto(int fd, const void *bytes, size_t length, int flags,
                                     const void *address, plx__socklen address_length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t sent = plx__file_send(file, bytes, length, flags, address, address_length, NULL);
    plx__file_put(file);
    return plx__answer(sent);
}

PLX__CALL ptrdiff_t plx_posix_send(int fd, const void *bytes, size_t length, int flags)
{
    return plx_posix_sendto(fd, bytes, length, flags, NULL, 0);
}
