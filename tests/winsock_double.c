/* tests/winsock_double.c - sockets that behave as Windows documents them: see winsock_double.h.
 *
 * What is known of a socket is in an array, by its number (Wine's are small multiples of 4).
 * Bytes that the system beneath did not take wait here; every call that comes by tries to send
 * them, and those that wait do so in slices meanwhile.
 */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <stdlib.h>
#include <string.h>

enum { SOCKETS_MAX = 1 << 15, PORTS_MAX = 1 << 16 };

typedef struct waiting_send {
    struct waiting_send *next;
    OVERLAPPED *overlapped;
    WSABUF buffer; /* One is enough for the library. */
} waiting_send;

typedef struct connection {
    SOCKET client, server; /* 0: unknown. */
} connection;

enum winsock_double_mode double_mode;
static SRWLOCK lock = SRWLOCK_INIT;
static double_socket sockets[SOCKETS_MAX];
static connection connections[PORTS_MAX];
static size_t highest; /* Of the sockets seen. */
static uint32_t busy;  /* Sockets with something held. */
static uint16_t reserved_port;
static bool is_ignoring_cancel;
static size_t largest_send;
static LPFN_CONNECTEX connect_ex;
static LPFN_ACCEPTEX accept_ex;

void winsock_double_start(enum winsock_double_mode mode)
{
    double_mode = mode;
}

void winsock_double_reserve(uint16_t port)
{
    reserved_port = port;
}

void winsock_double_ignore_cancel(bool is_ignoring)
{
    is_ignoring_cancel = is_ignoring;
}

size_t winsock_double_largest_send(void)
{
    return largest_send;
}

void double_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void double_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

double_socket *double_find(SOCKET socket)
{
    size_t index = (size_t)socket / 4;
    return index < SOCKETS_MAX ? &sockets[index] : NULL;
}

static SOCKET number_of(const double_socket *known)
{
    return (SOCKET)(known - sockets) * 4;
}

/* A new socket has this number: nothing is known of it. */
static void socket_forget(SOCKET socket, bool is_unix)
{
    double_socket *known = double_find(socket);
    if (known == NULL)
        return;
    free(known->bytes);
    memset(known, 0, sizeof *known);
    known->is_unix = is_unix;
    if ((size_t)socket / 4 >= highest)
        highest = (size_t)socket / 4 + 1;
}

static uint16_t port_of(const struct sockaddr *name)
{
    return ntohs(((const struct sockaddr_in *)(const void *)name)->sin_port);
}

static uint16_t port_of_socket(SOCKET socket, bool is_peers)
{
    SOCKADDR_STORAGE name;
    int length = sizeof name;
    struct sockaddr *raw = (struct sockaddr *)(void *)&name;
    int result = is_peers ? getpeername(socket, raw, &length) : getsockname(socket, raw, &length);
    return result == 0 && name.ss_family != AF_UNIX ? port_of(raw) : 0;
}

/* Remembers one end of a connection. */
static void end_remember(SOCKET socket, bool is_client)
{
    double_socket *known = double_find(socket);
    uint16_t port = port_of_socket(socket, !is_client);
    if (known == NULL || port == 0)
        return;
    known->port = port;
    known->is_client = is_client;
    if (is_client)
        connections[port] = (connection){.client = socket};
    else
        connections[port].server = socket;
}

static double_socket *peer_find(const double_socket *known)
{
    const connection *both = &connections[known->port];
    SOCKET self = number_of(known);
    SOCKET other = known->is_client ? both->server : both->client;
    if (known->port == 0 || other == 0 || self != (known->is_client ? both->client : both->server))
        return NULL;
    return double_find(other);
}

static void end_tell(const double_socket *known, bool is_reset)
{
    double_socket *other = peer_find(known);
    if (other != NULL && is_reset)
        other->is_reset = true;
    else if (other != NULL)
        other->has_ended = true;
}

static void end_forget(const double_socket *known)
{
    connection *both = &connections[known->port];
    SOCKET *self = known->is_client ? &both->client : &both->server;
    if (known->port != 0 && *self == number_of(known))
        *self = 0;
}

/* --- what is held ----------------------------------------------------------------------------
 */

