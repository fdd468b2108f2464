/* tests/winsock_double_unix.c - Unix-domain sockets as Windows has them and Wine 8 does not: see
 * winsock_double.h.
 *
 * Such a socket is one of TCP on the loopback, at an address of 127.0.0.0/8 that no other process
 * uses: the port of one that is closed is nobody's then, as its path would be. bind() makes the
 * file, which has address and port; its size (WINSOCK_DOUBLE_FILE_SIZE) tells it from others. To
 * who asks about it the file is a reparse point with the tag of Unix-domain sockets, and its ID has
 * its time of writing, since what lies beneath uses the number of a file that was removed again.
 */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE = WINSOCK_DOUBLE_FILE_SIZE, ID_CLASS = 18, PATH_MAX_WIDE = 108, WAIT_SECONDS = 5 };

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

/* The file of a socket that is bound there. */
static void file_write(HANDLE file, const struct sockaddr_in *bound)
{
    static volatile LONG made;
    char content[FILE_SIZE] = {0};
    FILETIME written;
    DWORD done;
    (void)snprintf(content, sizeof content, "%lu %u", ntohl(bound->sin_addr.s_addr),
                   ntohs(bound->sin_port));
    (void)WriteFile(file, content, sizeof content, &done, NULL);
    GetSystemTimeAsFileTime(&written);
    written.dwLowDateTime += (DWORD)InterlockedIncrement(&made);
    (void)SetFileTime(file, NULL, NULL, &written);
}

static int64_t file_size(HANDLE file)
{
    LARGE_INTEGER size;
    return GetFileSizeEx(file, &size) ? size.QuadPart : -1;
}

static bool is_socket_file(HANDLE file)
{
    return file_size(file) == FILE_SIZE;
}

/* An exclusive wildcard that meets another socket says WSAEADDRINUSE, not WSAEACCES as in Wine
 * (Wine, ws2_32/tests/sock.c, test_reuseaddr, has Windows's answers). */
static int bind_of_others(SOCKET socket, const struct sockaddr *name, int length)
{
    int result = bind(socket, name, length);
    if (result != 0 && double_mode != 0 && WSAGetLastError() == WSAEACCES && double_is_any(name))
        WSASetLastError(WSAEADDRINUSE);
    return result;
}

/* Identifiers of processes are multiples of 4 (Raymond Chen, "Why are process and thread IDs
 * multiples of four?"). 127.0.0.x is left to others. */
static ULONG own_address(void)
{
    return INADDR_LOOPBACK + 256 + ((GetCurrentProcessId() / 4 % 0xfffe) << 8);
}

