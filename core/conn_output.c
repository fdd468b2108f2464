/* core/conn_output.c - what is written, on its way to the system.
 *
 * What a callback of the connection writes is collected in the loop's cork and goes out in one send
 * when the callback returns. What the system does not take then becomes the head of the send queue,
 * as it stands: the cork is a segment of the queue's own kind. Other writes are tried at once if
 * nothing waits, and queued behind what does.
 */
#include "core/conn.h"

#include <string.h>

#define SLICES_MAX 16u

/* What goes into the cork is held against the loop's limit only when it is queued. So the next
 * callback gets none while a full one might exceed the limit. */
static void cork_room_settle(plx_loop *loop)
{
    uint64_t queued = loop->stats.queued_bytes;
    bool is_near =
        queued > loop->queued_bytes_max || loop->queued_bytes_max - queued < PLX__SEGMENT_BYTES;
    loop->cork.room_next = is_near ? 0 : PLX__SEGMENT_BYTES;
}

static void queued_add(plx_loop *loop, plx__conn *conn, size_t length)
{
    conn->queued += length;
    loop->stats.queued_bytes += length;
    if (loop->stats.queued_bytes > loop->stats.queued_bytes_peak)
        loop->stats.queued_bytes_peak = loop->stats.queued_bytes;
    cork_room_settle(loop);
}

static void queued_subtract(plx_loop *loop, plx__conn *conn, size_t length)
{
    PLX_ASSERT(conn->queued >= length);
    conn->queued -= length;
    loop->stats.queued_bytes -= length;
    cork_room_settle(loop);
}

static bool queue_is_empty(const plx__conn *conn)
{
    return conn->queue.first == NULL;
}

/* --- sending --------------------------------------------------------------------------------- */

/* Sending is over for good. What has arrived may still be read: a peer may have answered before it
 * reset the connection. */
PLX__SLOW static void output_die(plx_loop *loop, plx__conn *conn, int status)
{
    conn->reason = status == PLX_EPIPE ? PLX_ECONNRESET : status;
    conn->flags |= PLX__CONN_OUTPUT_DEAD;
    plx__conn_output_abandon(loop, conn);
    conn->flags &= ~(uint32_t)(PLX__CONN_SENDING | PLX__CONN_PAUSED_HIGH | PLX__CONN_WAS_HIGH);
    plx__conn_output_drop(loop, conn);
    plx__conn_input_resume(loop, conn);
    if (plx__conn_is_open(conn) && (conn->flags & (PLX__CONN_RECEIVING | PLX__CONN_SHOW_KEPT)) == 0)
        plx__conn_close(loop, conn, conn->reason);
}

/* After an attempt to send, with what came of it. */
static ptrdiff_t output_tried(plx_loop *loop, plx__conn *conn, ptrdiff_t sent)
{
    if (sent > 0) {
        loop->stats.sends++;
        loop->stats.sent_bytes += (uint64_t)sent;
        conn->sent_ns = loop->now_ns;
    } else if (sent < 0) {
        output_die(loop, conn, (int)sent);
    }
    return sent;
}

static ptrdiff_t output_try(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length)
{
    const plx__backend_ops *ops = loop->ops;
    return output_tried(loop, conn,
                        ops->send_now(loop->backend, &conn->object.endpoint, bytes, length));
}

/* The head of the queue as slices, for one send. */
static size_t queue_gather(const plx__conn *conn, plx__slice *slices, size_t *length_out)
{
    size_t count = 0;
    *length_out = 0;
    for (const plx__segment *segment = conn->queue.first; segment != NULL && count < SLICES_MAX;
         segment = segment->next) {
        slices[count] = plx__slice_of(segment->bytes, segment->length);
        *length_out += segment->length;
        count++;
    }
    return count;
}

/* Bytes at the head of the queue were taken by the system. */
static void queue_consume(plx_loop *loop, plx__conn *conn, size_t length)
{
    queued_subtract(loop, conn, length);
    while (length > 0) {
        plx__segment *segment = conn->queue.first;
        size_t taken = length < segment->length ? length : segment->length;
        segment->bytes += taken;
        segment->length -= taken;
        length -= taken;
        if (segment->length > 0)
            return;
        (void)plx__segment_list_take(&conn->queue);
        if (!segment->is_lent) {
            plx__segment_give(&loop->segments, segment);
            continue;
        }
        plx__segment_list_append(&conn->sent, segment);
        plx__defer(loop, &conn->object);
    }
}