static void send_ended(double_socket *known, waiting_send *send, ULONG_PTR status, DWORD bytes)
{
    send->overlapped->Internal = status;
    send->overlapped->InternalHigh = bytes;
    (void)PostQueuedCompletionStatus(known->port_of_completions, bytes, known->key,
                                     send->overlapped);
    free(send);
}

static void waiting_end(double_socket *known, const OVERLAPPED *only)
{
    for (waiting_send **at = &known->waiting; *at != NULL;) {
        waiting_send *send = *at;
        if (only != NULL && send->overlapped != only) {
            at = &send->next;
            continue;
        }
        *at = send->next;
        send_ended(known, send, 0xC0000120u /* STATUS_CANCELLED */, 0);
    }
}

static void held_drop(double_socket *known)
{
    busy -= known->held > 0;
    known->held = 0;
    free(known->bytes);
    known->bytes = NULL;
}

static bool held_add(double_socket *known, const WSABUF *buffers, DWORD count, size_t skipped)
{
    size_t total = 0;
    for (DWORD i = 0; i < count; i++)
        total += buffers[i].len;
    unsigned char *bytes = realloc(known->bytes, known->held + total - skipped);
    if (bytes == NULL)
        return false;
    busy += known->held == 0;
    known->bytes = bytes;
    for (DWORD i = 0; i < count; i++) {
        size_t from = skipped < buffers[i].len ? skipped : buffers[i].len;
        memcpy(bytes + known->held, buffers[i].buf + from, buffers[i].len - from);
        known->held += buffers[i].len - from;
        skipped -= from;
    }
    return true;
}

/* Takes what waits behind the held bytes; what the system does not take of it is held in turn. */
static void waiting_start(double_socket *known)
{
    while (known->waiting != NULL && known->held == 0) {
        waiting_send *first = known->waiting;
        int sent = send(number_of(known), first->buffer.buf, (int)first->buffer.len, 0);
        bool is_full = sent < 0 && WSAGetLastError() == WSAEWOULDBLOCK;
        known->waiting = first->next;
        if (is_full)
            sent = 0;
        if (sent < 0) {
            send_ended(known, first, 0xC000020Du /* STATUS_CONNECTION_RESET */, 0);
            continue;
        }
        if (sent < (int)first->buffer.len)
            (void)held_add(known, &first->buffer, 1, (size_t)sent);
        send_ended(known, first, 0, first->buffer.len);
    }
}

/* What shutdown() and closesocket() left to do, once nothing is held any more. */
static void endings_do(double_socket *known)
{
    SOCKET socket = number_of(known);
    if (known->held > 0)
        return;
    if (known->is_shut || known->is_closed)
        end_tell(known, false);
    if (known->is_shut)
        (void)shutdown(socket, SD_SEND);
    if (known->is_closed) {
        known->is_closed = false;
        end_forget(known);
        (void)closesocket(socket);
    }
}

static void socket_pump(double_socket *known)
{
    SOCKET socket = number_of(known);
    while (known->held > 0) {
        int sent = send(socket, (const char *)known->bytes + known->held_at,
                        (int)(known->held - known->held_at), 0);
        if (sent < 0 && WSAGetLastError() == WSAEWOULDBLOCK)
            return;
        known->held_at = sent < 0 ? known->held : known->held_at + (size_t)sent;
        if (known->held_at == known->held) {
            held_drop(known);
            known->held_at = 0;
        }
    }
    waiting_start(known);
    endings_do(known);
}

bool double_pump(void)
{
    int error = WSAGetLastError();
    for (size_t i = 0; busy > 0 && i < highest; i++) {
        if (sockets[i].held > 0)
            socket_pump(&sockets[i]);
    }
    WSASetLastError(error);
    return busy > 0;
}

/* --- the life of a socket --------------------------------------------------------------------
 */

