/* backends/readiness/readiness.h - turns a poller into a backend. */
#ifndef PLX__READINESS_H
#define PLX__READINESS_H

#include "backends/readiness/poller.h"

int plx__readiness_open(plx__backend **backend_out, const plx__backend_config *config,
                        const plx__poller_ops *ops);
void plx__readiness_close(plx__backend *backend);
void plx__readiness_abandon(plx__backend *backend);
int plx__readiness_renew(plx__backend *backend);
int plx__readiness_attach(plx__backend *backend, plx__endpoint *endpoint);
bool plx__readiness_detach(plx__backend *backend, plx__endpoint *endpoint);
bool plx__readiness_release(plx__backend *backend, plx__endpoint *endpoint);
int plx__readiness_accept_start(plx__backend *backend, plx__endpoint *endpoint,
                                const plx__accept_config *config);
void plx__readiness_accept_stop(plx__backend *backend, plx__endpoint *endpoint);
int plx__readiness_connect(plx__backend *backend, plx__endpoint *endpoint,
                           const plx__address *address);
int plx__readiness_receive_start(plx__backend *backend, plx__endpoint *endpoint);
void plx__readiness_receive_stop(plx__backend *backend, plx__endpoint *endpoint);
ptrdiff_t plx__readiness_send_now(plx__backend *backend, plx__endpoint *endpoint, const void *bytes,
                                  size_t length);
ptrdiff_t plx__readiness_send_slices_now(plx__backend *backend, plx__endpoint *endpoint,
                                         const plx__slice *slices, size_t count);
int plx__readiness_send_start(plx__backend *backend, plx__endpoint *endpoint,
                              const plx__slice *slices, size_t count);
int plx__readiness_watch(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest);
int plx__readiness_wait(plx__backend *backend, uint64_t timeout_ns);
const plx__completion *plx__readiness_next(plx__backend *backend);
void plx__readiness_wake(plx__backend *backend);
void plx__readiness_count(const plx__backend *backend, plx__backend_counts *counts);

/* What the table of a backend that is a poller contains. */
#define PLX__READINESS_OPERATIONS(backend_name, open_function)                                     \
    .name = (backend_name), .endpoint_bytes = sizeof(plx__polled), .open = (open_function),        \
    .close = plx__readiness_close, .abandon = plx__readiness_abandon,                              \
    .renew = plx__readiness_renew, .attach = plx__readiness_attach,                                \
    .detach = plx__readiness_detach, .release = plx__readiness_release,                            \
    .accept_start = plx__readiness_accept_start, .accept_stop = plx__readiness_accept_stop,        \
    .connect = plx__readiness_connect, .receive_start = plx__readiness_receive_start,              \
    .receive_stop = plx__readiness_receive_stop, .send_now = plx__readiness_send_now,              \
    .send_slices_now = plx__readiness_send_slices_now, .send_start = plx__readiness_send_start,    \
    .watch = plx__readiness_watch, .wait = plx__readiness_wait, .next = plx__readiness_next,       \
    .wake = plx__readiness_wake, .count = plx__readiness_count

/* The whole table of one that has no settings and no counters of its own. */
#define PLX__READINESS_BACKEND(backend_name, open_function)                                        \
    {                                                                                              \
        PLX__READINESS_OPERATIONS(backend_name, open_function)                                     \
    }

#endif
