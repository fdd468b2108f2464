/* tests/watch_probe.h - counts what a watch reports, as `probe` (tests/harness.h) does for
 * connections. */
#ifndef WATCH_PROBE_H
#define WATCH_PROBE_H

#include "tests/harness.h"

typedef struct watch_probe {
    size_t count;
    uint32_t ready; /* Of the last call. */
} watch_probe;

/* The callback of a watch whose data is a watch_probe. */
static inline void count_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                               uint32_t ready)
{
    watch_probe *p = data;
    (void)loop;
    (void)watch;
    (void)socket;
    p->count++;
    p->ready = ready;
}

#endif
