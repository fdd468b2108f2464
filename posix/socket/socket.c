/* posix/socket/socket.c - sockets of the system as open files: made, named, connected, accepted.
 *
 * A SOCKET is always non-blocking; the calls wait by themselves (wait/wait.c). No option that
 * Winsock understands otherwise than POSIX reaches it from here (socket_option.c). What Winsock
 * does otherwise when a socket binds, connects or accepts, platform/windows/socket.c deals with.
 */
#include "posix/socket/socket.h"
#include "posix/socket/local.h"
#include "posix/wait/wait.h"

#include <mswsock.h>
#include <string.h>

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif
#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

static void socket_close(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    plx__local_close(file);
    if (plx__socket_handle(file) != INVALID_SOCKET)
        (void)closesocket(plx__socket_handle(file));
    plx__free(socket);
}

static ptrdiff_t socket_read(plx__file *file, void *bytes, size_t size)
{
    return size > 0 ? plx__socket_receive_from(file, bytes, size, 0, NULL, NULL, NULL) : 0;
}

static ptrdiff_t socket_write(plx__file *file, const void *bytes, size_t size)
{
    return plx__socket_send_to(file, bytes, size, 0, NULL, 0, NULL);
}

const plx__file_kind plx__socket_kind = {
    .mode = PLX__S_IFSOCK,
    .waits = true,
    .read = socket_read,
    .write = socket_write,
    .ready = plx__socket_ready,
    .interest = plx__socket_interest,
    .answer = plx__socket_answer,
    .close = socket_close,
    .control = plx__socket_control,
};

static void handle_prepare(SOCKET handle, int family, int type)
{
    u_long on = 1;
    DWORD returned;
    (void)ioctlsocket(handle, (long)FIONBIO, &on);
    (void)SetHandleInformation((HANDLE)handle, HANDLE_FLAG_INHERIT, 0);
    if (family == AF_INET6) /* On by default here, off on Linux. */
        (void)plx__socket_set(handle, PLX__SOCKET_ONLY_IPV6, 0);
    if (type == SOCK_DGRAM) {
        /* Receiving would else fail for what ICMP said of an earlier datagram. */
        BOOL no = FALSE;
        (void)WSAIoctl(handle, SIO_UDP_CONNRESET, &no, sizeof no, NULL, 0, &returned, NULL, NULL);
        (void)WSAIoctl(handle, SIO_UDP_NETRESET, &no, sizeof no, NULL, 0, &returned, NULL, NULL);
    }
}

plx__file *plx__socket_wrap(SOCKET handle, int family, int type, int protocol, unsigned flags)
{
    plx__socket *socket = plx__allocate_zeroed(1, sizeof *socket);
    plx__file *file = socket != NULL ? plx__file_make(&plx__socket_kind, flags) : NULL;
    if (file == NULL) {
        plx__free(socket);
        (void)closesocket(handle);
        return NULL;
    }
    socket->family = family;
    socket->type = type;
    socket->protocol = protocol;
    InitializeSRWLock(&socket->lock);
    file->is_quiet = type != SOCK_STREAM;
    file->handle = (void *)handle;
    file->data = socket;
    return file;
}

int plx__socket_get(int fd, plx__file **file_out)
{
    plx__file *file = plx__fd_get(fd);
    *file_out = file;
    if (file == NULL)
        return -EBADF;
    if (plx__file_is_socket(file) || file->kind == &plx__pair_kind)
        return 0;
    plx__file_put(file);
    *file_out = NULL;
    return -ENOTSOCK;
}

SOCKET plx__socket_handle_make(int family, int type, int protocol)
{
    SOCKET handle = WSASocketW(family == AF_UNIX ? AF_INET : family, type, protocol, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle != INVALID_SOCKET)
        handle_prepare(handle, family, type);
    return handle;
}

