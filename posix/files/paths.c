/* posix/files/paths.c - open(), stat() and what else goes by the name of a file. */
#include "posix/files/files.h"
#include "posix/socket/local.h"

#include <ntsecapi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE          (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define EPOCH_HUNDREDS INT64_C(116444736000000000)

static unsigned mask = 022;

/* --- opening -------------------------------------------------------------------------------- */

static DWORD access_of(int flags)
{
    switch (flags & PLX__O_ACCMODE) {
    case PLX__O_RDONLY:
        return GENERIC_READ;
    case PLX__O_WRONLY:
        return GENERIC_WRITE;
    default:
        return GENERIC_READ | GENERIC_WRITE;
    }
}

static DWORD disposition_of(int flags)
{
    if ((flags & PLX__O_CREAT) != 0) {
        if ((flags & PLX__O_EXCL) != 0)
            return CREATE_NEW;
        return (flags & PLX__O_TRUNC) != 0 ? CREATE_ALWAYS : OPEN_ALWAYS;
    }
    return (flags & PLX__O_TRUNC) != 0 ? TRUNCATE_EXISTING : OPEN_EXISTING;
}

static int path_open(const wchar_t *path, int flags, unsigned mode, HANDLE *handle_out)
{
    DWORD attributes = (flags & PLX__O_CREAT) != 0 && (mode & ~mask & 0200) == 0
                           ? FILE_ATTRIBUTE_READONLY
                           : FILE_ATTRIBUTE_NORMAL;
    DWORD known = GetFileAttributesW(path);
    bool is_directory = known != INVALID_FILE_ATTRIBUTES && (known & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (is_directory && (flags & PLX__O_ACCMODE) != PLX__O_RDONLY)
        return -EISDIR;
    if (known != INVALID_FILE_ATTRIBUTES && !is_directory && (flags & PLX__O_DIRECTORY) != 0)
        return -ENOTDIR;
    if (known != INVALID_FILE_ATTRIBUTES && (known & FILE_ATTRIBUTE_SYSTEM) != 0 &&
        plx__local_is_socket(path))
        return (flags & PLX__O_EXCL) != 0 ? -EEXIST : -ENXIO;
    if ((flags & PLX__O_SYNC) != 0)
        attributes |= FILE_FLAG_WRITE_THROUGH;
    *handle_out = CreateFileW(path, access_of(flags), SHARE, NULL, disposition_of(flags),
                              attributes | (is_directory ? FILE_FLAG_BACKUP_SEMANTICS : 0u), NULL);
    return *handle_out != INVALID_HANDLE_VALUE ? 0 : plx__path_error(path);
}

static ptrdiff_t random_read(plx__file *file, void *bytes, size_t size)
{
    (void)file;
    ULONG count = size < (1u << 20) ? (ULONG)size : 1u << 20;
    return RtlGenRandom(bytes, count) ? (ptrdiff_t)count : -EIO;
}

static ptrdiff_t random_write(plx__file *file, const void *bytes, size_t size)
{
    (void)file;
    (void)bytes;
    return (ptrdiff_t)size;
}

static unsigned random_ready(plx__file *file)
{
    (void)file;
    return PLX__POLLIN | PLX__POLLOUT;
}

/* /dev/random and /dev/urandom. */
const plx__file_kind plx__random_kind = {
    .mode = PLX__S_IFCHR, .read = random_read, .write = random_write, .ready = random_ready};

int plx__file_open(const char *path, int flags, unsigned mode, plx__file **file_out)
{
    int status = 0;
    HANDLE handle = INVALID_HANDLE_VALUE;
    unsigned kept = (unsigned)flags & (PLX__O_ACCMODE | PLX__O_APPEND | PLX__O_NONBLOCK);
    if (path != NULL && (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0)) {
        *file_out = plx__file_make(&plx__random_kind, kept);
        return *file_out != NULL ? 0 : -ENOMEM;
    }
    if (path != NULL && strcmp(path, "/dev/tty") == 0 && (flags & PLX__O_ACCMODE) != PLX__O_RDONLY)
        path = "CONOUT$";
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return status;
    status = path_open(wide, flags, mode, &handle);
    plx__free(wide);
    if (status != 0)
        return status;
    *file_out = plx__handle_wrap(handle, kept);
    if (*file_out != NULL)
        return 0;
    (void)CloseHandle(handle);
    return -ENOMEM;
}

PLX__CALL int plx_posix_open(const char *path, int flags, ...)
{
    unsigned mode = 0;
    plx__file *file = NULL;
    if ((flags & PLX__O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, unsigned);
        va_end(arguments);
    }
    plx__start();
    if ((flags & PLX__O_ACCMODE) == PLX__O_ACCMODE)
        return plx__answer_int(-EINVAL);
    int fd = plx__fd_reserve(0);
    if (fd < 0)
        return plx__answer_int(fd);
    int status = plx__file_open(path, flags, mode, &file);
    plx__fd_fill(fd, file, (flags & PLX__O_CLOEXEC) != 0);
    return file != NULL ? fd : plx__answer_int(status);
}

PLX__CALL int plx_posix_creat(const char *path, unsigned mode)
{
    return plx_posix_open(path, PLX__O_WRONLY | PLX__O_CREAT | PLX__O_TRUNC, mode);
}

/* --- what is known of a file ---------------------------------------------------------------- */

static struct timespec time_of(FILETIME time)
{
    int64_t hundreds =
        (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) - EPOCH_HUNDREDS;
    int64_t rest = hundreds % 10000000;
    if (rest < 0) /* Before 1970: nanoseconds count forward all the same. */
        rest += 10000000;
    struct timespec result = {.tv_sec = (hundreds - rest) / 10000000, .tv_nsec = (long)rest * 100};
    return result;
}

static void disk_about(HANDLE handle, plx__stat *about)
{
    BY_HANDLE_FILE_INFORMATION info;
    if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileInformationByHandle(handle, &info)) {
        about->mode = PLX__S_IFCHR | 0666;
        return;
    }
    bool is_directory = (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    about->device = info.dwVolumeSerialNumber;
    about->inode = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    about->mode = is_directory ? PLX__S_IFDIR | 0755 : PLX__S_IFREG | 0644;
    if ((info.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0 && !is_directory)
        about->mode &= ~0222u;
    about->links = info.nNumberOfLinks;
    about->size =
        is_directory ? 4096 : (int64_t)((uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
    about->blocks = (about->size + 511) / 512;
    about->accessed = time_of(info.ftLastAccessTime);
    about->modified = time_of(info.ftLastWriteTime);
    about->changed = about->modified;
}

static int path_stat(const char *path, plx__stat *about)
{
    int status = 0;
    if (about == NULL)
        return -EFAULT;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return status;
    memset(about, 0, sizeof *about);
    about->block_size = 4096;
    HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, SHARE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        status = plx__path_error(wide);
    } else {
        disk_about(handle, about);
        (void)CloseHandle(handle);
        DWORD known = GetFileAttributesW(wide);
        if (known != INVALID_FILE_ATTRIBUTES && (known & FILE_ATTRIBUTE_SYSTEM) != 0 &&
            (about->mode & PLX__S_IFDIR) == 0 && plx__local_is_socket(wide))
            about->mode = PLX__S_IFSOCK | 0755;
    }
    plx__free(wide);
    return status;
}

PLX__CALL int plx_posix_stat(const char *path, plx__stat *about)
{
    return plx__answer_int(path_stat(path, about));
}

PLX__CALL int plx_posix_lstat(const char *path, plx__stat *about)
{
    return plx__answer_int(path_stat(path, about));
}

PLX__CALL int plx_posix_fstat(int fd, plx__stat *about)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    memset(about, 0, sizeof *about);
    about->block_size = 4096;
    about->links = 1;
    about->mode = file->kind->mode | 0600;
    DWORD mode;
    if (file->kind == &plx__stream_kind && GetConsoleMode(file->handle, &mode))
        about->mode = PLX__S_IFCHR | 0620;
    else if (file->kind->mode == PLX__S_IFREG)
        disk_about(file->handle, about);
    plx__file_put(file);
    return 0;
}

/* --- names ---------------------------------------------------------------------------------- */

typedef BOOL (*path_action)(const wchar_t *path);

static int path_do(const char *path, path_action action)
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return status;
    if (!action(wide))
        status = plx__path_error(wide);
    plx__free(wide);
    return status;
}

static BOOL directory_make(const wchar_t *path)
{
    return CreateDirectoryW(path, NULL);
}

static BOOL directory_enter(const wchar_t *path)
{
    return SetCurrentDirectoryW(path);
}

PLX__CALL int plx_posix_mkdir(const char *path, unsigned mode)
{
    (void)mode;
    return plx__answer_int(path_do(path, directory_make));
}

PLX__CALL int plx_posix_chdir(const char *path)
{
    return plx__answer_int(path_do(path, directory_enter));
}

PLX__CALL int plx_posix_access(const char *path, int how)
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return plx__answer_int(status);
    DWORD known = GetFileAttributesW(wide);
    if (known == INVALID_FILE_ATTRIBUTES)
        status = _wcsicmp(wide, L"NUL") == 0 ? 0 : plx__path_error(wide);
    else if ((how & 2) != 0 && (known & FILE_ATTRIBUTE_READONLY) != 0 &&
             (known & FILE_ATTRIBUTE_DIRECTORY) == 0)
        status = -EACCES;
    plx__free(wide);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_chmod(const char *path, unsigned mode)
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return plx__answer_int(status);
    DWORD known = GetFileAttributesW(wide);
    if (known == INVALID_FILE_ATTRIBUTES)
        status = plx__path_error(wide);
    else if ((known & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        DWORD wanted = (mode & 0200) != 0 ? known & ~(DWORD)FILE_ATTRIBUTE_READONLY
                                          : known | FILE_ATTRIBUTE_READONLY;
        if (!SetFileAttributesW(wide, wanted))
            status = plx__errno_last();
    }
    plx__free(wide);
    return plx__answer_int(status);
}

/* There are no links that would have a mode. */
PLX__CALL int plx_posix_lchmod(const char *path, unsigned mode)
{
    return plx_posix_chmod(path, mode);
}

/* "C:\a" is "C:/a" to programs. */
static int give_path(const wchar_t *wide, char *path, size_t size)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    if ((size_t)length > size)
        return -ERANGE;
    (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, length, NULL, NULL);
    for (; *path != '\0'; path++) {
        if (*path == '\\')
            *path = '/';
    }
    return 0;
}

