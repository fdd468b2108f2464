/* core/post_waiters.h - who is to be told when the queue of posts has room again.
 *
 * A poster comes here only when its post was refused. So a list under a lock will do, and posts
 * that are taken pay nothing: the consumer looks at `count` when it is through with a batch.
 *
 * Whoever adds itself sees to it that a batch follows: either the queue is full, or a post can be
 * pushed. Both sides write before they read, the one `count` and then the queue's `filling`, the
 * other `filling` (by taking the batch) and then `count`. One of them sees the other.
 */
#ifndef PLX__POST_WAITERS_H
#define PLX__POST_WAITERS_H

#include "core/post_queue.h"

struct plx__post_waiter;

typedef struct plx__post_waiters {
    plx__atomic_u32 count; /* In the list. */
    plx__atomic_u32 lock;  /* Of what follows; held for some instructions. */
    struct plx__post_waiter *first;
    struct plx__post_waiter **end;
    bool has_ended;
} plx__post_waiters;

void plx__post_waiters_init(plx__post_waiters *waiters);
/* Frees those that are left, without calling them. */
void plx__post_waiters_close(plx__post_waiters *waiters);
/* Any thread. 0, PLX_ENOMEM, or PLX_ECANCELED after plx__post_waiters_end(). */
int plx__post_waiters_add(plx__post_waiters *waiters, plx__post waiter);
/* The consumer. The one that has waited longest; false if there is none. */
bool plx__post_waiters_take(plx__post_waiters *waiters, plx__post *waiter_out);
/* The consumer. Nobody can add itself from now on. */
void plx__post_waiters_end(plx__post_waiters *waiters);
/* The consumer, in a child that was forked: a thread that it does not have may have had the lock,
 * in the middle of adding itself. */
void plx__post_waiters_renew(plx__post_waiters *waiters);

#endif
