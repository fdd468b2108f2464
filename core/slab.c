/* core/slab.c - owns the slots; knows nothing of what is in them. */
#include "core/slab.h"

#include <string.h>

#include "core/assert.h"

#define SLOT_ALIGNMENT 16u

static uint64_t token_make(const plx__slab *slab, uint32_t generation, uint32_t slot)
{
    return (uint64_t)slab->kind << 56 | (uint64_t)generation << 24 | slot;
}

static uint32_t token_slot(uint64_t token)
{
    return (uint32_t)token & (PLX__SLAB_MAX - 1);
}

static uint32_t token_generation(uint64_t token)
{
    return (uint32_t)(token >> 24);
}

void plx__slab_init(plx__slab *slab, enum plx__kind kind, size_t object_bytes, size_t front_bytes,
                    uint32_t generation, uint32_t max)
{
    size_t front = (front_bytes + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
    size_t whole = (front + object_bytes + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
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
    uint32_t room = slab->chunks_room == 0 ? 8 : 2 * slab->chunks_room;
    unsigned char **chunks = plx__reallocate(slab->chunks, room * sizeof *chunks);
    if (chunks == NULL)
        return PLX_ENOMEM;
    slab->chunks = chunks;
    slab->chunks_room = room;
    return 0;
}

/* Adds a chunk of free slots, the lowest first in the free list. */
static int chunk_add(plx__slab *slab)
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

int plx__slab_take(plx__slab *slab, plx__object **object_out)
{
    if (slab->taken >= slab->max)
        return PLX_ELIMIT;
    if (slab->free == NULL) {
        int status = chunk_add(slab);
        if (status != 0)
            return status;
    }
    plx__object *object = slab->free;
    PLX_ASSERT(object != NULL);
    uint64_t token = object->endpoint.token;
    PLX_ASSERT(object->state == PLX__FREE);
    slab->free = object->next;
    slab->taken++;
    memset((unsigned char *)object - slab->front_bytes, 0, slab->slot_bytes);
    object->endpoint.token = token;
    object->endpoint.socket = PLX_SOCKET_NONE;
    object->state = PLX__OPEN;
    *object_out = object;
    return 0;
}

void plx__slab_set_background(plx__slab *slab, plx__object *object, bool is_background)
{
    slab->background -= object->is_background;
    object->is_background = is_background;
    slab->background += object->is_background;
}

void plx__slab_give(plx__slab *slab, plx__object *object)
{
    uint64_t token = object->endpoint.token;
    PLX_ASSERT(object->state != PLX__FREE);
    PLX_ASSERT(!object->is_deferred);
    slab->background -= object->is_background;
    object->is_background = 0;
    object->endpoint.token = token_make(slab, token_generation(token) + 1, token_slot(token));
    object->state = PLX__FREE;
    object->next = slab->free;
    slab->free = object;
    slab->taken--;
}