static void credit_settle(plx_loop *loop, plx__conn *conn);

/* --- watermarks ------------------------------------------------------------------------------ */

static void queue_was_high(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_WAS_HIGH) != 0)
        return;
    conn->flags |= PLX__CONN_WAS_HIGH;
    if ((conn->profile->options.flags & PLX_CONN_READ_WHILE_HIGH) != 0)
        return;
    loop->stats.read_pauses++;
    conn->flags |= PLX__CONN_PAUSED_HIGH;
    plx__conn_input_settle(loop, conn);
}

/* The queue was high and is low again. */
static void queue_drained(plx_loop *loop, plx__conn *conn)
{
    plx_drain_fn on_drain = conn->profile->options.on_drain;
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
           queue_is_empty(conn);
}

static void shutdown_settle(plx_loop *loop, plx__conn *conn)
{
    if (!is_to_shut(conn))
        return;
    credit_settle(loop, conn);
    if (!is_to_shut(conn))
        return;
    /* It fails on a connection that the peer has reset; the input tells of that. */
    (void)plx__socket_shutdown(conn->object.endpoint.socket);
    conn->flags |= PLX__CONN_SHUT_DONE;
    if ((conn->flags & PLX__CONN_ENDED) != 0)
        plx__conn_close(loop, conn, 0);
}

/* After bytes have left the queue. */
static void queue_settle(plx_loop *loop, plx__conn *conn)
{
    if ((conn->flags & PLX__CONN_WAS_HIGH) != 0 && conn->queued <= conn->profile->options.send_low)
        queue_drained(loop, conn);
    if (plx__conn_is_open(conn))
        shutdown_settle(loop, conn);
}

/* --- the queue ------------------------------------------------------------------------------- */

/* Hands the head of the queue to the backend, unless it has it already. */
static void queue_start(plx_loop *loop, plx__conn *conn)
{
    plx__slice slices[SLICES_MAX];
    size_t length;
    if ((conn->flags & (PLX__CONN_SENDING | PLX__CONN_CONNECTING)) != 0)
        return;
    size_t count = queue_gather(conn, slices, &length);
    int status = loop->ops->send_start(loop->backend, &conn->object.endpoint, slices, count);
    if (status == 0)
        conn->flags |= PLX__CONN_SENDING;
    else
        output_die(loop, conn, status);
}

/* Sends what the system takes, and leaves the rest to the backend. */
static void queue_pump(plx_loop *loop, plx__conn *conn)
{
    plx__slice slices[SLICES_MAX];
    while (!queue_is_empty(conn)) {
        size_t length;
        size_t count = queue_gather(conn, slices, &length);
        ptrdiff_t sent = output_tried(
            loop, conn,
            loop->ops->send_slices_now(loop->backend, &conn->object.endpoint, slices, count));
        if (sent < 0)
            return;
        queue_consume(loop, conn, (size_t)sent);
        if ((size_t)sent < length) {
            queue_start(loop, conn);
            break;
        }
    }
    if (plx__conn_is_open(conn))
        queue_settle(loop, conn);
}

/* The queue has grown by `length` bytes. */
static void queue_grown(plx_loop *loop, plx__conn *conn, size_t length)
{
    bool is_first = conn->queued == 0;
    plx__conn_output_abandon(loop, conn); /* From now on there is something to stand behind. */
    queued_add(loop, conn, length);
    if (is_first) {
        conn->sent_ns = loop->now_ns; /* From now on it waits. */
        plx__conn_timeout_arm(loop, conn);
    }
    queue_start(loop, conn);
    if (plx__conn_is_open(conn) && conn->queued > conn->profile->options.send_high)
        queue_was_high(loop, conn);
}

