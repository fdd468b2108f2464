/* core/conn/sending.c - from the send queue to the backend: watermarks, the cork, the shutdown.
 *
 * It hands the head of the queue to the backend, takes off what was sent, and keeps the watermarks.
 * What a callback of the connection writes is collected in the loop's cork and goes out in one send
 * when the callback returns. What the system does not take then becomes the head of the send queue,
 * as it is: the cork is a segment of the queue's own kind.
 */
#include "core/conn/sending.h"

#define SLICES_MAX 16u

/* While the system lacks memory for a send: how long until the next try, and how many tries may
 * fail in a row until the connection is given up; a second in all. They are counted, because time
 * passes without a try for a process that is stopped, and for a peer that is slow to read. */
#define RETRY_NS    (20 * PLX_MILLISECOND)
#define RETRIES_MAX 50u

/* What goes into the cork is held against the loop's limit only when it is queued. So the next
 * callback gets none while a full one might exceed the limit. */
static void cork_room_update(plx_loop *loop)
{
    uint64_t queued = loop->stats.queued_bytes;
    bool is_near =
        queued > loop->queued_bytes_max || loop->queued_bytes_max - queued < PLX__SEGMENT_BYTES;
    loop->cork.room_next = is_near ? 0 : PLX__SEGMENT_BYTES;
}

static void queued_add(plx_loop *loop, size_t length)
{
    loop->stats.queued_bytes += length;
    if (loop->stats.queued_bytes > loop->stats.queued_bytes_peak)
        loop->stats.queued_bytes_peak = loop->stats.queued_bytes;
    cork_room_update(loop);
}

static void queued_subtract(plx_loop *loop, size_t length)
{
    loop->stats.queued_bytes -= length;
    cork_room_update(loop);
}

/* --- attempts -------------------------------------------------------------------------------- */

/* Whether a send failed because the connection is over: ended by the peer, or given up for lack of
 * an answer. The system's receive queue then ends, too. */
static bool is_over(int status)
{
    switch (status) {
    case PLX_EPIPE:
    case PLX_ECONNRESET:
    case PLX_ECONNABORTED:
    case PLX_ENOTCONN:
    case PLX_ETIMEDOUT:
    case PLX_EHOSTUNREACH:
    case PLX_ENETUNREACH:
        return true;
    default:
        return false;
    }
}

/* The system lacks memory for its sends, and nobody tells when it does not. */
PLX__SLOW static void send_later(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_SEND_LATER) != 0)
        return;
    conn->flags |= PLX__CONN_SEND_LATER;
    loop->short_of_memory++;
    loop->send_retry.kind = PLX__DEADLINE_SEND_RETRY;
    if (!plx__wheel_has(&loop->send_retry))
        plx__wheel_add(&loop->wheel, &loop->send_retry, plx__deadline(loop, RETRY_NS));
}

static void send_later_end(plx_loop *loop, plx__conn *conn)
{
    conn->flags &= ~(uint32_t)PLX__CONN_SEND_LATER;
    if (--loop->short_of_memory == 0 && plx__wheel_has(&loop->send_retry))
        plx__wheel_remove(&loop->wheel, &loop->send_retry);
}

static void starved_end(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_STARVED) == 0)
        return;
    conn->flags &= ~(uint32_t)PLX__CONN_STARVED;
    loop->starved--;
}

void plx__conn_output_finish(plx_loop *loop, plx__conn *conn)
{
    conn->flags &= ~(uint32_t)PLX__CONN_WAS_HIGH;
    starved_end(loop, conn);
}

void plx__conn_output_drop(plx_loop *loop, plx__conn *conn)
{
    if (plx__send_queue_is_empty(&conn->queue) &&
        (conn->flags & (PLX__CONN_STARVED | PLX__CONN_SEND_LATER)) == 0)
        return; /* Most are: what they have sent is gone. */
    if ((conn->flags & PLX__CONN_SEND_LATER) != 0)
        send_later_end(loop, conn);
    queued_subtract(loop, plx__send_queue_length(&conn->queue));
    plx__send_queue_drop(&conn->queue, &loop->segments, &conn->sent);
    starved_end(loop, conn);
    if (!plx__segment_list_is_empty(&conn->sent) && plx__conn_is_open(conn))
        plx__defer(loop, &conn->object);
}

