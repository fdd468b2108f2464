/* core/server/handler.c - a call of on_socket, for code that waits. */
#include "core/server/server.h"

/* As code that waits needs it. */
static int socket_prepare(const plx__handoff *handoff)
{
    const plx_conn_options *options = &handoff->listener->conn;
    int status = plx_socket_set_blocking(handoff->socket, 1);
    return status == 0 ? plx__socket_wait_limit(handoff->socket, options->read_timeout_ns,
                                                options->write_timeout_ns)
                       : status;
}

int plx__handler_call(plx_server *server, const plx__handoff *handoff)
{
    int status = socket_prepare(handoff);
    return status == 0 ? server->options.on_socket(server, handoff->socket, handoff->bytes,
                                                   handoff->length, server->options.data)
                       : status;
}