/* Copies the bytes to the end of the queue: all, or on PLX_ENOMEM none. */
static int queue_copy(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length)
{
    const unsigned char *rest = bytes;
    plx__segment_list added = {NULL, NULL};
    plx__segment *last = conn->queue.last;
    size_t room = last != NULL ? last->room : 0;
    for (; room < length; room += PLX__SEGMENT_BYTES) {
        plx__segment *segment = plx__segment_take(&loop->segments);
        if (segment == NULL) {
            while ((segment = plx__segment_list_take(&added)) != NULL)
                plx__segment_give(&loop->segments, segment);
            return PLX_ENOMEM;
        }
        plx__segment_list_append(&added, segment);
    }
    if (last != NULL) {
        size_t copied = plx__segment_fill(last, rest, length);
        rest += copied;
        length -= copied;
    }
    for (plx__segment *segment; (segment = plx__segment_list_take(&added)) != NULL;) {
        size_t copied = plx__segment_fill(segment, rest, length);
        rest += copied;
        length -= copied;
        plx__segment_list_append(&conn->queue, segment);
    }
    PLX_ASSERT(length == 0);
    return 0;
}

/* What the backend had taken on credit and could not send becomes the queue. */
static void unsent_queue(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length)
{
    PLX_ASSERT(queue_is_empty(conn));
    loop->stats.sent_bytes -= length;
    int status = queue_copy(loop, conn, bytes, length);
    if (status == 0)
        queue_grown(loop, conn, length);
    else
        plx__conn_close(loop, conn, status); /* Part of it may be on its way. */
}

/* After this nothing of the connection is on credit. It may be closed, or its output dead. */
static void credit_settle(plx_loop *loop, plx__conn *conn)
{
    const void *bytes;
    if (loop->ops->send_settle == NULL)
        return;
    ptrdiff_t left = loop->ops->send_settle(loop->backend, &conn->object.endpoint, &bytes);
    if (left > 0)
        unsent_queue(loop, conn, bytes, (size_t)left);
    else if (left < 0)
        output_die(loop, conn, (int)left);
}

void plx__conn_unsent(plx_loop *loop, plx__conn *conn, const plx__completion *completion)
{
    if ((conn->flags & PLX__CONN_OUTPUT_DEAD) == 0)
        unsent_queue(loop, conn, completion->bytes, completion->length);
}

/* --- the cork -------------------------------------------------------------------------------- */

/* The rest becomes the queue. */
void plx__conn_cork_left(plx_loop *loop, plx__conn *conn, size_t length, ptrdiff_t sent)
{
    if (output_tried(loop, conn, sent) < 0)
        return;
    credit_settle(loop, conn); /* What was sent before goes first. */
    if ((conn->flags & (PLX__CONN_CLOSED | PLX__CONN_OUTPUT_DEAD)) != 0)
        return;
    plx__cork *cork = &loop->cork;
    plx__segment *segment = cork->segment;
    plx__segment *fresh = plx__segment_take(&loop->segments);
    if (fresh == NULL) {
        plx__conn_close(loop, conn, PLX_ENOMEM); /* Part of it may be on its way. */
        return;
    }
    cork->segment = fresh;
    cork->start = fresh->storage;
    segment->bytes = segment->storage + sent;
    segment->length = length - (size_t)sent;
    segment->room = PLX__SEGMENT_BYTES - length;
    plx__segment_list_append(&conn->queue, segment);
    queue_grown(loop, conn, segment->length);
}

void plx__conn_cork(plx_loop *loop, const plx__conn *conn)
{
    PLX_ASSERT(loop->cork.room == 0);
    PLX_ASSERT(loop->cork.length == 0);
    if ((conn->flags & PLX__CONN_UNCORKED) != 0 || !queue_is_empty(conn))
        return;
    /* If what it sent in this turn is on credit and comes back, and then the cork too, the queue
     * may hold more than it is allowed to. Other writes have credit settled first. */
    if (loop->ops->send_settle != NULL && conn->sent_ns >= loop->turn_ns)
        return;
    loop->cork.token = conn->object.endpoint.token;
    loop->cork.room = loop->cork.room_next;
}

void plx__conn_uncork(plx_loop *loop, plx__conn *conn)
{
    if (loop->cork.room == 0)
        return;
    plx__conn_cork_flush(loop, conn);
    loop->cork.room = 0;
}

static bool is_corked(const plx_loop *loop, const plx__conn *conn)
{
    return loop->cork.room > 0 && loop->cork.token == conn->object.endpoint.token;
}

