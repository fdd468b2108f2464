/* core/object.c - what is done to objects by their classes. */
#include "core/loop.h"

void plx__defer(plx_loop *loop, plx__object *object)
{
    if (object->is_deferred)
        return;
    object->is_deferred = 1;
    object->next = NULL;
    *loop->deferred_end = object;
    loop->deferred_end = &object->next;
}

int plx__set_background(plx_loop *loop, enum plx__kind kind, uint64_t bits, bool is_background)
{
    plx__object *found = plx__find(loop, kind, bits);
    if (found == NULL)
        return PLX_ESTALE;
    plx__slab_set_background(&loop->slabs[kind], found, is_background);
    return 0;
}

void plx__leave_background(plx_loop *loop, plx__object *object)
{
    plx__slab_set_background(&loop->slabs[plx__object_kind(object)], object, false);
}

void plx__objects_each(plx_loop *loop, plx__object_fn *call)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        const plx__slab *slab = &loop->slabs[kind];
        for (uint32_t slot = 0; slot < slab->count; slot++) {
            plx__object *object = plx__slab_at(slab, slot);
            if (object->state != PLX__FREE)
                call(loop, object);
        }
    }
}

void plx__classes_tell(plx_loop *loop, enum plx__event event)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        if (loop->classes[kind]->on_event != NULL)
            loop->classes[kind]->on_event(loop, event);
    }
}

void plx__socket_lost(plx_loop *loop, uint32_t owner)
{
    plx__object *object = plx__socket_map_owner(loop->slabs, owner);
    plx__class_of(loop, object)->lost(loop, object);
}

void plx__socket_drop(const plx_loop *loop, plx_socket socket, bool is_lost)
{
    if (!is_lost)
        loop->host->close(socket);
    else if (socket != PLX_SOCKET_NONE)
        loop->host->disown(socket);
}
