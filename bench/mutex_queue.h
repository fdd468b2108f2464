/* bench/mutex_queue.h - what users of loops without posts of their own write: an array of functions
 * behind a mutex, swapped for an empty one by the loop. Only who finds it empty has to wake the
 * loop.
 */
#ifndef BENCH_MUTEX_QUEUE_H
#define BENCH_MUTEX_QUEUE_H

#include <stdbool.h>

/* Any thread. Whether the loop must be woken. */
bool mutex_queue_push(void);
/* The loop's thread: runs all that waits. False when the last post has run. */
bool mutex_queue_run(void);

#endif
