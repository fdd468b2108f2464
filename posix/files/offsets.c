/* posix/files/offsets.c - where in a file: lseek, pread, truncation, locks; and isatty(). */
#include "posix/files/files.h"

#include <string.h>

/* The open file and whether it is one of the disk: 0, -EBADF, or `otherwise`. */
static int disk_get(int fd, int otherwise, plx__file **file_out)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    *file_out = file;
    if (file->kind->mode == PLX__S_IFREG)
        return 0;
    plx__file_put(file);
    return otherwise;
}

static int64_t offset_move(HANDLE handle, int64_t offset, DWORD whence)
{
    LARGE_INTEGER to = {.QuadPart = offset};
    LARGE_INTEGER at;
    if (!SetFilePointerEx(handle, to, &at, whence))
        return plx__errno_last();
    return at.QuadPart;
}

PLX__CALL int64_t plx_posix_lseek(int fd, int64_t offset, int whence)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -ESPIPE, &file);
    if (status != 0)
        return plx__answer(status);
    int64_t at =
        whence >= 0 && whence <= 2 ? offset_move(file->handle, offset, (DWORD)whence) : -EINVAL;
    plx__file_put(file);
    return plx__answer((ptrdiff_t)at);
}

/* A handle of this sort has one offset, which these move and put back. */
static ptrdiff_t at_offset(plx__file *file, int64_t offset, void *into, const void *from,
                           size_t size)
{
    if (offset < 0)
        return -EINVAL;
    int64_t before = offset_move(file->handle, 0, FILE_CURRENT);
    if (before < 0)
        return (ptrdiff_t)before;
    int64_t moved = offset_move(file->handle, offset, FILE_BEGIN);
    if (moved < 0)
        return (ptrdiff_t)moved;
    ptrdiff_t done =
        into != NULL ? file->kind->read(file, into, size) : file->kind->write(file, from, size);
    (void)offset_move(file->handle, before, FILE_BEGIN);
    return done;
}

PLX__CALL ptrdiff_t plx_posix_pread(int fd, void *bytes, size_t size, int64_t offset)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -ESPIPE, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t got = bytes != NULL ? at_offset(file, offset, bytes, NULL, size) : -EFAULT;
    plx__file_put(file);
    return plx__answer(got);
}

PLX__CALL ptrdiff_t plx_posix_pwrite(int fd, const void *bytes, size_t size, int64_t offset)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -ESPIPE, &file);
    if (status != 0)
        return plx__answer(status);
    ptrdiff_t written = bytes != NULL ? at_offset(file, offset, NULL, bytes, size) : -EFAULT;
    plx__file_put(file);
    return plx__answer(written);
}

static int size_set(HANDLE handle, int64_t size)
{
    FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = size};
    if (size < 0)
        return -EINVAL;
    if (SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof end))
        return 0;
    int status = plx__errno_last();
    return status == -EACCES ? -EINVAL : status; /* Not open for writing. */
}

PLX__CALL int plx_posix_ftruncate(int fd, int64_t size)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -EINVAL, &file);
    if (status != 0)
        return plx__answer_int(status);
    status = size_set(file->handle, size);
    plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_truncate(const char *path, int64_t size)
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return plx__answer_int(status);
    HANDLE handle =
        CreateFileW(wide, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        status = plx__path_error(wide);
    plx__free(wide);
    if (status != 0)
        return plx__answer_int(status);
    status = size_set(handle, size);
    (void)CloseHandle(handle);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_fsync(int fd)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -EINVAL, &file);
    if (status != 0)
        return plx__answer_int(status);
    /* A handle without the right to write cannot be flushed, and need not be. */
    if (!FlushFileBuffers(file->handle) && GetLastError() != ERROR_ACCESS_DENIED &&
        GetLastError() != ERROR_INVALID_HANDLE)
        status = plx__errno_last();
    plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_fdatasync(int fd)
{
    return plx_posix_fsync(fd);
}

PLX__CALL int plx_posix_isatty(int fd)
{
    DWORD mode;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL) {
        errno = EBADF;
        return 0;
    }
    bool is_console = file->kind == &plx__stream_kind && GetConsoleMode(file->handle, &mode);
    plx__file_put(file);
    if (!is_console)
        errno = ENOTTY;
    return is_console;
}

