/* backends/readiness/select.c - select(), without its bound of 1,024 descriptors on Unix or 64 on
 * Windows. */
#include "backends/readiness/array_poller.h"
#include "backends/readiness/readiness.h"
#include "backends/registry.h"

static int select_poller_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__array_wait way = {.wait = plx__select, .reserve = plx__select_reserve};
    return plx__array_poller_open(poller_out, sizeof **poller_out, &way, config);
}

static int select_open(plx__backend **backend_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = PLX__ARRAY_POLLER(select_poller_open);
    return plx__readiness_open(backend_out, config, &ops);
}

const plx__backend_ops plx__select_backend = PLX__READINESS_BACKEND("select", select_open);
