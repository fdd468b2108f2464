/* posix/files/at.c - the calls that take a path from a directory that is open: openat() and its
 * like, and fchdir().
 *
 * The directory's path is asked for each time, so it may have been renamed since it was opened.
 * That and the call are two steps here, and one on Linux: what is renamed in between is not
 * followed.
 */
#include "posix/files/files.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FROM_HERE = -100 }; /* AT_FDCWD. */
enum { NO_FOLLOW = 0x100, REMOVE_DIRECTORY = 0x200, FOLLOW = 0x400 };

int plx_posix_open(const char *path, int flags, ...);
int plx_posix_stat(const char *path, plx__stat *about);
int plx_posix_mkdir(const char *path, unsigned mode);
int plx_posix_unlink(const char *path);
int plx_posix_rmdir(const char *path);
int plx_posix_rename(const char *from, const char *to);
int plx_posix_access(const char *path, int how);
int plx_posix_chmod(const char *path, unsigned mode);
int plx_posix_chown(const char *path, unsigned user, unsigned group);
int plx_posix_link(const char *from, const char *to);
int plx_posix_symlink(const char *target, const char *path);
ptrdiff_t plx_posix_readlink(const char *path, char *target, size_t size);
int plx_posix_chdir(const char *path);
int plx_posix_mknod(const char *path, unsigned mode, unsigned device);

/* Windows' form of an open directory's path. */
static wchar_t *directory_path(HANDLE handle, int *status_out)
{
    DWORD size = GetFinalPathNameByHandleW(handle, NULL, 0, 0);
    wchar_t *path = malloc(((size_t)size + 1) * sizeof *path);
    *status_out = path != NULL ? 0 : -ENOMEM;
    if (path != NULL && (size == 0 || GetFinalPathNameByHandleW(handle, path, size, 0) >= size)) {
        *status_out = -ENOENT;
        free(path);
        path = NULL;
    }
    return path;
}

/* Without the prefix by which "." and ".." are names like any other. */
static void prefix_cut(wchar_t *path)
{
    size_t length = wcslen(path);
    if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0)
        memmove(path + 2, path + 8, (length - 7) * sizeof *path);
    else if (wcsncmp(path, L"\\\\?\\", 4) == 0)
        memmove(path, path + 4, (length - 3) * sizeof *path);
}

static int directory_name(int fd, char **name_out)
{
    BY_HANDLE_FILE_INFORMATION info;
    int status = 0;
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    wchar_t *path = NULL;
    if (file->kind != &plx__disk_kind || !GetFileInformationByHandle(file->handle, &info) ||
        (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        status = -ENOTDIR;
    else
        path = directory_path(file->handle, &status);
    plx__file_put(file);
    if (path == NULL)
        return status;
    prefix_cut(path);
    int length = WideCharToMultiByte(CP_UTF8, 0, path, -1, NULL, 0, NULL, NULL);
    *name_out = malloc((size_t)length);
    if (*name_out != NULL)
        (void)WideCharToMultiByte(CP_UTF8, 0, path, -1, *name_out, length, NULL, NULL);
    free(path);
    return *name_out != NULL ? 0 : -ENOMEM;
}

static bool is_absolute(const char *path)
{
    return path[0] == '/' || path[0] == '\\' || (path[0] != '\0' && path[1] == ':');
}

/* What the path is without the directory. `*made_out` is to be freed; NULL and errno when that
 * fails. */
static const char *path_from(int fd, const char *path, char **made_out)
{
    char *name = NULL;
    *made_out = NULL;
    if (fd == FROM_HERE || path == NULL || *path == '\0' || is_absolute(path))
        return path != NULL ? path : "";
    int status = directory_name(fd, &name);
    if (status != 0) {
        errno = -status;
        return NULL;
    }
    size_t length = strlen(name);
    char *made = realloc(name, length + strlen(path) + 2);
    if (made == NULL) {
        free(name);
        errno = ENOMEM;
        return NULL;
    }
    made[length] = '/';
    (void)strcpy(made + length + 1, path);
    *made_out = made;
    return made;
}

/* Frees what was made of the path, and leaves errno as the call has set it. */
static int done(char *made, int result)
{
    int code = errno;
    free(made);
    errno = code;
    return result;
}

PLX__CALL int plx_posix_openat(int from, const char *path, int flags, ...)
{
    unsigned mode = 0;
    char *made;
    if ((flags & PLX__O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, unsigned);
        va_end(arguments);
    }
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_open(whole, flags, mode) : -1);
}

PLX__CALL int plx_posix_fstatat(int from, const char *path, plx__stat *about, int flags)
{
    char *made;
    if ((flags & ~NO_FOLLOW) != 0)
        return plx__answer_int(-EINVAL);
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_stat(whole, about) : -1);
}

