/* backends/readiness/idle_set.h - the idle set: the sockets that a second thread polls.
 *
 * For endpoints that only want to read: connections that receive, and watches that ask for
 * PLX_READABLE. All of it belongs to the thread of the loop; what the second thread does is seen
 * through plx__idle_set_take() alone.
 */
#ifndef PLX__IDLE_SET_H
#define PLX__IDLE_SET_H

#include "backends/readiness/poller.h"
#include "platform/os.h"

typedef struct plx__idle_set plx__idle_set;

/* Starts the thread. It sends `loop_wake` when plx__idle_set_take() has something to give. */
int plx__idle_set_open(plx__idle_set **set_out, plx__wake *loop_wake,
                       const plx__openings *openings);
/* Ends the thread; nothing is in the set any more. */
void plx__idle_set_close(plx__idle_set *set);
/* In a child that was forked, which has no such thread: frees the set. Names what was in it to
 * `returned`, unless that is NULL. */
void plx__idle_set_abandon(plx__idle_set *set, plx__poller *poller,
                           void (*returned)(plx__poller *poller, plx__polled *polled));

/* Adds the endpoint, which is in no array now. 0, or PLX_ENOMEM. The thread hears of it, and of
 * what is removed, at plx__idle_set_apply(). */
int plx__idle_set_add(plx__idle_set *set, plx__polled *polled);
/* From here on the endpoint is never named again, whatever the thread may see. */
void plx__idle_set_remove(plx__idle_set *set, plx__polled *polled);
/* Tells the thread of all changes since the last time, with one wake at the most. */
void plx__idle_set_apply(plx__idle_set *set);

/* Takes all that have something to say out of the set, and names each to `returned`. False: the
 * thread's wait failed. Then all others were taken out too, each named with `revents` 0, the thread
 * waits for nothing any more, and the set is good for closing only. */
bool plx__idle_set_take(plx__idle_set *set, plx__poller *poller,
                        void (*returned)(plx__poller *poller, plx__polled *polled, short revents));

#endif
