/* posix/files/sendfile.c - sendfile(): from a file of the disk to any descriptor.
 *
 * It reads and writes by turns. TransmitFile would spare a copy, but has no answer to a receiver
 * that takes only a part, and wants an offset of its own.
 */
#include "posix/files/files.h"

#define CHUNK_BYTES (64 * 1024)
#define COUNT_MAX   0x7ffff000 /* What Linux moves at once. */

enum { FROM_START = 0, FROM_HERE = 1 };

PLX__CALL ptrdiff_t plx_posix_pread(int fd, void *bytes, size_t size, int64_t offset);
PLX__CALL ptrdiff_t plx_posix_write(int fd, const void *bytes, size_t size);
PLX__CALL int64_t plx_posix_lseek(int fd, int64_t offset, int whence);

static int ends_check(int to, int from, bool has_offset)
{
    plx__file *source = plx__fd_get(from);
    plx__file *target = plx__fd_get(to);
    int status = 0;
    if (source == NULL || target == NULL ||
        (plx__atomic_load(&source->flags) & PLX__O_ACCMODE) == PLX__O_WRONLY ||
        (plx__atomic_load(&target->flags) & PLX__O_ACCMODE) == PLX__O_RDONLY)
        status = -EBADF;
    else if (source->kind != &plx__disk_kind)
        status = has_offset ? -ESPIPE : -EINVAL;
    else if ((plx__atomic_load(&target->flags) & PLX__O_APPEND) != 0)
        status = -EINVAL;
    if (source != NULL)
        plx__file_put(source);
    if (target != NULL)
        plx__file_put(target);
    return status;
}

/* Bytes that were moved, or a negative errno when it was none. */
static ptrdiff_t bytes_move(int to, int from, int64_t at, size_t count, char *room)
{
    size_t moved = 0;
    while (moved < count) {
        size_t wanted = count - moved < CHUNK_BYTES ? count - moved : CHUNK_BYTES;
        ptrdiff_t got = plx_posix_pread(from, room, wanted, at + (int64_t)moved);
        ptrdiff_t taken = got > 0 ? plx_posix_write(to, room, (size_t)got) : got;
        if (taken < 0)
            return moved > 0 ? (ptrdiff_t)moved : -errno;
        moved += (size_t)taken;
        if (taken == 0 || taken < got)
            break;
    }
    return (ptrdiff_t)moved;
}

PLX__CALL ptrdiff_t plx_posix_sendfile(int to, int from, int64_t *offset, size_t count)
{
    int status = ends_check(to, from, offset != NULL);
    if (status != 0)
        return plx__answer(status);
    if (offset != NULL && *offset < 0)
        return plx__answer(-EINVAL);
    int64_t at = offset != NULL ? *offset : plx_posix_lseek(from, 0, FROM_HERE);
    char *room = plx__allocate(CHUNK_BYTES);
    if (room == NULL)
        return plx__answer(-ENOMEM);
    ptrdiff_t moved = bytes_move(to, from, at, count < COUNT_MAX ? count : COUNT_MAX, room);
    plx__free(room);
    if (moved > 0 && offset != NULL)
        *offset = at + moved;
    else if (moved > 0)
        (void)plx_posix_lseek(from, at + moved, FROM_START);
    return plx__answer(moved);
}
