/* posix/socket/connect.c - connecting: at once, waiting, or under way; again, and after failure.
 */
#include "posix/socket/local.h"
#include "posix/wait/wait.h"

#include <string.h>

void plx__socket_update(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    AcquireSRWLockExclusive(&socket->lock);
    if (plx__atomic_load(&socket->state) == PLX__SOCKET_CONNECTING) {
        if (plx__socket_connect_result(plx__socket_handle(file)) == 0) {
            plx__atomic_or(&socket->marks, PLX__MARK_UNTOLD | PLX__MARK_BOUND);
            plx__atomic_store_release(&socket->state, PLX__SOCKET_CONNECTED);
        } else {
            int os_code = plx_os_error();
            if (os_code == WSAENOTCONN) /* The system does not say why there is no peer. */
                os_code = WSAECONNREFUSED;
            plx__atomic_store(&socket->error, (uint32_t)-plx__errno_of(os_code));
            plx__atomic_store_release(&socket->state, PLX__SOCKET_FAILED);
        }
    }
    ReleaseSRWLockExclusive(&socket->lock);
}

/* A SOCKET whose connect has failed takes no other (Winsock: connect); Linux's does. */
int plx__socket_renew(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    SOCKET made = plx__socket_handle_make(socket->family, socket->type,
                                          socket->family == AF_UNIX ? 0 : socket->protocol);
    if (made == INVALID_SOCKET)
        return plx__errno_last();
    (void)closesocket(plx__socket_handle(file));
    file->handle = (void *)made;
    plx__atomic_store(&socket->marks,
                      plx__atomic_load(&socket->marks) & (PLX__MARK_REUSE | PLX__MARK_SHARE));
    plx__atomic_store_release(&socket->state, PLX__SOCKET_FRESH);
    return 0;
}

/* 0, -EINPROGRESS, or what went wrong at once. */
static int connect_start(plx__file *file, const struct sockaddr *address, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    plx__address to;
    plx__address_take(&to, address, length);
    int status = plx__socket_connect(plx__socket_handle(file), &to);
    if (status == 0) {
        plx__atomic_or(&socket->marks, PLX__MARK_BOUND);
        plx__atomic_store_release(&socket->state, PLX__SOCKET_CONNECTED);
        return 0;
    }
    if (status == PLX_EAGAIN) {
        plx__atomic_store_release(&socket->state, PLX__SOCKET_CONNECTING);
        return -EINPROGRESS;
    }
    status = plx__errno_of(plx_os_error());
    if (socket->type == SOCK_STREAM)
        (void)plx__socket_renew(file);
    return status;
}

static int datagram_disconnect(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    struct sockaddr_storage nobody;
    memset(&nobody, 0, sizeof nobody);
    nobody.ss_family = (short)socket->family;
    (void)connect(plx__socket_handle(file), (struct sockaddr *)&nobody,
                  socket->family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                             : sizeof(struct sockaddr_in));
    plx__atomic_store_release(&socket->state, PLX__SOCKET_FRESH);
    return 0;
}

/* What connect() says to one that has been called before. 1: go on and connect. */
static int connect_again(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    uint32_t error;
    switch (plx__atomic_load_acquire(&socket->state)) {
    case PLX__SOCKET_LISTENING:
        return -EISCONN;
    case PLX__SOCKET_CONNECTED:
        if (socket->type == SOCK_DGRAM)
            return 1;
        if ((plx__atomic_load(&socket->marks) & PLX__MARK_UNTOLD) == 0)
            return -EISCONN;
        plx__atomic_store(&socket->marks,
                          plx__atomic_load(&socket->marks) & ~(uint32_t)PLX__MARK_UNTOLD);
        return 0;
    case PLX__SOCKET_FAILED:
        error = plx__atomic_exchange(&socket->error, 0);
        (void)plx__socket_renew(file);
        return error != 0 ? -(int)error : -ECONNABORTED;
    default:
        return 1;
    }
}

static int connect_wait(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    uint64_t deadline = plx__socket_deadline(file, true, false);
    while (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING) {
        int status = plx__wait_for(file, PLX__POLLOUT, deadline);
        if (status != 0)
            return status == -EAGAIN ? -EINPROGRESS : status;
    }
    return connect_again(file);
}

static int socket_connect(plx__file *file, const struct sockaddr *address, plx__socklen length)
{
    plx__socket *socket = plx__socket_of(file);
    bool is_nonblocking = plx__file_is_nonblocking(file);
    if (address == NULL)
        return -EFAULT;
    if (socket->family == AF_UNIX)
        return plx__local_connect(file, address, length);
    if (length >= sizeof address->sa_family && address->sa_family == AF_UNSPEC)
        return socket->type == SOCK_DGRAM ? datagram_disconnect(file) : plx__socket_renew(file);
    int status = plx__address_check(socket, address, length);
    if (status != 0)
        return status;
    if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING) {
        plx__poll_item item = {file, PLX__POLLOUT, 0, 0};
        (void)plx__wait(&item, 1, 0, true);
        if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING)
            return is_nonblocking ? -EALREADY : connect_wait(file);
    }
    status = connect_again(file);
    if (status != 1)
        return status;
    status = connect_start(file, address, length);
    return status == -EINPROGRESS && !is_nonblocking ? connect_wait(file) : status;
}

PLX__CALL int plx_posix_connect(int fd, const struct sockaddr *address, plx__socklen length)
{
    plx__file *file;
    int status = plx__socket_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    status = plx__file_is_socket(file) ? socket_connect(file, address, length) : -EISCONN;
    plx__file_put(file);
    return plx__answer_int(status);
}
