/* core/conn/send_queue.c - owns the segments; knows nothing of whom they are for. */
#include "core/conn/send_queue.h"

#include "core/assert.h"

void plx__send_queue_append(plx__send_queue *queue, plx__segment *segment)
{
    segment->queued = plx__send_queue_length(queue) + segment->length;
    plx__segment_list_append(&queue->list, segment);
}

/* Makes room for `length` more bytes at the end, and returns the segment where it begins: NULL,
 * with all as it was, when there is no memory for it. */
static plx__segment *room_make(plx__send_queue *queue, plx__segment_pool *pool, size_t length)
{
    plx__segment_list added = {0};
    plx__segment *last = queue->list.last;
    size_t room = last != NULL ? last->room : 0;
    plx__segment *segment;
    for (; room < length; room += PLX__SEGMENT_BYTES) {
        segment = plx__segment_take(pool);
        if (segment == NULL) {
            while ((segment = plx__segment_list_take(&added)) != NULL)
                plx__segment_give(pool, segment);
            return NULL;
        }
        plx__segment_list_append(&added, segment);
    }
    plx__segment *first = last != NULL && last->room > 0 ? last : plx__segment_list_first(&added);
    while ((segment = plx__segment_list_take(&added)) != NULL)
        plx__segment_list_append(&queue->list, segment);
    return first;
}

/* Fills the room from there on, and returns where the rest of it begins. */
static plx__segment *room_fill(plx__segment *segment, const unsigned char *bytes, size_t length)
{
    for (;;) {
        size_t copied = plx__segment_fill(segment, bytes, length);
        bytes += copied;
        length -= copied;
        if (length == 0)
            return segment;
        segment = segment->next;
    }
}

int plx__send_queue_copy(plx__send_queue *queue, plx__segment_pool *pool, const void *bytes,
                         size_t length)
{
    size_t queued = plx__send_queue_length(queue) + length;
    plx__segment *segment = room_make(queue, pool, length);
    if (segment == NULL)
        return PLX_ENOMEM;
    queue->list.last->queued = queued;
    (void)room_fill(segment, bytes, length);
    return 0;
}

int plx__send_queue_copy_slices(plx__send_queue *queue, plx__segment_pool *pool,
                                const plx_slice *slices, size_t skipped, size_t length)
{
    size_t queued = plx__send_queue_length(queue) + length;
    plx__segment *segment = room_make(queue, pool, length);
    if (segment == NULL)
        return PLX_ENOMEM;
    queue->list.last->queued = queued;
    for (; length > 0; slices++) {
        size_t left = slices->length - (skipped < slices->length ? skipped : slices->length);
        skipped -= slices->length - left;
        if (left == 0)
            continue;
        const unsigned char *end = (const unsigned char *)slices->bytes + slices->length;
        segment = room_fill(segment, end - left, left);
        length -= left;
    }
    return 0;
}

size_t plx__send_queue_gather(const plx__send_queue *queue, plx__slice *slices, size_t max,
                              size_t *length_out)
{
    size_t count = 0;
    *length_out = 0;
    for (const plx__segment *segment = plx__segment_list_first(&queue->list);
         segment != NULL && count < max; segment = plx__segment_list_next(&queue->list, segment)) {
        slices[count] = plx__slice_of(segment->bytes, segment->length);
        *length_out += segment->length;
        count++;
    }
    return count;
}

bool plx__send_queue_consume(plx__send_queue *queue, plx__segment_pool *pool, size_t length,
                             plx__segment_list *lent)
{
    bool had_lent = false;
    PLX_ASSERT(plx__send_queue_length(queue) >= length);
    size_t left = plx__send_queue_length(queue) - length;
    while (length > 0) {
        plx__segment *segment = plx__segment_list_first(&queue->list);
        size_t taken = length < segment->length ? length : segment->length;
        segment->bytes += taken;
        segment->length -= taken;
        length -= taken;
        if (segment->length > 0)
            break;
        (void)plx__segment_list_take(&queue->list);
        if (segment->is_lent) {
            plx__segment_list_append(lent, segment);
            had_lent = true;
        } else {
            plx__segment_give(pool, segment);
        }
    }
    if (queue->list.last != NULL)
        queue->list.last->queued = left;
    return had_lent;
}

void plx__send_queue_drop(plx__send_queue *queue, plx__segment_pool *pool, plx__segment_list *lent)
{
    for (plx__segment *segment; (segment = plx__segment_list_take(&queue->list)) != NULL;) {
        if (segment->is_lent)
            plx__segment_list_append(lent, segment);
        else
            plx__segment_give(pool, segment);
    }
}
