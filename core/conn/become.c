/* core/conn/become.c - other options for a connection that is open.
 *
 * Options are shared, so this exchanges a pointer. The rest is to have the connection be as if it
 * had had them all along: what it may write, whether it reads, when it times out.
 */
#include "core/conn/conn.h"
#include "core/conn/sending.h"
#include "platform/sized.h"

/* Its queue is as it was, and may be high now, or reading may rest for that no more. */
static void watermarks_apply(plx_loop *loop, plx__conn *conn)
{
    const plx_conn_options *options = &conn->shared->options;
    const uint32_t high = conn->flags & (PLX__CONN_WAS_HIGH | PLX__CONN_PAUSED_HIGH);
    if (options->send_max < PLX__SEGMENT_BYTES + loop->ops->deferred_max)
        conn->flags |= PLX__CONN_NO_CORK;
    else
        conn->flags &= ~(uint32_t)PLX__CONN_NO_CORK;
    if ((conn->flags & PLX__CONN_NO_CORK) != 0 && plx__conn_is_corked(loop, conn))
        loop->cork.room = loop->cork.held.length; /* The running callback has written its last. */
    if (high == 0 && plx__send_queue_length(&conn->queue) > options->send_high)
        plx__queue_was_high(loop, conn);
    else if ((options->flags & PLX_CONN_READ_WHILE_HIGH) != 0)
        conn->flags &= ~(uint32_t)PLX__CONN_PAUSED_HIGH;
    else if (high != 0)
        conn->flags |= PLX__CONN_PAUSED_HIGH;
}

void plx__conn_become(plx_loop *loop, plx__conn *conn, plx__shared_options *shared, void *data)
{
    plx__shared_options_release(conn->shared);
    conn->shared = shared;
    conn->data = data;
    if ((conn->flags & PLX__CONN_STAGED) != 0) {
        conn->flags &= ~(uint32_t)PLX__CONN_STAGED;
        conn->received_ns = loop->now_ns;
    }
    if ((conn->flags & PLX__CONN_FINISHING) == 0) {
        if ((shared->options.flags & PLX_CONN_PAUSED) != 0)
            conn->flags |= PLX__CONN_PAUSED_USER;
        watermarks_apply(loop, conn);
        plx__conn_input_update(loop, conn);
        if (plx__conn_is_open(conn))
            plx__conn_input_resume(loop, conn);
    }
    if (plx__conn_is_open(conn) && (conn->flags & PLX__CONN_LEAVING) == 0)
        plx__conn_timeout_arm(loop, conn);
}

int plx_conn_become_sized(plx_loop *loop, plx_conn conn, const plx_conn_options *options,
                          size_t options_bytes)
{
    plx_conn_options own;
    plx__shared_options *shared;
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_STAGED) != 0)
        return PLX_ENOTCONN;
    int status = plx__sized_take(&own, sizeof own, options, options_bytes);
    if (status != 0)
        return status;
    if ((own.flags & PLX__CONN_OPTION_STAGED) != 0 ||
        ((found->flags & PLX__CONN_RELEASING) != 0 && own.on_release == NULL))
        return PLX_EINVAL;
    status = plx__shared_options_find(loop, &shared, &own);
    if (status != 0)
        return status;
    plx__time_look(loop);
    plx__conn_become(loop, found, shared, own.data);
    return 0;
}
