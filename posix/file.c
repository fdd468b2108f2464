/* posix/file.c - open file descriptions, and their references. */
#include "posix/layer.h"

plx__file *plx__file_make(const plx__file_kind *kind, unsigned flags)
{
    plx__file *file = plx__allocate_zeroed(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->kind = kind;
    plx__atomic_store(&file->references, 1);
    plx__atomic_store(&file->flags, flags);
    return file;
}

void plx__file_take(plx__file *file)
{
    (void)plx__atomic_add(&file->references, 1);
}

void plx__file_put(plx__file *file)
{
    if (plx__atomic_add(&file->references, UINT32_MAX) != 1)
        return;
    if (file->kind->close != NULL)
        file->kind->close(file);
    plx__free(file);
}
