/* posix/system/advice.c - advice on files and memory, allocating of files, and memory that
 * processes share by name.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or the code of an errno, which stays what it is. */
static int about_get(int fd, struct stat *about)
{
    int before = errno;
    int code = fstat(fd, about) == 0 ? 0 : errno;
    errno = before;
    return code;
}

int posix_fadvise(int fd, off_t offset, off_t length, int advice)
{
    struct stat about;
    int code = about_get(fd, &about);
    (void)offset;
    if (code != 0)
        return code;
    if (S_ISFIFO(about.st_mode))
        return ESPIPE;
    return length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? EINVAL : 0;
}

/* NTFS has room for a file up to its end, unless it is sparse or compressed. */
int posix_fallocate(int fd, off_t offset, off_t length)
{
    struct stat about;
    if (offset < 0 || length <= 0)
        return EINVAL;
    int code = about_get(fd, &about);
    if (code != 0)
        return code;
    if (offset > INT64_MAX - length)
        return EFBIG;
    int before = errno;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        code = EBADF;
    else if (S_ISFIFO(about.st_mode))
        code = ESPIPE;
    else if (!S_ISREG(about.st_mode))
        code = ENODEV;
    else if (about.st_size < offset + length && ftruncate(fd, offset + length) != 0)
        code = errno;
    errno = before;
    return code;
}

int posix_madvise(void *address, size_t length, int advice)
{
    long page = sysconf(_SC_PAGESIZE);
    (void)length;
    if (advice < POSIX_MADV_NORMAL || advice > POSIX_MADV_DONTNEED ||
        (uintptr_t)address % (uintptr_t)page != 0)
        return EINVAL;
    return 0;
}

/* --- shared memory -------------------------------------------------------------------------- */

/* Files among the temporary ones: they stay, other than on Linux, when the system starts anew. */
static int path_make(const char *name, char *path, size_t size)
{
    while (*name == '/')
        name++;
    if (*name == '\0' || strchr(name, '/') != NULL) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(name) >= NAME_MAX - 8) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return snprintf(path, size, "/tmp/plx-shm.%s", name);
}

int shm_open(const char *name, int flags, mode_t mode)
{
    char path[NAME_MAX + 32];
    if (path_make(name, path, sizeof path) < 0)
        return -1;
    return open(path, flags | O_CLOEXEC, mode);
}

int shm_unlink(const char *name)
{
    char path[NAME_MAX + 32];
    if (path_make(name, path, sizeof path) < 0) {
        errno = errno == EINVAL ? ENOENT : errno;
        return -1;
    }
    return unlink(path);
}
