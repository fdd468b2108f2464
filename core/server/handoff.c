/* core/server/handoff.c - a socket that has been accepted and is not yet anybody's. */
#include "core/server/server.h"

#include <string.h>

int plx__handoff_fill(plx__handoff *handoff, const void *bytes, size_t length)
{
    if (length == 0)
        return 0;
    handoff->bytes = plx__allocate(length);
    if (handoff->bytes == NULL)
        return PLX_ENOMEM;
    memcpy(handoff->bytes, bytes, length);
    handoff->length = length;
    return 0;
}

/* Its time is that of the last one that connected, which is late enough. */
void plx__handoff_leave(plx__handoff *handoff)
{
    if (handoff->client != NULL)
        plx__limits_leave(handoff->client, 0);
    handoff->client = NULL;
}

void plx__handoff_drop(plx__handoff *handoff)
{
    plx_socket_reset(handoff->socket);
    plx__free(handoff->bytes);
    handoff->bytes = NULL;
    plx__handoff_leave(handoff);
}

void plx__handoff_refuse(plx_server *server, plx__handoff *handoff)
{
    plx__handoff_drop(handoff);
    plx__server_tally(server, &server->stats.refused);
}

void plx__listeners_pause(plx_server *server, plx_loop *loop, bool is_paused)
{
    if (!is_paused && (server->is_holding || plx__server_worker(server, loop)->holding.is_holding))
        return;
    const bool is_everywhere = plx__dispatch_is_everywhere(server->options.dispatch);
    const uint32_t handle = is_everywhere ? plx__server_worker(server, loop)->index : 0;
    for (uint32_t i = 0; i < server->listeners_count; i++) {
        plx_listener listener = server->listeners[i]->handles[handle];
        /* Stale after a drain has begun, or when its descriptor was lost: nothing to pause. */
        (void)(is_paused ? plx_listener_pause(loop, listener)
                         : plx_listener_resume(loop, listener));
    }
}
