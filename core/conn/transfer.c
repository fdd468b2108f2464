/* core/conn/transfer.c - connections that come from elsewhere, and that go elsewhere.
 *
 * Adopting is connecting without the wait. Releasing is shutting without telling the peer: what is
 * queued is sent, the backend lets go, and what has arrived meanwhile stays unconsumed. Then the
 * socket goes to the user in the step that on_close would have come in. What is special about a
 * system's sockets is the backend's to know.
 */
#include "core/conn/conn.h"
#include "core/watch.h"
#include "platform/sized.h"

/* Owns the socket from here on, if it returns 0. */
static int adopt(plx_loop *loop, plx__conn **conn_out, plx_socket socket,
                 plx__shared_options *shared, void *data, plx__unconsumed **unconsumed)
{
    const bool is_accepted = (shared->options.flags & PLX_CONN_ACCEPTED) != 0;
    if (plx__watch_is_over(loop, socket))
        return PLX_EEXIST;
    int status = is_accepted ? 0 : loop->host->adopt(socket);
    if (status != 0)
        return status;
    if (is_accepted)
        loop->host->reown(socket);
    status = plx__conn_take(loop, conn_out, socket, is_accepted ? PLX__MADE : PLX__ADOPTED, shared,
                            data);
    if (status != 0) {
        loop->host->disown(socket);
        return status;
    }
    plx__conn *conn = *conn_out;
    if (!is_accepted) /* It has that from its listener. */
        plx__conn_no_delay_set(loop, socket, shared);
    conn->flags |= PLX__CONN_CONNECTING | PLX__CONN_ADOPTED;
    if (*unconsumed != NULL) {
        conn->unconsumed = *unconsumed;
        conn->flags |= PLX__CONN_UNCONSUMED | PLX__CONN_SHOW_UNCONSUMED;
    }
    plx__defer(loop, &conn->object);
    return 0;
}

int plx_conn_adopt_sized(plx_loop *loop, plx_conn *conn_out, plx_socket socket,
                         const plx_conn_options *options, size_t options_bytes, const void *bytes,
                         size_t length)
{
    plx_conn_options own;
    plx__shared_options *shared;
    plx__conn *conn;
    plx__unconsumed *unconsumed = NULL;
    if (length > 0 && bytes == NULL)
        return PLX_EINVAL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    plx__time_look(loop);
    int status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status == 0)
        status = plx__shared_options_find(loop, &shared, &own);
    if (status != 0)
        return status;
    if (length > 0)
        status = plx__unconsumed_append(&unconsumed, &loop->unconsumed_spare, bytes, length);
    if (status == 0)
        status = adopt(loop, &conn, socket, shared, own.data, &unconsumed);
    plx__shared_options_release(shared);
    if (status != 0) {
        if (unconsumed != NULL)
            plx__unconsumed_consume(&unconsumed, &loop->unconsumed_spare, length);
        return status;
    }
    loop->stats.connections_adopted++;
    if (conn_out != NULL)
        *conn_out = plx__conn_handle(conn);
    return 0;
}

int plx_conn_release(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->shared->options.on_release == NULL)
        return PLX_EINVAL;
    if ((found->flags & PLX__CONN_CONNECTING) != 0)
        return PLX_ENOTCONN;
    if ((found->flags & (PLX__CONN_SHUT_WANTED | PLX__CONN_OUTPUT_DEAD)) != 0)
        return PLX_EPIPE;
    found->flags |= PLX__CONN_RELEASING;
    plx__conn_input_update(loop, found);
    plx__conn_output_shutdown(loop, found);
    return 0;
}

void plx__conn_leave(plx_loop *loop, plx__conn *conn)
{
    const uint32_t state = conn->flags & (PLX__CONN_SHUT_DONE | PLX__CONN_LEAVING);
    if (state != PLX__CONN_SHUT_DONE)
        return;
    conn->flags |= PLX__CONN_LEAVING;
    plx__conn_timeout_disarm(loop, conn);
    if (loop->ops->release(loop->backend, &conn->object.endpoint))
        plx__conn_released(loop, &conn->object);
}

void plx__conn_released(plx_loop *loop, plx__object *object)
{
    plx__conn *conn = (plx__conn *)(void *)object;
    PLX_ASSERT(plx__conn_is_open(conn));
    bool is_free = loop->ops->detach(loop->backend, &conn->object.endpoint);
    PLX_ASSERT(is_free);
    (void)is_free;
    bool is_ours = plx__socket_map_remove(&loop->sockets, &conn->object);
    conn->object.state = PLX__CLOSING;
    conn->flags |= PLX__CONN_CLOSED | (is_ours ? PLX__CONN_RELEASED : PLX__CONN_LOST);
    if (!is_ours) { /* There is nothing to hand out: on_close tells. */
        conn->reason = PLX_EBADF;
        loop->stats.sockets_lost++;
        loop->host->disown(conn->object.endpoint.socket);
        conn->object.endpoint.socket = PLX_SOCKET_NONE;
    }
    plx__conn_output_abandon(loop, conn);
    plx__defer(loop, &conn->object);
}

void plx__conn_hand_out(plx_loop *loop, plx__conn *conn)
{
    plx_socket socket = conn->object.endpoint.socket;
    const plx__unconsumed *unconsumed = conn->unconsumed;
    loop->host->disown(socket);
    conn->object.endpoint.socket = PLX_SOCKET_NONE;
    conn->shared->options.on_release(loop, plx__conn_handle(conn), conn->data, socket,
                                     unconsumed != NULL ? unconsumed->bytes + unconsumed->start
                                                        : NULL,
                                     unconsumed != NULL ? unconsumed->length : 0);
    plx__conn_input_drop(loop, conn);
}
