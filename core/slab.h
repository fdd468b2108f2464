/* core/slab.h - objects of one kind in slots that never move, found by handles that are checked.
 *
 * A handle is kind (8 bits), generation (32 bits) and slot (24 bits). A slot's generation changes
 * each time it is freed, and starts at a number of the loop's own, so that a handle of another loop
 * meets one that is not its own. After 2^32 frees of one slot a handle kept through all of them
 * would match again.
 */
#ifndef PLX__SLAB_H
#define PLX__SLAB_H

#include <string.h>

#include "backends/backend.h"
#include "core/assert.h"

enum plx__kind {
    PLX__KIND_NONE,
    PLX__KIND_LISTENER,
    PLX__KIND_CONN,
    PLX__KIND_TIMER,
    PLX__KIND_WATCH,
    PLX__KIND_SIGNAL,
    PLX__KINDS
};

/* FREE, then OPEN, then CLOSING, then FREE. */
enum plx__state { PLX__FREE, PLX__OPEN, PLX__CLOSING };

/* The head of every object. */
typedef struct plx__object {
    plx__endpoint endpoint;   /* Its token is the object's handle. */
    struct plx__object *next; /* In the slab's free list, or among the loop's deferred. */
    uint8_t state;            /* plx__state. */
    uint8_t is_deferred;
    uint8_t is_background; /* It does not keep plx_loop_run() running. */
    uint8_t has_side;      /* Of a connection: an entry in the loop's side table. */
} plx__object;

typedef struct plx__slab {
    unsigned char **chunks;
    uint32_t chunks_room;
    uint32_t count;      /* Slots there are, free ones included. */
    uint32_t taken;      /* Slots that are not free. */
    uint32_t background; /* Of those that are taken: by objects in the background. */
    uint32_t max;        /* Of `taken`. */
    uint32_t slot_bytes;
    uint32_t front_bytes; /* In front of each object: the backend's. */
    uint32_t generation;  /* That new slots start with. */
    uint8_t kind;         /* plx__kind. */
    plx__object *free;
} plx__slab;

#define PLX__SLAB_MAX         (1u << 24)
#define PLX__SLAB_CHUNK_SLOTS 128u
#define PLX__SLAB_ALIGNMENT   16u

void plx__slab_init(plx__slab *slab, enum plx__kind kind, size_t object_bytes, size_t front_bytes,
                    uint32_t generation, uint32_t max);
void plx__slab_close(plx__slab *slab);

/* Adds free slots. 0 or PLX_ENOMEM. */
PLX__SLOW int plx__slab_grow(plx__slab *slab);
/* Puts the object in the background, or takes it out; freeing its slot does the latter. */
void plx__slab_set_background(plx__slab *slab, plx__object *object, bool is_background);

/* The rest is on the path of each connection, which is why it stands here. */

/* Takes a slot. Its head is set: a token of its own, OPEN, without a socket. What stands in front
 * of it is zero. What is behind the head the class must initialize: in test builds it is rubbish.
 * `*object_out` is untouched on failure. 0, PLX_ELIMIT or PLX_ENOMEM. */
static inline int plx__slab_take(plx__slab *slab, plx__object **object_out)
{
    if (slab->taken >= slab->max)
        return PLX_ELIMIT;
    if (slab->free == NULL) {
        int status = plx__slab_grow(slab);
        if (status != 0)
            return status;
    }
    plx__object *object = slab->free;
    PLX_ASSERT(object->state == PLX__FREE);
    slab->free = object->next;
    slab->taken++;
    unsigned char *front = (unsigned char *)object - slab->front_bytes;
    for (; front != (unsigned char *)object; front += PLX__SLAB_ALIGNMENT)
        memset(front, 0, PLX__SLAB_ALIGNMENT); /* Mostly once: no call. */
    if (PLX_VERIFY)
        memset(object + 1, 0xA5, slab->slot_bytes - slab->front_bytes - sizeof *object);
    object->endpoint.socket = PLX_SOCKET_NONE;
    object->state = PLX__OPEN;
    *object_out = object;
    return 0;
}

/* The handle goes stale for good. */
static inline void plx__slab_give(plx__slab *slab, plx__object *object)
{
    const uint64_t generation = UINT64_C(0xFFFFFFFF) << 24;
    uint64_t token = object->endpoint.token;
    PLX_ASSERT(object->state != PLX__FREE);
    PLX_ASSERT(!object->is_deferred);
    slab->background -= object->is_background;
    object->is_background = 0;
    token = (token & ~generation) | ((token + (UINT64_C(1) << 24)) & generation);
    object->endpoint.token = token;
    object->state = PLX__FREE;
    object->next = slab->free;
    slab->free = object;
    slab->taken--;
}

static inline plx__object *plx__slab_at(const plx__slab *slab, uint32_t slot)
{
    unsigned char *chunk = slab->chunks[slot / PLX__SLAB_CHUNK_SLOTS];
    size_t offset = (size_t)(slot % PLX__SLAB_CHUNK_SLOTS) * slab->slot_bytes + slab->front_bytes;
    return (plx__object *)(void *)(chunk + offset);
}

/* The open object that the handle names, or NULL. */
static inline plx__object *plx__slab_find(const plx__slab *slab, uint64_t bits)
{
    uint32_t slot = (uint32_t)bits & (PLX__SLAB_MAX - 1);
    if (slot >= slab->count)
        return NULL;
    plx__object *object = plx__slab_at(slab, slot);
    return object->endpoint.token == bits && object->state == PLX__OPEN ? object : NULL;
}

static inline enum plx__kind plx__object_kind(const plx__object *object)
{
    return (enum plx__kind)(object->endpoint.token >> 56);
}

#endif
