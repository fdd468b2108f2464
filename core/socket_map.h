/* core/socket_map.h - which object of the loop has a socket.
 *
 * A socket that the system has just made cannot be an older object's any more, and one that is
 * handed over cannot be two objects': by this the loop learns that somebody else closed a
 * descriptor of its own, before the two are taken for one another. The same holds for descriptors
 * that the loop and its backend open for themselves.
 */
#ifndef PLX__SOCKET_MAP_H
#define PLX__SOCKET_MAP_H

#include "core/slab.h"

/* By number. An array, because systems give out low numbers. */
typedef struct plx__socket_map {
    uint32_t *owners; /* Kind and slot, perhaps PLX__SOCKET_MAP_TAKEN; 0 for none. */
    uint32_t room;
} plx__socket_map;

/* The loop has the number for a descriptor of its own by now; the object must not close it. */
#define PLX__SOCKET_MAP_TAKEN (1u << 31)

/* Beyond it nothing is noted. A process of Windows has no more handles than this, and Unix systems
 * have no more descriptors by far. */
#define PLX__SOCKET_MAP_MAX (1u << 24)

void plx__socket_map_close(plx__socket_map *map);
/* Makes room for this index. 0, or PLX_ENOMEM. */
int plx__socket_map_grow(plx__socket_map *map, uint32_t index);
/* The loop or its backend has opened this for itself (plx__openings; `map` is a plx__socket_map).
 * An object that had the number has lost its descriptor, and learns of that when it next uses it:
 * nothing that is opened so is a stream, or listens for one. */
void plx__socket_map_take(void *map, plx_socket descriptor);
/* The object that an entry of the map names, from these slabs. */
plx__object *plx__socket_map_owner(const plx__slab *slabs, uint32_t owner);

/* The rest is on the path of each connection, which is why it stands here. */

/* It may be beyond all room. */
static inline uint64_t plx__socket_map_index(plx_socket socket)
{
    uint64_t number = (uint64_t)socket & ~(uint64_t)PLX__HOST_SIMULATED; /* Both begin low. */
#ifdef _WIN32
    number /= 4; /* Handles are multiples of four. */
#endif
    return number;
}

/* As entries of the map have it. */
static inline uint32_t plx__socket_map_entry(const plx__object *object)
{
    uint32_t slot = (uint32_t)object->endpoint.token & (PLX__SLAB_MAX - 1);
    return (uint32_t)plx__object_kind(object) << 24 | slot;
}

/* The entry of a socket; 0 when nobody has it. */
static inline uint32_t plx__socket_map_get(const plx__socket_map *map, plx_socket socket)
{
    uint64_t index = plx__socket_map_index(socket);
    return index < map->room ? map->owners[index] : 0;
}

/* From now on the socket is this object's. 0, or PLX_ENOMEM with nothing changed. */
static inline int plx__socket_map_set(plx__socket_map *map, const plx__object *object)
{
    uint64_t index = plx__socket_map_index(object->endpoint.socket);
    if (index >= map->room) {
        int status = index < PLX__SOCKET_MAP_MAX ? plx__socket_map_grow(map, (uint32_t)index) : 0;
        if (status != 0 || index >= PLX__SOCKET_MAP_MAX)
            return status;
    }
    map->owners[index] = plx__socket_map_entry(object);
    return 0;
}

/* It is not this object's any more, if it was. False: the number is the loop's own. */
static inline bool plx__socket_map_remove(plx__socket_map *map, const plx__object *object)
{
    uint64_t index = plx__socket_map_index(object->endpoint.socket);
    uint32_t entry = plx__socket_map_entry(object);
    uint32_t owner = index < map->room ? map->owners[index] : 0;
    bool is_taken = owner == (entry | PLX__SOCKET_MAP_TAKEN);
    if (owner == entry || is_taken)
        map->owners[index] = 0;
    return !is_taken;
}

#endif
