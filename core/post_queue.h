/* core/post_queue.h - functions on their way from any thread to the loop's.
 *
 * Two arrays. Producers fill one, each claiming its cell with one atomic addition; the consumer has
 * the other. When the consumer is through, it exchanges the two, with one atomic exchange however
 * many posts there are.
 *
 * What costs is lines of the cache that go from processor to processor. So what producers write
 * stands apart from what the consumer writes; the consumer only reads cells, since a cell is ready
 * when it has the stamp of its batch, not when a flag is up that somebody must take down; and a
 * producer asks for the lines that it will fill before it gets there. bench/notes/ has figures.
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
    /* That of the batch: ready. What a producer has claimed becomes so a moment later. */
    plx__atomic_u32 stamp;
} plx__post_cell;

typedef struct plx__post_queue {
    /* These are the consumer's alone: */
    uint32_t taken;   /* how many cells of its array were claimed, */
    uint32_t cursor;  /* how many of them it is through with, */
    uint32_t reading; /* and which array that is. */
    uint32_t left;    /* After plx__post_queue_end(): cells claimed, and not taken yet. */
    unsigned char apart[64];
    /* Producers look at all of these, and the consumer changes them once for each batch. */
    plx__post_cell *arrays[2];
    uint32_t capacity;       /* Of each. */
    uint32_t stamps[2];      /* Of the batch that is, or was last, in each. Never 0. */
    plx__atomic_u32 filling; /* The array that is filled, in the highest bit; how many of its cells
                              * are claimed in the others, which may be more than it has. */
} plx__post_queue;

#define PLX__POST_QUEUE_COUNT 0x7fffffffu

/* From this count on the queue has ended. Pushes that were refused may add to it, as many as there
 * are threads. */
#define PLX__POST_QUEUE_ENDED 0x60000000u

static inline bool plx__post_queue_has_ended(uint32_t filling)
{
    return (filling & PLX__POST_QUEUE_COUNT) >= PLX__POST_QUEUE_ENDED;
}

/* 0, PLX_EINVAL for a capacity beyond 2^30, or PLX_ENOMEM. */
int plx__post_queue_init(plx__post_queue *queue, uint32_t capacity);
void plx__post_queue_close(plx__post_queue *queue);
/* Any thread. PLX_ENOBUFS when as many wait as the capacity says, those not counted that the
 * consumer has taken and not come to yet; PLX_ECANCELED once the queue has ended. */
int plx__post_queue_push(plx__post_queue *queue, plx__post post);
/* The consumer. Refuses every push from now on; what was pushed before is still to be taken. */
void plx__post_queue_end(plx__post_queue *queue);
/* The consumer. Takes what has been pushed until now, unless it is not through with what it took
 * before. */
void plx__post_queue_take(plx__post_queue *queue);
/* The consumer. False when it is through with what it took, or the next one is not ready yet. */
bool plx__post_queue_pop(plx__post_queue *queue, plx__post *post_out);
/* The consumer, in a child that was forked, which has none of the producers' threads: a post that
 * one of them was about to push never becomes ready, and is replaced by one that does nothing. */
void plx__post_queue_renew(plx__post_queue *queue);
/* The consumer. Ordered with what producers do after pushing, so that one of the two sees what the
 * other did. */
static inline bool plx__post_queue_is_empty(plx__post_queue *queue)
{
    uint32_t filling = plx__atomic_load(&queue->filling);
    bool is_filled = (filling & PLX__POST_QUEUE_COUNT) != 0;
    return queue->cursor == queue->taken &&
           (!is_filled || (plx__post_queue_has_ended(filling) && queue->left == 0));
}

/* The consumer. Whether no more than half of the capacity is queued; false once it has ended. */
static inline bool plx__post_queue_has_room(plx__post_queue *queue)
{
    return (plx__atomic_load(&queue->filling) & PLX__POST_QUEUE_COUNT) <= queue->capacity / 2;
}

#endif