SOCKET WSAAPI double_WSASocketW(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                                GROUP group, DWORD flags)
{
    SOCKET made = INVALID_SOCKET;
    bool is_unix = double_mode != 0 && family == AF_UNIX;
    if (double_mode != 0 && (group != 0 || (flags & WSA_FLAG_OVERLAPPED) == 0))
        WSASetLastError(WSAEINVAL); /* No backend could have it. */
    else if (!double_strikes(DOUBLE_SOCKET))
        made = WSASocketW(is_unix ? AF_INET : family, type, protocol, info, group, flags);
    if (made == INVALID_SOCKET)
        return made;
    double_handles_add(1);
    double_inheritable_count(flags);
    double_lock();
    socket_forget(made, is_unix);
    double_unlock();
    return made;
}

static SOCKET accepted_note(SOCKET listener, SOCKET made)
{
    const double_socket *from = double_find(listener);
    double_handles_add(made != INVALID_SOCKET);
    if (made == INVALID_SOCKET || double_mode == 0)
        return made;
    double_lock();
    socket_forget(made, from != NULL && from->is_unix);
    end_remember(made, false);
    double_unlock();
    return made;
}

SOCKET WSAAPI double_accept(SOCKET socket, struct sockaddr *name, int *length)
{
    return double_WSAAccept(socket, name, length, NULL, 0);
}

SOCKET WSAAPI double_WSAAccept(SOCKET socket, struct sockaddr *name, int *length,
                               LPCONDITIONPROC condition, DWORD_PTR data)
{
    return double_strikes(DOUBLE_ACCEPT)
               ? INVALID_SOCKET
               : accepted_note(socket, WSAAccept(socket, name, length, condition, data));
}

int WSAAPI double_bind(SOCKET socket, const struct sockaddr *name, int length)
{
    if (double_strikes(DOUBLE_BIND))
        return SOCKET_ERROR;
    double_bound_remember(name);
    if (reserved_port != 0 && name->sa_family != AF_UNIX && port_of(name) == reserved_port) {
        WSASetLastError(WSAEACCES);
        return SOCKET_ERROR;
    }
    return double_unix_bind(socket, name, length);
}

int WSAAPI double_connect(SOCKET socket, const struct sockaddr *name, int length)
{
    if (double_strikes(DOUBLE_CONNECT))
        return SOCKET_ERROR;
    if (double_mode != 0 && double_is_any(name)) {
        WSASetLastError(WSAEADDRNOTAVAIL);
        return SOCKET_ERROR;
    }
    int result = name->sa_family == AF_UNIX && double_mode != 0 ? double_unix_connect(socket, name)
                                                                : connect(socket, name, length);
    int error = WSAGetLastError();
    double_lock();
    double_socket *known = double_find(socket);
    if (double_mode != 0 && known != NULL) {
        known->is_connecting = result != 0 && error == WSAEWOULDBLOCK;
        known->has_met_failure = result != 0 && !known->is_connecting;
        if (!known->has_met_failure)
            end_remember(socket, true);
    }
    double_unlock();
    WSASetLastError(error);
    return result;
}

static BOOL PASCAL double_connect_ex(SOCKET socket, const struct sockaddr *name, int length,
                                     void *bytes, DWORD count, DWORD *sent, OVERLAPPED *overlapped)
{
    if (double_is_any(name) || (bytes == NULL && count != 0)) {
        WSASetLastError(double_is_any(name) ? WSAEADDRNOTAVAIL : WSAEFAULT);
        return FALSE;
    }
    if (!double_can_start(overlapped, 1))
        return FALSE;
    BOOL result = connect_ex(socket, name, length, bytes, count, sent, overlapped);
    int error = WSAGetLastError();
    double_lock();
    end_remember(socket, true);
    double_unlock();
    WSASetLastError(error);
    return result;
}

static BOOL PASCAL double_accept_ex(SOCKET listener, SOCKET socket, void *bytes, DWORD count,
                                    DWORD local, DWORD remote, DWORD *got, OVERLAPPED *overlapped)
{
    double_accept_remember(overlapped);
    if (double_strikes(DOUBLE_ACCEPT_EX) || !double_can_start(overlapped, 1))
        return FALSE;
    memset(bytes, 0xEE, count + local + remote); /* It is the kernel's now. */
    return accept_ex(listener, socket, bytes, count, local, remote, got, overlapped);
}

