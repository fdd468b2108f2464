/* platform/windows/socket_path.c - the files that Unix-domain listeners have in the file system.
 *
 * Such a file is a reparse point with a tag of its own (winnt.h, IO_REPARSE_TAG_AF_UNIX), which has
 * to be opened as itself: CreateFileW without FILE_FLAG_OPEN_REPARSE_POINT fails with
 * ERROR_CANT_ACCESS_FILE (golang/go#33357). A file is known by its 128-bit ID and is deleted by the
 * handle that told the ID, so what is deleted is never another one. Winsock takes `sun_path` as
 * UTF-8 ("AF_UNIX comes to Windows"), and the file functions take UTF-16: the code page is left
 * out.
 *
 * Two servers that start at one path take turns by a named mutex. Without it, each might take the
 * other for dead: one that is bound and does not listen yet refuses connections as a dead one does.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/os.h"

/* How long a starting server waits for others. Nobody else knows this mutex, and each has it for as
 * long as the one at its path takes to answer: many servers and a busy machine take seconds. */
#define LOCK_WAIT_MILLISECONDS 20000

#ifndef IO_REPARSE_TAG_AF_UNIX /* Not in SDKs before 17063. */
#define IO_REPARSE_TAG_AF_UNIX 0x80000023L
#endif

/* As FILE_ID_INFO and FileIdInfo of winbase.h since Windows 8, which not every SDK has. */
typedef struct file_id {
    ULONGLONG volume;
    unsigned char bytes[16];
} file_id;

#define FILE_ID_CLASS ((FILE_INFO_BY_HANDLE_CLASS)18)

_Static_assert(sizeof(file_id) == 24, "as FILE_ID_INFO");

struct plx__socket_path {
    bool is_known; /* Which file it is: */
    file_id id;
    wchar_t path[]; /* Absolute. Empty when the name is no UTF-8. */
};

/* A relative path names something else once the process has changed its directory. */
static plx__socket_path *path_open(const char *name)
{
    wchar_t wide[sizeof((plx__sockaddr_un *)NULL)->sun_path];
    DWORD count = 0;
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide,
                            (int)(sizeof wide / sizeof wide[0])) > 0)
        count = GetFullPathNameW(wide, 0, NULL, NULL);
    plx__socket_path *opened = plx__allocate(sizeof *opened + (count + 1) * sizeof opened->path[0]);
    if (opened == NULL)
        return NULL;
    opened->is_known = false;
    if (count == 0 || GetFullPathNameW(wide, count, opened->path, NULL) >= count)
        opened->path[0] = L'\0';
    return opened;
}

/* The file itself, if there is one that is no directory; else INVALID_HANDLE_VALUE. */
static HANDLE file_open(const plx__socket_path *path, DWORD access)
{
    return CreateFileW(path->path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

static bool is_socket_file(HANDLE file)
{
    FILE_ATTRIBUTE_TAG_INFO about;
    return GetFileInformationByHandleEx(file, FileAttributeTagInfo, &about, sizeof about) &&
           (about.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
           about.ReparseTag == (DWORD)IO_REPARSE_TAG_AF_UNIX;
}

/* 0, or why not. */
static int file_delete(HANDLE file)
{
    FILE_DISPOSITION_INFO delete = {TRUE}; /* The member's name is a macro in some SDKs. */
    if (SetFileInformationByHandle(file, FileDispositionInfo, &delete, sizeof delete))
        return 0;
    return plx__fail((int)GetLastError());
}

/* The mutex, locked; NULL when it is another user's, or somebody has had it for the whole time. */
static HANDLE turn_take(void)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, L"Global\\pollux-socket-path");
    if (mutex == NULL)
        return NULL;
    DWORD came = WaitForSingleObject(mutex, LOCK_WAIT_MILLISECONDS);
    if (came == WAIT_OBJECT_0 || came == WAIT_ABANDONED)
        return mutex;
    (void)CloseHandle(mutex);
    return NULL;
}

static void turn_end(HANDLE mutex)
{
    if (mutex == NULL)
        return;
    (void)ReleaseMutex(mutex);
    (void)CloseHandle(mutex);
}

/* 0: nobody listens there, and nobody is about to. */
static int probe_dead(const plx__address *address)
{
    plx_socket probe = PLX_SOCKET_NONE;
    int status = plx__socket_open(&probe, address->family);
    if (status != 0)
        return status;
    status = plx__socket_connect(probe, address);
    plx__socket_close(probe);
    return status == PLX_ECONNREFUSED ? 0 : plx__fail(WSAEADDRINUSE);
}

/* Deletes a socket file that a dead server has left. What else there may be is in the way. */
static int leftover_remove(const plx__socket_path *path, const plx__address *address,
                           bool is_locked)
{
    HANDLE file = file_open(path, DELETE | FILE_READ_ATTRIBUTES);
    if (file == INVALID_HANDLE_VALUE) {
        DWORD reason = GetLastError();
        bool is_there = reason == ERROR_ACCESS_DENIED || reason == ERROR_SHARING_VIOLATION;
        return is_there ? plx__fail(WSAEADDRINUSE) : 0; /* bind() tells what else is wrong. */
    }
    int status = is_socket_file(file) && is_locked ? 0 : plx__fail(WSAEADDRINUSE);
    if (status == 0)
        status = probe_dead(address);
    if (status == 0)
        status = file_delete(file);
    (void)CloseHandle(file);
    return status;
}

static void identity_read(plx__socket_path *path)
{
    HANDLE file = file_open(path, FILE_READ_ATTRIBUTES);
    if (file == INVALID_HANDLE_VALUE)
        return;
    path->is_known = is_socket_file(file) &&
                     GetFileInformationByHandleEx(file, FILE_ID_CLASS, &path->id, sizeof path->id);
    (void)CloseHandle(file);
}

/* Deletes the file if it still is the one that the listener has left. */
static void file_remove(const plx__socket_path *path)
{
    file_id id;
    if (!path->is_known)
        return;
    HANDLE file = file_open(path, DELETE | FILE_READ_ATTRIBUTES);
    if (file == INVALID_HANDLE_VALUE)
        return;
    if (GetFileInformationByHandleEx(file, FILE_ID_CLASS, &id, sizeof id) &&
        id.volume == path->id.volume && memcmp(id.bytes, path->id.bytes, sizeof id.bytes) == 0)
        (void)file_delete(file);
    (void)CloseHandle(file);
}

static int listen_locked(plx_socket socket, const plx__address *address, uint32_t backlog,
                         plx__socket_path *path, bool is_locked)
{
    int status = leftover_remove(path, address, is_locked);
    if (status == 0)
        status = plx__socket_bind(socket, address);
    if (status != 0)
        return status;
    identity_read(path);
    status = plx__socket_listen(socket, backlog);
    if (status != 0)
        file_remove(path);
    return status;
}

int plx__socket_path_listen(plx_socket socket, const plx__address *address, uint32_t backlog,
                            uint32_t mode, plx__socket_path **path_out)
{
    *path_out = NULL;
    if (mode != 0) /* Files have access lists here. */
        return PLX_ENOSYS;
    plx__socket_path *path = path_open(plx__address_path(address));
    if (path == NULL)
        return PLX_ENOMEM;
    HANDLE turn = turn_take();
    int status = listen_locked(socket, address, backlog, path, turn != NULL);
    turn_end(turn);
    if (status != 0)
        plx__free(path);
    else
        *path_out = path;
    return status;
}

void plx__socket_path_remove(plx__socket_path *path)
{
    file_remove(path);
    plx__free(path);
}

void plx__socket_path_forget(plx__socket_path *path)
{
    plx__free(path);
}
