/* core/segment.c - owns the pool; a segment that is taken belongs to who took it. */
#include "core/segment.h"

#include <string.h>

#include "core/assert.h"

static void segment_clear(plx__segment *segment)
{
    segment->next = NULL;
    segment->bytes = segment->storage;
    segment->length = 0;
    segment->room = PLX__SEGMENT_BYTES;
}

plx__segment *plx__segment_take(plx__segment_pool *pool)
{
    plx__segment *segment = pool->free;
    if (segment != NULL) {
        pool->free = segment->next;
        pool->count--;
    } else {
        segment = plx__allocate(sizeof *segment + PLX__SEGMENT_BYTES);
        if (segment == NULL)
            return NULL;
        segment->is_lent = false;
        segment->on_sent = NULL;
        segment->data = NULL;
    }
    segment_clear(segment);
    return segment;
}

plx__segment *plx__segment_lend(const void *bytes, size_t length, plx_sent_fn on_sent, void *data)
{
    plx__segment *segment = plx__allocate(sizeof *segment);
    if (segment == NULL)
        return NULL;
    segment->next = NULL;
    segment->bytes = bytes;
    segment->length = length;
    segment->room = 0;
    segment->is_lent = true;
    segment->on_sent = on_sent;
    segment->data = data;
    return segment;
}

void plx__segment_give(plx__segment_pool *pool, plx__segment *segment)
{
    if (segment->is_lent || pool->count >= PLX__SEGMENTS_POOL_MAX) {
        plx__free(segment);
        return;
    }
    segment->next = pool->free;
    pool->free = segment;
    pool->count++;
}

void plx__segment_pool_close(plx__segment_pool *pool)
{
    while (pool->free != NULL) {
        plx__segment *segment = pool->free;
        pool->free = segment->next;
        plx__free(segment);
    }
    pool->count = 0;
}

size_t plx__segment_fill(plx__segment *segment, const void *bytes, size_t length)
{
    size_t copied = length < segment->room ? length : segment->room;
    if (copied == 0)
        return 0; /* A lent segment has no room, and no storage either. */
    memcpy(segment->storage + (PLX__SEGMENT_BYTES - segment->room), bytes, copied);
    segment->length += copied;
    segment->room -= copied;
    return copied;
}

void plx__segment_list_append(plx__segment_list *list, plx__segment *segment)
{
    PLX_ASSERT(segment->next == NULL);
    if (list->last != NULL)
        list->last->next = segment;
    else
        list->first = segment;
    list->last = segment;
}

plx__segment *plx__segment_list_take(plx__segment_list *list)
{
    plx__segment *segment = list->first;
    if (segment == NULL)
        return NULL;
    list->first = segment->next;
    if (list->first == NULL)
        list->last = NULL;
    segment->next = NULL;
    return segment;
}
