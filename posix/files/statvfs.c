/* posix/files/statvfs.c - statvfs() and fstatvfs(): the volume that a file is on. Windows counts no
 * files.
 */
#include "posix/files/files.h"

#include <string.h>

enum { IS_READ_ONLY = 1, HAS_NO_SET_USER = 2 };

/* As struct statvfs. */
typedef struct volume {
    unsigned long block;
    unsigned long fragment;
    uint64_t blocks;
    uint64_t blocks_free;
    uint64_t blocks_ours;
    uint64_t files;
    uint64_t files_free;
    uint64_t files_ours;
    unsigned long id;
    unsigned long flags;
    unsigned long name_max;
} volume;

/* Of a path that is there. */
static int volume_tell(const wchar_t *path, volume *about)
{
    wchar_t root[MAX_PATH + 1];
    DWORD sectors = 0;
    DWORD bytes = 0;
    DWORD unused[2];
    ULARGE_INTEGER ours;
    ULARGE_INTEGER all;
    ULARGE_INTEGER unused_all;
    DWORD id = 0;
    DWORD name_max = 0;
    DWORD flags = 0;
    if (!GetVolumePathNameW(path, root, MAX_PATH) ||
        !GetDiskFreeSpaceExW(root, &ours, &all, &unused_all))
        return plx__errno_last();
    if (!GetDiskFreeSpaceW(root, &sectors, &bytes, &unused[0], &unused[1]) ||
        sectors * bytes == 0) {
        sectors = 1;
        bytes = 4096;
    }
    (void)GetVolumeInformationW(root, NULL, 0, &id, &name_max, &flags, NULL, 0);
    uint64_t unit = (uint64_t)sectors * bytes;
    memset(about, 0, sizeof *about);
    about->block = about->fragment = (unsigned long)unit;
    about->blocks = all.QuadPart / unit;
    about->blocks_free = unused_all.QuadPart / unit;
    about->blocks_ours = ours.QuadPart / unit;
    about->id = id;
    about->flags = HAS_NO_SET_USER | ((flags & FILE_READ_ONLY_VOLUME) != 0 ? IS_READ_ONLY : 0u);
    about->name_max = name_max != 0 ? name_max : 255;
    return 0;
}

PLX__CALL int plx_posix_statvfs(const char *path, volume *about)
{
    int status = 0;
    wchar_t *wide = plx__path(path, &status);
    if (wide == NULL)
        return plx__answer_int(status);
    status = GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES ? plx__path_error(wide)
                                                                 : volume_tell(wide, about);
    plx__free(wide);
    return plx__answer_int(status);
}

/* Only what is on a disk has a volume. */
PLX__CALL int plx_posix_fstatvfs(int fd, volume *about)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return plx__answer_int(-EBADF);
    int status = -EINVAL;
    if (file->kind == &plx__disk_kind) {
        DWORD size = GetFinalPathNameByHandleW(file->handle, NULL, 0, 0);
        wchar_t *path = size > 0 ? plx__allocate((size + 1) * sizeof *path) : NULL;
        if (path == NULL)
            status = size > 0 ? -ENOMEM : plx__errno_last();
        else if (GetFinalPathNameByHandleW(file->handle, path, size + 1, 0) > size)
            status = -EAGAIN; /* It has been renamed meanwhile. */
        else
            status = volume_tell(path, about);
        plx__free(path);
    }
    plx__file_put(file);
    return plx__answer_int(status);
}