PLX__CALL char *plx_posix_getcwd(char *path, size_t size)
{
    wchar_t wide[4096];
    char *made = NULL;
    int status = GetCurrentDirectoryW(4096, wide) < 4096 ? 0 : -ENAMETOOLONG;
    if (path == NULL)
        path = made = malloc(size = size != 0 ? size : 4096);
    else if (size == 0)
        status = -EINVAL;
    if (path == NULL)
        status = -ENOMEM;
    if (status == 0)
        status = give_path(wide, path, size);
    if (status == 0)
        return path;
    free(made);
    errno = -status;
    return NULL;
}

PLX__CALL char *plx_posix_realpath(const char *path, char *resolved)
{
    wchar_t whole[4096];
    plx__stat about;
    int status = path_stat(path, &about);
    wchar_t *wide = status == 0 ? plx__path(path, &status) : NULL;
    char *made = NULL;
    if (wide != NULL) {
        DWORD length = GetFullPathNameW(wide, 4096, whole, NULL);
        status = length > 0 && length < 4096 ? 0 : -ENAMETOOLONG;
        plx__free(wide);
    }
    if (status == 0 && resolved == NULL)
        resolved = made = malloc(4096);
    if (status == 0)
        status = resolved != NULL ? give_path(whole, resolved, 4096) : -ENOMEM;
    if (status == 0)
        return resolved;
    free(made);
    errno = -status;
    return NULL;
}