int WSAAPI double_WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out,
                           DWORD out_size, DWORD *returned, OVERLAPPED *overlapped,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static const GUID connect_id = WSAID_CONNECTEX;
    static const GUID accept_id = WSAID_ACCEPTEX;
    if (double_strikes(DOUBLE_IOCTL))
        return SOCKET_ERROR;
    if ((in == NULL && in_size != 0) || (out == NULL && out_size != 0)) {
        WSASetLastError(WSAEFAULT);
        return SOCKET_ERROR;
    }
    double_ioctl_remember(code, in, in_size);
    if (double_unix_ioctl(socket, code, out, returned))
        return 0;
    if (double_mode != 0 && code == SIO_BSP_HANDLE_POLL)
        code = SIO_BASE_HANDLE; /* What Wine has. */
    int result = WSAIoctl(socket, code, in, in_size, out, out_size, returned, overlapped, routine);
    if (double_mode == 0 || result != 0 || code != SIO_GET_EXTENSION_FUNCTION_POINTER)
        return result;
    if (memcmp(in, &accept_id, sizeof accept_id) == 0) {
        LPFN_ACCEPTEX instead_of_accept = double_accept_ex;
        memcpy(&accept_ex, out, sizeof accept_ex);
        memcpy(out, &instead_of_accept, sizeof instead_of_accept);
    }
    if (memcmp(in, &connect_id, sizeof connect_id) != 0)
        return result;
    LPFN_CONNECTEX instead = double_connect_ex;
    memcpy(&connect_ex, out, sizeof connect_ex);
    memcpy(out, &instead, sizeof instead);
    return result;
}

int WSAAPI double_shutdown(SOCKET socket, int how)
{
    double_socket *known = double_find(socket);
    int result = 0;
    double_lock();
    (void)double_pump();
    if (double_mode != 0 && known != NULL && known->held > 0) {
        known->is_shut = true;
    } else {
        result = shutdown(socket, how);
        if (double_mode != 0 && known != NULL && result == 0 && how != SD_RECEIVE)
            end_tell(known, false);
    }
    double_unlock();
    return result;
}

int WSAAPI double_closesocket(SOCKET socket)
{
    double_socket *known = double_find(socket);
    int result = 0;
    (void)double_strikes(DOUBLE_CLOSE);
    double_lock();
    if (double_mode == 0 || known == NULL) {
        result = closesocket(socket);
    } else if (known->is_closed) {
        result = SOCKET_ERROR;
        WSASetLastError(WSAENOTSOCK);
    } else {
        (void)double_pump();
        waiting_end(known, NULL);
        if (known->lingers_not && known->held > 0)
            held_drop(known);
        known->is_closed = known->held > 0;
        if (!known->is_closed) {
            end_tell(known, known->lingers_not);
            end_forget(known);
            known->port = 0;
            result = closesocket(socket);
        }
    }
    double_handles_add(result == 0 ? -1 : socket == INVALID_SOCKET);
    double_unlock();
    return result;
}

int WSAAPI double_setsockopt(SOCKET socket, int level, int name, const char *value, int length)
{
    if (double_strikes(DOUBLE_SET))
        return SOCKET_ERROR;
    if (value == NULL && length != 0) {
        WSASetLastError(WSAEFAULT);
        return SOCKET_ERROR;
    }
    int result = setsockopt(socket, level, name, value, length);
    double_socket *known = double_find(socket);
    if (double_mode == 0 || known == NULL || result != 0 || level != SOL_SOCKET)
        return result;
    double_lock();
    if (name == SO_LINGER) {
        const struct linger *linger = (const struct linger *)(const void *)value;
        known->lingers_not = linger->l_onoff != 0 && linger->l_linger == 0;
    } else if (name == SO_UPDATE_ACCEPT_CONTEXT) {
        end_remember(socket, false);
    }
    double_unlock();
    return result;
}

/* --- receiving and sending -------------------------------------------------------------------
 */

int WSAAPI double_recv(SOCKET socket, char *bytes, int length, int flags)
{
    const double_socket *known = double_find(socket);
    if (double_strikes(DOUBLE_READ))
        return SOCKET_ERROR;
    if (double_mode != 0) {
        double_lock();
        (void)double_pump();
        double_unlock();
    }
    int got = recv(socket, bytes, length, flags);
    if (double_mode == 0 || known == NULL || !known->is_reset || got > 0)
        return got;
    WSASetLastError(WSAECONNRESET);
    return SOCKET_ERROR;
}

