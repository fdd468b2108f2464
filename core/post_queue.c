/* core/post_queue.c - owns the arrays; calls nothing that stands in them. */
#include "core/post_queue.h"

#define CAPACITY_MAX (1u << 30)

#define ARRAY_SHIFT 31u

/* How many cells ahead a producer asks for lines: 384 bytes. */
#define CELLS_AHEAD 16u

_Static_assert(CAPACITY_MAX < PLX__POST_QUEUE_ENDED, "no count looks like that of an ended queue");

int plx__post_queue_init(plx__post_queue *queue, uint32_t capacity)
{
    if (capacity > CAPACITY_MAX)
        return PLX_EINVAL;
    queue->capacity = capacity;
    queue->taken = queue->cursor = queue->reading = queue->left = 0;
    plx__atomic_store(&queue->filling, 0);
    for (int i = 0; i < 2; i++) {
        queue->stamps[i] = 1;
        queue->arrays[i] =
            plx__allocate_zeroed((size_t)capacity + CELLS_AHEAD, sizeof(plx__post_cell));
    }
    if (queue->arrays[0] != NULL && queue->arrays[1] != NULL)
        return 0;
    plx__post_queue_close(queue);
    return PLX_ENOMEM;
}

void plx__post_queue_close(plx__post_queue *queue)
{
    plx__free(queue->arrays[0]);
    plx__free(queue->arrays[1]);
    queue->arrays[0] = queue->arrays[1] = NULL;
}

/* Why a push is refused that met this value of `filling`. */
static int refusal(uint32_t filling)
{
    return plx__post_queue_has_ended(filling) ? PLX_ECANCELED : PLX_ENOBUFS;
}

int plx__post_queue_push(plx__post_queue *queue, plx__post post)
{
    /* Looked at first, so that those who are refused do not count on and on. */
    uint32_t seen = plx__atomic_load(&queue->filling);
    if ((seen & PLX__POST_QUEUE_COUNT) >= queue->capacity)
        return refusal(seen);
    uint32_t claimed = plx__atomic_add(&queue->filling, 1);
    uint32_t index = claimed & PLX__POST_QUEUE_COUNT;
    if (index >= queue->capacity)
        return refusal(claimed);
    plx__post_cell *cell = &queue->arrays[claimed >> ARRAY_SHIFT][index];
    plx__prefetch_write(cell + CELLS_AHEAD);
    cell->post = post;
    plx__atomic_store_release(&cell->stamp, queue->stamps[claimed >> ARRAY_SHIFT]);
    return 0;
}

/* A stamp that no cell of the array has. */
static void stamp_renew(plx__post_queue *queue, uint32_t array)
{
    if (++queue->stamps[array] != 0)
        return;
    for (uint32_t i = 0; i < queue->capacity; i++)
        plx__atomic_store_release(&queue->arrays[array][i].stamp, 0);
    queue->stamps[array] = 1;
}

void plx__post_queue_end(plx__post_queue *queue)
{
    uint32_t array = plx__atomic_load(&queue->filling) >> ARRAY_SHIFT; /* Producers keep it. */
    uint32_t seen =
        plx__atomic_exchange(&queue->filling, array << ARRAY_SHIFT | PLX__POST_QUEUE_ENDED);
    uint32_t count = seen & PLX__POST_QUEUE_COUNT;
    queue->left = count < queue->capacity ? count : queue->capacity;
}

/* The last batch: nothing is pushed behind it. */
static void last_take(plx__post_queue *queue, uint32_t filling)
{
    queue->reading = filling >> ARRAY_SHIFT;
    queue->taken = queue->left;
    queue->left = 0;
    queue->cursor = 0;
}

void plx__post_queue_take(plx__post_queue *queue)
{
    if (queue->cursor != queue->taken)
        return;
    uint32_t seen = plx__atomic_load(&queue->filling);
    if ((seen & PLX__POST_QUEUE_COUNT) == 0)
        return;
    if (plx__post_queue_has_ended(seen)) {
        last_take(queue, seen);
        return;
    }
    uint32_t other = seen >> ARRAY_SHIFT ^ 1;
    stamp_renew(queue, other); /* The exchange publishes it. */
    uint32_t count =
        plx__atomic_exchange(&queue->filling, other << ARRAY_SHIFT) & PLX__POST_QUEUE_COUNT;
    queue->reading = seen >> ARRAY_SHIFT;
    queue->taken = count < queue->capacity ? count : queue->capacity;
    queue->cursor = 0;
}

bool plx__post_queue_pop(plx__post_queue *queue, plx__post *post_out)
{
    if (queue->cursor == queue->taken)
        return false;
    plx__post_cell *cell = &queue->arrays[queue->reading][queue->cursor];
    if (plx__atomic_load_acquire(&cell->stamp) != queue->stamps[queue->reading])
        return false;
    *post_out = cell->post;
    queue->cursor++;
    return true;
}

static void post_nothing(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
}

/* Cells from `first` up to `end`, all of which are claimed. */
static void cells_complete(plx__post_queue *queue, uint32_t array, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        plx__post_cell *cell = &queue->arrays[array][i];
        if (plx__atomic_load_acquire(&cell->stamp) == queue->stamps[array])
            continue;
        cell->post = (plx__post){.run = post_nothing};
        plx__atomic_store_release(&cell->stamp, queue->stamps[array]);
    }
}

void plx__post_queue_renew(plx__post_queue *queue)
{
    uint32_t seen = plx__atomic_load(&queue->filling);
    uint32_t claimed = seen & PLX__POST_QUEUE_COUNT;
    cells_complete(queue, queue->reading, queue->cursor, queue->taken);
    cells_complete(queue, seen >> ARRAY_SHIFT, 0,
                   claimed < queue->capacity ? claimed : queue->capacity);
}
