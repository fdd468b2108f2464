/* core/post_queue.c - owns the ring; calls nothing that stands in it. */
#include "core/post_queue.h"

#define CAPACITY_MAX (1u << 30)

int plx__post_queue_init(plx__post_queue *queue, uint32_t capacity)
{
    uint32_t rounded = 2; /* In a single cell, full and free of the next lap look the same. */
    if (capacity > CAPACITY_MAX)
        return PLX_EINVAL;
    while (rounded < capacity)
        rounded *= 2;
    queue->cells = plx__allocate_zeroed(rounded, sizeof *queue->cells);
    if (queue->cells == NULL)
        return PLX_ENOMEM;
    queue->mask = rounded - 1;
    queue->head = 0;
    plx__atomic_store(&queue->tail, 0);
    return 0;
}

void plx__post_queue_close(plx__post_queue *queue)
{
    plx__free(queue->cells);
    queue->cells = NULL;
}

int plx__post_queue_push(plx__post_queue *queue, plx__post post)
{
    uint32_t position = plx__atomic_load(&queue->tail);
    for (;;) {
        plx__post_cell *cell = &queue->cells[position & queue->mask];
        uint32_t awaited = plx__post_queue_sequence(queue, position);
        int32_t ahead = (int32_t)(plx__atomic_load_acquire(&cell->sequence) - awaited);
        if (ahead < 0)
            return PLX_ENOBUFS;
        if (ahead > 0) {
            position = plx__atomic_load(&queue->tail); /* Another producer took this one. */
            continue;
        }
        if (!plx__atomic_compare_exchange(&queue->tail, &position, position + 1))
            continue;
        cell->post = post;
        plx__atomic_store(&cell->sequence, awaited + 1);
        return 0;
    }
}

bool plx__post_queue_pop(plx__post_queue *queue, plx__post *post_out)
{
    plx__post_cell *cell = &queue->cells[queue->head & queue->mask];
    uint32_t awaited = plx__post_queue_sequence(queue, queue->head) + 1;
    if (plx__atomic_load_acquire(&cell->sequence) != awaited)
        return false;
    *post_out = cell->post;
    /* For the producer of the next lap. */
    plx__atomic_store_release(&cell->sequence, awaited + queue->mask);
    queue->head++;
    return true;
}
