/* platform/handover.h - sockets that come from another process or go to one, and what a supervisor
 * has left for this one. One header with two bodies, like platform/platform.h. */
#ifndef PLX__HANDOVER_PLATFORM_H
#define PLX__HANDOVER_PLATFORM_H

#include "platform/platform.h"

/* What a socket is on its way: on Unix the system carries it, on Windows it is these bytes. */
#ifdef _WIN32
#define PLX__PACKED_BYTES 628u
#else
#define PLX__PACKED_BYTES 0u
#endif

/* The most sockets of one message. */
#define PLX__PACKED_MAX 250u

/* The number of this process. */
uint64_t plx__process_id(void);
/* Who is at the other end of a Unix-domain socket: 0 if it is a process of this one's user, or
 * PLX_EACCES. `*process_out` is its number, or 0 if the system does not tell. */
int plx__peer_check(plx_socket socket, uint64_t *process_out);
/* Writes PLX__PACKED_BYTES for each socket, for `process` alone to unpack. */
int plx__sockets_pack(const plx_socket *sockets, uint32_t count, uint64_t process,
                      unsigned char *bytes);
/* Makes sockets of what came: `*count` are at `sockets` already where the system has carried them,
 * and must be `wanted`. On failure none is open. 0, PLX_EINVAL for something else, or a code. */
int plx__sockets_unpack(const unsigned char *bytes, plx_socket *sockets, uint32_t *count,
                        uint32_t wanted);
/* plx__socket_send() and plx__socket_receive() on a Unix-domain socket that carries sockets, where
 * the system can: with the first of the bytes. What comes is not inherited by children, and is
 * added to `*count` of PLX__PACKED_MAX; more are closed. */
ptrdiff_t plx__sockets_send(plx_socket channel, const void *bytes, size_t length,
                            const plx_socket *sockets, uint32_t count);
ptrdiff_t plx__sockets_receive(plx_socket channel, void *bytes, size_t size, plx_socket *sockets,
                               uint32_t *count);
/* Waits until one can read from it: 0, PLX_ETIMEDOUT or a code. */
int plx__socket_await(plx_socket socket, uint64_t timeout_ns);

/* The descriptor number `index` of those that a supervisor has opened; children do not inherit it
 * any more. PLX_EBADF, or PLX_ENOSYS where there are none. */
int plx__supervised_socket(uint32_t index, plx_socket *socket_out);
/* Removes a variable from the environment. */
void plx__environment_remove(const char *name);
/* Sends a datagram to the Unix-domain socket of that path, or with an '@' in front of that name in
 * Linux's abstract namespace. 0 also where there are no such sockets. */
int plx__datagram_send(const char *name, const void *bytes, size_t length);

#endif
