/* core/post_queue.h - functions on their way from any thread to the loop's.
 *
 * A bounded ring for many producers and one consumer, after Dmitry Vyukov's "Bounded MPMC queue"
 * (1024cores.net): each cell carries a sequence number that says whose turn it is. Here the numbers
 * are counted from each cell's index, so that a ring of zeroes is an empty one and memory that is
 * never used is never touched.
 */
#ifndef PLX__POST_QUEUE_H
#define PLX__POST_QUEUE_H

#include <pollux/loop.h>

#include "platform/platform.h"

typedef struct plx__post {
    plx_post_fn run;
    void *data;
} plx__post;

typedef struct plx__post_cell {
    plx__post post;
    plx__atomic_u32 sequence;
} plx__post_cell;

typedef struct plx__post_queue {
    plx__post_cell *cells;
    uint32_t mask; /* Cells, less one; their number is a power of two. */
    uint32_t head; /* The consumer's alone. */
    /* What producers write stands on a line of the cache of its own. */
    unsigned char apart[64];
    plx__atomic_u32 tail;
} plx__post_queue;

/* In a cell, position P is awaited by its producer as P less the index, by the consumer as one
 * more. */
static inline uint32_t plx__post_queue_sequence(const plx__post_queue *queue, uint32_t position)
{
    return position - (position & queue->mask);
}

/* `capacity` is rounded up to a power of two. 0, PLX_EINVAL beyond 2^30, or PLX_ENOMEM. */
int plx__post_queue_init(plx__post_queue *queue, uint32_t capacity);
void plx__post_queue_close(plx__post_queue *queue);
/* Any thread. PLX_ENOBUFS when it is full. */
int plx__post_queue_push(plx__post_queue *queue, plx__post post);
/* The consumer. False when it is empty. */
bool plx__post_queue_pop(plx__post_queue *queue, plx__post *post_out);
/* The consumer. Ordered with what producers do after pushing, so that one of the two sees what the
 * other did. */
static inline bool plx__post_queue_is_empty(plx__post_queue *queue)
{
    plx__post_cell *cell = &queue->cells[queue->head & queue->mask];
    return plx__atomic_load(&cell->sequence) != plx__post_queue_sequence(queue, queue->head) + 1;
}

#endif
