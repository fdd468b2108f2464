/* posix/disk.c - files of the disk, devices, and the pipes and consoles that a process is
 * given: open files over HANDLEs. Paths are UTF-8, as everything POSIX is here.
 */
#include "posix/layer.h"

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

const plx__file_kind plx__disk_kind = {
    .mode = PLX__S_IFREG,
    .read = disk_read,
    .write = disk_write,
    .ready = disk_ready,
    .close = handle_close,
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

const plx__file_kind plx__stream_kind = {
    .mode = PLX__S_IFIFO,
    .read = stream_read,
    .write = disk_write,
    .ready = stream_ready,
    .close = handle_close,
    .ticks = true,
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

/* --- paths ---------------------------------------------------------------------------------- */

static wchar_t *wide_of(const char *text, size_t extra, int *error_out)
{
    int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (count == 0) {
        *error_out = -EILSEQ;
        return NULL;
    }
    wchar_t *wide = plx__allocate(((size_t)count + extra) * sizeof *wide);
    if (wide == NULL) {
        *error_out = -ENOMEM;
        return NULL;
    }
    (void)MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, count);
    return wide;
}

/* /tmp is the user's directory for such files, unless this drive has one of that name. */
static wchar_t *temporary_path(const char *rest, int *error_out)
{
    wchar_t *wide = wide_of(rest, MAX_PATH + 1, error_out);
    if (wide == NULL)
        return NULL;
    wchar_t directory[MAX_PATH + 1];
    DWORD length = GetTempPathW(MAX_PATH + 1, directory);
    if (length > 0 && directory[length - 1] == L'\\')
        length--;
    memmove(wide + length, wide, (wcslen(wide) + 1) * sizeof *wide);
    memcpy(wide, directory, length * sizeof *wide);
    return wide;
}

int plx__path_error(const wchar_t *path)
{
    int status = plx__errno_last();
    size_t length = wcslen(path);
    wchar_t *part = status == -ENOENT ? plx__allocate((length + 1) * sizeof *part) : NULL;
    if (part == NULL)
        return status;
    memcpy(part, path, (length + 1) * sizeof *part);
    /* The longest part of it that is there. */
    for (DWORD known = INVALID_FILE_ATTRIBUTES; length > 0 && known == INVALID_FILE_ATTRIBUTES;) {
        if (part[--length] != L'\\')
            continue;
        part[length] = L'\0';
        known = GetFileAttributesW(part);
        if (known != INVALID_FILE_ATTRIBUTES && (known & FILE_ATTRIBUTE_DIRECTORY) == 0)
            status = -ENOTDIR;
    }
    plx__free(part);
    return status;
}

/* With Windows' separators, once each; two at the start are the name of another machine. */
static void separators_set(wchar_t *path)
{
    wchar_t *to = path;
    for (wchar_t *at = path; *at != L'\0'; at++) {
        wchar_t letter = *at == L'/' ? L'\\' : *at;
        bool is_again = letter == L'\\' && to > path && to[-1] == L'\\';
        bool is_machine = at == path + 1 && at[1] != L'/' && at[1] != L'\\' && at[1] != L'\0';
        if (!is_again || is_machine)
            *to++ = letter;
    }
    *to = L'\0';
}

/* What stands before a "." or ".." is a directory: 0, or why it is not. Windows takes such parts
 * away without a look, with what stands before a "..". */
static int dots_check(wchar_t *path)
{
    int status = 0;
    for (wchar_t *at = path; status == 0 && (at = wcsstr(at, L"\\.")) != NULL; at++) {
        const wchar_t *after = at + (at[2] == L'.' ? 3 : 2);
        if (at == path || (*after != L'\0' && *after != L'\\'))
            continue; /* The root, or a name that begins with a dot. */
        *at = L'\0';
        DWORD known = GetFileAttributesW(path);
        if (known == INVALID_FILE_ATTRIBUTES)
            status = plx__path_error(path);
        else if ((known & FILE_ATTRIBUTE_DIRECTORY) == 0)
            status = -ENOTDIR;
        *at = L'\\';
    }
    return status;
}

wchar_t *plx__path(const char *path, int *error_out)
{
    if (path == NULL) {
        *error_out = -EFAULT;
        return NULL;
    }
    if (*path == '\0') {
        *error_out = -ENOENT;
        return NULL;
    }
    if (strcmp(path, "/dev/null") == 0)
        path = "NUL";
    else if (strcmp(path, "/dev/tty") == 0)
        path = "CONIN$";
    bool is_temporary = strncmp(path, "/tmp", 4) == 0 && (path[4] == '/' || path[4] == '\0') &&
                        GetFileAttributesW(L"\\tmp") == INVALID_FILE_ATTRIBUTES;
    wchar_t *wide =
        is_temporary ? temporary_path(path + 4, error_out) : wide_of(path, 0, error_out);
    if (wide == NULL)
        return NULL;
    separators_set(wide);
    int status = dots_check(wide);
    if (status == 0)
        return wide;
    *error_out = status;
    plx__free(wide);
    return NULL;
}
