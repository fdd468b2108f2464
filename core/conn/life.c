/* core/conn/life.c - a connection's slot, from the socket that takes it to the close that ends it.
 *
 * Closing is done in two steps: plx__conn_close() takes the socket from the backend and closes it,
 * so that nothing happens any more; the next deferred step (conn.c) returns what was lent, calls
 * on_close and frees the slot. Between the two a backend that still has operations in flight is
 * waited for.
 */
#include "core/conn/conn.h"

void plx__conn_no_delay_set(const plx_loop *loop, plx_socket socket,
                            const plx__shared_options *shared)
{
    /* It fails on sockets that are not TCP, which have no delay to turn off. */
    if ((shared->options.flags & PLX_CONN_DELAY) == 0)
        (void)loop->host->set(socket, PLX__SOCKET_NO_DELAY, 1);
}

/* One by one: a slot is taken for each connection, and clearing all of it costs three times this.
 */
static void conn_init(const plx_loop *loop, plx__conn *conn, plx__shared_options *shared,
                      void *data)
{
    conn->object.endpoint.is_queued = conn->object.endpoint.has_more = false;
    conn->flags = 0;
    conn->reason = 0;
    conn->retries = 0;
    conn->corks = 0;
    conn->shared = shared;
    conn->data = data;
    conn->unconsumed = NULL;
    conn->queue = (plx__send_queue){0};
    conn->sent = (plx__segment_list){0};
    conn->received_ns = loop->now_ns;
    conn->sent_ns = 0;
    conn->timeout.links = (plx__wheel_links){0};
    if ((shared->options.flags & PLX_CONN_PAUSED) != 0)
        conn->flags |= PLX__CONN_PAUSED_USER;
    if ((shared->options.flags & PLX__CONN_OPTION_STAGED) != 0)
        conn->flags |= PLX__CONN_STAGED;
    if (shared->options.send_max < PLX__SEGMENT_BYTES + loop->ops->deferred_max)
        conn->flags |= PLX__CONN_NO_CORK;
}

PLX__SLOW static int take_failed(plx_loop *loop, plx__conn *conn, int status)
{
    (void)plx__socket_map_remove(&loop->sockets, &conn->object);
    plx__conn_slot_give(loop, conn);
    return status;
}

/* Other threads may ask. */
static void connections_tell(plx_loop *loop)
{
    plx__atomic_store_relaxed(&loop->connections, loop->slabs[PLX__KIND_CONN].taken);
}

int plx__conn_take(plx_loop *loop, plx__conn **conn_out, plx_socket socket, enum plx__origin origin,
                   plx__shared_options *shared, void *data)
{
    plx__object *object;
    plx__slab *slab = &loop->slabs[PLX__KIND_CONN];
    int status = plx__slab_take(slab, &object);
    if (status != 0)
        return status;
    plx__conn *conn = (plx__conn *)(void *)object;
    connections_tell(loop);
    object->endpoint.socket = socket;
    shared->references++;
    conn_init(loop, conn, shared, data);
    *conn_out = conn;
    status = plx__socket_claim(loop, object);
    if (status == 0)
        status = loop->ops->attach(loop->backend, &object->endpoint, origin);
    if (status != 0)
        return take_failed(loop, conn, status);
    if (slab->taken >= slab->max)
        plx__classes_tell(loop, PLX__SLOTS_GONE);
    return 0;
}

bool plx__conn_output_abandon(plx_loop *loop, const plx__conn *conn)
{
    if (!plx__conn_is_corked(loop, conn))
        return false;
    bool had_any = loop->cork.held.length > 0;
    loop->cork.room = 0;
    loop->cork.held.length = 0;
    return had_any;
}

/* Whether a connection that closes now has taken bytes that nobody will send. */
static bool output_is_cut(plx_loop *loop, plx__conn *conn)
{
    plx__completion unsent;
    if (!plx__send_queue_is_empty(&conn->queue))
        return true;
    return loop->ops->send_flush != NULL &&
           loop->ops->send_flush(loop->backend, &conn->object.endpoint, &unsent);
}

/* Where it fails the peer is told of an end instead: a socket that never connected, say, or one of
 * the Unix domain, which knows no reset. */
static void reset_on_close(const plx_loop *loop, const plx__conn *conn)
{
    (void)loop->host->set(conn->object.endpoint.socket, PLX__SOCKET_RESET_ON_CLOSE, 1);
}

/* The backend has nothing of it any more. */
static inline void socket_end(plx_loop *loop, plx__conn *conn)
{
    bool is_ours = plx__socket_map_remove(&loop->sockets, &conn->object);
    if ((conn->flags & PLX__CONN_LOST) != 0 || !is_ours)
        loop->host->disown(conn->object.endpoint.socket);
    else
        loop->host->close(conn->object.endpoint.socket);
    conn->object.endpoint.socket = PLX_SOCKET_NONE;
    plx__defer(loop, &conn->object);
}

void plx__conn_detached(plx_loop *loop, plx__conn *conn)
{
    PLX_ASSERT(conn->object.state == PLX__CLOSING);
    conn->flags &= ~(uint32_t)PLX__CONN_DETACHING;
    socket_end(loop, conn);
}

/* It closes for a reason, perhaps with bytes in the cork. */
PLX__SLOW static void close_reason(plx_loop *loop, plx__conn *conn, bool was_corked)
{
    if (plx__conn_is_lost(conn->reason)) {
        conn->flags |= PLX__CONN_LOST;
        loop->stats.sockets_lost++;
    } else if (was_corked || output_is_cut(loop, conn)) {
        reset_on_close(loop, conn);
    }
}

void plx__conn_close(plx_loop *loop, plx__conn *conn, int reason)
{
    PLX_ASSERT(plx__conn_is_open(conn));
    conn->object.state = PLX__CLOSING;
    conn->flags |= PLX__CONN_CLOSED;
    conn->reason = (int16_t)reason;
    plx__conn_timeout_disarm(loop, conn);
    bool was_corked = plx__conn_output_abandon(loop, conn);
    if (reason != 0)
        close_reason(loop, conn, was_corked);
    if (loop->ops->detach(loop->backend, &conn->object.endpoint))
        socket_end(loop, conn);
    else
        conn->flags |= PLX__CONN_DETACHING;
}

void plx__conn_fail(plx_loop *loop, plx__conn *conn, int reason)
{
    if (!plx__conn_is_lost(reason))
        reset_on_close(loop, conn);
    plx__conn_close(loop, conn, reason);
}

void plx__conn_slot_give(plx_loop *loop, plx__conn *conn)
{
    plx__shared_options_release(conn->shared);
    plx__slab_give(&loop->slabs[PLX__KIND_CONN], &conn->object);
    connections_tell(loop);
    if (loop->is_accepting_stopped)
        plx__classes_tell(loop, PLX__SLOTS_LEFT);
}
