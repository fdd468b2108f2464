/* core/socket.c - sockets that belong to no loop: on their way from one to another, for instance.
 *
 * Those of a simulation that is open on the calling thread are the simulation's to handle.
 */
#include <pollux/conn.h>

#include "core/socket.h"

const plx__host *plx__socket_host(plx_socket socket)
{
    const plx__backend_ops *here = plx__backend_here();
    return here != NULL && here->host->check(socket) == 0 ? here->host : &plx__system_host;
}

void plx_socket_close(plx_socket socket)
{
    plx__socket_host(socket)->dispose(socket);
}

void plx_socket_reset(plx_socket socket)
{
    const plx__host *host = plx__socket_host(socket);
    (void)host->set(socket, PLX__SOCKET_RESET_ON_CLOSE, 1);
    host->dispose(socket);
}

int plx_socket_duplicate(plx_socket socket, plx_socket *socket_out)
{
    *socket_out = PLX_SOCKET_NONE;
    if (plx__socket_host(socket) != &plx__system_host)
        return PLX_ENOSYS;
    return plx__socket_duplicate(socket, socket_out);
}

int plx_socket_set_blocking(plx_socket socket, int is_blocking)
{
    if (plx__socket_host(socket) != &plx__system_host)
        return PLX_ENOSYS;
    return plx__socket_set_blocking(socket, is_blocking != 0);
}

int plx_socket_peer(plx_socket socket, char *text, size_t size)
{
    plx__address address;
    int status = plx__socket_host(socket)->peer(socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}

int plx_socket_local(plx_socket socket, char *text, size_t size)
{
    plx__address address;
    int status = plx__socket_host(socket)->name(socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}
