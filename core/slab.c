/* core/slab.c - owns the slots; knows nothing of what is in them. */
#include "core/slab.h"

#include <string.h>

#include "core/assert.h"

static uint64_t token_make(const plx__slab *slab, uint32_t generation, uint32_t slot)
{
    return (uint64_t)slab->kind << 56 | (uint64_t)generation << 24 | slot;
}

static size_t aligned(size_t bytes)
{
    return (bytes + PLX__SLAB_ALIGNMENT - 1) / PLX__SLAB_ALIGNMENT * PLX__SLAB_ALIGNMENT;
}

void plx__slab_init(plx__slab *slab, enum plx__kind kind, size_t object_bytes, size_t front_bytes,
                    uint32_t generation, uint32_t max)
{
    size_t front = aligned(front_bytes);
    size_t whole = aligned(front + object_bytes);
    PLX_ASSERT(object_bytes >= sizeof(plx__object));
    PLX_ASSERT(max > 0 && max <= PLX__SLAB_MAX);
    memset(slab, 0, sizeof *slab);
    slab->kind = (uint8_t)kind;
    slab->slot_bytes = (uint32_t)whole;
    slab->front_bytes = (uint32_t)front;
    slab->generation = generation;
    slab->max = max;
}

void plx__slab_close(plx__slab *slab)
{
    PLX_ASSERT(slab->taken == 0);
    for (uint32_t i = 0; i < slab->count / PLX__SLAB_CHUNK_SLOTS; i++)
        plx__free(slab->chunks[i]);
    plx__free(slab->chunks);
}

static int chunk_table_grow(plx__slab *slab)
{
    uint32_t room = plx__room_next(slab->chunks_room, 8);
    unsigned char **chunks = plx__reallocate(slab->chunks, room * sizeof *chunks);
    if (chunks == NULL)
        return PLX_ENOMEM;
    slab->chunks = chunks;
    slab->chunks_room = room;
    return 0;
}

/* The lowest slot is the first in the free list. */
int plx__slab_grow(plx__slab *slab)
{
    uint32_t chunk_index = slab->count / PLX__SLAB_CHUNK_SLOTS;
    if (chunk_index == slab->chunks_room) {
        int status = chunk_table_grow(slab);
        if (status != 0)
            return status;
    }
    unsigned char *chunk = plx__allocate_zeroed(PLX__SLAB_CHUNK_SLOTS, slab->slot_bytes);
    if (chunk == NULL)
        return PLX_ENOMEM;
    slab->chunks[chunk_index] = chunk;
    uint32_t first = slab->count;
    slab->count += PLX__SLAB_CHUNK_SLOTS;
    for (uint32_t slot = slab->count; slot-- > first;) {
        plx__object *object = plx__slab_at(slab, slot);
        object->endpoint.token = token_make(slab, slab->generation, slot);
        object->next = slab->free;
        slab->free = object;
    }
    return 0;
}

void plx__slab_set_background(plx__slab *slab, plx__object *object, bool is_background)
{
    slab->background -= object->is_background;
    object->is_background = is_background;
    slab->background += object->is_background;
}
