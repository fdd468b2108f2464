/* platform/windows/socket.c - Winsock sockets.
 *
 * SOCKETs are made for overlapped use (WSASocket's flag), so that any backend can take them, and
 * are not inherited by children.
 */
#include "platform/os.h"

#include <iphlpapi.h>
#include <mswsock.h>
#include <string.h>

#include "platform/accept_condition.h"
#include "platform/fault.h"

_Static_assert(sizeof(plx__slice) == sizeof(WSABUF), "a slice is a WSABUF");
_Static_assert(offsetof(plx__slice, length) == offsetof(WSABUF, len), "length first");
_Static_assert(offsetof(plx__slice, bytes) == offsetof(WSABUF, buf), "then bytes");

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

/* Since Windows 10 1709 (16299); not in every SDK (mstcpip.h). */
#define TCP_INITIAL_RTO_IOCTL _WSAIOW(IOC_VENDOR, 17)

typedef struct tcp_initial_rto {
    USHORT rtt_milliseconds;
    UCHAR retransmissions_max;
} tcp_initial_rto;

/* Slices that one call of WSASend is given. */
#define PIECE_SLICES 16u

#define RTO_UNSPECIFIED        ((USHORT)-1)
#define NO_SYN_RETRANSMISSIONS ((UCHAR)-2)

int plx__sockets_start(void)
{
    WSADATA about;
    int os_code = WSAStartup(MAKEWORD(2, 2), &about);
    return os_code == 0 ? 0 : plx__fail(os_code);
}

void plx__sockets_end(void)
{
    (void)WSACleanup();
}

int plx__socket_set_blocking(plx_socket socket, bool is_blocking)
{
    u_long on = is_blocking ? 0 : 1;
    return ioctlsocket(socket, (long)FIONBIO, &on) == 0 ? 0 : plx__fail_last();
}

int plx__socket_duplicate(plx_socket socket, plx_socket *socket_out)
{
    WSAPROTOCOL_INFOW info;
    *socket_out = PLX_SOCKET_NONE;
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(WSAEMFILE);
    if (WSADuplicateSocketW(socket, GetCurrentProcessId(), &info) != 0)
        return plx__fail_last();
    SOCKET made = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (made == INVALID_SOCKET)
        return plx__fail_last();
    *socket_out = made;
    return 0;
}

int plx__socket_open(plx_socket *socket_out, uint32_t family)
{
    static const int families[] = {
        [PLX__FAMILY_IPV4] = AF_INET,
        [PLX__FAMILY_IPV6] = AF_INET6,
        [PLX__FAMILY_UNIX] = AF_UNIX,
    };
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(WSAEMFILE);
    SOCKET made = WSASocketW(families[family], SOCK_STREAM, 0, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (made == INVALID_SOCKET)
        return plx__fail_last();
    int status = plx__socket_set_blocking(made, false);
    if (status != 0) {
        (void)closesocket(made);
        return status;
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = made;
    return 0;
}

void plx__socket_close(plx_socket socket)
{
    if (socket == PLX_SOCKET_NONE)
        return;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
    plx__socket_dispose(socket);
}

void plx__socket_dispose(plx_socket socket)
{
    if (socket != PLX_SOCKET_NONE)
        (void)closesocket(socket);
}

static int stream_check(plx_socket socket)
{
    int type;
    int size = sizeof type;
    int status = plx__socket_check(socket);
    if (status != 0)
        return status;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) != 0)
        return plx__fail_last();
    return type == SOCK_STREAM ? 0 : PLX_EINVAL;
}

static int listening_check(plx_socket socket)
{
    BOOL is_listening = FALSE;
    int size = sizeof is_listening;
    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, (char *)&is_listening, &size) != 0)
        return plx__fail_last();
    return is_listening ? 0 : PLX_EINVAL;
}

