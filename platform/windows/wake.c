/* platform/windows/wake.c - one UDP socket on the loopback, connected to itself.
 *
 * WSAPoll and select() wait for sockets only, and no APC ends them (row 12 of the table in
 * docs/windows.md), so a wake is a datagram. Connected to itself it takes none from others. After
 * the machine has slept such a socket may be dead; it is then made anew (as asio does since
 * 4b37bdbe3).
 */
#include "platform/os.h"

#include <mswsock.h>

#include "platform/fault.h"
#include "platform/hook.h"

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

/* The most that one call drains. With more the reader stays readable, and the next wait ends. */
#define DRAIN_MAX 64

/* How often a wake that is refused for a moment is sent again: at first at once, then after a
 * millisecond each. */
#define TRIES_AT_ONCE 64
#define TRIES_MAX     80

/* Senders hold it shared, and who exchanges the socket holds it alone: a number that was closed may
 * be another socket's before a sender that has read it calls send(). */
static PSRWLOCK guard_of(plx__wake *wake)
{
    return (PSRWLOCK)(void *)&wake->guard;
}

/* Receiving would else fail for what ICMP said of an earlier datagram (row 18). */
static void resets_ignore(SOCKET socket)
{
    BOOL off = FALSE;
    DWORD returned;
    (void)WSAIoctl(socket, SIO_UDP_CONNRESET, &off, sizeof off, NULL, 0, &returned, NULL, NULL);
    (void)WSAIoctl(socket, SIO_UDP_NETRESET, &off, sizeof off, NULL, 0, &returned, NULL, NULL);
}

static int connect_to_itself(SOCKET socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int length = sizeof address;
    u_long on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(socket, (struct sockaddr *)&address, &length) != 0)
        return plx__fail_last();
    /* Some firewalls answer getsockname() with 0.0.0.0 (asio's socket_select_interrupter). */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        ioctlsocket(socket, (long)FIONBIO, &on) != 0)
        return plx__fail_last();
    return 0;
}

static int socket_open(plx_socket *socket_out)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(WSAEMFILE);
    SOCKET made = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (made == INVALID_SOCKET)
        return plx__fail_last();
    (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
    resets_ignore(made);
    int status = connect_to_itself(made);
    if (status != 0) {
        (void)closesocket(made);
        return status;
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = made;
    return 0;
}

int plx__wake_open(plx__wake *wake)
{
    plx_socket made = PLX_SOCKET_NONE;
    int status = socket_open(&made);
    wake->reader = wake->writer = made;
    InitializeSRWLock(guard_of(wake));
    return status;
}

void plx__wake_close(plx__wake *wake)
{
    plx__socket_close(wake->reader);
    wake->reader = wake->writer = PLX_SOCKET_NONE;
}

/* Whether it is to be tried again. */
static bool send_is_refused(plx__wake *wake)
{
    const char one = 1;
    AcquireSRWLockShared(guard_of(wake));
    plx_socket writer = wake->writer;
    plx__hook(PLX__HOOK_SEND);
    bool is_sent = send(writer, &one, 1, 0) == 1;
    int os_code = is_sent ? 0 : WSAGetLastError();
    ReleaseSRWLockShared(guard_of(wake));
    return os_code == WSAEWOULDBLOCK || os_code == WSAENOBUFS;
}

/* Winsock may refuse for a moment a send that finds no room or memory (send(): WSAEWOULDBLOCK,
 * WSAENOBUFS); Wine does so while another thread is sending. Dropped, the wake would leave the loop
 * asleep. Whoever gives up in the end loses nothing if the socket is full: then it is readable. */
void plx__wake_send(plx__wake *wake)
{
    for (int i = 0; i < TRIES_MAX && send_is_refused(wake); i++)
        Sleep(i < TRIES_AT_ONCE ? 0 : 1); /* 0 gives up the rest of the time slice, no more. */
}

int plx__wake_drain(plx__wake *wake, bool *renewed_out)
{
    char taken[16];
    int got = 0;
    *renewed_out = false;
    for (int i = 0; i < DRAIN_MAX && got >= 0; i++)
        got = recv(wake->reader, taken, sizeof taken, 0);
    bool is_alive = got >= 0 || WSAGetLastError() == WSAEWOULDBLOCK;
    if (is_alive && !plx__fault_strikes(PLX__FAULT_WAKE))
        return 0;
    plx_socket before = wake->reader;
    plx_socket made;
    int status = socket_open(&made);
    if (status != 0) {
        Sleep(1); /* It stays readable: who waits is here again at once, and should not spin. */
        return status;
    }
    AcquireSRWLockExclusive(guard_of(wake));
    wake->reader = wake->writer = made;
    ReleaseSRWLockExclusive(guard_of(wake));
    plx__socket_close(before); /* What was sent to it in vain ends a wait that is over already. */
    *renewed_out = true;
    return 0;
}
