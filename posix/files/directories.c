/* posix/files/directories.c - what is in a directory: opendir(), readdir() and their like.
 *
 * A directory is read as a whole when the first entry is asked for, and again after rewinddir(): so
 * places are numbers, and what is removed meanwhile disturbs nothing.
 */
#include "posix/files/files.h"
#include "posix/socket/local.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES (32 * 1024)

typedef plx__dirent entry;

typedef struct plx_posix_directory {
    int fd;
    bool is_read;
    size_t at;
    size_t count;
    size_t room;
    entry **entries; /* Each cut to its name. */
} directory;

static void entries_free(directory *of)
{
    for (size_t i = 0; i < of->count; i++)
        free(of->entries[i]);
    free(of->entries);
    of->entries = NULL;
    of->count = of->room = of->at = 0;
    of->is_read = false;
}

/* The path of what is open, with room for a name of so many units; NULL when there is none. */
static wchar_t *path_of(HANDLE handle, size_t extra, size_t *length_out)
{
    DWORD size = GetFinalPathNameByHandleW(handle, NULL, 0, 0);
    wchar_t *path = size > 0 ? plx__allocate(((size_t)size + extra + 2) * sizeof *path) : NULL;
    if (path == NULL)
        return NULL;
    DWORD length = GetFinalPathNameByHandleW(handle, path, size, 0);
    *length_out = length;
    if (length > 0 && length < size)
        return path;
    plx__free(path);
    return NULL;
}

/* Whether the file of this name in a directory is one of local.c's. */
static bool is_socket(HANDLE handle, const wchar_t *name, size_t name_length)
{
    size_t length;
    wchar_t *path = path_of(handle, name_length, &length);
    if (path == NULL)
        return false;
    path[length] = L'\\';
    memcpy(path + length + 1, name, name_length * sizeof *name);
    path[length + 1 + name_length] = L'\0';
    bool answer = plx__local_is_socket(path);
    plx__free(path);
    return answer;
}

/* A handle that has read nothing yet: Wine 8 tells one what it has told it before, also when the
 * scan is restarted. */
static HANDLE handle_renew(HANDLE handle)
{
    size_t length;
    wchar_t *path = path_of(handle, 0, &length);
    if (path == NULL)
        return INVALID_HANDLE_VALUE;
    HANDLE made =
        CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    plx__free(path);
    return made;
}

