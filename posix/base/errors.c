/* posix/base/errors.c - the one table from Winsock's and Win32's codes to errno, and the texts.
 *
 * The texts are the GNU C library's, so that programs say the same on both systems. They are facts
 * of its interface, listed in its manual ("Error Codes").
 */
#include "posix/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct code_pair {
    int os_code;
    int code;
} code_pair;

static const code_pair codes[] = {
    {WSAEINTR, EINTR},
    {WSAEBADF, EBADF},
    {WSAEACCES, EACCES},
    {WSAEFAULT, EFAULT},
    {WSAEINVAL, EINVAL},
    {WSAEMFILE, EMFILE},
    {WSAEWOULDBLOCK, EAGAIN},
    {WSAEINPROGRESS, EINPROGRESS},
    {WSAEALREADY, EALREADY},
    {WSAENOTSOCK, ENOTSOCK},
    {WSAEDESTADDRREQ, EDESTADDRREQ},
    {WSAEMSGSIZE, EMSGSIZE},
    {WSAEPROTOTYPE, EPROTOTYPE},
    {WSAENOPROTOOPT, ENOPROTOOPT},
    {WSAEPROTONOSUPPORT, EPROTONOSUPPORT},
    {WSAESOCKTNOSUPPORT, ESOCKTNOSUPPORT},
    {WSAEOPNOTSUPP, EOPNOTSUPP},
    {WSAEPFNOSUPPORT, EPFNOSUPPORT},
    {WSAEAFNOSUPPORT, EAFNOSUPPORT},
    {WSAEADDRINUSE, EADDRINUSE},
    {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
    {WSAENETDOWN, ENETDOWN},
    {WSAENETUNREACH, ENETUNREACH},
    {WSAENETRESET, ENETRESET},
    {WSAECONNABORTED, ECONNABORTED},
    {WSAECONNRESET, ECONNRESET},
    {WSAENOBUFS, ENOBUFS},
    {WSAEISCONN, EISCONN},
    {WSAENOTCONN, ENOTCONN},
    {WSAESHUTDOWN, EPIPE},
    {WSAETOOMANYREFS, ETOOMANYREFS},
    {WSAETIMEDOUT, ETIMEDOUT},
    {WSAECONNREFUSED, ECONNREFUSED},
    {WSAELOOP, ELOOP},
    {WSAENAMETOOLONG, ENAMETOOLONG},
    {WSAEHOSTDOWN, EHOSTDOWN},
    {WSAEHOSTUNREACH, EHOSTUNREACH},
    {WSAENOTEMPTY, ENOTEMPTY},
    {WSAEPROCLIM, EAGAIN},
    {WSAEUSERS, EUSERS},
    {WSAEDQUOT, EDQUOT},
    {WSAESTALE, ESTALE},
    {WSAEREMOTE, EREMOTE},
    {WSASYSNOTREADY, ENETDOWN},
    {WSAVERNOTSUPPORTED, ENOSYS},
    {WSANOTINITIALISED, ENETDOWN},
    {WSAEDISCON, ECONNRESET},
    {WSAECANCELLED, ECANCELED},
    {WSA_E_CANCELLED, ECANCELED},
    {ERROR_INVALID_FUNCTION, EINVAL},
    {ERROR_FILE_NOT_FOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_INVALID_ACCESS, EACCES},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_INVALID_DRIVE, ENOENT},
    {ERROR_CURRENT_DIRECTORY, EBUSY},
    {ERROR_NOT_SAME_DEVICE, EXDEV},
    {ERROR_NO_MORE_FILES, ENOENT},
    {ERROR_WRITE_PROTECT, EROFS},
    {ERROR_NOT_READY, ENXIO},
    {ERROR_SEEK, EIO},
    {ERROR_SHARING_VIOLATION, EBUSY},
    {ERROR_LOCK_VIOLATION, EAGAIN},
    {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_NOT_SUPPORTED, EOPNOTSUPP},
    {ERROR_BAD_NETPATH, ENOENT},
    {ERROR_NETNAME_DELETED, ECONNRESET},
    {ERROR_NETWORK_ACCESS_DENIED, EACCES},
    {ERROR_BAD_NET_NAME, ENOENT},
    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_CANNOT_MAKE, EACCES},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_NO_PROC_SLOTS, EAGAIN},
    {ERROR_DRIVE_LOCKED, EBUSY},
    {ERROR_BROKEN_PIPE, EPIPE},
    {ERROR_OPEN_FAILED, EIO},
    {ERROR_BUFFER_OVERFLOW, ENAMETOOLONG},
    {ERROR_DISK_FULL, ENOSPC},
    {ERROR_NO_MORE_SEARCH_HANDLES, EMFILE},
    {ERROR_CALL_NOT_IMPLEMENTED, ENOSYS},
    {ERROR_SEM_TIMEOUT, ETIMEDOUT},
    {ERROR_INSUFFICIENT_BUFFER, EFAULT},
    {ERROR_INVALID_NAME, ENOENT},
    {ERROR_MOD_NOT_FOUND, ENOENT},
    {ERROR_WAIT_NO_CHILDREN, ECHILD},
    {ERROR_NEGATIVE_SEEK, EINVAL},
    {ERROR_DIR_NOT_EMPTY, ENOTEMPTY},
    {ERROR_PATH_BUSY, EBUSY},
    {ERROR_BAD_PATHNAME, ENOENT},
    {ERROR_MAX_THRDS_REACHED, EAGAIN},
    {ERROR_BUSY, EBUSY},
    {ERROR_ALREADY_EXISTS, EEXIST},
    {ERROR_BAD_EXE_FORMAT, ENOEXEC},
    {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_FILE_TOO_LARGE, EFBIG},
    {ERROR_BAD_PIPE, EPIPE},
    {ERROR_PIPE_BUSY, EAGAIN},
    {ERROR_NO_DATA, EPIPE},
    {ERROR_PIPE_NOT_CONNECTED, EPIPE},
    {ERROR_MORE_DATA, EMSGSIZE},
    {WAIT_TIMEOUT, ETIMEDOUT},
    {ERROR_DIRECTORY, ENOTDIR},
    {ERROR_INVALID_ADDRESS, EFAULT},
    {ERROR_PIPE_CONNECTED, EISCONN},
    {ERROR_OPERATION_ABORTED, ECANCELED},
    {ERROR_IO_INCOMPLETE, EAGAIN},
    {ERROR_IO_PENDING, EAGAIN},
    {ERROR_NOACCESS, EFAULT},
    {ERROR_STACK_OVERFLOW, ENOMEM},
    {ERROR_NO_UNICODE_TRANSLATION, EILSEQ},
    {ERROR_IO_DEVICE, EIO},
    {ERROR_POSSIBLE_DEADLOCK, EDEADLK},
    {ERROR_TOO_MANY_LINKS, EMLINK},
    {ERROR_PRIVILEGE_NOT_HELD, EPERM},
    {ERROR_CONNECTION_REFUSED, ECONNREFUSED},
    {ERROR_GRACEFUL_DISCONNECT, EPIPE},
    {ERROR_NETWORK_UNREACHABLE, ENETUNREACH},
    {ERROR_HOST_UNREACHABLE, EHOSTUNREACH},
    {ERROR_PROTOCOL_UNREACHABLE, ENETUNREACH},
    {ERROR_PORT_UNREACHABLE, ECONNREFUSED},
    {ERROR_REQUEST_ABORTED, ECANCELED},
    {ERROR_CONNECTION_ABORTED, ECONNABORTED},
    {ERROR_RETRY, EAGAIN},
    {ERROR_TIMEOUT, ETIMEDOUT},
    {ERROR_NOT_ENOUGH_QUOTA, ENOMEM},
    {ERROR_CANT_RESOLVE_FILENAME, ELOOP},
    {ERROR_WORKING_SET_QUOTA, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, ENOMEM},
};

