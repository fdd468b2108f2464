/* bench/mutex_queue.h - what users of loops without posts of their own write: an array of functions
 * behind a mutex, swapped for an empty one by the loop.
 */
#ifndef BENCH_MUTEX_QUEUE_H
#define BENCH_MUTEX_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#define MUTEX_QUEUE_MAX 4096 /* As many as Pollux's queue holds by default. */

enum mutex_queue_pushed {
    MUTEX_QUEUE_FULL,  /* Nothing was pushed. */
    MUTEX_QUEUE_FIRST, /* The queue was empty: the loop must be woken. */
    MUTEX_QUEUE_MORE   /* Somebody has woken it, or is about to. */
};

/* Any thread. At most `max` wait; 0 means no limit. */
enum mutex_queue_pushed mutex_queue_push(size_t max);
/* The loop's thread: runs all that waits. False when the last post has run. */
bool mutex_queue_run(void);

#endif
