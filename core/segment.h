/* core/segment.h - pieces of a send queue: copies in segments of one size, and lent buffers.
 *
 * Segments of copies are pooled by the loop, so that a connection which falls behind and catches up
 * allocates nothing once the loop is warm.
 */
#ifndef PLX__SEGMENT_H
#define PLX__SEGMENT_H

#include <pollux/conn.h>

#include "platform/platform.h"

#define PLX__SEGMENT_BYTES     16384u
#define PLX__SEGMENTS_POOL_MAX 64u

typedef struct plx__segment {
    struct plx__segment *next;
    const unsigned char *bytes; /* The first one that is not sent. */
    size_t length;              /* How many are not sent. */
    size_t room;                /* Free bytes behind them; 0 in a lent one. */
    size_t queued;              /* In the last segment of a send queue: the length of the queue. */
    bool is_lent;
    plx_sent_fn on_sent; /* For a lent one; may be NULL. */
    void *data;
    unsigned char storage[]; /* Of a copy. */
} plx__segment;

/* Segments in their order, as a ring: behind the last one is the first. Each connection has two, so
 * one pointer has to do. All zero is an empty one. */
typedef struct plx__segment_list {
    plx__segment *last;
} plx__segment_list;

typedef struct plx__segment_shelf {
    plx__segment *first;
    uint32_t count;
} plx__segment_shelf;

/* Segments to be used again: those of copies, and those over lent bytes. */
typedef struct plx__segment_pool {
    plx__segment_shelf shelves[2];
} plx__segment_pool;

/* An empty segment for copies, or NULL. */
plx__segment *plx__segment_take(plx__segment_pool *pool);
/* A segment over lent bytes, or NULL. */
plx__segment *plx__segment_lend(plx__segment_pool *pool, const void *bytes, size_t length,
                                plx_sent_fn on_sent, void *data);
void plx__segment_give(plx__segment_pool *pool, plx__segment *segment);
void plx__segment_pool_close(plx__segment_pool *pool);

/* Copies as much as fits, and returns how much that is. */
size_t plx__segment_fill(plx__segment *segment, const void *bytes, size_t length);

static inline bool plx__segment_list_is_empty(const plx__segment_list *list)
{
    return list->last == NULL;
}

/* NULL when there is none; and so is what follows the last one. */
static inline plx__segment *plx__segment_list_first(const plx__segment_list *list)
{
    return list->last != NULL ? list->last->next : NULL;
}

static inline plx__segment *plx__segment_list_next(const plx__segment_list *list,
                                                   const plx__segment *segment)
{
    return segment != list->last ? segment->next : NULL;
}

void plx__segment_list_append(plx__segment_list *list, plx__segment *segment);
/* The first one, or NULL. */
plx__segment *plx__segment_list_take(plx__segment_list *list);

#endif