PLX__CALL char *plx_posix_canonicalize_file_name(const char *path)
{
    return plx_posix_realpath(path, NULL);
}

PLX__CALL unsigned plx_posix_umask(unsigned wanted)
{
    unsigned before = mask;
    mask = wanted & 0777;
    return before;
}

/* --- temporary files ------------------------------------------------------------------------ */

static int template_fill(char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char bytes[6];
    size_t length = name != NULL ? strlen(name) : 0;
    if (length < 6 || strcmp(name + length - 6, "XXXXXX") != 0)
        return -EINVAL;
    if (!RtlGenRandom(bytes, sizeof bytes))
        return -EIO;
    for (size_t i = 0; i < 6; i++)
        name[length - 6 + i] = letters[bytes[i] % (sizeof letters - 1)];
    return 0;
}

static void template_restore(char *name)
{
    memset(name + strlen(name) - 6, 'X', 6);
}

PLX__CALL int plx_posix_mkstemp(char *name)
{
    for (int tries = 0; tries < 100; tries++) {
        int status = template_fill(name);
        if (status != 0)
            return plx__answer_int(status);
        int fd = plx_posix_open(name, PLX__O_RDWR | PLX__O_CREAT | PLX__O_EXCL, 0600u);
        if (fd >= 0 || errno != EEXIST)
            return fd;
        template_restore(name);
    }
    return plx__answer_int(-EEXIST);
}

