/* backends/readiness/array_poller.h - a poller over an array of poll entries: what poll and
 * select share. They differ in the call that waits:
 *
 *     int ready = plx__array_wait_begin(poller);
 *     if (ready == 0)
 *         ready = plx__poll(poller->entries, poller->count, timeout_ns);
 *     return plx__array_wait_end(poller, ready);
 */
#ifndef PLX__ARRAY_POLLER_H
#define PLX__ARRAY_POLLER_H

#include "backends/readiness/readiness.h"
#include "platform/os.h"

/* A poller of this sort; one that needs more has this as its first member. */
struct plx__backend {
    plx__readiness readiness; /* First. */
    plx__poll_entry *entries;
    plx__polled **polled;
    uint32_t count;
    uint32_t room;
    uint32_t elsewhere; /* Endpoints that are in no entry now, and for which room is kept. */
    uint32_t cursor;    /* Entries below it, but for the wake, have not been looked at. */
    uint32_t left;      /* How many of those may have something to say. */
    uint16_t tick;      /* Goes into `seen` of all that have something to say. */
    plx__wake wake;
    plx__openings openings;
    plx__backend_report *report; /* Waits that ended for a wake which is dead have failed. */
};

/* `bytes` is the size of the whole poller; what comes after the members above is zero. */
int plx__array_poller_open(plx__poller **poller_out, size_t bytes,
                           const plx__backend_config *config, const plx__poller_ops *ops);
/* A child's copy holds nothing but memory and the wake, so this abandons it too. */
void plx__array_poller_close(plx__poller *poller);
int plx__array_poller_renew(plx__poller *poller);
int plx__array_poller_set(plx__poller *poller, plx__polled *polled, uint32_t interest);
void plx__array_poller_forget(plx__poller *poller, plx__polled *polled);
size_t plx__array_poller_collect(plx__poller *poller, plx__poller_event *events, size_t max);
void plx__array_poller_wake(plx__poller *poller);

/* 0, or what the wait is to fail with. */
int plx__array_wait_begin(plx__poller *poller);
/* `ready` is how many entries have something to say, or a code. 0, or that. */
int plx__array_wait_end(plx__poller *poller, int ready);

/* Between a wait and the first collecting: adds an entry for an endpoint that was counted among
 * those elsewhere, and that has this to say, or nothing. Never fails. */
void plx__array_poller_return(plx__poller *poller, plx__polled *polled, short revents);

#endif