/* Of a file's mode there is whether it may be written. */
static int mode_set(HANDLE handle, unsigned mode)
{
    FILE_BASIC_INFO info;
    int status = 0;
    HANDLE own = ReOpenFile(handle, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0);
    if (own == INVALID_HANDLE_VALUE)
        return plx__errno_last();
    if (!GetFileInformationByHandleEx(own, FileBasicInfo, &info, sizeof info)) {
        status = plx__errno_last();
    } else if ((info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        DWORD others = info.FileAttributes & ~(DWORD)FILE_ATTRIBUTE_READONLY;
        memset(&info, 0, sizeof info); /* The times stay. */
        info.FileAttributes = (mode & 0200) == 0 ? others | FILE_ATTRIBUTE_READONLY
                              : others != 0      ? others
                                                 : FILE_ATTRIBUTE_NORMAL;
        if (!SetFileInformationByHandle(own, FileBasicInfo, &info, sizeof info))
            status = plx__errno_last();
    }
    (void)CloseHandle(own);
    return status;
}

PLX__CALL int plx_posix_fchmod(int fd, unsigned mode)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    bool is_on_disk =
        file->kind->mode == PLX__S_IFREG && GetFileType(file->handle) == FILE_TYPE_DISK;
    int status = is_on_disk ? mode_set(file->handle, mode) : 0;
    (void)plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_fchown(int fd, unsigned user, unsigned group)
{
    (void)user;
    (void)group;
    return plx__answer_int(plx__fd_cloexec(fd) >= 0 ? 0 : -EBADF);
}

/* --- locks ---------------------------------------------------------------------------------- */

/* As struct flock. */
typedef struct file_lock {
    short type;
    short whence;
    int64_t start;
    int64_t length;
    int process;
} file_lock;

static int range_lock(HANDLE handle, int type, bool waits, int64_t start, int64_t length)
{
    OVERLAPPED at;
    memset(&at, 0, sizeof at);
    at.Offset = (DWORD)start;
    at.OffsetHigh = (DWORD)(start >> 32);
    uint64_t size = length != 0 ? (uint64_t)length : INT64_MAX - (uint64_t)start;
    if (type == PLX__F_UNLCK) {
        if (UnlockFileEx(handle, 0, (DWORD)size, (DWORD)(size >> 32), &at) ||
            GetLastError() == ERROR_NOT_LOCKED)
            return 0;
        return plx__errno_last();
    }
    DWORD flags = (type == PLX__F_WRLCK ? LOCKFILE_EXCLUSIVE_LOCK : 0u) |
                  (waits ? 0u : LOCKFILE_FAIL_IMMEDIATELY);
    if (LockFileEx(handle, flags, 0, (DWORD)size, (DWORD)(size >> 32), &at))
        return 0;
    return GetLastError() == ERROR_IO_PENDING ? -EAGAIN : plx__errno_last();
}

int plx__lock_control(plx__file *file, int command, void *given)
{
    file_lock *lock = given;
    if (lock->type < PLX__F_RDLCK || lock->type > PLX__F_UNLCK || lock->whence != 0)
        return -EINVAL; /* Only from the start of the file. */
    if (command != PLX__F_GETLK)
        return range_lock(file->handle, lock->type, command == PLX__F_SETLKW, lock->start,
                          lock->length);
    int status = range_lock(file->handle, lock->type, false, lock->start, lock->length);
    if (status == 0) {
        (void)range_lock(file->handle, PLX__F_UNLCK, false, lock->start, lock->length);
        lock->type = PLX__F_UNLCK;
    }
    return status == -EAGAIN ? 0 : status;
}

PLX__CALL int plx_posix_flock(int fd, int operation)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -EINVAL, &file);
    if (status != 0)
        return plx__answer_int(status);
    int type = (operation & 8) != 0   ? PLX__F_UNLCK
               : (operation & 2) != 0 ? PLX__F_WRLCK
                                      : PLX__F_RDLCK;
    status = range_lock(file->handle, type, (operation & 4) == 0, 0, 0);
    plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_lockf(int fd, int command, int64_t length)
{
    plx__file *file = NULL;
    int status = disk_get(fd, -EINVAL, &file);
    if (status != 0)
        return plx__answer_int(status);
    int64_t at = offset_move(file->handle, 0, FILE_CURRENT);
    if (command < 0 || command > 3)
        status = -EINVAL;
    else
        status = range_lock(file->handle, command == 0 ? PLX__F_UNLCK : PLX__F_WRLCK, command == 1,
                            at, length);
    if (status == 0 && command == 3)
        status = range_lock(file->handle, PLX__F_UNLCK, false, at, length);
    plx__file_put(file);
    return plx__answer_int(status);
}
