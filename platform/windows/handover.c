/* platform/windows/handover.c - WSADuplicateSocket(), and who is at the other end. */
#include "platform/handover.h"

#include <stdlib.h>
#include <string.h>

#include "platform/os.h"

_Static_assert(sizeof(WSAPROTOCOL_INFOW) == PLX__PACKED_BYTES, "a packed socket is such a struct");

/* As in afunix.h, which not every SDK carries. */
#define SIO_AF_UNIX_GETPEERPID_IOCTL _WSAIOR(IOC_VENDOR, 256)

uint64_t plx__process_id(void)
{
    return GetCurrentProcessId();
}

/* The user of a process, into `room`, which has the bytes of a TOKEN_USER and of its SID. */
static bool user_find(HANDLE process, void *room, DWORD size)
{
    HANDLE token;
    if (!OpenProcessToken(process, TOKEN_QUERY, &token))
        return false;
    bool is_found = GetTokenInformation(token, TokenUser, room, size, &size) != 0;
    (void)CloseHandle(token);
    return is_found;
}

#define USER_BYTES (sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE)

static bool is_of_our_user(DWORD id)
{
    union {
        TOKEN_USER user;
        unsigned char bytes[USER_BYTES];
    } ours, theirs;
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
    if (process == NULL)
        return false;
    bool is_ours = user_find(process, &theirs, sizeof theirs) &&
                   user_find(GetCurrentProcess(), &ours, sizeof ours) &&
                   EqualSid(ours.user.User.Sid, theirs.user.User.Sid);
    (void)CloseHandle(process);
    return is_ours;
}

int plx__peer_check(plx_socket socket, uint64_t *process_out)
{
    ULONG id = 0;
    DWORD returned;
    *process_out = 0;
    if (WSAIoctl(socket, SIO_AF_UNIX_GETPEERPID_IOCTL, NULL, 0, &id, sizeof id, &returned, NULL,
                 NULL) != 0)
        return plx__fail_last();
    *process_out = id;
    return is_of_our_user(id) ? 0 : PLX_EACCES;
}

int plx__sockets_pack(const plx_socket *sockets, uint32_t count, uint64_t process,
                      unsigned char *bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        WSAPROTOCOL_INFOW info;
        if (WSADuplicateSocketW(sockets[i], (DWORD)process, &info) != 0)
            return plx__fail_last();
        memcpy(bytes + (size_t)i * sizeof info, &info, sizeof info);
    }
    return 0;
}

int plx__sockets_unpack(const unsigned char *bytes, plx_socket *sockets, uint32_t *count,
                        uint32_t wanted)
{
    for (*count = 0; *count < wanted; ++*count) {
        WSAPROTOCOL_INFOW info;
        memcpy(&info, bytes + (size_t)*count * sizeof info, sizeof info);
        SOCKET made = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info,
                                 0, WSA_FLAG_OVERLAPPED);
        if (made == INVALID_SOCKET) {
            int status = plx__fail_last();
            while (*count > 0)
                plx__socket_dispose(sockets[--*count]);
            return status;
        }
        (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
        sockets[*count] = made;
    }
    return 0;
}

ptrdiff_t plx__sockets_send(plx_socket channel, const void *bytes, size_t length,
                            const plx_socket *sockets, uint32_t count)
{
    (void)sockets; /* They are among the bytes. */
    (void)count;
    return plx__send(channel, bytes, length);
}

ptrdiff_t plx__sockets_receive(plx_socket channel, void *bytes, size_t size, plx_socket *sockets,
                               uint32_t *count)
{
    (void)sockets;
    (void)count;
    return plx__receive(channel, bytes, size);
}

int plx__socket_await(plx_socket socket, uint64_t timeout_ns)
{
    plx__poll_entry entry = {.fd = socket, .events = PLX__POLL_READ};
    int ready = plx__poll(&entry, 1, timeout_ns);
    if (ready < 0)
        return ready;
    return ready > 0 ? 0 : PLX_ETIMEDOUT;
}

int plx__supervised_socket(uint32_t index, plx_socket *socket_out)
{
    (void)index;
    *socket_out = PLX_SOCKET_NONE;
    return PLX_ENOSYS;
}

void plx__environment_remove(const char *name)
{
    (void)_putenv_s(name, "");
}

int plx__datagram_send(const char *name, const void *bytes, size_t length)
{
    (void)name;
    (void)bytes;
    (void)length;
    return 0;
}
