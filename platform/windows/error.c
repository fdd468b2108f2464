/* platform/windows/error.c - Winsock and Win32 codes to Pollux codes, in one table. */
#include <pollux/loop.h>

#include "platform/os.h"

#ifdef _MSC_VER
static __declspec(thread) int last_os_code;
#else
static _Thread_local int last_os_code;
#endif

static int code_of_winsock(int os_code)
{
    switch (os_code) {
    case WSAEINVAL:
    case WSAEFAULT:
        return PLX_EINVAL;
    case WSAEOPNOTSUPP:
    case WSAENOPROTOOPT:
    case WSASYSNOTREADY:
    case WSAVERNOTSUPPORTED:
        return PLX_ENOSYS;
    case WSAEWOULDBLOCK:
    case WSAEINPROGRESS:
        return PLX_EAGAIN;
    case WSAENOBUFS:
        return PLX_ENOBUFS;
    case WSAEMSGSIZE:
        return PLX_EMSGSIZE;
    case WSAEADDRINUSE:
        return PLX_EADDRINUSE;
    case WSAEADDRNOTAVAIL:
        return PLX_EADDRNOTAVAIL;
    case WSAEAFNOSUPPORT:
    case WSAEPROTONOSUPPORT:
    case WSAEPFNOSUPPORT:
    case WSAESOCKTNOSUPPORT:
        return PLX_EAFNOSUPPORT;
    case WSAEACCES:
        return PLX_EACCES;
    case WSAECONNREFUSED:
        return PLX_ECONNREFUSED;
    case WSAECONNRESET:
    case WSAEDISCON:
        return PLX_ECONNRESET;
    case WSAECONNABORTED:
        return PLX_ECONNABORTED;
    case WSAETIMEDOUT:
        return PLX_ETIMEDOUT;
    case WSAEHOSTUNREACH:
    case WSAEHOSTDOWN:
        return PLX_EHOSTUNREACH;
    case WSAENETUNREACH:
        return PLX_ENETUNREACH;
    case WSAENETDOWN:
    case WSAENETRESET:
        return PLX_ENETDOWN;
    case WSAENOTCONN:
        return PLX_ENOTCONN;
    case WSAESHUTDOWN:
        return PLX_EPIPE;
    case WSAEMFILE:
        return PLX_EMFILE;
    case WSAEBADF:
        return PLX_EBADF;
    case WSAENOTSOCK:
        return PLX_ENOTSOCK;
    case WSAENAMETOOLONG:
        return PLX_ENAMETOOLONG;
    default:
        return PLX_EUNKNOWN;
    }
}

static int code_of(int os_code)
{
    switch (os_code) {
    case ERROR_NOT_ENOUGH_MEMORY: /* WSA_NOT_ENOUGH_MEMORY is the same number. */
    case ERROR_OUTOFMEMORY:
        return PLX_ENOMEM;
    case ERROR_INVALID_PARAMETER:
        return PLX_EINVAL;
    case ERROR_INVALID_HANDLE:
        return PLX_EBADF;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return PLX_ENOENT;
    case ERROR_ACCESS_DENIED:
        return PLX_EACCES;
    case ERROR_TOO_MANY_OPEN_FILES:
        return PLX_EMFILE;
    case ERROR_CALL_NOT_IMPLEMENTED:
    case ERROR_NOT_SUPPORTED:
        return PLX_ENOSYS;
    case ERROR_OPERATION_ABORTED: /* WSA_OPERATION_ABORTED. */
        return PLX_ECANCELED;
    case ERROR_NETNAME_DELETED: /* What a completion port says for a reset. */
        return PLX_ECONNRESET;
    case ERROR_CONNECTION_ABORTED:
        return PLX_ECONNABORTED;
    case ERROR_CONNECTION_REFUSED:
        return PLX_ECONNREFUSED;
    case ERROR_SEM_TIMEOUT: /* What ConnectEx says when nobody answers. */
        return PLX_ETIMEDOUT;
    case ERROR_HOST_UNREACHABLE:
        return PLX_EHOSTUNREACH;
    case ERROR_NETWORK_UNREACHABLE:
        return PLX_ENETUNREACH;
    default:
        return code_of_winsock(os_code);
    }
}

int plx__fail(int os_code)
{
    last_os_code = os_code;
    return code_of(os_code);
}

int plx__fail_last(void)
{
    return plx__fail(WSAGetLastError());
}

int plx_os_error(void)
{
    return last_os_code;
}