static int socket_own(plx_socket socket)
{
    int status = plx__socket_set_blocking(socket, false);
    if (status != 0)
        return status;
    (void)SetHandleInformation((HANDLE)socket, HANDLE_FLAG_INHERIT, 0);
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

int plx__socket_adopt(plx_socket socket)
{
    plx__address peer;
    int status = stream_check(socket);
    if (status == 0)
        status = plx__socket_peer(socket, &peer);
    return status == 0 ? socket_own(socket) : status;
}

int plx__socket_adopt_listening(plx_socket socket)
{
    int status = stream_check(socket);
    if (status == 0)
        status = listening_check(socket);
    return status == 0 ? socket_own(socket) : status;
}

void plx__socket_disown(plx_socket socket)
{
    (void)socket;
    plx__fault_given(PLX__FAULT_DESCRIPTOR);
}

void plx__socket_reown(plx_socket socket)
{
    (void)socket;
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
}

int plx__socket_set(plx_socket socket, enum plx__socket_option option, int value)
{
    const struct linger at_once = {.l_onoff = (u_short)value, .l_linger = 0};
    const void *set = &value;
    int size = sizeof value;
    int level = SOL_SOCKET;
    int name = 0;
    switch (option) {
    case PLX__SOCKET_NO_DELAY:
        level = IPPROTO_TCP;
        name = TCP_NODELAY;
        break;
    case PLX__SOCKET_ONLY_IPV6:
        level = IPPROTO_IPV6;
        name = IPV6_V6ONLY;
        break;
    case PLX__SOCKET_RESET_ON_CLOSE:
        name = SO_LINGER;
        set = &at_once;
        size = sizeof at_once;
        break;
    case PLX__SOCKET_SEND_BYTES:
        name = SO_SNDBUF;
        break;
    case PLX__SOCKET_RECEIVE_BYTES:
        name = SO_RCVBUF;
        break;
    case PLX__SOCKET_LISTEN_ALONE:
        /* SO_REUSEADDR would let any program take the address over (Winsock: "Using SO_REUSEADDR
         * and SO_EXCLUSIVEADDRUSE"). Addresses of closed connections need no option here. */
        name = SO_EXCLUSIVEADDRUSE;
        break;
    case PLX__SOCKET_SHARE_PORT: /* SO_REUSEADDR lets several listen, and only one is served. */
    case PLX__SOCKET_DEFER_ACCEPT:
        return PLX_ENOSYS;
    }
    if (setsockopt(socket, level, name, set, size) == 0)
        return 0;
    return plx__fail_last();
}

/* An exclusive bind of the wildcard address fails with WSAEADDRINUSE when somebody has the port,
 * on whatever address (Wine, ws2_32/tests/sock.c, test_reuseaddr; Microsoft, "Using SO_REUSEADDR
 * and SO_EXCLUSIVEADDRUSE"). */
static bool wildcard_is_taken(int family, USHORT port)
{
    SOCKADDR_STORAGE any = {.ss_family = AF_UNSPEC};
    BOOL on = TRUE;
    SOCKET probe = WSASocketW(family, SOCK_STREAM, 0, NULL, 0,
                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (probe == INVALID_SOCKET)
        return false;
    ((struct sockaddr *)(void *)&any)->sa_family = (ADDRESS_FAMILY)family;
    ((struct sockaddr_in *)(void *)&any)->sin_port = port; /* At the same offset in both. */
    (void)setsockopt(probe, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    bool is_taken = bind(probe, (struct sockaddr *)(void *)&any,
                         family == AF_INET ? (int)sizeof(struct sockaddr_in)
                                           : (int)sizeof(struct sockaddr_in6)) != 0 &&
                    WSAGetLastError() == WSAEADDRINUSE;
    (void)closesocket(probe);
    return is_taken;
}

/* GetTcpTable() and GetTcp6Table(). */
typedef DWORD(WINAPI *get_tcp_table_fn)(void *, DWORD *, BOOL);

/* The table of the system's TCP sockets, to be freed, or NULL. It may grow between two calls. */
static void *tcp_table_read(HMODULE library, const char *name)
{
    get_tcp_table_fn get;
    void *table = NULL;
    DWORD size = 0;
    DWORD status = ERROR_INSUFFICIENT_BUFFER;
    FARPROC found = GetProcAddress(library, name);
    memcpy(&get, &found, sizeof get); /* No cast leads from one to the other. */
    for (int tries = 0; get != NULL && tries < 4; tries++) {
        status = get(table, &size, FALSE);
        if (status != ERROR_INSUFFICIENT_BUFFER)
            break;
        plx__free(table);
        size += 4096;
        table = plx__allocate(size);
        if (table == NULL)
            return NULL;
    }
    if (status == NO_ERROR)
        return table;
    plx__free(table);
    return NULL;
}

/* Whether some socket of this machine has the port. Of an exclusive wildcard that meets another
 * Wine, at least, says WSAEACCES. */
static bool port_is_listed(USHORT port)
{
    bool is_listed = false;
    HMODULE library = LoadLibraryW(L"iphlpapi.dll"); /* For this alone: it is not linked. */
    if (library == NULL)
        return false;
    MIB_TCPTABLE *four = tcp_table_read(library, "GetTcpTable");
    MIB_TCP6TABLE *six = tcp_table_read(library, "GetTcp6Table");
    for (DWORD i = 0; four != NULL && i < four->dwNumEntries; i++)
        is_listed = is_listed || (USHORT)four->table[i].dwLocalPort == port;
    for (DWORD i = 0; six != NULL && i < six->dwNumEntries; i++)
        is_listed = is_listed || (USHORT)six->table[i].dwLocalPort == port;
    plx__free(four);
    plx__free(six);
    (void)FreeLibrary(library);
    return is_listed;
}

bool plx__bind_met_another(const struct sockaddr *address)
{
    USHORT port = ((const struct sockaddr_in *)(const void *)address)->sin_port;
    return wildcard_is_taken(AF_INET, port) || wildcard_is_taken(AF_INET6, port) ||
           port_is_listed(port);
}

int plx__socket_bind(plx_socket socket, const plx__address *address)
{
    if (bind(socket, plx__address_raw_const(address), (int)address->length) == 0)
        return 0;
    int status = plx__fail_last();
    if (status == PLX_EACCES && address->family != PLX__FAMILY_UNIX &&
        plx__bind_met_another(plx__address_raw_const(address)))
        return PLX_EADDRINUSE;
    return status;
}

bool plx__address_retry(uint64_t since_ns)
{
    (void)since_ns;
    return false;
}

int plx__socket_listen(plx_socket socket, uint32_t backlog)
{
    int bounded = backlog > 65535 ? 65535 : (int)backlog;
    return listen(socket, bounded) == 0 ? 0 : plx__fail_last();
}

int plx__socket_accept(plx_socket listener, plx_socket *socket_out)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(WSAEMFILE);
    SOCKET made = plx__accept_condition_accept(listener);
    if (made == INVALID_SOCKET) {
        int status = plx__fail_last();
        return status == PLX_ECONNRESET ? PLX_ECONNABORTED : status;
    }
    /* It inherits being non-blocking, yet that is said of accept() and not of every provider. */
    int status = plx__socket_set_blocking(made, false);
    if (status != 0) {
        (void)closesocket(made);
        return status;
    }
    (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
    BOOL no_delay = FALSE;
    int size = sizeof no_delay;
    if (getsockopt(listener, IPPROTO_TCP, TCP_NODELAY, (char *)&no_delay, &size) == 0 && no_delay)
        (void)plx__socket_set(made, PLX__SOCKET_NO_DELAY, 1);
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *socket_out = made;
    return 0;
}

static bool address_is_loopback(const plx__address *address)
{
    if (address->family == PLX__FAMILY_IPV4) {
        struct sockaddr_in raw;
        memcpy(&raw, address->storage.bytes, sizeof raw);
        return (ntohl(raw.sin_addr.s_addr) >> 24) == 127;
    }
    if (address->family == PLX__FAMILY_IPV6) {
        struct sockaddr_in6 raw;
        memcpy(&raw, address->storage.bytes, sizeof raw);
        return IN6_IS_ADDR_LOOPBACK(&raw.sin6_addr);
    }
    return false;
}

/* Windows answers a refusal by trying twice more, which takes 2 s even on the loopback, where the
 * answer cannot change. libuv does the same (win/tcp.c). Systems before 16299 say no; so be it. */
static void retransmissions_stop(plx_socket socket)
{
    tcp_initial_rto rto = {RTO_UNSPECIFIED, NO_SYN_RETRANSMISSIONS};
    DWORD returned;
    (void)WSAIoctl(socket, TCP_INITIAL_RTO_IOCTL, &rto, sizeof rto, NULL, 0, &returned, NULL, NULL);
}

void plx__socket_connect_prepare(plx_socket socket, const plx__address *address)
{
    if (address_is_loopback(address))
        retransmissions_stop(socket);
}

void plx__socket_connect_aim(plx__address *address)
{
    if (address->family == PLX__FAMILY_IPV4) {
        struct sockaddr_in *raw = (struct sockaddr_in *)(void *)address->storage.bytes;
        if (raw->sin_addr.s_addr == htonl(INADDR_ANY))
            raw->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (address->family == PLX__FAMILY_IPV6) {
        struct sockaddr_in6 *raw = (struct sockaddr_in6 *)(void *)address->storage.bytes;
        if (IN6_IS_ADDR_UNSPECIFIED(&raw->sin6_addr))
            raw->sin6_addr.s6_addr[15] = 1;
    }
}

int plx__socket_connect(plx_socket socket, const plx__address *address)
{
    plx__address to = *address;
    plx__socket_connect_aim(&to);
    plx__socket_connect_prepare(socket, &to);
    if (connect(socket, plx__address_raw(&to), (int)to.length) == 0)
        return 0;
    return plx__fail_last();
}

int plx__socket_connect_result(plx_socket socket)
{
    int os_code;
    int size = sizeof os_code;
    plx__address peer;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, (char *)&os_code, &size) != 0)
        return plx__fail_last();
    if (os_code != 0)
        return plx__fail(os_code);
    /* SO_ERROR is 0 after a failure too, if connect() itself met it (Wine, ws2_32/tests/sock.c,
     * test_WSAPoll); a socket without a peer is not connected, whatever else is said of it. */
    int status = plx__socket_peer(socket, &peer);
    return status == PLX_ENOTCONN ? PLX_ECONNRESET : status;
}

ptrdiff_t plx__receive_failed(void)
{
    return plx__fail_last();
}

ptrdiff_t plx__socket_receive(plx_socket socket, void *bytes, size_t size)
{
    return plx__receive(socket, bytes, size);
}

ptrdiff_t plx__send_failed(void)
{
    int status = plx__fail_last();
    return status == PLX_EAGAIN ? 0 : status;
}

ptrdiff_t plx__socket_send(plx_socket socket, const void *bytes, size_t length)
{
    return plx__send(socket, bytes, length);
}

ptrdiff_t plx__send_pieces(plx_socket socket, const void *bytes, size_t length)
{
    const char *rest = bytes;
    size_t total = 0;
    while (total < length) {
        size_t piece = length - total < PLX__SEND_MAX ? length - total : PLX__SEND_MAX;
        int sent = send(socket, rest + total, (int)piece, 0);
        if (sent < 0)
            return total > 0 ? (ptrdiff_t)total : plx__send_failed();
        total += (size_t)sent;
        if ((size_t)sent < piece)
            break;
    }
    return (ptrdiff_t)total;
}

/* Where the next piece of some slices begins. */
typedef struct slice_cursor {
    const plx__slice *slices;
    size_t count;
    unsigned long offset; /* Into the first. */
} slice_cursor;

/* Fills in the slices of the next piece, and returns how many bytes they have. */
static DWORD piece_take(slice_cursor *cursor, plx__slice *piece, DWORD *count_out)
{
    DWORD bytes = 0;
    *count_out = 0;
    while (cursor->count > 0 && *count_out < PIECE_SLICES && bytes < PLX__SEND_MAX) {
        unsigned long left = cursor->slices->length - cursor->offset;
        plx__slice *slice = &piece[(*count_out)++];
        slice->bytes = (const char *)cursor->slices->bytes + cursor->offset;
        slice->length = left < PLX__SEND_MAX - bytes ? left : PLX__SEND_MAX - bytes;
        bytes += slice->length;
        cursor->offset += slice->length;
        if (cursor->offset == cursor->slices->length) {
            cursor->slices++;
            cursor->count--;
            cursor->offset = 0;
        }
    }
    return bytes;
}

ptrdiff_t plx__socket_send_slices(plx_socket socket, const plx__slice *slices, size_t count)
{
    slice_cursor cursor = {slices, count, 0};
    plx__slice piece[PIECE_SLICES];
    size_t total = 0;
    for (;;) {
        DWORD sent = 0;
        DWORD piece_count;
        DWORD bytes = piece_take(&cursor, piece, &piece_count);
        if (bytes == 0)
            return (ptrdiff_t)total;
        if (WSASend(socket, (WSABUF *)(void *)piece, piece_count, &sent, 0, NULL, NULL) != 0)
            return total > 0 ? (ptrdiff_t)total : plx__send_failed();
        total += sent;
        if (sent < bytes)
            return (ptrdiff_t)total;
    }
}

int plx__socket_shutdown(plx_socket socket)
{
    return shutdown(socket, SD_SEND) == 0 ? 0 : plx__fail_last();
}

int plx__socket_check(plx_socket socket)
{
    int type;
    int size = sizeof type;
    if (socket == INVALID_SOCKET) /* As a handle it would be this process. */
        return PLX_EBADF;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0)
        return 0;
    /* Winsock says WSAENOTSOCK for a handle that is closed as for one that is something else. */
    int status = plx__fail_last();
    DWORD flags;
    if (status == PLX_ENOTSOCK && !GetHandleInformation((HANDLE)socket, &flags))
        return PLX_EBADF;
    return status;
}

void plx__spare_open(plx__spare *spare)
{
    spare->descriptor = PLX_SOCKET_NONE;
    (void)plx__socket_open(&spare->descriptor, PLX__FAMILY_IPV4);
}

void plx__spare_close(plx__spare *spare)
{
    plx__socket_close(spare->descriptor);
    spare->descriptor = PLX_SOCKET_NONE;
}
