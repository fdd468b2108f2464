/* backends/readiness/poller.h - what a way of waiting for readiness must supply; readiness.c does
 * the rest.
 *
 * A poller is a backend that knows sockets and interest, and nothing of operations. Its table has
 * its own `open`, `close`, `abandon`, `renew`, `wait` and `wake`, and PLX__READINESS (readiness.h)
 * for all others. So core calls its wait itself.
 */
#ifndef PLX__POLLER_H
#define PLX__POLLER_H

#include "backends/backend.h"

typedef plx__backend plx__poller; /* Its first member is a plx__readiness (readiness.h). */

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
    bool is_shared : 1;   /* readiness.c's: a listener that other loops accept from, too. */
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

/* What readiness.c asks of a poller. The rest is in the poller's table of plx__backend_ops. */
typedef struct plx__poller_ops {
    /* Tells the poller what to wait for from now on: bits of plx_readiness, or 0 for nothing. The
     * interest that held before stands in `polled`; readiness.c updates it. Taking bits away never
     * fails. */
    int (*set)(plx__poller *poller, plx__polled *polled, uint32_t interest);
    /* The endpoint goes away, with no interest left. After this the poller never names it. Unless
     * it is borrowed, its socket is closed next. */
    void (*forget)(plx__poller *poller, plx__polled *polled);
    /* Up to `max` of those that the wait found ready, each once; returns how many, 0 when there is
     * none left. Interest may change between two calls, and endpoints may come and go. What was
     * collected of one that has gone meanwhile is told by its lack of operations: core keeps the
     * memory of an endpoint until all events of the wait are used up. */
    size_t (*collect)(plx__poller *poller, plx__poller_event *events, size_t max);
} plx__poller_ops;

#endif
