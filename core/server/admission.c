/* core/server/admission.c - whether a connection is let in, before there is one. */
#include "core/server/server.h"

static bool user_admits(plx_loop *loop, const plx__server_listener *of, plx_socket socket)
{
    plx_server *server = of->server;
    if (server->options.on_admit == NULL ||
        server->options.on_admit(server, loop, socket, server->options.data) == 0)
        return true;
    plx__server_tally(server, &server->stats.denied);
    return false;
}

int plx__admit(plx_loop *loop, plx__handoff *handoff, uint64_t *wait_ns_out)
{
    plx__limits *limits = handoff->listener->server->limits;
    int status = 0;
    *wait_ns_out = 0;
    if (limits != NULL)
        status = plx__limits_enter(limits, handoff->socket, plx_loop_now(loop), &handoff->client,
                                   wait_ns_out);
    if (status != 0)
        return status;
    handoff->is_admitted = user_admits(loop, handoff->listener, handoff->socket);
    if (handoff->is_admitted)
        return 0;
    plx__handoff_leave(handoff);
    return PLX_EACCES;
}

enum plx_accept_verdict plx__admission_decide(plx_loop *loop, plx_listener listener, void *data,
                                              plx_socket socket, const void *bytes, size_t length)
{
    (void)listener;
    (void)bytes;
    (void)length;
    return user_admits(loop, data, socket) ? PLX_ACCEPT_OPEN : PLX_ACCEPT_REFUSED;
}
