/* core/segment.c - owns the pool; a segment that is taken belongs to who took it. */
#include "core/segment.h"

#include <string.h>

#include "core/assert.h"

/* One that is kept, or a new one. */
static plx__segment *segment_get(plx__segment_pool *pool, bool is_lent)
{
    plx__segment_shelf *shelf = &pool->shelves[is_lent];
    plx__segment *segment = shelf->first;
    if (segment == NULL)
        return plx__allocate(sizeof *segment + (is_lent ? 0 : PLX__SEGMENT_BYTES));
    shelf->first = segment->next;
    shelf->count--;
    return segment;
}

plx__segment *plx__segment_take(plx__segment_pool *pool)
{
    plx__segment *segment = segment_get(pool, false);
    if (segment != NULL)
        *segment = (plx__segment){.bytes = segment->storage, .room = PLX__SEGMENT_BYTES};
    return segment;
}

plx__segment *plx__segment_lend(plx__segment_pool *pool, const void *bytes, size_t length,
                                plx_sent_fn on_sent, void *data)
{
    plx__segment *segment = segment_get(pool, true);
    if (segment != NULL)
        *segment = (plx__segment){
            .bytes = bytes, .length = length, .is_lent = true, .on_sent = on_sent, .data = data};
    return segment;
}

void plx__segment_give(plx__segment_pool *pool, plx__segment *segment)
{
    plx__segment_shelf *shelf = &pool->shelves[segment->is_lent];
    if (shelf->count >= PLX__SEGMENTS_POOL_MAX) {
        plx__free(segment);
        return;
    }
    segment->next = shelf->first;
    shelf->first = segment;
    shelf->count++;
}

void plx__segment_pool_close(plx__segment_pool *pool)
{
    for (int i = 0; i < 2; i++) {
        plx__segment_shelf *shelf = &pool->shelves[i];
        for (plx__segment *segment; (segment = shelf->first) != NULL;) {
            shelf->first = segment->next;
            plx__free(segment);
        }
        shelf->count = 0;
    }
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
    if (list->last != NULL) {
        segment->next = list->last->next;
        list->last->next = segment;
    } else {
        segment->next = segment;
    }
    list->last = segment;
}

plx__segment *plx__segment_list_take(plx__segment_list *list)
{
    plx__segment *segment = plx__segment_list_first(list);
    if (segment == NULL)
        return NULL;
    list->last->next = segment->next;
    if (segment == list->last)
        list->last = NULL;
    segment->next = NULL;
    return segment;
}