/* What Linux says of families, types and protocols that do not go together. */
static int socket_check(int family, int type, int *protocol)
{
    static const int natural[] = {[SOCK_STREAM] = IPPROTO_TCP, [SOCK_DGRAM] = IPPROTO_UDP};
    if (type < 0 || type > 10)
        return -EINVAL;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (family == AF_UNIX) {
        if (type != SOCK_STREAM && type != SOCK_DGRAM && type != PLX__SOCK_SEQPACKET)
            return -ESOCKTNOSUPPORT;
        return *protocol == 0 || *protocol == AF_UNIX ? 0 : -EPROTONOSUPPORT;
    }
    if (*protocol < 0 || *protocol > 255)
        return -EINVAL;
    if (type == SOCK_RAW)
        return *protocol != 0 ? 0 : -EPROTONOSUPPORT;
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (*protocol != 0 && *protocol != natural[type])
        return -EPROTONOSUPPORT;
    *protocol = natural[type];
    return 0;
}

static unsigned flags_of_type(int type)
{
    return PLX__O_RDWR | ((type & PLX__SOCK_NONBLOCK) != 0 ? PLX__O_NONBLOCK : 0u);
}

PLX__CALL int plx_posix_socket(int family, int type, int protocol)
{
    bool is_cloexec = (type & PLX__SOCK_CLOEXEC) != 0;
    unsigned flags = flags_of_type(type);
    type &= ~(PLX__SOCK_NONBLOCK | PLX__SOCK_CLOEXEC);
    plx__start();
    int status = socket_check(family, type, &protocol);
    if (status != 0)
        return plx__answer_int(status);
    if (family == AF_UNIX && type != SOCK_STREAM)
        return plx__answer_int(-ESOCKTNOSUPPORT); /* What there is: docs/posix.md. */
    int fd = plx__fd_reserve(0);
    if (fd < 0)
        return plx__answer_int(fd);
    SOCKET handle = plx__socket_handle_make(family, type, family == AF_UNIX ? 0 : protocol);
    plx__file *file = NULL;
    status = -ENOMEM;
    if (handle == INVALID_SOCKET)
        status = plx__errno_last() == -EACCES ? -EPERM : plx__errno_last();
    else
        file = plx__socket_wrap(handle, family, type, protocol, flags);
    plx__fd_fill(fd, file, is_cloexec);
    return file != NULL ? fd : plx__answer_int(status);
}

/* --- addresses ------------------------------------------------------------------------------ */

void plx__address_give(const void *from, int length, void *to, plx__socklen *length_to)
{
    if (to == NULL || length_to == NULL)
        return;
    size_t room = *length_to;
    memcpy(to, from, room < (size_t)length ? room : (size_t)length);
    *length_to = (plx__socklen)length;
}

int plx__address_check(const plx__socket *socket, const struct sockaddr *address,
                       plx__socklen length)
{
    size_t whole =
        socket->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (address == NULL)
        return -EFAULT;
    if (length < sizeof address->sa_family || length > 128)
        return -EINVAL;
    if (address->sa_family != socket->family && length >= sizeof(struct sockaddr_in))
        return -EAFNOSUPPORT;
    return length >= whole || (socket->family == AF_INET6 && length >= 24) ? 0 : -EINVAL;
}

void plx__address_take(plx__address *address_out, const struct sockaddr *from, plx__socklen length)
{
    memset(address_out, 0, sizeof *address_out);
    address_out->length = length;
    address_out->family = from->sa_family == AF_INET6 ? PLX__FAMILY_IPV6 : PLX__FAMILY_IPV4;
    memcpy(address_out->storage.bytes, from, length);
}

/* Binds to any address and a free port, as Linux does for who did not bind. */
static int bind_anywhere(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    struct sockaddr_storage any;
    memset(&any, 0, sizeof any);
    any.ss_family = socket->family == AF_INET6 ? AF_INET6 : AF_INET;
    int length =
        socket->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (bind(plx__socket_handle(file), (struct sockaddr *)&any, length) != 0)
        return plx__errno_last();
    plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
    return 0;
}

static int socket_bind(plx__file *file, const struct sockaddr *address, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    plx__address raw;
    if (socket->family == AF_UNIX)
        return plx__local_bind(file, address, length);
    int status = plx__address_check(socket, address, length);
    if (status != 0)
        return status;
    if ((plx__atomic_load(&socket->marks) & PLX__MARK_BOUND) != 0)
        return -EINVAL;
    if (socket->type == SOCK_STREAM) /* Whether SO_REUSEADDR was asked for or not. */
        (void)plx__socket_set(plx__socket_handle(file), PLX__SOCKET_LISTEN_ALONE, 1);
    plx__address_take(&raw, address, length);
    status = plx__socket_bind(plx__socket_handle(file), &raw);
    if (status != 0)
        return status == PLX_EADDRINUSE ? -EADDRINUSE : plx__errno_of(plx_os_error());
    plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
    return 0;
}

