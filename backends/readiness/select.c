/* backends/readiness/select.c - select(), without its bound of 1,024 descriptors on Unix or 64 on
 * Windows. */
#include "backends/readiness/array_poller.h"
#include "backends/registry.h"

typedef struct select_poller {
    plx__poller array;
    void *sets; /* As plx__select_reserve() makes them. */
} select_poller;

static select_poller *select_of(plx__poller *poller)
{
    return (select_poller *)(void *)poller;
}

static int sets_reserve(plx__poller *poller, plx_socket socket, size_t count)
{
    return plx__select_reserve(&select_of(poller)->sets, socket, count);
}

static int select_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    int status = 0;
    if (interest != 0 && polled->slot.index == 0)
        status = sets_reserve(poller, plx__polled_endpoint(polled)->socket, poller->count + 1);
    return status == 0 ? plx__array_poller_set(poller, polled, interest) : status;
}

static void select_close(plx__poller *poller)
{
    plx__free(select_of(poller)->sets);
    plx__array_poller_close(poller);
}

static int select_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {select_set, plx__array_poller_forget,
                                        plx__array_poller_collect};
    plx__poller *poller;
    int status = plx__array_poller_open(&poller, sizeof(select_poller), config, &ops);
    if (status != 0)
        return status;
    status = sets_reserve(poller, poller->wake.reader, 1);
    if (status == 0)
        *poller_out = poller;
    else
        select_close(poller);
    return status;
}

static int select_renew(plx__poller *poller)
{
    int status = plx__array_poller_renew(poller);
    return status == 0 ? sets_reserve(poller, poller->wake.reader, poller->count) : status;
}

static int select_wait(plx__poller *poller, uint64_t timeout_ns)
{
    int ready = plx__array_wait_begin(poller);
    if (ready == 0)
        ready = plx__select(poller->entries, poller->count, timeout_ns, select_of(poller)->sets);
    return plx__array_wait_end(poller, ready);
}

const plx__backend_ops plx__select_backend = {
    .name = "select",
    .open = select_open,
    .close = select_close,
    .abandon = select_close,
    .renew = select_renew,
    .wait = select_wait,
    .wake = plx__array_poller_wake,
    PLX__READINESS,
};
