/* posix/socket/bridge.c - <pollux/posix.h>: from descriptors to sockets of the system, and back.
 */
#include "posix/socket/socket.h"

PLX__CALL SOCKET pollux_posix_socket(int fd)
{
    plx__file *file;
    SOCKET handle = INVALID_SOCKET;
    int status = plx__socket_get(fd, &file);
    if (status == 0) {
        status = plx__file_is_socket(file) ? 0 : -EOPNOTSUPP;
        handle = status == 0 ? plx__socket_handle(file) : INVALID_SOCKET;
        plx__file_put(file);
    }
    (void)plx__answer_int(status);
    return handle;
}

static uint32_t adopted_state(SOCKET handle, int type)
{
    struct sockaddr_storage peer;
    int size = sizeof peer;
    DWORD listens = 0;
    int length = sizeof listens;
    if (getpeername(handle, (struct sockaddr *)&peer, &size) == 0)
        return PLX__SOCKET_CONNECTED;
    if (type == SOCK_STREAM &&
        getsockopt(handle, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listens, &length) == 0 && listens)
        return PLX__SOCKET_LISTENING;
    return PLX__SOCKET_FRESH;
}

PLX__CALL int pollux_posix_adopt(SOCKET handle)
{
    WSAPROTOCOL_INFOW info;
    int size = sizeof info;
    plx__start();
    if (getsockopt(handle, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) != 0)
        return plx__answer_int(plx__errno_last());
    int fd = plx__fd_reserve(0);
    if (fd < 0)
        return plx__answer_int(fd); /* The socket stays the caller's. */
    struct sockaddr_storage name;
    int length = sizeof name;
    plx__file *file = plx__socket_wrap(handle, info.iAddressFamily, info.iSocketType,
                                       info.iProtocol, PLX__O_RDWR);
    if (file != NULL) {
        plx__socket *socket = plx__socket_of(file);
        u_long on = 1;
        (void)ioctlsocket(handle, (long)FIONBIO, &on);
        plx__atomic_store(&socket->state, adopted_state(handle, info.iSocketType));
        if (getsockname(handle, (struct sockaddr *)&name, &length) == 0)
            plx__atomic_store(&socket->marks, PLX__MARK_BOUND);
    }
    plx__fd_fill(fd, file, false);
    return file != NULL ? fd : plx__answer_int(-ENOMEM);
}
