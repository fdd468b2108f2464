/* core/conn/reading.c - whether a connection reads: pauses, and how reading goes on after them.
 *
 * Reading rests while the user has paused it, while the send queue is high, and while unconsumed
 * input is to be shown first. What is shown, and when, is input.c's.
 */
#include "core/conn/conn.h"

void plx__conn_input_update(plx_loop *loop, plx__conn *conn)
{
    const uint32_t resting = PLX__CONN_CONNECTING | PLX__CONN_PAUSED | PLX__CONN_SHOW_UNCONSUMED |
                             PLX__CONN_END_WAITS | PLX__CONN_ENDED;
    bool is_wanted = (conn->flags & resting) == 0;
    bool is_receiving = (conn->flags & PLX__CONN_RECEIVING) != 0;
    if (is_wanted == is_receiving)
        return;
    if ((conn->flags & PLX__CONN_PACED) != 0)
        plx__conn_pace_reading(loop, conn, is_wanted);
    if (!is_wanted) {
        loop->ops->stop(loop->backend, &conn->object.endpoint);
        conn->flags &= ~(uint32_t)PLX__CONN_RECEIVING;
        return;
    }
    int status = loop->ops->receive_start(loop->backend, &conn->object.endpoint);
    if (status != 0) {
        plx__conn_close(loop, conn, status);
        return;
    }
    conn->flags |= PLX__CONN_RECEIVING;
    if ((conn->flags & PLX__CONN_FINISHING) == 0)
        conn->received_ns = loop->now_ns;
    plx__conn_timeout_arm_reading(loop, conn);
}

/* Whether on_data of this connection runs. On the path of most events only the cork knows, and
 * nothing waits to be shown. The token outlives the callback, so the answer may be yes, too, for a
 * connection whose callback has returned and that has nothing to show: then SHOW_REST has no effect
 * (plx__conn_input_rest). */
static bool is_showing(const plx_loop *loop, const plx__conn *conn)
{
    const uint32_t waiting = PLX__CONN_UNCONSUMED | PLX__CONN_END_WAITS;
    return (conn->flags & PLX__CONN_SHOWING) != 0 ||
           (loop->is_in_turn && loop->cork.token == conn->object.endpoint.token &&
            (conn->flags & waiting) == 0);
}

/* `rest` is what to do about bytes that a running on_data leaves. */
static void input_resume(plx_loop *loop, plx__conn *conn, uint32_t rest)
{
    if ((conn->flags & PLX__CONN_PAUSED) != 0)
        return;
    if (is_showing(loop, conn)) {
        conn->flags |= rest;
        plx__defer(loop, &conn->object);
    } else if (conn->unconsumed != NULL || (conn->flags & PLX__CONN_END_WAITS) != 0) {
        conn->flags |= PLX__CONN_SHOW_UNCONSUMED;
        plx__defer(loop, &conn->object);
    }
    plx__conn_input_update(loop, conn);
}

void plx__conn_input_resume(plx_loop *loop, plx__conn *conn)
{
    input_resume(loop, conn, PLX__CONN_SHOW_REST | PLX__CONN_SHOW_ALL);
}

void plx__conn_input_rest(plx__conn *conn)
{
    conn->flags &= ~(uint32_t)(PLX__CONN_SHOW_REST | PLX__CONN_SHOW_ALL);
}

int plx_conn_pause(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if ((found->flags & PLX__CONN_FINISHING) != 0)
        return 0; /* It waits for the peer's end, and shows nothing meanwhile. */
    found->flags |= PLX__CONN_PAUSED_USER;
    plx__conn_input_update(loop, found);
    return 0;
}

int plx_conn_resume(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__time_look(loop); /* Reading begins now. */
    uint32_t rest = PLX__CONN_SHOW_REST;
    if ((found->flags & PLX__CONN_PAUSED_USER) != 0)
        rest |= PLX__CONN_SHOW_ALL;
    found->flags &= ~(uint32_t)PLX__CONN_PAUSED_USER;
    input_resume(loop, found, rest);
    return 0;
}
