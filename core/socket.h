/* core/socket.h - sockets that belong to no loop, as the other files of core see them. */
#ifndef PLX__SOCKET_H
#define PLX__SOCKET_H

#include "backends/backend.h"

/* Whose calls work on the socket: those of the simulation that is open on this thread, or the
 * system's. */
const plx__host *plx__socket_host(plx_socket socket);

#endif
