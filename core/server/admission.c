/* core/server/admission.c - whether a connection is let in, before there is one. */
#include "core/server/server.h"

bool plx__admits(plx_loop *loop, const plx__server_listener *of, plx_socket socket)
{
    plx_server *server = of->server;
    if (server->options.on_admit == NULL ||
        server->options.on_admit(server, loop, socket, server->options.data) == 0)
        return true;
    plx__server_tally(server, &server->stats.denied);
    return false;
}

enum plx_accept_verdict plx__admission_decide(plx_loop *loop, plx_listener listener, void *data,
                                              plx_socket socket, const void *bytes, size_t length)
{
    (void)listener;
    (void)bytes;
    (void)length;
    return plx__admits(loop, data, socket) ? PLX_ACCEPT_OPEN : PLX_ACCEPT_REFUSED;
}
