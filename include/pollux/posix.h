/**
 * @file posix.h
 * From descriptors of the POSIX layer (pollux::posix) to sockets of the system and back, so that
 * one program can use both the layer and the loop. On Unix both are the same number.
 */
#ifndef POLLUX_POSIX_H
#define POLLUX_POSIX_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) || defined(PLX_POSIX_PURE)

/**
 * The socket behind a descriptor, for plx_watch_open(). It stays the descriptor's. Returns
 * PLX_SOCKET_NONE and sets errno: EBADF, ENOTSOCK, or EOPNOTSUPP for a socketpair(), which lives in
 * the process and has none. Any thread.
 */
plx_socket pollux_posix_socket(int fd);

/**
 * A descriptor for a socket that was made elsewhere, which is the descriptor's from then on and is
 * made non-blocking. Returns -1 and sets errno: ENOTSOCK, EMFILE, ENOMEM. With the first two the
 * socket stays the caller's. Any thread.
 */
int pollux_posix_adopt(plx_socket socket);

#else

static inline plx_socket pollux_posix_socket(int fd)
{
    return fd;
}

static inline int pollux_posix_adopt(plx_socket socket)
{
    return socket;
}

#endif

#ifdef __cplusplus
}
#endif
#endif
