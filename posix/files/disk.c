/* posix/files/disk.c - files of the disk, devices, and the pipes and consoles that a process is
 * given: open files over HANDLEs.
 */
#include "posix/files/files.h"
#include "posix/signal/signal.h"

#include <string.h>

static void handle_close(plx__file *file)
{
    (void)CloseHandle(file->handle);
}

static DWORD bounded(size_t size)
{
    return size < (1u << 30) ? (DWORD)size : 1u << 30;
}

static bool is_directory(HANDLE handle)
{
    BY_HANDLE_FILE_INFORMATION info;
    return GetFileInformationByHandle(handle, &info) &&
           (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static ptrdiff_t disk_read(plx__file *file, void *bytes, size_t size)
{
    DWORD got = 0;
    if (ReadFile(file->handle, bytes, bounded(size), &got, NULL))
        return (ptrdiff_t)got;
    DWORD code = GetLastError();
    if (code == ERROR_HANDLE_EOF || code == ERROR_BROKEN_PIPE)
        return 0;
    if (is_directory(file->handle))
        return -EISDIR;
    return code == ERROR_ACCESS_DENIED ? -EBADF : plx__errno_of((int)code);
}

static ptrdiff_t disk_write(plx__file *file, const void *bytes, size_t size)
{
    DWORD written = 0;
    OVERLAPPED at_the_end;
    bool appends = (plx__atomic_load(&file->flags) & PLX__O_APPEND) != 0;
    memset(&at_the_end, 0, sizeof at_the_end);
    at_the_end.Offset = at_the_end.OffsetHigh = 0xFFFFFFFF; /* WriteFile: "to the end of file". */
    if (WriteFile(file->handle, bytes, bounded(size), &written, appends ? &at_the_end : NULL))
        return (ptrdiff_t)written;
    return plx__errno_last();
}

static unsigned disk_ready(plx__file *file)
{
    (void)file;
    return PLX__POLLIN | PLX__POLLOUT;
}

static int disk_control(plx__file *file, unsigned long request, void *argument)
{
    LARGE_INTEGER size;
    LARGE_INTEGER none = {.QuadPart = 0};
    LARGE_INTEGER at;
    if (request != PLX__FIONREAD)
        return plx__console_control(file, request, argument);
    if (!GetFileSizeEx(file->handle, &size) ||
        !SetFilePointerEx(file->handle, none, &at, FILE_CURRENT))
        return -ENOTTY;
    int count = (int)(size.QuadPart - at.QuadPart);
    memcpy(argument, &count, sizeof count);
    return 0;
}

const plx__file_kind plx__disk_kind = {
    .mode = PLX__S_IFREG,
    .read = disk_read,
    .write = disk_write,
    .ready = disk_ready,
    .close = handle_close,
    .control = disk_control,
    .lock = plx__lock_control,
};

/* --- pipes and consoles of the process ------------------------------------------------------ */

/* Bytes that can be read without waiting; -1 at the end, -2 for what has no such number. */
static long stream_waiting(plx__file *file)
{
    DWORD waiting = 0;
    switch (GetFileType(file->handle)) {
    case FILE_TYPE_PIPE:
        if (PeekNamedPipe(file->handle, NULL, 0, NULL, &waiting, NULL))
            return (long)waiting;
        return GetLastError() == ERROR_BROKEN_PIPE ? -1 : -2;
    default:
        return plx__console_has_input(file->handle) ? -2 : 0;
    }
}

static unsigned stream_ready(plx__file *file)
{
    unsigned access = plx__atomic_load(&file->flags) & PLX__O_ACCMODE;
    if (access == PLX__O_WRONLY)
        return PLX__POLLOUT; /* Room cannot be known; writing waits for it. */
    long waiting = stream_waiting(file);
    unsigned writable = access == PLX__O_RDWR ? PLX__POLLOUT : 0u;
    if (waiting == -1)
        return PLX__POLLHUP | writable;
    return (waiting != 0 ? PLX__POLLIN : 0u) | writable;
}

static ptrdiff_t stream_read(plx__file *file, void *bytes, size_t size)
{
    /* With nobody to be told of signals, the system may as well wait by itself. */
    bool may_wait = !plx__file_is_nonblocking(file) && !plx__signals_are_used();
    long waiting = may_wait ? -2 : stream_waiting(file);
    if (waiting == -1)
        return 0;
    if (waiting == 0)
        return -EAGAIN;
    if (waiting > 0 && size > (size_t)waiting)
        size = (size_t)waiting;
    if (GetFileType(file->handle) == FILE_TYPE_CHAR)
        return plx__console_read(file->handle, bytes, size);
    return disk_read(file, bytes, size);
}

static int stream_control(plx__file *file, unsigned long request, void *argument)
{
    DWORD waiting = 0;
    if (request != PLX__FIONREAD)
        return plx__console_control(file, request, argument);
    if (!PeekNamedPipe(file->handle, NULL, 0, NULL, &waiting, NULL))
        return -ENOTTY;
    memcpy(argument, &waiting, sizeof waiting);
    return 0;
}

const plx__file_kind plx__stream_kind = {
    .mode = PLX__S_IFIFO,
    .ticks = true,
    .read = stream_read,
    .write = disk_write,
    .ready = stream_ready,
    .close = handle_close,
    .control = stream_control,
};

plx__file *plx__handle_wrap(HANDLE handle, unsigned flags)
{
    const plx__file_kind *kind = &plx__disk_kind;
    DWORD mode;
    DWORD type = GetFileType(handle);
    if (type == FILE_TYPE_PIPE || (type == FILE_TYPE_CHAR && GetConsoleMode(handle, &mode)))
        kind = &plx__stream_kind;
    plx__file *file = plx__file_make(kind, flags);
    if (file != NULL)
        file->handle = handle;
    return file;
}
