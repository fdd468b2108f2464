/* core/backend_names.c - the backends that are compiled in, by name. */
#include <pollux/loop.h>

#include "backends/backend.h"

const char *plx_backend_name(size_t index)
{
    const plx__backend_ops *ops = plx__backend_at(index);
    return ops != NULL ? ops->name : NULL;
}

const char *plx_backend_needs(const char *name)
{
    const plx__backend_ops *ops = name != NULL ? plx__backend_find(name) : NULL;
    return ops != NULL ? ops->needs : NULL;
}

const char *plx_backend_default(void)
{
    return plx__backend_at(0)->name;
}

int plx_backend_probe(const char *name)
{
    const plx_loop_options options = {.backend = name};
    plx_loop *loop;
    if (name == NULL)
        return PLX_EBACKEND;
    int status = plx_loop_open(&loop, &options);
    (void)plx_loop_close(loop);
    return status;
}
