/* core/conn/send_queue.h - the bytes of one connection that wait to be sent, in their order.
 *
 * It knows no loop and no backend: what its verdicts mean is sending.c's to decide.
 */
#ifndef PLX__SEND_QUEUE_H
#define PLX__SEND_QUEUE_H

#include "core/segment.h"

/* All zero is an empty one. Each connection has a queue, and most queues are empty, so the length
 * is stored in the last segment: a queue is one pointer. */
typedef struct plx__send_queue {
    plx__segment_list list;
} plx__send_queue;

static inline bool plx__send_queue_is_empty(const plx__send_queue *queue)
{
    return plx__segment_list_is_empty(&queue->list);
}

/* In bytes. */
static inline size_t plx__send_queue_length(const plx__send_queue *queue)
{
    return queue->list.last != NULL ? queue->list.last->queued : 0;
}

/* A segment of which something is to be sent. */
void plx__send_queue_append(plx__send_queue *queue, plx__segment *segment);
/* Copies the bytes to the end: all, or on PLX_ENOMEM none. */
int plx__send_queue_copy(plx__send_queue *queue, plx__segment_pool *pool, const void *bytes,
                         size_t length);
/* The same of slices: `length` bytes, behind the first `skipped` of them. */
int plx__send_queue_copy_slices(plx__send_queue *queue, plx__segment_pool *pool,
                                const plx_slice *slices, size_t skipped, size_t length);
/* The first bytes as at most `max` slices. Returns how many, and in `*length_out` their length. */
size_t plx__send_queue_gather(const plx__send_queue *queue, plx__slice *slices, size_t max,
                              size_t *length_out);
/* Takes the first `length` bytes off, which have been sent. Lent segments that are through are
 * appended to `lent`; returns whether there were any. */
bool plx__send_queue_consume(plx__send_queue *queue, plx__segment_pool *pool, size_t length,
                             plx__segment_list *lent);
/* Empties it; lent segments are appended to `lent`, with what was not sent of them. */
void plx__send_queue_drop(plx__send_queue *queue, plx__segment_pool *pool, plx__segment_list *lent);

#endif