void plx__conn_output_abandon(plx_loop *loop, const plx__conn *conn)
{
    if (!is_corked(loop, conn))
        return;
    loop->cork.room = 0;
    loop->cork.length = 0;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Whether `length` more bytes may be queued; if not, on_drain will tell when to try again. */
static int output_admit(plx_loop *loop, plx__conn *conn, size_t length)
{
    size_t send_max = conn->profile->options.send_max;
    if ((conn->flags & (PLX__CONN_SHUT_WANTED | PLX__CONN_OUTPUT_DEAD)) != 0)
        return PLX_EPIPE;
    if (length > send_max)
        return PLX_EMSGSIZE;
    if (length > send_max - conn->queued) {
        queue_was_high(loop, conn);
        return PLX_ENOBUFS;
    }
    uint64_t queued = loop->stats.queued_bytes;
    if (queued <= loop->queued_bytes_max && length <= loop->queued_bytes_max - queued)
        return 0;
    if (length > loop->queued_bytes_max)
        return PLX_EMSGSIZE;
    if ((conn->flags & PLX__CONN_STARVED) == 0) {
        conn->flags |= PLX__CONN_STARVED;
        loop->starved++;
    }
    queue_was_high(loop, conn);
    return PLX_ENOBUFS;
}

static int output_write(plx_loop *loop, plx__conn *conn, const unsigned char *bytes, size_t length)
{
    ptrdiff_t sent = 0;
    if (queue_is_empty(conn) && (conn->flags & PLX__CONN_CONNECTING) == 0) {
        sent = output_try(loop, conn, bytes, length);
        if (sent < 0 || (size_t)sent == length)
            return 0; /* For a connection that has failed, on_close tells. */
    }
    int status = queue_copy(loop, conn, bytes + sent, length - (size_t)sent);
    if (status == 0)
        queue_grown(loop, conn, length - (size_t)sent);
    else if (sent > 0)
        plx__conn_close(loop, conn, status); /* Half a message is on its way. */
    return status;
}

/* Sends what was written before, for that goes first, and looks whether `length` more bytes may be
 * queued. PLX_ESTALE when the connection has closed over it. */
static int output_ready(plx_loop *loop, plx__conn *conn, size_t length)
{
    int status = output_admit(loop, conn, length);
    if (status != 0)
        return status;
    size_t before = conn->queued;
    if (is_corked(loop, conn))
        plx__conn_cork_flush(loop, conn);
    if (plx__conn_is_open(conn))
        credit_settle(loop, conn);
    if (!plx__conn_is_open(conn))
        return PLX_ESTALE;
    bool is_as_before = conn->queued == before && (conn->flags & PLX__CONN_OUTPUT_DEAD) == 0;
    return is_as_before ? 0 : output_admit(loop, conn, length);
}

PLX__SLOW static int write_slowly(plx_loop *loop, plx_conn conn, const void *bytes, size_t length)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (length == 0)
        return 0;
    int status = output_ready(loop, found, length);
    return status == 0 ? output_write(loop, found, bytes, length) : status;
}

int plx_conn_write(plx_loop *loop, plx_conn conn, const void *bytes, size_t length)
{
    plx__cork *cork = &loop->cork;
    /* Most writes come from a callback of the connection itself. A length of 0 is less than none
     * when one is taken off, and goes the other way. */
    if (conn.bits != cork->token || length - 1 >= cork->room - cork->length)
        return write_slowly(loop, conn, bytes, length);
    unsigned char *end = cork->start + cork->length;
    cork->length += length;
    memcpy(end, bytes, length);
    return 0;
}

