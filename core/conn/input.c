/* core/conn/input.c - what arrives, on its way to on_data and on_end.
 *
 * Bytes stand where the backend put them and are shown there. Only what on_data leaves is copied.
 * Data may still come while reading is paused (on backends that complete, rather than poll); it is
 * unconsumed like the rest. The end of the stream waits behind unconsumed bytes.
 */
#include "core/conn/conn.h"

#include <inttypes.h>
#include <stdio.h>

PLX__SLOW static void consumed_too_much(size_t consumed, size_t length)
{
    char text[100];
    (void)snprintf(text, sizeof text, "on_data returned %" PRIu64 ", but was shown %" PRIu64,
                   (uint64_t)consumed, (uint64_t)length);
    plx__misused(text);
}

/* Calls on_data, and returns what it consumed. */
static size_t conn_show(plx_loop *loop, plx__conn *conn, const unsigned char *bytes, size_t length)
{
    const uint32_t before = PLX__CONN_SHOW_REST | PLX__CONN_SHOW_ALL; /* It is shown now. */
    conn->flags = (conn->flags & ~before) | PLX__CONN_SHOWING;
    plx__conn_cork(loop, conn);
    size_t consumed =
        conn->shared->options.on_data(loop, plx__conn_handle(conn), conn->data, bytes, length);
    if (consumed > length)
        consumed_too_much(consumed, length);
    plx__conn_uncork(loop, conn);
    conn->flags &= ~(uint32_t)PLX__CONN_SHOWING;
    return consumed;
}

/* on_data has returned, and what it left is unconsumed. If the connection was resumed meanwhile,
 * that is shown again in the next deferred step; not if it was never paused and nothing was
 * consumed, for on_data has just seen the same. It stays open: reading stops here, and does not
 * start. */
static void rest_resume(plx_loop *loop, plx__conn *conn, size_t consumed)
{
    const uint32_t rest = conn->flags & (PLX__CONN_SHOW_REST | PLX__CONN_SHOW_ALL);
    conn->flags &= ~(uint32_t)(PLX__CONN_SHOW_REST | PLX__CONN_SHOW_ALL);
    if (rest == 0 || conn->unconsumed == NULL || (conn->flags & PLX__CONN_PAUSED) != 0 ||
        (consumed == 0 && (rest & PLX__CONN_SHOW_ALL) == 0))
        return;
    conn->flags |= PLX__CONN_SHOW_UNCONSUMED;
    plx__defer(loop, &conn->object);
    plx__conn_input_update(loop, conn);
}

/* What its output died of comes before what follows from that. */
static int first_reason(const plx__conn *conn, int reason)
{
    return (conn->flags & PLX__CONN_OUTPUT_DEAD) != 0 ? conn->reason : reason;
}

/* While reading rests nothing more arrives, so more than the limit may be unconsumed: what came
 * with the last receive. Else the peer sends what the user will never consume. */
static void unconsumed_check(plx_loop *loop, plx__conn *conn)
{
    if (conn->unconsumed != NULL &&
        conn->unconsumed->length > conn->shared->options.receive_limit &&
        (conn->flags & (PLX__CONN_PAUSED | PLX__CONN_SHOW_UNCONSUMED)) == 0)
        plx__conn_close(loop, conn, first_reason(conn, PLX_EMSGSIZE));
}

static void conn_keep(plx_loop *loop, plx__conn *conn, const unsigned char *bytes, size_t length)
{
    int status = plx__unconsumed_append(&conn->unconsumed, &loop->unconsumed_spare, bytes, length);
    if (status == 0)
        conn->flags |= PLX__CONN_UNCONSUMED;
    else
        plx__conn_fail(loop, conn, status); /* What came will not be answered. */
}

static void conn_unconsumed_consume(plx_loop *loop, plx__conn *conn, size_t length)
{
    plx__unconsumed_consume(&conn->unconsumed, &loop->unconsumed_spare, length);
    if (conn->unconsumed == NULL)
        conn->flags &= ~(uint32_t)PLX__CONN_UNCONSUMED;
}

static void conn_show_unconsumed(plx_loop *loop, plx__conn *conn)
{
    plx__unconsumed *unconsumed = conn->unconsumed;
    if ((conn->flags & PLX__CONN_PACED) != 0)
        plx__conn_pace_shown(loop, conn);
    size_t consumed =
        conn_show(loop, conn, unconsumed->bytes + unconsumed->start, unconsumed->length);
    if ((conn->flags & (PLX__CONN_CLOSED | PLX__CONN_FINISHING)) != 0) {
        plx__conn_input_drop(loop, conn);
        return;
    }
    conn_unconsumed_consume(loop, conn, consumed);
    rest_resume(loop, conn, consumed);
    unconsumed_check(loop, conn);
}