/* Sending is over for good, and what was to be sent is lost. If the connection is over, what has
 * arrived may still be read: a peer may have answered before it reset the connection. Otherwise the
 * failure is this side's own (no memory, a firewall's rule), and the peer, which notices nothing,
 * would wait for answers that never come. */
PLX__SLOW static void output_die(plx_loop *loop, plx__conn *conn, int status)
{
    if (!is_over(status)) {
        plx__conn_fail(loop, conn, status);
        return;
    }
    conn->reason = (int16_t)(status == PLX_EPIPE ? PLX_ECONNRESET : status);
    conn->flags |= PLX__CONN_OUTPUT_DEAD;
    plx__conn_output_abandon(loop, conn);
    conn->flags &= ~(uint32_t)(PLX__CONN_SENDING | PLX__CONN_PAUSED_HIGH | PLX__CONN_WAS_HIGH);
    plx__conn_output_drop(loop, conn);
    plx__conn_input_resume(loop, conn);
    if (!plx__conn_is_open(conn))
        return;
    if ((conn->flags & (PLX__CONN_PAUSED | PLX__CONN_ENDED)) != 0) /* Nothing more is read. */
        plx__conn_close(loop, conn, conn->reason);
}

/* After an attempt to send, with what came of it. */
static ptrdiff_t queue_tried(plx_loop *loop, plx__conn *conn, ptrdiff_t sent)
{
    if (sent == PLX_ENOBUFS) {
        send_later(loop, conn);
        return 0;
    }
    conn->retries = 0; /* The system took something, or the socket is full. */
    if (sent > 0) {
        loop->stats.sends++;
        loop->stats.sent_bytes += (uint64_t)sent;
        conn->sent_ns = loop->now_ns;
    } else if (sent < 0) {
        output_die(loop, conn, (int)sent);
    }
    return sent;
}

static ptrdiff_t slices_try(plx_loop *loop, plx__conn *conn, const plx__slice *slices, size_t count)
{
    return queue_tried(loop, conn,
                       loop->ops->send(loop->backend, &conn->object.endpoint, slices, count));
}

ptrdiff_t plx__queue_try(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length)
{
    const plx__slice whole = plx__slice_of(bytes, length);
    return slices_try(loop, conn, &whole, 1);
}

ptrdiff_t plx__queue_try_slices(plx_loop *loop, plx__conn *conn, const plx_slice *slices,
                                size_t count)
{
    size_t total = 0;
    while (count > 0) {
        plx__slice some[SLICES_MAX];
        size_t length = 0;
        size_t number = 0;
        for (; count > 0 && number < SLICES_MAX; slices++, count--) {
            if (slices->length == 0)
                continue;
            some[number++] = plx__slice_of(slices->bytes, slices->length);
            length += slices->length;
        }
        if (number == 0) /* Empty ones were left; systems differ about a send of nothing. */
            break;
        ptrdiff_t sent = slices_try(loop, conn, some, number);
        if (sent < 0)
            return sent;
        total += (size_t)sent;
        if ((size_t)sent < length)
            break;
    }
    return (ptrdiff_t)total;
}

/* --- watermarks ------------------------------------------------------------------------------ */

void plx__queue_was_high(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & (PLX__CONN_WAS_HIGH | PLX__CONN_FINISHING)) != 0)
        return;
    conn->flags |= PLX__CONN_WAS_HIGH;
    if ((conn->shared->options.flags & PLX_CONN_READ_WHILE_HIGH) != 0)
        return;
    loop->stats.read_pauses++;
    conn->flags |= PLX__CONN_PAUSED_HIGH;
    plx__conn_input_update(loop, conn);
}

/* The queue was high and is low again. */
static void queue_drained(plx_loop *loop, plx__conn *conn)
{
    plx_drain_fn on_drain = conn->shared->options.on_drain;
    conn->flags &= ~(uint32_t)(PLX__CONN_WAS_HIGH | PLX__CONN_PAUSED_HIGH);
    plx__conn_input_resume(loop, conn);
    if (on_drain == NULL || !plx__conn_is_open(conn))
        return;
    plx__conn_cork(loop, conn);
    on_drain(loop, plx__conn_handle(conn), conn->data);
    plx__conn_uncork(loop, conn);
}

