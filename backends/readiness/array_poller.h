/* backends/readiness/array_poller.h - a poller over an array of poll entries: what poll and
 * select share. */
#ifndef PLX__ARRAY_POLLER_H
#define PLX__ARRAY_POLLER_H

#include "backends/readiness/poller.h"
#include "platform/os.h"

/* A way of waiting on the entries, as plx__poll() and plx__select() do it. */
typedef struct plx__array_wait {
    int (*wait)(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch);
    /* Before an entry is added; may be NULL. As plx__select_reserve(). */
    int (*reserve)(void **scratch, plx_socket socket, size_t count);
} plx__array_wait;

/* A poller of this sort; one that needs more has this as its first member. */
struct plx__poller {
    plx__poll_entry *entries;
    plx__polled **polled;
    uint32_t count;
    uint32_t room;
    uint32_t elsewhere; /* Endpoints that are in no entry now, and for which room is kept. */
    uint32_t cursor;    /* Entries below it, but for the wake, have not been looked at. */
    uint32_t left;      /* How many of those may have something to say. */
    uint16_t tick;      /* Goes into `seen` of all that have something to say. */
    const plx__array_wait *way;
    void *scratch;          /* The way's. */
    uint64_t wake_failures; /* Waits that ended for a wake which is dead. */
    plx__wake wake;
    plx__openings openings;
};

/* `bytes` is the size of the whole poller; what comes after the members above is zero. */
int plx__array_poller_open(plx__poller **poller_out, size_t bytes, const plx__array_wait *way,
                           const plx__backend_config *config);

/* A poller's table but for `open`, which calls plx__array_poller_open(). */
#define PLX__ARRAY_POLLER(open_function)                                                           \
    {                                                                                              \
        .open = (open_function), .close = plx__array_poller_close,                                 \
        .abandon = plx__array_poller_close, .renew = plx__array_poller_renew,                      \
        .set = plx__array_poller_set, .forget = plx__array_poller_forget,                          \
        .wait = plx__array_poller_wait, .collect = plx__array_poller_collect,                      \
        .wake = plx__array_poller_wake, .count = plx__array_poller_count,                          \
    }

/* A child's copy holds nothing but memory and the wake, so this abandons it too. */
void plx__array_poller_close(plx__poller *poller);
int plx__array_poller_renew(plx__poller *poller);
int plx__array_poller_set(plx__poller *poller, plx__polled *polled, uint32_t interest);
void plx__array_poller_forget(plx__poller *poller, plx__polled *polled);
int plx__array_poller_wait(plx__poller *poller, uint64_t timeout_ns);
size_t plx__array_poller_collect(plx__poller *poller, plx__poller_event *events, size_t max);
void plx__array_poller_wake(plx__poller *poller);
void plx__array_poller_count(const plx__poller *poller, plx__backend_counts *counts);

/* Between a wait and the first collecting: adds an entry for an endpoint that was counted among
 * those elsewhere, and that has this to say, or nothing. Never fails. */
void plx__array_poller_return(plx__poller *poller, plx__polled *polled, short revents);

#endif