/* A failure that the state of the socket brings, or 0. */
static int send_failure(const double_socket *known)
{
    if (known->is_reset)
        return WSAECONNRESET;
    if (known->is_shut)
        return WSAESHUTDOWN;
    return known->held > 0 ? WSAEWOULDBLOCK : 0;
}

static int send_whole(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *sent, DWORD flags)
{
    double_socket *known = double_find(socket);
    size_t total = 0;
    for (DWORD i = 0; i < count; i++)
        total += buffers[i].len;
    if (total > largest_send)
        largest_send = total;
    (void)double_pump();
    int failure = send_failure(known);
    if (failure != 0) {
        WSASetLastError(failure);
        return SOCKET_ERROR;
    }
    int result = WSASend(socket, buffers, count, sent, flags, NULL, NULL);
    if (result != 0 || *sent == total)
        return result;
    if (!held_add(known, buffers, count, *sent))
        return 0;
    *sent = (DWORD)total;
    return 0;
}

int WSAAPI double_send(SOCKET socket, const char *bytes, int length, int flags)
{
    WSABUF buffer = {.len = (ULONG)double_take((size_t)length), .buf = (char *)(uintptr_t)bytes};
    DWORD sent;
    if (double_strikes(DOUBLE_SEND))
        return SOCKET_ERROR;
    if (double_mode == 0 || double_find(socket) == NULL)
        return send(socket, bytes, length, flags);
    double_lock();
    int result = send_whole(socket, &buffer, 1, &sent, (DWORD)flags);
    double_unlock();
    return result == 0 ? (int)sent : SOCKET_ERROR;
}

static int send_behind(double_socket *known, const WSABUF *buffer, OVERLAPPED *overlapped)
{
    waiting_send **at = &known->waiting;
    waiting_send *made = malloc(sizeof *made);
    if (made == NULL) {
        WSASetLastError(WSAENOBUFS);
        return SOCKET_ERROR;
    }
    while (*at != NULL)
        at = &(*at)->next;
    *made = (waiting_send){.overlapped = overlapped, .buffer = *buffer};
    *at = made;
    overlapped->Internal = 0x103; /* STATUS_PENDING */
    WSASetLastError(WSA_IO_PENDING);
    return SOCKET_ERROR;
}

int WSAAPI double_WSASend(SOCKET socket, WSABUF *buffers, DWORD count, DWORD *sent, DWORD flags,
                          OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    double_socket *known = double_find(socket);
    int result;
    if (double_strikes(DOUBLE_SEND) || !double_can_start(overlapped, count))
        return SOCKET_ERROR;
    if (overlapped == NULL && double_take(SIZE_MAX) != SIZE_MAX)
        return WSASend(socket, buffers, 1, sent, flags, NULL, NULL); /* Of several. */
    if (double_mode == 0 || known == NULL)
        return WSASend(socket, buffers, count, sent, flags, overlapped, routine);
    double_lock();
    if (overlapped == NULL)
        result = send_whole(socket, buffers, count, sent, flags);
    else if (known->held > 0)
        result = send_behind(known, buffers, overlapped);
    else
        result = WSASend(socket, buffers, count, sent, flags, overlapped, routine);
    double_unlock();
    return result;
}

BOOL WINAPI double_CancelIoEx(HANDLE handle, OVERLAPPED *overlapped)
{
    double_socket *known = double_find((SOCKET)handle);
    if (double_strikes(DOUBLE_CANCEL))
        return FALSE;
    double_lock();
    bool is_ours = false;
    for (waiting_send *send = known != NULL ? known->waiting : NULL; send != NULL;
         send = send->next)
        is_ours = is_ours || overlapped == NULL || send->overlapped == overlapped;
    if (is_ours && !is_ignoring_cancel)
        waiting_end(known, overlapped);
    double_unlock();
    return is_ours && overlapped != NULL ? TRUE : CancelIoEx(handle, overlapped);
}
