/* core/socket_map.c - owns the array; knows nothing of what the objects are. */
#include "core/socket_map.h"

#include <string.h>

#define FIRST_ROOM 256u

/* Beyond it nothing is noted. A process of Windows has no more handles than this, and Unix systems
 * have no more descriptors by far. */
#define ROOM_MAX (1u << 24)

#define SLOT_BITS 24

/* ROOM_MAX for a number that is beyond all room. */
static uint32_t index_of(plx_socket socket)
{
    uint64_t number = (uint64_t)socket;
#ifdef _WIN32
    number /= 4; /* Handles are multiples of four. */
#endif
    return number < ROOM_MAX ? (uint32_t)number : ROOM_MAX;
}

static uint32_t owner_of(const plx__object *object)
{
    uint32_t slot = (uint32_t)object->endpoint.token & (PLX__SLAB_MAX - 1);
    return (uint32_t)plx__object_kind(object) << SLOT_BITS | slot;
}

void plx__socket_map_close(plx__socket_map *map)
{
    plx__free(map->owners);
}

static int map_grow(plx__socket_map *map, uint32_t index)
{
    uint32_t room = map->room != 0 ? map->room : FIRST_ROOM;
    while (room <= index)
        room *= 2;
    uint32_t *owners = plx__reallocate(map->owners, room * sizeof *owners);
    if (owners == NULL)
        return PLX_ENOMEM;
    memset(owners + map->room, 0, (room - map->room) * sizeof *owners);
    map->owners = owners;
    map->room = room;
    return 0;
}

int plx__socket_map_set(plx__socket_map *map, const plx__object *object)
{
    uint32_t index = index_of(object->endpoint.socket);
    if (index == ROOM_MAX)
        return 0;
    int status = index >= map->room ? map_grow(map, index) : 0;
    if (status == 0)
        map->owners[index] = owner_of(object);
    return status;
}

void plx__socket_map_remove(plx__socket_map *map, const plx__object *object)
{
    uint32_t index = index_of(object->endpoint.socket);
    if (index < map->room && map->owners[index] == owner_of(object))
        map->owners[index] = 0;
}

plx__object *plx__socket_map_find(const plx__socket_map *map, const plx__slab *slabs,
                                  plx_socket socket)
{
    uint32_t index = index_of(socket);
    uint32_t owner = index < map->room ? map->owners[index] : 0;
    if (owner == 0)
        return NULL;
    return plx__slab_at(&slabs[owner >> SLOT_BITS], owner & (PLX__SLAB_MAX - 1));
}