/* What stat() would say of it. Of links that could be anything. */
static unsigned char type_of(HANDLE handle, const FILE_ID_BOTH_DIR_INFO *info)
{
    bool is_link = (info->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
                   (info->EaSize == IO_REPARSE_TAG_SYMLINK ||
                    info->EaSize == IO_REPARSE_TAG_MOUNT_POINT); /* EaSize is the tag then. */
    if (is_link)
        return PLX__DT_UNKNOWN;
    if ((info->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return PLX__DT_DIR;
    if ((info->FileAttributes & FILE_ATTRIBUTE_SYSTEM) != 0 &&
        is_socket(handle, info->FileName, info->FileNameLength / sizeof(wchar_t)))
        return PLX__DT_SOCK;
    return PLX__DT_REG;
}

static int entry_add(directory *of, HANDLE handle, const FILE_ID_BOTH_DIR_INFO *info)
{
    char name[sizeof((entry *)NULL)->name];
    int units = (int)(info->FileNameLength / sizeof(wchar_t));
    int length =
        WideCharToMultiByte(CP_UTF8, 0, info->FileName, units, name, sizeof name - 1, NULL, NULL);
    if (length <= 0)
        return 0; /* Longer than any name may be. */
    name[length] = '\0';
    if (of->count == of->room) {
        size_t room = of->room != 0 ? 2 * of->room : 64;
        entry **more = realloc(of->entries, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        of->entries = more;
        of->room = room;
    }
    size_t size = offsetof(entry, name) + (size_t)length + 1;
    entry *made = malloc(size);
    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, size);
    made->inode = (uint64_t)info->FileId.QuadPart;
    made->length = (unsigned short)size;
    made->type = type_of(handle, info);
    memcpy(made->name, name, (size_t)length + 1);
    of->entries[of->count++] = made;
    made->offset = (int64_t)of->count;
    return 0;
}

static int buffer_read(directory *of, HANDLE handle, const unsigned char *room)
{
    for (;;) {
        const FILE_ID_BOTH_DIR_INFO *info = (const FILE_ID_BOTH_DIR_INFO *)(const void *)room;
        int status = entry_add(of, handle, info);
        if (status != 0 || info->NextEntryOffset == 0)
            return status;
        room += info->NextEntryOffset;
    }
}

static int handle_read(directory *of, HANDLE handle, unsigned char *room)
{
    FILE_INFO_BY_HANDLE_CLASS what = FileIdBothDirectoryRestartInfo;
    while (GetFileInformationByHandleEx(handle, what, room, ROOM_BYTES)) {
        int status = buffer_read(of, handle, room);
        if (status != 0)
            return status;
        what = FileIdBothDirectoryInfo;
    }
    return GetLastError() == ERROR_NO_MORE_FILES ? 0 : plx__errno_last();
}

static int entries_read(directory *of)
{
    plx__file *file = plx__fd_get(of->fd);
    if (file == NULL)
        return -EBADF;
    unsigned char *room = plx__allocate(ROOM_BYTES);
    HANDLE renewed = handle_renew(file->handle);
    HANDLE handle = renewed != INVALID_HANDLE_VALUE ? renewed : file->handle;
    int status = room != NULL ? handle_read(of, handle, room) : -ENOMEM;
    if (renewed != INVALID_HANDLE_VALUE)
        (void)CloseHandle(renewed);
    plx__free(room);
    plx__file_put(file);
    of->is_read = status == 0;
    return status;
}

static int directory_check(int fd)
{
    plx__file *file = plx__fd_get(fd);
    BY_HANDLE_FILE_INFORMATION info;
    if (file == NULL)
        return -EBADF;
    bool is_directory = file->kind == &plx__disk_kind &&
                        GetFileInformationByHandle(file->handle, &info) &&
                        (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    plx__file_put(file);
    return is_directory ? 0 : -ENOTDIR;
}

PLX__CALL directory *plx_posix_fdopendir(int fd)
{
    int status = directory_check(fd);
    directory *of = status == 0 ? calloc(1, sizeof *of) : NULL;
    if (of == NULL) {
        errno = status != 0 ? -status : ENOMEM;
        return NULL;
    }
    of->fd = fd;
    return of;
}

PLX__CALL int plx_posix_open(const char *path, int flags, ...);
PLX__CALL int plx_posix_close(int fd);

PLX__CALL directory *plx_posix_opendir(const char *path)
{
    int fd = plx_posix_open(path, PLX__O_RDONLY | PLX__O_DIRECTORY | PLX__O_CLOEXEC);
    directory *of = fd >= 0 ? plx_posix_fdopendir(fd) : NULL;
    if (of == NULL && fd >= 0) {
        int code = errno;
        (void)plx_posix_close(fd);
        errno = code;
    }
    return of;
}

PLX__CALL int plx_posix_closedir(directory *of)
{
    if (of == NULL)
        return plx__answer_int(-EINVAL);
    int fd = of->fd;
    entries_free(of);
    free(of);
    return plx_posix_close(fd);
}

PLX__CALL entry *plx_posix_readdir(directory *of)
{
    int status = of->is_read ? 0 : entries_read(of);
    if (status != 0) {
        entries_free(of);
        errno = -status;
        return NULL;
    }
    return of->at < of->count ? of->entries[of->at++] : NULL;
}

PLX__CALL void plx_posix_rewinddir(directory *of)
{
    entries_free(of);
}

PLX__CALL long plx_posix_telldir(directory *of)
{
    return (long)of->at;
}

PLX__CALL void plx_posix_seekdir(directory *of, long place)
{
    if (place >= 0)
        of->at = (size_t)place;
}

PLX__CALL int plx_posix_dirfd(directory *of)
{
    return of != NULL ? of->fd : plx__answer_int(-EINVAL);
}

/* --- all at once ---------------------------------------------------------------------------- */

typedef int (*entry_order)(const entry **left, const entry **right);

PLX__CALL int plx_posix_alphasort(const entry **left, const entry **right)
{
    return strcmp((*left)->name, (*right)->name);
}

/* qsort() compares by what it is handed; both kinds of pointer have one form here. */
static void entries_sort(entry **entries, size_t count, entry_order order)
{
    int (*compare)(const void *, const void *);
    memcpy(&compare, &order, sizeof compare); /* No cast leads from one to the other. */
    if (count > 1)
        qsort(entries, count, sizeof *entries, compare);
}

PLX__CALL int plx_posix_scandir(const char *path, entry ***entries_out,
                                int (*wanted)(const entry *), entry_order order)
{
    directory *of = plx_posix_opendir(path);
    size_t kept = 0;
    if (of == NULL)
        return -1;
    int status = entries_read(of);
    for (size_t i = 0; i < of->count; i++) {
        entry *one = of->entries[i];
        if (status == 0 && (wanted == NULL || wanted(one) != 0))
            of->entries[kept++] = one;
        else
            free(one);
    }
    of->count = 0; /* The program's from here on, or gone. */
    if (status == 0) {
        if (order != NULL)
            entries_sort(of->entries, kept, order);
        *entries_out = of->entries != NULL ? of->entries : malloc(sizeof(entry *));
        of->entries = NULL;
    }
    (void)plx_posix_closedir(of);
    return status == 0 ? (int)kept : plx__answer_int(status);
}