int plx__errno_of(int os_code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].os_code == os_code)
            return -codes[i].code;
    }
    return -EIO;
}

int plx__errno_last(void)
{
    return plx__errno_of((int)GetLastError()); /* WSAGetLastError() is the same word. */
}

typedef struct code_text {
    int code;
    const char *name;
    const char *text;
} code_text;

#define CODE(code, text)                                                                           \
    {                                                                                              \
        code, #code, text                                                                          \
    }

static const code_text texts[] = {
    CODE(0, "Success"),
    CODE(EPERM, "Operation not permitted"),
    CODE(ENOENT, "No such file or directory"),
    CODE(ESRCH, "No such process"),
    CODE(EINTR, "Interrupted system call"),
    CODE(EIO, "Input/output error"),
    CODE(ENXIO, "No such device or address"),
    CODE(E2BIG, "Argument list too long"),
    CODE(ENOEXEC, "Exec format error"),
    CODE(EBADF, "Bad file descriptor"),
    CODE(ECHILD, "No child processes"),
    CODE(EAGAIN, "Resource temporarily unavailable"),
    CODE(ENOMEM, "Cannot allocate memory"),
    CODE(EACCES, "Permission denied"),
    CODE(EFAULT, "Bad address"),
    CODE(ENOTBLK, "Block device required"),
    CODE(EBUSY, "Device or resource busy"),
    CODE(EEXIST, "File exists"),
    CODE(EXDEV, "Invalid cross-device link"),
    CODE(ENODEV, "No such device"),
    CODE(ENOTDIR, "Not a directory"),
    CODE(EISDIR, "Is a directory"),
    CODE(EINVAL, "Invalid argument"),
    CODE(ENFILE, "Too many open files in system"),
    CODE(EMFILE, "Too many open files"),
    CODE(ENOTTY, "Inappropriate ioctl for device"),
    CODE(ETXTBSY, "Text file busy"),
    CODE(EFBIG, "File too large"),
    CODE(ENOSPC, "No space left on device"),
    CODE(ESPIPE, "Illegal seek"),
    CODE(EROFS, "Read-only file system"),
    CODE(EMLINK, "Too many links"),
    CODE(EPIPE, "Broken pipe"),
    CODE(EDOM, "Numerical argument out of domain"),
    CODE(ERANGE, "Numerical result out of range"),
    CODE(EDEADLK, "Resource deadlock avoided"),
    CODE(ENAMETOOLONG, "File name too long"),
    CODE(ENOLCK, "No locks available"),
    CODE(ENOSYS, "Function not implemented"),
    CODE(ENOTEMPTY, "Directory not empty"),
    CODE(ELOOP, "Too many levels of symbolic links"),
    CODE(ENOMSG, "No message of desired type"),
    CODE(EIDRM, "Identifier removed"),
    CODE(ENOSTR, "Device not a stream"),
    CODE(ENODATA, "No data available"),
    CODE(ETIME, "Timer expired"),
    CODE(ENOSR, "Out of streams resources"),
    CODE(ENONET, "Machine is not on the network"),
    CODE(EREMOTE, "Object is remote"),
    CODE(ENOLINK, "Link has been severed"),
    CODE(ECOMM, "Communication error on send"),
    CODE(EPROTO, "Protocol error"),
    CODE(EMULTIHOP, "Multihop attempted"),
    CODE(EBADMSG, "Bad message"),
    CODE(EOVERFLOW, "Value too large for defined data type"),
    CODE(EILSEQ, "Invalid or incomplete multibyte or wide character"),
    CODE(EUSERS, "Too many users"),
    CODE(ENOTSOCK, "Socket operation on non-socket"),
    CODE(EDESTADDRREQ, "Destination address required"),
    CODE(EMSGSIZE, "Message too long"),
    CODE(EPROTOTYPE, "Protocol wrong type for socket"),
    CODE(ENOPROTOOPT, "Protocol not available"),
    CODE(EPROTONOSUPPORT, "Protocol not supported"),
    CODE(ESOCKTNOSUPPORT, "Socket type not supported"),
    CODE(EOPNOTSUPP, "Operation not supported"),
    CODE(ENOTSUP, "Operation not supported"),
    CODE(EPFNOSUPPORT, "Protocol family not supported"),
    CODE(EAFNOSUPPORT, "Address family not supported by protocol"),
    CODE(EADDRINUSE, "Address already in use"),
    CODE(EADDRNOTAVAIL, "Cannot assign requested address"),
    CODE(ENETDOWN, "Network is down"),
    CODE(ENETUNREACH, "Network is unreachable"),
    CODE(ENETRESET, "Network dropped connection on reset"),
    CODE(ECONNABORTED, "Software caused connection abort"),
    CODE(ECONNRESET, "Connection reset by peer"),
    CODE(ENOBUFS, "No buffer space available"),
    CODE(EISCONN, "Transport endpoint is already connected"),
    CODE(ENOTCONN, "Transport endpoint is not connected"),
    CODE(ESHUTDOWN, "Cannot send after transport endpoint shutdown"),
    CODE(ETOOMANYREFS, "Too many references: cannot splice"),
    CODE(ETIMEDOUT, "Connection timed out"),
    CODE(ECONNREFUSED, "Connection refused"),
    CODE(EHOSTDOWN, "Host is down"),
    CODE(EHOSTUNREACH, "No route to host"),
    CODE(EALREADY, "Operation already in progress"),
    CODE(EINPROGRESS, "Operation now in progress"),
    CODE(ESTALE, "Stale file handle"),
    CODE(EREMOTEIO, "Remote I/O error"),
    CODE(EDQUOT, "Disk quota exceeded"),
    CODE(ECANCELED, "Operation canceled"),
    CODE(EOWNERDEAD, "Owner died"),
    CODE(ENOTRECOVERABLE, "State not recoverable"),
};