int plx_conn_send(plx_loop *loop, plx_conn conn, const void *bytes, size_t length,
                  plx_sent_fn on_sent, void *data)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    int status = output_ready(loop, found, length);
    if (status != 0)
        return status;
    plx__segment *segment = plx__segment_lend(bytes, length, on_sent, data);
    if (segment == NULL)
        return PLX_ENOMEM;
    const uint32_t not_now = PLX__CONN_CONNECTING | PLX__CONN_OUTPUT_DEAD;
    if (length > 0 && plx__conn_is_open(found) && queue_is_empty(found) &&
        (found->flags & not_now) == 0) {
        ptrdiff_t sent = output_try(loop, found, bytes, length);
        if (sent > 0) {
            segment->bytes += sent;
            segment->length -= (size_t)sent;
        }
    }
    if (segment->length > 0 && plx__conn_is_open(found) &&
        (found->flags & PLX__CONN_OUTPUT_DEAD) == 0) {
        plx__segment_list_append(&found->queue, segment);
        queue_grown(loop, found, segment->length);
        return 0;
    }
    plx__segment_list_append(&found->sent, segment);
    if (plx__conn_is_open(found))
        plx__defer(loop, &found->object);
    return 0;
}

void plx__conn_sent(plx_loop *loop, plx__conn *conn, const plx__completion *completion)
{
    conn->flags &= ~(uint32_t)PLX__CONN_SENDING;
    if ((conn->flags & PLX__CONN_OUTPUT_DEAD) != 0)
        return;
    if (completion->status != 0) {
        output_die(loop, conn, completion->status);
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
    if (!queue_is_empty(conn) || (conn->flags & PLX__CONN_SHUT_WANTED) != 0)
        queue_pump(loop, conn);
}

void plx__conn_output_shutdown(plx_loop *loop, plx__conn *conn)
{
    conn->flags |= PLX__CONN_SHUT_WANTED;
    if (is_corked(loop, conn))
        plx__conn_uncork(loop, conn);
    if (plx__conn_is_open(conn))
        shutdown_settle(loop, conn);
}

int plx_conn_shutdown(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__conn_output_shutdown(loop, found);
    return 0;
}

void plx__conn_output_drop(plx_loop *loop, plx__conn *conn)
{
    queued_subtract(loop, conn, conn->queued);
    for (plx__segment *segment; (segment = plx__segment_list_take(&conn->queue)) != NULL;) {
        if (segment->is_lent)
            plx__segment_list_append(&conn->sent, segment);
        else
            plx__segment_give(&loop->segments, segment);
    }
    if ((conn->flags & PLX__CONN_STARVED) != 0) {
        conn->flags &= ~(uint32_t)PLX__CONN_STARVED;
        loop->starved--;
    }
    if (conn->sent.first != NULL && plx__conn_is_open(conn))
        plx__defer(loop, &conn->object);
}

void plx__conn_output_give_back(plx_loop *loop, plx__conn *conn)
{
    plx__segment_list list = conn->sent; /* What the callbacks add comes next time. */
    conn->sent = (plx__segment_list){NULL, NULL};
    if (list.first == NULL)
        return;
    if (plx__conn_is_open(conn))
        plx__conn_cork(loop, conn);
    for (plx__segment *segment; (segment = plx__segment_list_take(&list)) != NULL;) {
        plx_sent_fn on_sent = segment->on_sent;
        void *data = segment->data;
        int status = segment->length == 0 ? 0 : PLX_ECANCELED;
        plx__segment_give(&loop->segments, segment);
        if (on_sent != NULL)
            on_sent(loop, plx__conn_handle(conn), data, status);
    }
    plx__conn_uncork(loop, conn);
}

void plx__conn_output_feed(plx_loop *loop)
{
    const plx__slab *conns = &loop->slabs[PLX__KIND_CONN];
    if (loop->stats.queued_bytes > loop->queued_bytes_max / 4 * 3)
        return;
    for (uint32_t slot = 0; slot < conns->count && loop->starved > 0; slot++) {
        plx__conn *conn = (plx__conn *)(void *)plx__slab_at(conns, slot);
        if (!plx__conn_is_open(conn) || (conn->flags & PLX__CONN_STARVED) == 0)
            continue;
        conn->flags &= ~(uint32_t)PLX__CONN_STARVED;
        loop->starved--;
        if (conn->queued <= conn->profile->options.send_low)
            queue_drained(loop, conn);
    }
}

int plx_conn_is_high(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    return found != NULL && (found->flags & PLX__CONN_WAS_HIGH) != 0;
}

size_t plx_conn_queued(const plx_loop *loop, plx_conn conn)
{
    const plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return 0;
    return found->queued + (is_corked(loop, found) ? loop->cork.length : 0);
}
