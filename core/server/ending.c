/* core/server/ending.c - whether a server is to end, and why. */
#include "core/server/server.h"

void plx_server_stop(plx_server *server)
{
    plx__atomic_store(&server->is_stopping, 1);
    for (uint32_t i = 0; i < server->loops_count; i++)
        plx_loop_stop(server->workers[i].loop);
}

void plx__server_fail(plx_server *server, int status)
{
    plx__mutex_lock(&server->mutex);
    if (server->status == 0)
        server->status = status;
    plx__mutex_unlock(&server->mutex);
    plx_server_stop(server);
}

int plx_server_is_ending(plx_server *server)
{
    plx__mutex_lock(&server->mutex);
    bool is_ending = server->is_draining || plx__server_is_stopping(server);
    plx__mutex_unlock(&server->mutex);
    return is_ending;
}
