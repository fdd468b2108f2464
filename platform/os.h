/* platform/os.h - the system's own socket headers, and the two waits that speak its poll entries.
 *
 * For platform/ and backends/ only. The entry type is the system's (struct pollfd, WSAPOLLFD), so
 * that an array of them goes to the kernel as it is; what differs in its bits has one name here.
 */
#ifndef PLX__OS_H
#define PLX__OS_H

#include "platform/platform.h"

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
/* clang-format off: winsock2.h must come before windows.h. */
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>
/* clang-format on */

typedef WSAPOLLFD plx__poll_entry;

/* What plx__socket_connect() does first, for who connects by other means. A connect to 0.0.0.0 or
 * [::] is one to the loopback on other systems, and WSAEADDRNOTAVAIL here (Winsock: connect); the
 * first makes it the loopback. */
void plx__socket_connect_aim(plx__address *address);
void plx__socket_connect_prepare(plx_socket socket, const plx__address *address);

/* After a bind that failed with WSAEACCES: whether it met somebody who has the port, as opposed to
 * a port that the system reserves (netsh interface ipv4 show excludedportrange). */
bool plx__bind_met_another(const struct sockaddr *address);

/* The most that one call hands to Winsock. Windows takes a send that does not block whole, 50 MB
 * too, as long as less than SO_SNDBUF bytes are on their way (Wine, ws2_32/tests/sock.c,
 * test_send_buffering; Microsoft's KB 214397, "Design issues - Sending small data segments over
 * TCP with Winsock"). So what the system has is bounded by the size of a call: SO_SNDBUF and this.
 */
#define PLX__SEND_MAX 65536u

/* plx__send() of more than that, piece by piece until the system takes no more. */
PLX__SLOW ptrdiff_t plx__send_pieces(plx_socket socket, const void *bytes, size_t length);

/* As in afunix.h, which not every SDK carries. */
typedef struct plx__sockaddr_un {
    ADDRESS_FAMILY sun_family;
    char sun_path[108];
} plx__sockaddr_un;

/* What may be asked for: WSAPoll fails as a whole with WSAEINVAL when an entry asks for anything
 * but POLLRDNORM, POLLRDBAND and POLLWRNORM (Windows SDK, winsock2.h; Wine takes any bit). */
#define PLX__POLL_READ  POLLRDNORM
#define PLX__POLL_WRITE POLLWRNORM

#else
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct pollfd plx__poll_entry;
typedef struct sockaddr_un plx__sockaddr_un;

/* The Pollux code for an accept() that ended with this one. */
int plx__accept_failed(int os_code);

#define PLX__POLL_READ  POLLIN
#define PLX__POLL_WRITE POLLOUT

/* Where sends cannot be told one by one to be silent about broken pipes (macOS), sockets are. */
#ifdef MSG_NOSIGNAL
#define PLX__SEND_FLAGS MSG_NOSIGNAL
#else
#define PLX__SEND_FLAGS 0
#endif
#endif

/* Why the call failed. One that was interrupted says "not now": what was ready still is. */
PLX__SLOW ptrdiff_t plx__receive_failed(void);
PLX__SLOW ptrdiff_t plx__send_failed(void);

/* plx__socket_receive(), for the path of every event. Negative if it fails: plx__receive_failed()
 * says why. */
static inline ptrdiff_t plx__receive_raw(plx_socket socket, void *bytes, size_t size)
{
#ifdef _WIN32
    return recv(socket, bytes, size < INT32_MAX ? (int)size : INT32_MAX, 0);
#else
    return recv(socket, bytes, size, 0);
#endif
}

static inline ptrdiff_t plx__receive(plx_socket socket, void *bytes, size_t size)
{
    ptrdiff_t got = plx__receive_raw(socket, bytes, size);
    return got >= 0 ? got : plx__receive_failed();
}

/* plx__socket_send(), for the path of every event. */
static inline ptrdiff_t plx__send(plx_socket socket, const void *bytes, size_t length)
{
#ifdef _WIN32
    if (length > PLX__SEND_MAX)
        return plx__send_pieces(socket, bytes, length);
    ptrdiff_t sent = send(socket, bytes, (int)length, 0);
#else
    ptrdiff_t sent = send(socket, bytes, length, PLX__SEND_FLAGS);
#endif
    return sent >= 0 ? sent : plx__send_failed();
}

/* At least one slice. */
static inline ptrdiff_t plx__send_slices(plx_socket socket, const plx__slice *slices, size_t count)
{
    return count == 1 ? plx__send(socket, slices->bytes, slices->length)
                      : plx__socket_send_slices(socket, slices, count);
}

/* What counts as ready to read and to write: a hang-up and an error do, so that the call that
 * follows meets them. */
#define PLX__POLL_READABLE (PLX__POLL_READ | POLLHUP | POLLERR)
#define PLX__POLL_WRITABLE (PLX__POLL_WRITE | POLLHUP | POLLERR)

/* Waits for at most `timeout_ns` and returns how many entries have `revents` that are not 0; all
 * others are set to 0. A signal ends the wait early, with 0. Each entry asks for PLX__POLL_READ or
 * PLX__POLL_WRITE or both; a descriptor that is closed says POLLNVAL. */
int plx__poll(plx__poll_entry *entries, size_t count, uint64_t timeout_ns);

/* The same by select(), without its bound on the number or the value of descriptors. `scratch` is
 * its working memory. */
int plx__select(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch);
/* Makes the working memory large enough for `count` entries, among them this socket. It is NULL at
 * first, and freed with plx__free at the end. 0, or PLX_ENOMEM with what there is still good. */
int plx__select_reserve(void **scratch, plx_socket socket, size_t count);

/* The waits of the system count in milliseconds. Rounded up, for else a wait of less than one would
 * turn into a spin; PLX_FOREVER becomes UINT32_MAX, which is INFINITE and, as an int, poll's -1. */
static inline uint32_t plx__milliseconds(uint64_t timeout_ns)
{
    if (timeout_ns == PLX_FOREVER)
        return UINT32_MAX;
    uint64_t milliseconds = timeout_ns / PLX_MILLISECOND + (timeout_ns % PLX_MILLISECOND != 0);
    return milliseconds < INT32_MAX ? (uint32_t)milliseconds : (uint32_t)INT32_MAX;
}

/* Makes an address of `length` bytes that the system has written into it whole: 0, or
 * PLX_EAFNOSUPPORT for a family that Pollux has not. */
int plx__address_family_read(plx__address *address, socklen_t length);

/* The system's address inside ours. */
static inline struct sockaddr *plx__address_raw(plx__address *address)
{
    return (struct sockaddr *)(void *)address->storage.bytes;
}

static inline const struct sockaddr *plx__address_raw_const(const plx__address *address)
{
    return (const struct sockaddr *)(const void *)address->storage.bytes;
}

#endif
