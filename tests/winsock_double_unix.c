/* tests/winsock_double_unix.c - Unix-domain sockets as Windows has them and Wine 8 does not: see
 * winsock_double.h.
 *
 * Such a socket is one of TCP on the loopback. bind() makes the file, which has the port; its size
 * tells it from others. To who asks about it the file is a reparse point with the tag of
 * Unix-domain sockets, and its ID has its time of writing, since what lies beneath uses the number
 * of a file that was removed again.
 */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE = 7919, ID_CLASS = 18, PATH_MAX_WIDE = 108, WAIT_SECONDS = 5 };

typedef struct unix_name {
    ADDRESS_FAMILY family;
    char path[108];
} unix_name;

static HANDLE file_open(const char *path, DWORD access, DWORD disposition)
{
    wchar_t wide[PATH_MAX_WIDE];
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, PATH_MAX_WIDE) == 0)
        return INVALID_HANDLE_VALUE;
    return CreateFileW(wide, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       disposition, FILE_ATTRIBUTE_NORMAL, NULL);
}

/* The file of a socket that is bound to this port. */
static void file_write(HANDLE file, uint16_t port)
{
    static volatile LONG made;
    char content[FILE_SIZE] = {0};
    FILETIME written;
    DWORD done;
    (void)snprintf(content, sizeof content, "%u", port);
    (void)WriteFile(file, content, sizeof content, &done, NULL);
    GetSystemTimeAsFileTime(&written);
    written.dwLowDateTime += (DWORD)InterlockedIncrement(&made);
    (void)SetFileTime(file, NULL, NULL, &written);
}

static bool is_socket_file(HANDLE file)
{
    LARGE_INTEGER size;
    return GetFileSizeEx(file, &size) && size.QuadPart == FILE_SIZE;
}

int double_unix_bind(SOCKET socket, const struct sockaddr *name, int length)
{
    const unix_name *to = (const unix_name *)(const void *)name;
    double_socket *known = double_find(socket);
    struct sockaddr_in local;
    int local_size = sizeof local;
    if (double_mode == 0 || name->sa_family != AF_UNIX)
        return bind(socket, name, length);
    if (known == NULL || !known->is_unix) {
        WSASetLastError(WSAEFAULT);
        return SOCKET_ERROR;
    }
    HANDLE file = file_open(to->path, GENERIC_WRITE, CREATE_NEW);
    if (file == INVALID_HANDLE_VALUE) {
        WSASetLastError(GetLastError() == ERROR_FILE_EXISTS ? WSAEADDRINUSE : WSAENETUNREACH);
        return SOCKET_ERROR;
    }
    memset(&local, 0, sizeof local);
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int result = bind(socket, (struct sockaddr *)(void *)&local, sizeof local);
    if (result == 0)
        result = getsockname(socket, (struct sockaddr *)(void *)&local, &local_size);
    file_write(file, ntohs(local.sin_port));
    (void)CloseHandle(file);
    memcpy(known->path, to->path, sizeof known->path);
    return result;
}

/* The outcome is known at once, with whoever is at the other end. */
static int connect_whole(SOCKET socket, const struct sockaddr_in *to)
{
    struct timeval patience = {WAIT_SECONDS, 0};
    fd_set writable, failed;
    int result = connect(socket, (const struct sockaddr *)(const void *)to, sizeof *to);
    if (result == 0 || WSAGetLastError() != WSAEWOULDBLOCK)
        return result;
    FD_ZERO(&writable);
    FD_ZERO(&failed);
    FD_SET(socket, &writable);
    FD_SET(socket, &failed);
    if (select(0, NULL, &writable, &failed, &patience) == 1 && !FD_ISSET(socket, &failed))
        return 0;
    WSASetLastError(WSAECONNREFUSED);
    return SOCKET_ERROR;
}

int double_unix_connect(SOCKET socket, const struct sockaddr *name)
{
    const unix_name *path = (const unix_name *)(const void *)name;
    struct sockaddr_in to;
    char content[16] = {0};
    DWORD got = 0;
    HANDLE file = file_open(path->path, GENERIC_READ, OPEN_EXISTING);
    if (file == INVALID_HANDLE_VALUE || !is_socket_file(file)) {
        if (file != INVALID_HANDLE_VALUE)
            (void)CloseHandle(file);
        WSASetLastError(WSAECONNREFUSED);
        return SOCKET_ERROR;
    }
    (void)ReadFile(file, content, sizeof content - 1, &got, NULL);
    (void)CloseHandle(file);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((u_short)strtoul(content, NULL, 10));
    return connect_whole(socket, &to);
}

static void name_write(const char *path, struct sockaddr *name, int *length)
{
    unix_name *out = (unix_name *)(void *)name;
    out->family = AF_UNIX;
    memcpy(out->path, path, sizeof out->path);
    *length = sizeof *out;
}

int WSAAPI double_getsockname(SOCKET socket, struct sockaddr *name, int *length)
{
    const double_socket *known = double_find(socket);
    if (double_strikes(DOUBLE_NAME))
        return SOCKET_ERROR;
    if (double_mode == 0 || known == NULL || !known->is_unix)
        return getsockname(socket, name, length);
    name_write(known->path, name, length);
    return 0;
}

int WSAAPI double_getpeername(SOCKET socket, struct sockaddr *name, int *length)
{
    const double_socket *known = double_find(socket);
    int result = getpeername(socket, name, length);
    if (result == 0 && double_mode != 0 && known != NULL && known->is_unix)
        name_write("", name, length);
    return result;
}

/* --- files -----------------------------------------------------------------------------------
 */

HANDLE WINAPI double_CreateFileW(const wchar_t *path, DWORD access, DWORD sharing,
                                 SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
                                 HANDLE template_file)
{
    HANDLE opened = CreateFileW(path, access, sharing, security, disposition, flags, template_file);
    double_handles_add(opened != INVALID_HANDLE_VALUE);
    return opened;
}

/* As FILE_ID_INFO. */
typedef struct file_id {
    ULONGLONG volume;
    ULONGLONG index;
    FILETIME written;
} file_id;

BOOL WINAPI double_GetFileInformationByHandleEx(HANDLE file, FILE_INFO_BY_HANDLE_CLASS kind,
                                                void *out, DWORD size)
{
    BY_HANDLE_FILE_INFORMATION about;
    BOOL result = GetFileInformationByHandleEx(file, kind, out, size);
    if (double_mode == 0 || !is_socket_file(file) || !GetFileInformationByHandle(file, &about))
        return result;
    if (result && kind == FileAttributeTagInfo) {
        FILE_ATTRIBUTE_TAG_INFO *tag = out;
        tag->FileAttributes |= FILE_ATTRIBUTE_REPARSE_POINT;
        tag->ReparseTag = 0x80000023; /* IO_REPARSE_TAG_AF_UNIX */
    }
    if ((int)kind == ID_CLASS) {
        file_id *id = out;
        id->volume = about.dwVolumeSerialNumber;
        id->index = (ULONGLONG)about.nFileIndexHigh << 32 | about.nFileIndexLow;
        id->written = about.ftLastWriteTime;
        result = TRUE;
    }
    return result;
}
