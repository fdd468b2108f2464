/* core/socket_map.h - which object of the loop has a socket.
 *
 * A socket that the system has just made cannot be an older object's any more, and one that is
 * handed over cannot be two objects': by this the loop learns that somebody else closed a
 * descriptor of its own, before the two are taken for one another.
 */
#ifndef PLX__SOCKET_MAP_H
#define PLX__SOCKET_MAP_H

#include "core/slab.h"

/* By number. An array, because systems give out low numbers. */
typedef struct plx__socket_map {
    uint32_t *owners; /* Kind and slot; 0 for none. */
    uint32_t room;
} plx__socket_map;

void plx__socket_map_close(plx__socket_map *map);
/* From now on the socket is this object's. 0, or PLX_ENOMEM with nothing changed. */
int plx__socket_map_set(plx__socket_map *map, const plx__object *object);
/* It is not this object's any more, if it was. */
void plx__socket_map_remove(plx__socket_map *map, const plx__object *object);
/* The object that has the socket, from these slabs, or NULL. */
plx__object *plx__socket_map_find(const plx__socket_map *map, const plx__slab *slabs,
                                  plx_socket socket);

#endif