/* Whether the sending side is to be shut, and nothing waits any more. */
static bool is_to_shut(const plx__conn *conn)
{
    const uint32_t not_now =
        PLX__CONN_SHUT_DONE | PLX__CONN_CONNECTING | PLX__CONN_OUTPUT_DEAD | PLX__CONN_CLOSED;
    return (conn->flags & PLX__CONN_SHUT_WANTED) != 0 && (conn->flags & not_now) == 0 &&
           plx__send_queue_is_empty(&conn->queue);
}

void plx__queue_shutdown_update(plx_loop *loop, plx__conn *conn)
{
    if (!is_to_shut(conn))
        return;
    plx__queue_deferred_flush(loop, conn);
    if (!is_to_shut(conn))
        return;
    conn->flags |= PLX__CONN_SHUT_DONE;
    if ((conn->flags & PLX__CONN_RELEASING) != 0) {
        plx__defer(loop, &conn->object); /* The callback that runs may leave bytes unconsumed. */
        return;
    }
    /* With both sides over, closing tells the peer the same, and saves a call. */
    if ((conn->flags & PLX__CONN_ENDED) != 0)
        plx__conn_close(loop, conn, 0);
    else /* It fails on a connection that the peer has reset; the input tells of that. */
        (void)loop->host->shutdown(conn->object.endpoint.socket);
}

/* After bytes have left the queue. One that was refused for the loop's limit hears of it when the
 * loop has room again (plx__conn_output_feed), once. */
static void queue_update(plx_loop *loop, plx__conn *conn)
{
    const uint32_t high = conn->flags & (PLX__CONN_WAS_HIGH | PLX__CONN_STARVED);
    if (high == PLX__CONN_WAS_HIGH &&
        plx__send_queue_length(&conn->queue) <= conn->shared->options.send_low)
        queue_drained(loop, conn);
    plx__queue_shutdown_update(loop, conn); /* One that on_drain has closed is left alone. */
}

/* --- the queue ------------------------------------------------------------------------------- */

/* Bytes at the head of the queue were taken by the system. */
static void queue_consume(plx_loop *loop, plx__conn *conn, size_t length)
{
    queued_subtract(loop, length);
    if (plx__send_queue_consume(&conn->queue, &loop->segments, length, &conn->sent))
        plx__defer(loop, &conn->object);
    conn->object.endpoint.is_queued = !plx__send_queue_is_empty(&conn->queue);
}

/* Hands the head of the queue to the backend, unless it has it already. */
static void queue_start(plx_loop *loop, plx__conn *conn)
{
    const uint32_t not_now =
        PLX__CONN_SENDING | PLX__CONN_CONNECTING | PLX__CONN_SEND_LATER | PLX__CONN_GATHERING;
    plx__slice slices[SLICES_MAX];
    size_t length;
    if ((conn->flags & not_now) != 0)
        return;
    size_t count = plx__send_queue_gather(&conn->queue, slices, SLICES_MAX, &length);
    int status = loop->ops->send_start(loop->backend, &conn->object.endpoint, slices, count);
    if (status == 0)
        conn->flags |= PLX__CONN_SENDING;
    else
        (void)queue_tried(loop, conn, status);
}

/* Sends what the system takes, and leaves the rest to the backend. False: sending has failed. */
static bool queue_push(plx_loop *loop, plx__conn *conn)
{
    plx__slice slices[SLICES_MAX];
    while (!plx__send_queue_is_empty(&conn->queue)) {
        size_t length;
        size_t count = plx__send_queue_gather(&conn->queue, slices, SLICES_MAX, &length);
        ptrdiff_t sent = slices_try(loop, conn, slices, count);
        if (sent < 0)
            return false;
        queue_consume(loop, conn, (size_t)sent);
        if ((size_t)sent < length) {
            queue_start(loop, conn);
            break;
        }
    }
    return plx__conn_is_open(conn);
}

