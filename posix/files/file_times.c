/* posix/files/file_times.c - when a file was read and written: utimensat(), futimens(), utimes(),
 * utime().
 */
#include "posix/files/files.h"

#include <stdlib.h>

#define EPOCH_HUNDREDS INT64_C(116444736000000000)
/* What a FILETIME holds between the values that mean "as it is". */
#define SECONDS_MIN (-EPOCH_HUNDREDS / 10000000 + 1)
#define SECONDS_MAX ((INT64_MAX - EPOCH_HUNDREDS) / 10000000 - 1)
#define SHARE       (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

enum { IS_NOW = (1 << 30) - 1, STAYS = (1 << 30) - 2 }; /* UTIME_NOW, UTIME_OMIT. */
enum { NO_FOLLOW = 0x100, FROM_HERE = -100 };

int plx_posix_openat(int from, const char *path, int flags, ...);
int plx_posix_close(int fd);

static bool is_time(const struct timespec *time)
{
    return (time->tv_nsec >= 0 && time->tv_nsec < 1000000000) || time->tv_nsec == IS_NOW ||
           time->tv_nsec == STAYS;
}

/* What Windows is to set; NULL for what stays. */
static const FILETIME *to_set(const struct timespec *time, const FILETIME *now, FILETIME *room)
{
    if (time == NULL || time->tv_nsec == IS_NOW)
        return now;
    if (time->tv_nsec == STAYS)
        return NULL;
    int64_t seconds = time->tv_sec; /* What is beyond the file system's is its last, as on Linux. */
    if (seconds < SECONDS_MIN)
        seconds = SECONDS_MIN;
    else if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    int64_t hundreds = seconds * 10000000 + time->tv_nsec / 100 + EPOCH_HUNDREDS;
    room->dwLowDateTime = (DWORD)hundreds;
    room->dwHighDateTime = (DWORD)((uint64_t)hundreds >> 32);
    return room;
}

static int handle_set(HANDLE handle, const struct timespec times[2])
{
    FILETIME now;
    FILETIME room[2];
    if (times != NULL && (!is_time(&times[0]) || !is_time(&times[1])))
        return -EINVAL;
    GetSystemTimePreciseAsFileTime(&now);
    const FILETIME *accessed = to_set(times, &now, &room[0]);
    const FILETIME *modified = to_set(times != NULL ? &times[1] : NULL, &now, &room[1]);
    return SetFileTime(handle, NULL, accessed, modified) ? 0 : plx__errno_last();
}

static int path_set(const char *path, const struct timespec times[2])
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return status;
    HANDLE handle = CreateFileW(wide, FILE_WRITE_ATTRIBUTES, SHARE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);
    status = handle != INVALID_HANDLE_VALUE ? handle_set(handle, times) : plx__path_error(wide);
    if (handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    plx__free(wide);
    return status;
}

/* By its own handle first: closing one that has written would set the time once more. The file may
 * have been opened without the right. */
static int file_set(const plx__file *file, const struct timespec times[2])
{
    if (file->kind != &plx__disk_kind)
        return -EINVAL;
    int status = handle_set(file->handle, times);
    if (status != -EACCES && status != -EPERM && status != -EBADF)
        return status;
    HANDLE handle =
        ReOpenFile(file->handle, FILE_WRITE_ATTRIBUTES, SHARE, FILE_FLAG_BACKUP_SEMANTICS);
    if (handle == INVALID_HANDLE_VALUE)
        return status;
    status = handle_set(handle, times);
    (void)CloseHandle(handle);
    return status;
}

/* Linux does not even look at the file then (fs/utimes.c: "we must not even check the path"). */
static bool both_stay(const struct timespec times[2])
{
    return times != NULL && times[0].tv_nsec == STAYS && times[1].tv_nsec == STAYS;
}

PLX__CALL int plx_posix_futimens(int fd, const struct timespec times[2])
{
    if (fd >= 0 && both_stay(times))
        return 0;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    int status = file_set(file, times);
    (void)plx__file_put(file);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_utimensat(int from, const char *path, const struct timespec times[2],
                                  int flags)
{
    if (both_stay(times))
        return 0;
    if ((flags & ~NO_FOLLOW) != 0)
        return plx__answer_int(-EINVAL);
    if (path == NULL && from != FROM_HERE)
        return plx_posix_futimens(from, times);
    if (from == FROM_HERE)
        return plx__answer_int(path_set(path, times));
    int fd = plx_posix_openat(from, path, PLX__O_RDONLY);
    if (fd < 0)
        return -1;
    int result = plx_posix_futimens(fd, times);
    int code = errno;
    (void)plx_posix_close(fd);
    errno = code;
    return result;
}

PLX__CALL int plx_posix_utimes(const char *path, const plx__timeval times[2])
{
    struct timespec fine[2];
    for (int i = 0; i < 2 && times != NULL; i++) {
        if (times[i].microseconds < 0 || times[i].microseconds >= 1000000)
            return plx__answer_int(-EINVAL);
        fine[i].tv_sec = times[i].seconds;
        fine[i].tv_nsec = (long)times[i].microseconds * 1000;
    }
    return plx__answer_int(path_set(path, times != NULL ? fine : NULL));
}
