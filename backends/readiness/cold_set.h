/* backends/readiness/cold_set.h - the sockets that a second thread waits for.
 *
 * For endpoints that only want to read: connections that receive, and watches that ask for
 * PLX_READABLE. All of it belongs to the thread of the loop; what the second thread does is seen
 * through plx__cold_set_take() alone.
 */
#ifndef PLX__COLD_SET_H
#define PLX__COLD_SET_H

#include "backends/readiness/poller.h"
#include "platform/os.h"

typedef struct plx__cold_set plx__cold_set;

/* Starts the thread. It sends `loop_wake` when plx__cold_set_take() has something to give. */
int plx__cold_set_open(plx__cold_set **set_out, plx__wake *loop_wake,
                       const plx__openings *openings);
/* Ends the thread; nothing is in the set any more. */
void plx__cold_set_close(plx__cold_set *set);
/* In a child that was forked, which has no such thread: frees the set. Names what was in it to
 * `returned`, unless that is NULL. */
void plx__cold_set_abandon(plx__cold_set *set, plx__poller *poller,
                           void (*returned)(plx__poller *poller, plx__polled *polled));

/* Adds the endpoint, which is in no array now. 0, or PLX_ENOMEM. The thread hears of it, and of
 * what is removed, at plx__cold_set_settle(). */
int plx__cold_set_add(plx__cold_set *set, plx__polled *polled);
/* From here on the endpoint is never named again, whatever the thread may see. */
void plx__cold_set_remove(plx__cold_set *set, plx__polled *polled);
/* Tells the thread of all changes since the last time, with one wake at the most. */
void plx__cold_set_settle(plx__cold_set *set);

/* Takes all that have something to say out of the set, and names each to `returned`. False: the
 * thread's wait failed. Then all others were taken out too, each named with `revents` 0, the thread
 * waits for nothing any more, and the set is good for closing only. */
bool plx__cold_set_take(plx__cold_set *set, plx__poller *poller,
                        void (*returned)(plx__poller *poller, plx__polled *polled, short revents));

#endif