PLX__CALL int plx_posix_mkdirat(int from, const char *path, unsigned mode)
{
    char *made;
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_mkdir(whole, mode) : -1);
}

PLX__CALL int plx_posix_mknodat(int from, const char *path, unsigned mode, unsigned device)
{
    char *made;
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_mknod(whole, mode, device) : -1);
}

PLX__CALL int plx_posix_mkfifoat(int from, const char *path, unsigned mode)
{
    return plx_posix_mknodat(from, path, PLX__S_IFIFO | mode, 0);
}

PLX__CALL int plx_posix_unlinkat(int from, const char *path, int flags)
{
    char *made;
    if ((flags & ~REMOVE_DIRECTORY) != 0)
        return plx__answer_int(-EINVAL);
    const char *whole = path_from(from, path, &made);
    if (whole == NULL)
        return -1;
    return done(made, flags != 0 ? plx_posix_rmdir(whole) : plx_posix_unlink(whole));
}

typedef int (*pair_call)(const char *one, const char *other);

static int of_two(int from, const char *one, int to, const char *other, pair_call call)
{
    char *made[2] = {NULL, NULL};
    const char *first = path_from(from, one, &made[0]);
    const char *second = first != NULL ? path_from(to, other, &made[1]) : NULL;
    int result = second != NULL ? call(first, second) : -1;
    return done(made[0], done(made[1], result));
}

PLX__CALL int plx_posix_renameat(int from, const char *path, int to, const char *name)
{
    return of_two(from, path, to, name, plx_posix_rename);
}

PLX__CALL int plx_posix_linkat(int from, const char *path, int to, const char *name, int flags)
{
    if ((flags & ~FOLLOW) != 0)
        return plx__answer_int(-EINVAL);
    return of_two(from, path, to, name, plx_posix_link);
}

PLX__CALL int plx_posix_symlinkat(const char *target, int from, const char *path)
{
    char *made;
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_symlink(target, whole) : -1);
}

PLX__CALL ptrdiff_t plx_posix_readlinkat(int from, const char *path, char *target, size_t size)
{
    char *made;
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? (int)plx_posix_readlink(whole, target, size) : -1);
}

PLX__CALL int plx_posix_faccessat(int from, const char *path, int how, int flags)
{
    char *made;
    if ((flags & ~(NO_FOLLOW | REMOVE_DIRECTORY)) != 0) /* AT_EACCESS has the same number. */
        return plx__answer_int(-EINVAL);
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_access(whole, how) : -1);
}

PLX__CALL int plx_posix_fchmodat(int from, const char *path, unsigned mode, int flags)
{
    char *made;
    if ((flags & ~NO_FOLLOW) != 0)
        return plx__answer_int(-EINVAL);
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_chmod(whole, mode) : -1);
}

PLX__CALL int plx_posix_fchownat(int from, const char *path, unsigned user, unsigned group,
                                 int flags)
{
    char *made;
    if ((flags & ~NO_FOLLOW) != 0)
        return plx__answer_int(-EINVAL);
    const char *whole = path_from(from, path, &made);
    return done(made, whole != NULL ? plx_posix_chown(whole, user, group) : -1);
}

PLX__CALL int plx_posix_fchdir(int fd)
{
    char *name = NULL;
    int status = directory_name(fd, &name);
    return status != 0 ? plx__answer_int(status) : done(name, plx_posix_chdir(name));
}
