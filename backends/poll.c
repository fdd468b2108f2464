/* backends/poll.c - poll() on Unix, WSAPoll on Windows. */
#include "backends/array_poller.h"
#include "backends/readiness.h"
#include "backends/registry.h"

static int poll_wait(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch)
{
    (void)scratch;
    return plx__poll(entries, count, timeout_ns);
}

static int poll_poller_open(plx__poller **poller_out)
{
    static const plx__array_wait way = {.wait = poll_wait, .reserve = NULL};
    return plx__array_poller_open(poller_out, &way);
}

static int poll_open(plx__backend **backend_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = PLX__ARRAY_POLLER(poll_poller_open);
    return plx__readiness_open(backend_out, config, &ops);
}

const plx__backend_ops plx__poll_backend = PLX__READINESS_BACKEND("poll", poll_open);