static code_text names_of(int code)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].code == code)
            return texts[i];
    }
    return (code_text){code, NULL, NULL};
}

const char *plx_posix_strerrorname_np(int code)
{
    return names_of(code).name;
}

const char *plx_posix_strerrordesc_np(int code)
{
    return names_of(code).text;
}

/* Of a number that is none, the text is put into `unknown`. */
enum { UNKNOWN_SIZE = 40 };
static const char *text_of(int code, char unknown[UNKNOWN_SIZE])
{
    const char *text = names_of(code).text;
    if (text != NULL)
        return text;
    (void)snprintf(unknown, UNKNOWN_SIZE, "Unknown error %d", code);
    return unknown;
}

char *plx_posix_strerror(int code)
{
    static _Thread_local char unknown[UNKNOWN_SIZE];
    return (char *)(uintptr_t)text_of(code, unknown);
}

int plx_posix_strerror_r(int code, char *text, size_t size)
{
    char unknown[UNKNOWN_SIZE];
    const char *found = text_of(code, unknown);
    if (strlen(found) >= size) {
        if (size > 0) {
            memcpy(text, found, size - 1);
            text[size - 1] = '\0';
        }
        return ERANGE;
    }
    memcpy(text, found, strlen(found) + 1);
    return names_of(code).text != NULL ? 0 : EINVAL;
}

/* What strerror() has returned stays. */
void plx_posix_perror(const char *text)
{
    char unknown[UNKNOWN_SIZE];
    const char *found = text_of(errno, unknown);
    if (text != NULL && *text != '\0')
        fprintf(stderr, "%s: %s\n", text, found);
    else
        fprintf(stderr, "%s\n", found);
}
