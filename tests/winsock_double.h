/* tests/winsock_double.h - Winsock with behaviours that Windows documents and Wine 8 lacks.
 *
 * The library under test is compiled with this header in front of platform/windows and backends/,
 * so that its calls come here; until winsock_double_start() they go on to Winsock as they are.
 * Then, with the rows of the table "WSAPoll" in docs/design.md:
 *
 *  1  (WINSOCK_OLD) A failed connect is never reported by WSAPoll.
 *  3  A failed connect is WRNORM, HUP and ERR; SO_ERROR is 0 after one that connect() itself met.
 *  4  Asking for what WSAPoll does not know fails the call.
 *  6  The peer's end is HUP as soon as it arrives, with unread data before it or not, and whatever
 *     is asked for. A reset is HUP alone, as WSAPOLLFD's documentation has it, and receiving then
 *     fails with WSAECONNRESET.
 *  9  A negative socket is NVAL, not counted. 10: so is a closed one among others.
 *  -  A send that does not block is taken whole if any of it is (Wine, ws2_32/tests/sock.c,
 *     test_send_buffering). What the system beneath did not take is held here and sent by later
 *     calls; shutdown() and closesocket() wait for it in the background, overlapped sends behind.
 *  -  Connecting to 0.0.0.0 or [::] fails with WSAEADDRNOTAVAIL, and binding a port that the system
 *     reserves with WSAEACCES.
 */
#ifndef WINSOCK_DOUBLE_H
#define WINSOCK_DOUBLE_H

/* Not platform/os.h, whose inline functions would be in front of the double. */
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
/* winsock2.h must come before windows.h, and both before mswsock.h. */
/* clang-format off */
#include <winsock2.h>
#include <windows.h>
#include <ws2tcpip.h>
#include <mswsock.h>
/* clang-format on */
#include <stdbool.h>
#include <stdint.h>

enum winsock_double_mode {
    WINSOCK_AS_DOCUMENTED = 1, /* Windows 10 2004 and later. */
    WINSOCK_OLD = 2            /* And row 1. */
};

void winsock_double_start(enum winsock_double_mode mode);
/* Reserves this port, in the host's order; 0 for none. */
void winsock_double_reserve(uint16_t port);
/* From now on no overlapped send that waits here ends when it is cancelled. */
void winsock_double_ignore_cancel(bool is_ignoring);
/* Has SetFileCompletionNotificationModes() fail. */
void winsock_double_refuse_modes(bool is_refusing);
/* The most bytes that one call has handed over. */
size_t winsock_double_largest_send(void);
/* Sets the most negative sockets that one call of WSAPoll has had; returns what it was. */
unsigned winsock_double_count_parked(unsigned count);

SOCKET WSAAPI double_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                GROUP group, DWORD flags);
SOCKET WSAAPI double_accept(SOCKET socket, struct sockaddr *name, int *length);
int WSAAPI double_bind(SOCKET socket, const struct sockaddr *name, int length);
int WSAAPI double_connect(SOCKET socket, const struct sockaddr *name, int length);
int WSAAPI double_closesocket(SOCKET socket);
int WSAAPI double_shutdown(SOCKET socket, int how);
int WSAAPI double_setsockopt(SOCKET socket, int level, int name, const char *value, int length);
int WSAAPI double_getsockopt(SOCKET socket, int level, int name, char *value, int *length);
int WSAAPI double_recv(SOCKET socket, char *bytes, int length, int flags);
int WSAAPI double_send(SOCKET socket, const char *bytes, int length, int flags);
int WSAAPI double_WSASend(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *sent, DWORD flags,
                          OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI double_WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out,
                           DWORD out_size, DWORD *returned, OVERLAPPED *overlapped,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI double_WSAPoll(WSAPOLLFD *entries, ULONG count, INT timeout);
int WSAAPI double_select(int unused, fd_set *readable, fd_set *writable, fd_set *failed,
                         PTIMEVAL timeout);
HANDLE WINAPI double_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key,
                                            DWORD threads);
BOOL WINAPI double_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG max,
                                               ULONG *count, DWORD timeout, BOOL is_alertable);
BOOL WINAPI double_CancelIoEx(HANDLE handle, OVERLAPPED *overlapped);
BOOL WINAPI double_SetFileCompletionNotificationModes(HANDLE handle, UCHAR modes);

#ifdef WINSOCK_DOUBLE_IN_FRONT
#define WSASocketW(a, b, c, d, e, f)        double_WSASocketW(a, b, c, d, e, f)
#define accept(a, b, c)                     double_accept(a, b, c)
#define bind(a, b, c)                       double_bind(a, b, c)
#define connect(a, b, c)                    double_connect(a, b, c)
#define closesocket(a)                      double_closesocket(a)
#define shutdown(a, b)                      double_shutdown(a, b)
#define setsockopt(a, b, c, d, e)           double_setsockopt(a, b, c, d, e)
#define getsockopt(a, b, c, d, e)           double_getsockopt(a, b, c, d, e)
#define recv(a, b, c, d)                    double_recv(a, b, c, d)
#define send(a, b, c, d)                    double_send(a, b, c, d)
#define WSASend(a, b, c, d, e, f, g)        double_WSASend(a, b, c, d, e, f, g)
#define WSAIoctl(a, b, c, d, e, f, g, h, i) double_WSAIoctl(a, b, c, d, e, f, g, h, i)
#define WSAPoll(a, b, c)                    double_WSAPoll(a, b, c)
#define select(a, b, c, d, e)               double_select(a, b, c, d, e)
#define CreateIoCompletionPort(a, b, c, d)  double_CreateIoCompletionPort(a, b, c, d)
#define GetQueuedCompletionStatusEx(a, b, c, d, e, f)                                              \
    double_GetQueuedCompletionStatusEx(a, b, c, d, e, f)
#define SetFileCompletionNotificationModes(a, b) double_SetFileCompletionNotificationModes(a, b)
#define CancelIoEx(a, b)                         double_CancelIoEx(a, b)
#endif

/* What the two files of the double share. */
#ifdef WINSOCK_DOUBLE_ITSELF
typedef struct double_socket {
    uint16_t port;        /* Of the connecting side, by which both ends are found; or 0. */
    bool is_client;       /* This is that side. */
    bool is_connecting;   /* A connect() has begun, and nobody has seen it end. */
    bool has_met_failure; /* connect() itself failed. */
    bool has_ended;       /* The peer has shut its side. */
    bool is_reset;        /* The peer has reset the connection. */
    bool lingers_not;     /* Closing resets. */
    bool is_shut;         /* shutdown() was called. */
    bool is_closed;       /* closesocket() was called, and bytes are held. */
    size_t held;          /* Bytes that are taken and not sent. */
    size_t held_at;
    unsigned char *bytes;
    struct waiting_send *waiting; /* Overlapped ones behind those bytes. */
    HANDLE port_of_completions;
    ULONG_PTR key;
} double_socket;

extern enum winsock_double_mode double_mode;
/* What is known of it; NULL for a number that is no socket's. */
double_socket *double_find(SOCKET socket);
/* Between these two. */
void double_lock(void);
void double_unlock(void);
/* Sends what is held, as far as it goes; whether something still is. With the lock. */
bool double_pump(void);
#endif

#endif