int double_unix_bind(SOCKET socket, const struct sockaddr *name, int length)
{
    const unix_name *to = (const unix_name *)(const void *)name;
    double_socket *known = double_find(socket);
    struct sockaddr_in local;
    int local_size = sizeof local;
    if (double_mode == 0 || name->sa_family != AF_UNIX)
        return bind_of_others(socket, name, length);
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
    local.sin_addr.s_addr = htonl(own_address());
    int result = bind(socket, (struct sockaddr *)(void *)&local, sizeof local);
    if (result == 0)
        result = getsockname(socket, (struct sockaddr *)(void *)&local, &local_size);
    file_write(file, &local);
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
    char content[32] = {0};
    char *end;
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
    to.sin_addr.s_addr = htonl(strtoul(content, &end, 10));
    to.sin_port = htons((u_short)strtoul(end, NULL, 10));
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
    if (double_mode == 0 || known == NULL || !known->is_unix) {
        int result = getsockname(socket, name, length);
        if (result == 0)
            double_name_hide(name);
        return result;
    }
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

/* SIO_AF_UNIX_GETPEERPID: the peer is of this process, as a case's are. */
bool double_unix_ioctl(SOCKET socket, DWORD code, void *out, DWORD *returned)
{
    const double_socket *known = double_find(socket);
    const DWORD id = GetCurrentProcessId();
    if (double_mode == 0 || known == NULL || !known->is_unix || code != _WSAIOR(IOC_VENDOR, 256))
        return false;
    memcpy(out, &id, sizeof id);
    *returned = sizeof id;
    return true;
}

/* --- files -----------------------------------------------------------------------------------
 */

/* Wine does not insist on all of it. */
static bool access_has(HANDLE file, ACCESS_MASK wanted)
{
    typedef LONG(NTAPI * query_object_fn)(HANDLE, int, void *, ULONG, ULONG *);
    struct {
        ULONG attributes;
        ACCESS_MASK access;
        ULONG more[12];
    } basic; /* PUBLIC_OBJECT_BASIC_INFORMATION and what may follow. */
    query_object_fn query;
    FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryObject");
    memcpy(&query, &found, sizeof query);
    if (query(file, 0, &basic, sizeof basic, NULL) != 0 || (basic.access & wanted) == wanted)
        return true;
    SetLastError(ERROR_ACCESS_DENIED);
    return false;
}

DWORD WINAPI double_GetFullPathNameW(const wchar_t *name, DWORD size, wchar_t *out, wchar_t **last)
{
    DWORD length = size != 0 && out == NULL ? 0 : GetFullPathNameW(name, size, out, last);
    if (!double_strikes(DOUBLE_FULL))
        return length;
    if (size > 0)
        out[0] = L'?';
    return size + 1;
}

static size_t path_length;

size_t winsock_double_path_length(void)
{
    return path_length;
}

HANDLE WINAPI double_CreateFileW(const wchar_t *path, DWORD access, DWORD sharing,
                                 SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
                                 HANDLE template_file)
{
    path_length = wcslen(path);
    if (double_strikes(DOUBLE_FILE))
        return INVALID_HANDLE_VALUE;
    /* Opened as something else than itself, a reparse point that no filter knows fails. */
    if (double_mode != 0 && (flags & FILE_FLAG_OPEN_REPARSE_POINT) == 0) {
        SetLastError(ERROR_CANT_ACCESS_FILE);
        return INVALID_HANDLE_VALUE;
    }
    HANDLE opened = CreateFileW(path, access, sharing, security, disposition, flags, template_file);
    double_handles_add(opened != INVALID_HANDLE_VALUE);
    return opened;
}

BOOL WINAPI double_SetFileInformationByHandle(HANDLE file, FILE_INFO_BY_HANDLE_CLASS kind, void *in,
                                              DWORD size)
{
    if (double_strikes(DOUBLE_DELETE) || !access_has(file, DELETE))
        return FALSE;
    return SetFileInformationByHandle(file, kind, in, size);
}

static uint64_t volumes_moved;

void winsock_double_move_volumes(uint64_t distance)
{
    volumes_moved = distance;
}

/* A file that is one byte longer is a reparse point of another kind. Of others the tag is "unused"
 * (winbase.h, FILE_ATTRIBUTE_TAG_INFO): it may be anything. */
static void tag_write(FILE_ATTRIBUTE_TAG_INFO *about, int64_t size)
{
    about->ReparseTag = 0x80000023; /* IO_REPARSE_TAG_AF_UNIX */
    if (size == FILE_SIZE || size == FILE_SIZE + 1)
        about->FileAttributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    if (size == FILE_SIZE + 1)
        about->ReparseTag = IO_REPARSE_TAG_SYMLINK;
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
    bool is_struck = double_strikes(DOUBLE_ABOUT);
    if (is_struck && kind == FileAttributeTagInfo)
        tag_write(out, FILE_SIZE); /* What it has is undefined then. */
    if (is_struck || !access_has(file, FILE_READ_ATTRIBUTES))
        return FALSE;
    BOOL result = GetFileInformationByHandleEx(file, kind, out, size);
    if (double_mode == 0 || !GetFileInformationByHandle(file, &about))
        return result;
    if (result && kind == FileAttributeTagInfo)
        tag_write(out, file_size(file));
    if (!is_socket_file(file))
        return result;
    if ((int)kind == ID_CLASS) {
        file_id *id = out;
        id->volume = about.dwVolumeSerialNumber + volumes_moved;
        id->index = (ULONGLONG)about.nFileIndexHigh << 32 | about.nFileIndexLow;
        id->written = about.ftLastWriteTime;
        result = TRUE;
    }
    return result;
}