PLX__CALL char *plx_posix_mkdtemp(char *name)
{
    for (int tries = 0; tries < 100; tries++) {
        int status = template_fill(name);
        if (status == 0)
            status = path_do(name, directory_make);
        if (status == 0)
            return name;
        if (status != -EEXIST) {
            errno = -status;
            return NULL;
        }
        template_restore(name);
    }
    errno = EEXIST;
    return NULL;
}

/* --- links, owners and what else a FAT disk has not ----------------------------------------- */

static int path_link(const wchar_t *from, const wchar_t *to)
{
    DWORD known = GetFileAttributesW(from);
    if (known == INVALID_FILE_ATTRIBUTES)
        return plx__path_error(from);
    if (GetFileAttributesW(to) != INVALID_FILE_ATTRIBUTES)
        return -EEXIST;
    if (to[wcslen(to) - 1] == L'\\')
        return -ENOENT;
    if ((known & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return -EPERM;
    return CreateHardLinkW(to, from, NULL) ? 0 : plx__path_error(to);
}

PLX__CALL int plx_posix_link(const char *from, const char *to)
{
    int status = 0;
    wchar_t *wide_from = plx__path(from, &status);
    wchar_t *wide_to = wide_from != NULL ? plx__path(to, &status) : NULL;
    if (wide_to != NULL)
        status = path_link(wide_from, wide_to);
    plx__free(wide_from);
    plx__free(wide_to);
    return plx__answer_int(status);
}

/* As on Linux where a file system has no such files. */
PLX__CALL int plx_posix_mkfifo(const char *path, unsigned mode)
{
    (void)path;
    (void)mode;
    return plx__answer_int(-EPERM);
}

PLX__CALL int plx_posix_mknod(const char *path, unsigned mode, unsigned device)
{
    (void)path;
    (void)mode;
    (void)device;
    return plx__answer_int(-EPERM);
}

PLX__CALL int plx_posix_symlink(const char *target, const char *path)
{
    (void)target;
    (void)path;
    return plx__answer_int(-EPERM); /* A privilege that users do not have. */
}

PLX__CALL ptrdiff_t plx_posix_readlink(const char *path, char *target, size_t size)
{
    plx__stat about;
    (void)target;
    (void)size;
    int status = path_stat(path, &about);
    return plx__answer(status != 0 ? status : -EINVAL);
}

/* Who asks for an owner gets what is there: everything is the user's. */
PLX__CALL int plx_posix_chown(const char *path, unsigned user, unsigned group)
{
    plx__stat about;
    (void)user;
    (void)group;
    return plx__answer_int(path_stat(path, &about));
}

PLX__CALL int plx_posix_lchown(const char *path, unsigned user, unsigned group)
{
    return plx_posix_chown(path, user, group);
}

PLX__CALL int plx_posix_chroot(const char *path)
{
    (void)path;
    return plx__answer_int(-EPERM);
}