static void queue_pump(plx_loop *loop, plx__conn *conn)
{
    if (queue_push(loop, conn))
        queue_update(loop, conn);
}

void plx__queue_gathered_send(plx_loop *loop, plx__conn *conn)
{
    conn->flags &= ~(uint32_t)PLX__CONN_GATHERING;
    if (!queue_push(loop, conn))
        return;
    if (plx__send_queue_is_empty(&conn->queue) && conn->corks > 0)
        conn->flags |= PLX__CONN_GATHERING;
    plx__queue_shutdown_update(loop, conn);
}

void plx__conn_gather_end(plx_loop *loop, plx__conn *conn)
{
    conn->corks = 0;
    if ((conn->flags & PLX__CONN_GATHERING) == 0)
        return;
    plx__queue_gathered_send(loop, conn);
    /* The loop may have got room for a write that it had refused, while this was gathered. */
    if (plx__conn_is_open(conn))
        queue_update(loop, conn);
}

void plx__queue_grown(plx_loop *loop, plx__conn *conn, size_t length)
{
    bool is_first = plx__send_queue_length(&conn->queue) == length;
    conn->object.endpoint.is_queued = true;
    plx__conn_output_abandon(loop, conn); /* From now on there is something to stand behind. */
    queued_add(loop, length);
    if (is_first) {
        conn->sent_ns = loop->now_ns; /* From now on it waits. */
        plx__conn_timeout_arm(loop, conn);
    }
    queue_start(loop, conn);
    if (!plx__conn_is_open(conn) ||
        plx__send_queue_length(&conn->queue) <= conn->shared->options.send_high)
        return;
    if ((conn->flags & PLX__CONN_GATHERING) != 0)
        plx__queue_gathered_send(loop, conn); /* How much really waits shows when it is tried. */
    if (plx__conn_is_open(conn) &&
        plx__send_queue_length(&conn->queue) > conn->shared->options.send_high)
        plx__queue_was_high(loop, conn);
}

/* What the backend had deferred and could not send becomes the queue. */
void plx__conn_unsent(plx_loop *loop, plx__conn *conn, const plx__completion *completion)
{
    size_t length = completion->length;
    if ((conn->flags & PLX__CONN_OUTPUT_DEAD) != 0)
        return;
    if (completion->status != 0) {
        output_die(loop, conn, completion->status);
        return;
    }
    PLX_ASSERT(plx__send_queue_is_empty(&conn->queue));
    loop->stats.sent_bytes -= length;
    int status = plx__send_queue_copy(&conn->queue, &loop->segments, completion->bytes, length);
    if (status == 0)
        plx__queue_grown(loop, conn, length);
    else
        plx__conn_fail(loop, conn, status); /* Part of it may be on its way. */
}

/* After this nothing of the connection is deferred. It may be closed, or its output dead. */
void plx__queue_deferred_flush(plx_loop *loop, plx__conn *conn)
{
    plx__completion unsent;
    if (loop->ops->send_flush != NULL &&
        loop->ops->send_flush(loop->backend, &conn->object.endpoint, &unsent))
        plx__conn_unsent(loop, conn, &unsent);
}

void plx__conn_sent(plx_loop *loop, plx__conn *conn, const plx__completion *completion)
{
    conn->flags &= ~(uint32_t)PLX__CONN_SENDING;
    if ((conn->flags & PLX__CONN_OUTPUT_DEAD) != 0)
        return;
    if (completion->status != 0) {
        (void)queue_tried(loop, conn, completion->status);
        return;
    }
    if (completion->length > 0) {
        loop->stats.sends++;
        loop->stats.sent_bytes += completion->length;
        conn->sent_ns = loop->now_ns;
        queue_consume(loop, conn, completion->length);
    }
    queue_pump(loop, conn);
}

void plx__conn_output_start(plx_loop *loop, plx__conn *conn)
{
    /* What on_open has written may have been handed over already, with what stood before it. */
    if ((conn->flags & PLX__CONN_SENDING) != 0)
        return;
    if (!plx__send_queue_is_empty(&conn->queue) || (conn->flags & PLX__CONN_SHUT_WANTED) != 0)
        queue_pump(loop, conn);
}