PLX__CALL int plx_posix_bind(int fd, const struct sockaddr *address, plx__socklen length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    status = plx__file_is_socket(file) ? socket_bind(file, address, length) : -EINVAL;
    plx__file_put(file);
    return plx__answer_int(status);
}

static int socket_name(plx__file *file, bool is_peer, void *address, plx__socklen *length)
{
    struct sockaddr_storage name;
    int size = sizeof name;
    plx__socket *socket = plx__socket_of(file);
    SOCKET handle = plx__socket_handle(file);
    if (address == NULL || length == NULL)
        return -EFAULT;
    memset(&name, 0, sizeof name);
    if (is_peer && plx__atomic_load_acquire(&socket->state) != PLX__SOCKET_CONNECTED)
        return -ENOTCONN;
    if (socket->family == AF_UNIX)
        return plx__local_name(file, is_peer, address, length);
    int status = is_peer ? getpeername(handle, (struct sockaddr *)&name, &size)
                         : getsockname(handle, (struct sockaddr *)&name, &size);
    if (status != 0) {
        if (is_peer || WSAGetLastError() != WSAEINVAL)
            return plx__errno_last();
        /* Not bound yet, which is no error on Linux. */
        name.ss_family = (short)socket->family;
        size =
            socket->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    }
    plx__address_give(&name, size, address, length);
    return 0;
}

