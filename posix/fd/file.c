/* posix/fd/file.c - open file descriptions, and their references. */
#include "posix/fd/fd.h"

plx__fd_hooks plx__fd_hook;

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

bool plx__file_try_take(plx__file *file)
{
    uint32_t now = plx__atomic_load(&file->references);
    if (plx__atomic_load_acquire(&file->slots) == 0)
        return false;
    while (now != 0 && !plx__atomic_compare_exchange(&file->references, &now, now + 1))
        continue;
    return now != 0;
}

bool plx__file_put(plx__file *file)
{
    if (plx__atomic_add(&file->references, UINT32_MAX) != 1)
        return false;
    if (plx__atomic_load_acquire(&file->sets) != 0)
        plx__fd_hook.forget(file);
    if (file->kind->close != NULL)
        file->kind->close(file);
    plx__free(file);
    return true;
}
