/* backends/readiness/poller.h - what a way of waiting for readiness must supply; readiness.c does
 * the rest.
 *
 * A poller knows sockets and interest, and nothing of operations.
 */
#ifndef PLX__POLLER_H
#define PLX__POLLER_H

#include "backends/backend.h"

typedef struct plx__poller plx__poller; /* Each poller completes this type for itself. */

/* What may be under way on an endpoint. */
enum plx__operation {
    PLX__OPERATION_ACCEPT = 1,
    PLX__OPERATION_RECEIVE = 2,
    PLX__OPERATION_WATCH_READ = 4,
    PLX__OPERATION_CONNECT = 8,
    PLX__OPERATION_SEND = 16,
    PLX__OPERATION_WATCH_WRITE = 32
};

/* What readiness.c and the poller keep for each endpoint, in front of it in memory. */
typedef struct plx__polled {
    union {
        uint32_t index; /* In the poller's array; 0 when it is in none. */
        void *handle;   /* Of the poller's own. */
    } slot;
    uint8_t interest;     /* What the poller was told last: PLX_READABLE, PLX_WRITABLE. */
    uint8_t operations;   /* readiness.c's: bits of plx__operation. */
    uint8_t accepts;      /* readiness.c's: how many were allowed in the last turn, */
    uint8_t turn;         /* and which turn that was. */
    bool is_borrowed : 1; /* readiness.c's: whoever watches it closes it, and not core. */
    bool is_idle : 1;     /* These are for backends/readiness/poll.c: in the idle set. */
    uint8_t patience;
    uint16_t seen;
} plx__polled;

static inline plx__polled *plx__polled_of(plx__endpoint *endpoint)
{
    return (plx__polled *)(void *)endpoint - 1;
}

static inline plx__endpoint *plx__polled_endpoint(plx__polled *polled)
{
    return (plx__endpoint *)(void *)(polled + 1);
}

typedef struct plx__poller_event {
    plx__polled *polled;
    uint32_t ready; /* Bits of plx_readiness; PLX_FAILED alone for a descriptor that is closed. */
} plx__poller_event;

typedef struct plx__poller_ops {
    int (*open)(plx__poller **poller_out, const plx__backend_config *config);
    void (*close)(plx__poller *poller);
    /* As in plx__backend_ops. Not on Windows, which has no fork(). */
    void (*abandon)(plx__poller *poller);
    int (*renew)(plx__poller *poller);
    /* Tells the poller what to wait for from now on: bits of plx_readiness, or 0 for nothing. The
     * interest that held before stands in `polled`; readiness.c updates it. Taking bits away never
     * fails. */
    int (*set)(plx__poller *poller, plx__polled *polled, uint32_t interest);
    /* The endpoint goes away, with no interest left. After this the poller never names it. Unless
     * it is borrowed, its socket is closed next. */
    void (*forget)(plx__poller *poller, plx__polled *polled);
    int (*wait)(plx__poller *poller, uint64_t timeout_ns);
    /* Up to `max` of those that the wait found ready, each once; returns how many, 0 when there is
     * none left. Interest may change between two calls, and endpoints may come and go. What was
     * collected of one that has gone meanwhile is told by its lack of operations: core keeps the
     * memory of an endpoint until all events of the wait are used up. */
    size_t (*collect)(plx__poller *poller, plx__poller_event *events, size_t max);
    void (*wake)(plx__poller *poller);
    /* As in plx__backend_ops; may be NULL. */
    void (*count)(const plx__poller *poller, plx__backend_counts *counts);
} plx__poller_ops;

#endif