static int name_of(int fd, bool is_peer, void *address, plx__socklen *length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    if (plx__file_is_socket(file)) {
        status = socket_name(file, is_peer, address, length);
    } else {
        const ADDRESS_FAMILY unnamed = AF_UNIX;
        plx__address_give(&unnamed, sizeof unnamed, address, length);
    }
    plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_getsockname(int fd, void *address, plx__socklen *length)
{
    return name_of(fd, false, address, length);
}

PLX__CALL int plx_posix_getpeername(int fd, void *address, plx__socklen *length)
{
    return name_of(fd, true, address, length);
}

/* --- listening ------------------------------------------------------------------------------ */

static int socket_listen(plx__file *file, int backlog)
{
    plx__socket *socket = plx__socket_of(file);
    uint32_t state = plx__atomic_load_acquire(&socket->state);
    if (socket->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (state != PLX__SOCKET_FRESH && state != PLX__SOCKET_LISTENING)
        return -EINVAL;
    if ((plx__atomic_load(&socket->marks) & PLX__MARK_BOUND) == 0) {
        int status = socket->family == AF_UNIX ? -EINVAL : bind_anywhere(file);
        if (status != 0)
            return status;
    }
    if (backlog < 0 || backlog > 65535)
        backlog = 65535;
    if (listen(plx__socket_handle(file), backlog) != 0)
        return plx__errno_last();
    plx__atomic_store_release(&socket->state, PLX__SOCKET_LISTENING);
    plx__file_notify(file);
    return 0;
}

PLX__CALL int plx_posix_listen(int fd, int backlog)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    status = plx__file_is_socket(file) ? socket_listen(file, backlog) : -EINVAL;
    plx__file_put(file);
    return plx__answer_int(status);
}

/* One try. 0 with the connection as an open file, -EAGAIN, or what went wrong. */
static int accept_try(plx__file *listener, unsigned flags, plx__file **made_out)
{
    plx__socket *socket = plx__socket_of(listener);
    if (plx__atomic_load_acquire(&socket->state) != PLX__SOCKET_LISTENING)
        return -EINVAL;
    plx_socket handle;
    int accepted = plx__socket_accept(plx__socket_handle(listener), &handle);
    if (accepted != 0)
        return accepted == PLX_ECONNABORTED ? -ECONNABORTED : plx__errno_of(plx_os_error());
    uint32_t process = 0;
    if (socket->family == AF_UNIX) {
        int status = plx__local_greet(handle, listener, &process);
        if (status != 0) {
            (void)closesocket(handle);
            return status;
        }
    }
    plx__file *file =
        plx__socket_wrap(handle, socket->family, SOCK_STREAM, socket->protocol, flags);
    if (file == NULL)
        return -ENOMEM;
    plx__atomic_store(&plx__socket_of(file)->state, PLX__SOCKET_CONNECTED);
    plx__atomic_store(&plx__socket_of(file)->marks, PLX__MARK_BOUND);
    if (socket->family == AF_UNIX && plx__local_inherit(file, listener, process) != 0) {
        plx__file_put(file);
        return -ENOMEM;
    }
    *made_out = file;
    return 0;
}

static int socket_accept(plx__file *listener, unsigned flags, plx__file **made_out)
{
    plx__socket *socket = plx__socket_of(listener);
    if (socket->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    uint64_t deadline = plx__socket_deadline(listener, false, plx__file_is_nonblocking(listener));
    for (;;) {
        int status = accept_try(listener, flags, made_out);
        if (status != -EAGAIN || deadline == 0)
            return status;
        status = plx__wait_for(listener, PLX__POLLIN, deadline);
        if (status != 0)
            return status;
    }
}

PLX__CALL int plx_posix_accept4(int fd, void *address, plx__socklen *length, int flags)
{
    plx__file *file;
    plx__file *made = NULL;
    if ((flags & ~(PLX__SOCK_NONBLOCK | PLX__SOCK_CLOEXEC)) != 0)
        return plx__answer_int(-EINVAL);
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    int reserved = plx__fd_reserve(0);
    if (reserved < 0) {
        plx__file_put(file);
        return plx__answer_int(reserved);
    }
    status = plx__file_is_socket(file) ? socket_accept(file, flags_of_type(flags), &made) : -EINVAL;
    (void)plx__atomic_add(&file->reads, 1);
    plx__file_put(file);
    if (status == 0 && address != NULL)
        status = length != NULL ? 0 : -EFAULT;
    if (status != 0 && made != NULL) {
        plx__file_put(made);
        made = NULL;
    }
    if (made != NULL && address != NULL)
        (void)socket_name(made, true, address, length);
    plx__fd_fill(reserved, made, (flags & PLX__SOCK_CLOEXEC) != 0);
    return made != NULL ? reserved : plx__answer_int(status);
}

PLX__CALL int plx_posix_accept(int fd, void *address, plx__socklen *length)
{
    return plx_posix_accept4(fd, address, length, 0);
}

/* --- the end -------------------------------------------------------------------------------- */

static int socket_shutdown(plx__file *file, int how)
{
    plx__socket *socket = plx__socket_of(file);
    uint32_t state = plx__atomic_load_acquire(&socket->state);
    if (how < 0 || how > 2)
        return -EINVAL;
    if (state == PLX__SOCKET_LISTENING) {
        /* Linux stops listening; Winsock cannot, but nobody is accepted any more. */
        if (how == 1)
            return 0;
        plx__atomic_or(&socket->marks, PLX__SHUT_RECEIVE);
        plx__atomic_store_release(&socket->state, PLX__SOCKET_FRESH);
        plx__file_notify(file);
        return 0;
    }
    if (state != PLX__SOCKET_CONNECTED)
        return -ENOTCONN;
    /* SD_RECEIVE makes Windows reset the connection when more comes, so it stays in the layer. */
    if (how != 0 && (plx__atomic_load(&socket->marks) & PLX__SHUT_SEND) == 0 &&
        shutdown(plx__socket_handle(file), SD_SEND) != 0)
        return plx__errno_last();
    plx__atomic_or(&socket->marks, how == 0   ? PLX__SHUT_RECEIVE
                                   : how == 1 ? PLX__SHUT_SEND
                                              : PLX__SHUT_RECEIVE | PLX__SHUT_SEND);
    plx__file_notify(file);
    return 0;
}

PLX__CALL int plx_posix_shutdown(int fd, int how)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    status =
        plx__file_is_socket(file) ? socket_shutdown(file, how) : plx__channel_shutdown(file, how);
    plx__file_put(file);
    return plx__answer_int(status);
}
