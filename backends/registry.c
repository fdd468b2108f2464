/* backends/registry.c - the list of backends, and the order in which they are tried. */
#include "backends/registry.h"

#include <string.h>

#include "backends/sim/sim.h"
#include "pollux_config.h"

/* PLX_BACKEND_LIST(X) is written by CMake: X(poll) X(select) ..., the default first. */
#define BACKEND_ADDRESS(name) &plx__##name##_backend,
#ifndef PLX__BACKENDS_OF_TESTS
#define PLX__BACKENDS_OF_TESTS(X)
#endif
static const plx__backend_ops *const backends[] = {PLX_BACKEND_LIST(BACKEND_ADDRESS)
                                                       PLX__BACKENDS_OF_TESTS(BACKEND_ADDRESS)};
#undef BACKEND_ADDRESS

const plx__backend_ops *plx__backend_at(size_t index)
{
    return index < sizeof backends / sizeof backends[0] ? backends[index] : NULL;
}

const plx__backend_ops *plx__backend_find(const char *name)
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    }
    return strcmp(plx__sim_backend.name, name) == 0 ? &plx__sim_backend : NULL;
}

const plx__backend_ops *plx__backend_here(void)
{
    return plx__sim_here() != NULL ? &plx__sim_backend : NULL;
}