static void conn_end(plx_loop *loop, plx__conn *conn)
{
    plx_end_fn on_end = conn->shared->options.on_end;
    conn->flags |= PLX__CONN_ENDED;
    if ((conn->flags & PLX__CONN_OUTPUT_DEAD) != 0) {
        plx__conn_close(loop, conn, conn->reason);
        return;
    }
    if ((conn->flags & PLX__CONN_SHUT_DONE) != 0) {
        plx__conn_close(loop, conn, 0);
        return;
    }
    if (on_end == NULL || (conn->flags & PLX__CONN_FINISHING) != 0) {
        plx__conn_output_shutdown(loop, conn);
        return;
    }
    plx__conn_cork(loop, conn);
    on_end(loop, plx__conn_handle(conn), conn->data);
    plx__conn_uncork(loop, conn);
}

void plx__conn_stream_ended(plx_loop *loop, plx__conn *conn, int status)
{
    conn->flags &= ~(uint32_t)PLX__CONN_RECEIVING;
    if (status != PLX_EEOF) {
        plx__conn_close(loop, conn, first_reason(conn, status));
    } else if ((conn->flags & (PLX__CONN_PAUSED | PLX__CONN_SHOW_UNCONSUMED)) != 0) {
        conn->flags |= PLX__CONN_END_WAITS;
    } else {
        conn_end(loop, conn);
    }
}

void plx__conn_keep_rest(plx_loop *loop, plx__conn *conn, const plx__completion *completion,
                         size_t consumed)
{
    if (consumed > completion->length)
        consumed_too_much(consumed, completion->length);
    if ((conn->flags & (PLX__CONN_CLOSED | PLX__CONN_FINISHING)) != 0 ||
        consumed == completion->length)
        return;
    conn_keep(loop, conn, completion->bytes + consumed, completion->length - consumed);
    if (!plx__conn_is_open(conn))
        return;
    rest_resume(loop, conn, consumed);
    unconsumed_check(loop, conn);
}

/* Timeouts count from now, but that of one that awaits its first message. */
static void received_now(const plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_STAGED) == 0)
        conn->received_ns = loop->now_ns;
}

void plx__conn_received_slowly(plx_loop *loop, plx__conn *conn, const plx__completion *completion)
{
    const uint32_t resting = PLX__CONN_PAUSED | PLX__CONN_SHOW_UNCONSUMED | PLX__CONN_FINISHING;
    bool is_resting = (conn->flags & resting) != 0;
    PLX_ASSERT(plx__conn_is_open(conn));
    PLX_ASSERT(((conn->flags & PLX__CONN_UNCONSUMED) != 0) == (conn->unconsumed != NULL));
    loop->stats.receives++;
    loop->stats.received_bytes += completion->length;
    if ((conn->flags & PLX__CONN_PACED) != 0)
        plx__conn_pace_received(loop, conn, completion->length);
    if (conn->unconsumed == NULL && !is_resting) {
        received_now(loop, conn);
        size_t consumed = conn_show(loop, conn, completion->bytes, completion->length);
        plx__conn_keep_rest(loop, conn, completion, consumed);
        return;
    }
    if ((conn->flags & PLX__CONN_FINISHING) != 0)
        return;
    received_now(loop, conn);
    conn_keep(loop, conn, completion->bytes, completion->length);
    if (plx__conn_is_open(conn) && !is_resting)
        conn_show_unconsumed(loop, conn);
}

void plx__conn_input_show_unconsumed(plx_loop *loop, plx__conn *conn)
{
    conn->flags &= ~(uint32_t)PLX__CONN_SHOW_UNCONSUMED;
    if ((conn->flags & PLX__CONN_PAUSED) != 0)
        return;
    if (conn->unconsumed != NULL)
        conn_show_unconsumed(loop, conn);
    if (!plx__conn_is_open(conn))
        return;
    if ((conn->flags & PLX__CONN_END_WAITS) == 0) {
        plx__conn_input_update(loop, conn);
    } else if ((conn->flags & (PLX__CONN_PAUSED | PLX__CONN_SHOW_UNCONSUMED)) == 0) {
        conn->flags &= ~(uint32_t)PLX__CONN_END_WAITS;
        conn_end(loop, conn);
    }
}

void plx__conn_input_drop(plx_loop *loop, plx__conn *conn)
{
    if (conn->unconsumed != NULL)
        conn_unconsumed_consume(loop, conn, conn->unconsumed->length);
}

size_t plx_conn_unconsumed(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL || found->unconsumed == NULL || (found->flags & PLX__CONN_SHOWING) != 0)
        return 0;
    return found->unconsumed->length;
}

void plx__conn_input_finish(plx_loop *loop, plx__conn *conn)
{
    const uint32_t resting = PLX__CONN_PAUSED_USER | PLX__CONN_PAUSED_HIGH |
                             PLX__CONN_SHOW_UNCONSUMED | PLX__CONN_END_WAITS;
    bool has_ended = (conn->flags & PLX__CONN_END_WAITS) != 0;
    conn->flags &= ~resting;
    if ((conn->flags & PLX__CONN_SHOWING) == 0) /* Else on_data is looking at them. */
        plx__conn_input_drop(loop, conn);
    if (has_ended)
        conn_end(loop, conn);
    else
        plx__conn_input_update(loop, conn);
}
