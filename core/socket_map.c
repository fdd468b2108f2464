/* core/socket_map.c - owns the array; knows nothing of what the objects are. */
#include "core/socket_map.h"

#include <string.h>

#define FIRST_ROOM 256u

void plx__socket_map_close(plx__socket_map *map)
{
    plx__free(map->owners);
}

int plx__socket_map_grow(plx__socket_map *map, uint32_t index)
{
    uint32_t room = map->room;
    while (room <= index)
        room = plx__room_next(room, FIRST_ROOM);
    uint32_t *owners = plx__reallocate(map->owners, room * sizeof *owners);
    if (owners == NULL)
        return PLX_ENOMEM;
    memset(owners + map->room, 0, (room - map->room) * sizeof *owners);
    map->owners = owners;
    map->room = room;
    return 0;
}

void plx__socket_map_take(void *map, plx_socket descriptor)
{
    const plx__socket_map *noted = map;
    uint64_t index = plx__socket_map_index(descriptor);
    if (index < noted->room && noted->owners[index] != 0)
        noted->owners[index] |= PLX__SOCKET_MAP_TAKEN;
}

plx__object *plx__socket_map_owner(const plx__slab *slabs, uint32_t owner)
{
    owner &= ~PLX__SOCKET_MAP_TAKEN;
    return plx__slab_at(&slabs[owner >> 24], owner & (PLX__SLAB_MAX - 1));
}
