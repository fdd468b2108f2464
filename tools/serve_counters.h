/* tools/serve_counters.h - the counters of each loop of `pollux serve`, for those who watch it. */
#ifndef TOOLS_SERVE_COUNTERS_H
#define TOOLS_SERVE_COUNTERS_H

#include <pollux/pollux.h>

#include "platform/platform.h"
#include "tools/service.h"

/* One loop at one time. */
typedef struct serve_sample {
    uint64_t time_ns; /* When it was read, by plx__clock_now(). */
    uint64_t open;
    uint64_t connections; /* Since the start, as all below. */
    uint64_t requests;    /* Only where serve_counters.has_requests. */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t timeouts;
    uint64_t queued_bytes; /* Now. */
} serve_sample;

typedef struct serve_counter_slot serve_counter_slot;

typedef struct serve_counters {
    plx_server *server;
    const service *service;
    void **states; /* The service's, one for each loop. */
    uint32_t loops;
    bool is_handled;   /* Threads serve the connections, and the loop does not see their bytes. */
    bool has_requests; /* The service counts them as they are answered. */
    serve_counter_slot *slots; /* One for each loop. NULL: nobody watches. */
    plx__mutex mutex;
    plx__atomic_u32 handled; /* Connections that threads serve now. */
} serve_counters;

/* Before plx_server_run(), once the fields above `slots` are set: from then on each loop reads its
 * counters twice a second. 0, PLX_ENOMEM or PLX_ELIMIT. */
int serve_counters_open(serve_counters *c);
/* When the server is closed. Harmless for one that was never opened. */
void serve_counters_close(serve_counters *c);

/* Copies what the loop has read last, and what it had read about a second earlier. Any thread. */
void serve_counters_read(serve_counters *c, uint32_t loop, serve_sample *now_out,
                         serve_sample *before_out);
/* What a counter grows by in a second that grew by `grown` from `before` to `now`. */
double serve_counters_rate(const serve_sample *now, const serve_sample *before, uint64_t grown);
/* Whether the loop has not read its counters for two seconds: it has ended, or is in a callback. */
bool serve_counters_is_late(const serve_sample *now);

#endif