void plx__conn_send_retry(plx_loop *loop, plx__wheel_node *node)
{
    (void)node;
    const plx__slab *conns = &loop->slabs[PLX__KIND_CONN];
    for (uint32_t slot = 0; slot < conns->count && loop->short_of_memory > 0; slot++) {
        plx__conn *conn = (plx__conn *)(void *)plx__slab_at(conns, slot);
        if (!plx__conn_is_open(conn) || (conn->flags & PLX__CONN_SEND_LATER) == 0)
            continue;
        send_later_end(loop, conn);
        if (conn->retries == RETRIES_MAX) {
            plx__conn_fail(loop, conn, PLX_ENOBUFS);
            continue;
        }
        conn->retries++;
        if (plx__send_queue_is_empty(&conn->queue))
            conn->retries = 0; /* There was no memory for what was to wait, either. */
        else
            queue_pump(loop, conn);
    }
}

void plx__conn_output_feed(plx_loop *loop)
{
    const plx__slab *conns = &loop->slabs[PLX__KIND_CONN];
    if (loop->stats.queued_bytes > loop->queued_bytes_max / 4 * 3)
        return;
    for (uint32_t slot = 0; slot < conns->count && loop->starved > 0; slot++) {
        plx__conn *conn = (plx__conn *)(void *)plx__slab_at(conns, slot);
        /* One that gathers is told when that has ended: what it has gathered may be high. */
        if (!plx__conn_is_open(conn) ||
            (conn->flags & (PLX__CONN_STARVED | PLX__CONN_GATHERING)) != PLX__CONN_STARVED)
            continue;
        starved_end(loop, conn);
        if (plx__send_queue_length(&conn->queue) <= conn->shared->options.send_low)
            queue_drained(loop, conn);
    }
}

/* --- the cork -------------------------------------------------------------------------------- */

/* What is left of the cork, as a segment; NULL when there is no memory for one. */
static plx__segment *cork_take(plx_loop *loop, size_t length, size_t sent)
{
    plx__cork *cork = &loop->cork;
    plx__segment *segment = cork->segment;
    const unsigned char *start = cork->held.bytes;
    if (start != segment->storage)
        return plx__segment_lend(&loop->segments, start + sent, length - sent, NULL, NULL);
    plx__segment *fresh = plx__segment_take(&loop->segments);
    if (fresh == NULL)
        return NULL;
    cork->segment = fresh;
    segment->bytes = segment->storage + sent;
    segment->length = length - sent;
    segment->room = PLX__SEGMENT_BYTES - length;
    return segment;
}

/* The rest becomes the queue. */
void plx__conn_cork_left(plx_loop *loop, plx__conn *conn, ptrdiff_t sent)
{
    size_t length = loop->cork.held.length;
    loop->cork.held.length = 0;
    sent = queue_tried(loop, conn, sent);
    if (sent < 0)
        return;
    plx__queue_deferred_flush(loop, conn); /* What was sent before goes first. */
    if ((conn->flags & (PLX__CONN_CLOSED | PLX__CONN_OUTPUT_DEAD)) != 0)
        return;
    plx__segment *segment = cork_take(loop, length, (size_t)sent);
    if (segment == NULL) {
        plx__conn_fail(loop, conn, PLX_ENOMEM); /* Part of it may be on its way. */
        return;
    }
    plx__send_queue_append(&conn->queue, segment);
    plx__queue_grown(loop, conn, segment->length);
}

void plx__conn_cork(plx_loop *loop, const plx__conn *conn)
{
    PLX_ASSERT(loop->cork.room == 0);
    PLX_ASSERT(loop->cork.held.length == 0);
    if ((conn->flags & PLX__CONN_UNCORKED) != 0 || !plx__send_queue_is_empty(&conn->queue))
        return;
    loop->cork.token = conn->object.endpoint.token;
    loop->cork.room = loop->cork.room_next;
}

void plx__conn_uncork(plx_loop *loop, plx__conn *conn)
{
    if (loop->cork.room == 0)
        return;
    if (loop->cork.held.length > 0)
        conn->sent_ns = loop->now_ns;
    plx__conn_cork_flush(loop, conn);
    loop->cork.room = 0;
}
