/* core/conn/output.c - what is written, up to where it must wait (sending.c).
 *
 * Writes of a callback of the connection go into the loop's cork. Other writes are tried at once if
 * nothing waits, and queued behind what does.
 */
#include <string.h>

#include "core/conn/sending.h"

static int output_admit(plx_loop *loop, plx__conn *conn, size_t length);

/* The queue has no room, or those of the loop have none together. What is gathered (plx_conn_cork)
 * may go, and only what then is left counts. */
PLX__SLOW static int output_refuse(plx_loop *loop, plx__conn *conn, size_t length, bool is_starved)
{
    if ((conn->flags & PLX__CONN_GATHERING) != 0 && !plx__send_queue_is_empty(&conn->queue)) {
        plx__queue_gathered_send(loop, conn);
        return plx__conn_is_open(conn) ? output_admit(loop, conn, length) : PLX_ESTALE;
    }
    if (is_starved && (conn->flags & PLX__CONN_STARVED) == 0) {
        conn->flags |= PLX__CONN_STARVED;
        loop->starved++;
    }
    plx__queue_was_high(loop, conn);
    return PLX_ENOBUFS;
}

/* Whether `length` more bytes may be queued; if not, on_drain will tell when to try again. */
static int output_admit(plx_loop *loop, plx__conn *conn, size_t length)
{
    size_t send_max = conn->shared->options.send_max;
    if ((conn->flags & (PLX__CONN_SHUT_WANTED | PLX__CONN_OUTPUT_DEAD)) != 0)
        return PLX_EPIPE;
    if (length > send_max)
        return PLX_EMSGSIZE;
    /* There may be more than now is allowed: plx_conn_become(). */
    const size_t waiting = plx__send_queue_length(&conn->queue);
    if (waiting > send_max || length > send_max - waiting)
        return output_refuse(loop, conn, length, false);
    uint64_t queued = loop->stats.queued_bytes;
    if (queued <= loop->queued_bytes_max && length <= loop->queued_bytes_max - queued)
        return 0;
    if (length > loop->queued_bytes_max)
        return PLX_EMSGSIZE;
    return output_refuse(loop, conn, length, true);
}

/* Whether what is written now may be tried at once: nothing waits, and nothing is to. */
static bool output_is_free(const plx__conn *conn)
{
    return plx__send_queue_is_empty(&conn->queue) &&
           (conn->flags & (PLX__CONN_CONNECTING | PLX__CONN_GATHERING)) == 0;
}

static int output_write(plx_loop *loop, plx__conn *conn, const unsigned char *bytes, size_t length)
{
    ptrdiff_t sent = 0;
    if (output_is_free(conn)) {
        sent = plx__queue_try(loop, conn, bytes, length);
        if (sent < 0 || (size_t)sent == length)
            return 0; /* For a connection that has failed, on_close tells. */
    }
    int status =
        plx__send_queue_copy(&conn->queue, &loop->segments, bytes + sent, length - (size_t)sent);
    if (status == 0)
        plx__queue_grown(loop, conn, length - (size_t)sent);
    else if (sent > 0)
        plx__conn_fail(loop, conn, status); /* Half a message is on its way. */
    return status;
}

/* Sends what was written before, for that goes first, and looks whether `length` more bytes may be
 * queued. PLX_ESTALE when the connection has closed over it. */
static int output_ready(plx_loop *loop, plx__conn *conn, size_t length)
{
    int status = output_admit(loop, conn, length);
    if (status != 0)
        return status;
    if (plx__conn_is_corked(loop, conn))
        plx__conn_cork_flush(loop, conn);
    if (plx__conn_is_open(conn))
        plx__queue_deferred_flush(loop, conn);
    if (!plx__conn_is_open(conn))
        return PLX_ESTALE;
    return output_admit(loop, conn, length); /* What was not sent waits now, too. */
}

/* Bytes that live forever stand in the connection's cork, and `length` more are to stand behind
 * them: they become a copy. False: they do not, or there is no room for that. */
static bool cork_becomes_copy(plx_loop *loop, const plx__conn *conn, size_t length)
{
    plx__cork *cork = &loop->cork;
    if (!plx__conn_is_corked(loop, conn) || cork->held.length == 0 ||
        cork->held.bytes == cork->segment->storage ||
        length > PLX__SEGMENT_BYTES - cork->held.length)
        return false;
    memcpy(cork->segment->storage, cork->held.bytes, cork->held.length);
    cork->held.bytes = cork->segment->storage;
    cork->room = PLX__SEGMENT_BYTES;
    return true;
}

PLX__SLOW static int write_slowly(plx_loop *loop, plx_conn conn, const void *bytes, size_t length)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (length == 0)
        return 0;
    plx__time_look(loop);
    if (cork_becomes_copy(loop, found, length))
        return plx_conn_write(loop, conn, bytes, length);
    int status = output_ready(loop, found, length);
    return status == 0 ? output_write(loop, found, bytes, length) : status;
}

int plx_conn_write(plx_loop *loop, plx_conn conn, const void *bytes, size_t length)
{
    plx__cork *cork = &loop->cork;
    /* Most writes come from a callback of the connection itself. A length of 0 is less than none
     * when one is taken off, and goes the other way. */
    if (conn.bits != cork->token || length - 1 >= cork->room - cork->held.length)
        return write_slowly(loop, conn, bytes, length);
    unsigned char *storage = cork->segment->storage;
    unsigned char *end = storage + cork->held.length;
    cork->held.bytes = storage;
    cork->held.length += (plx__slice_length)length;
    memcpy(end, bytes, length);
    return 0;
}

/* --- slices ---------------------------------------------------------------------------------- */

/* PLX_EMSGSIZE: more than there can be. */
static int slices_measure(const plx_slice *slices, size_t count, size_t *length_out)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].length > SIZE_MAX - length)
            return PLX_EMSGSIZE;
        length += slices[i].length;
    }
    *length_out = length;
    return 0;
}

static void slices_copy(unsigned char *to, const plx_slice *slices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slices[i].length == 0)
            continue; /* Its address may be none. */
        memcpy(to, slices[i].bytes, slices[i].length);
        to += slices[i].length;
    }
}

/* There is room for them. */
static void cork_append(plx__cork *cork, const plx_slice *slices, size_t count, size_t length)
{
    slices_copy(cork->segment->storage + cork->held.length, slices, count);
    cork->held.bytes = cork->segment->storage;
    cork->held.length += (plx__slice_length)length;
}

static int output_write_slices(plx_loop *loop, plx__conn *conn, const plx_slice *slices,
                               size_t count, size_t length)
{
    ptrdiff_t sent = 0;
    if (output_is_free(conn)) {
        sent = count == 1 ? plx__queue_try(loop, conn, slices->bytes, length)
                          : plx__queue_try_slices(loop, conn, slices, count);
        if (sent < 0 || (size_t)sent == length)
            return 0; /* For a connection that has failed, on_close tells. */
    }
    int status = plx__send_queue_copy_slices(&conn->queue, &loop->segments, slices, (size_t)sent,
                                             length - (size_t)sent);
    if (status == 0)
        plx__queue_grown(loop, conn, length - (size_t)sent);
    else if (sent > 0)
        plx__conn_fail(loop, conn, status); /* Half a message is on its way. */
    return status;
}

/* What is short is put together first, in the part of the cork that nobody uses: one send then,
 * however many slices, which a backend may defer. */
static int output_write_gathered(plx_loop *loop, plx__conn *conn, const plx_slice *slices,
                                 size_t count, size_t length)
{
    const plx__cork *cork = &loop->cork;
    if (length > PLX__SEGMENT_BYTES - cork->held.length)
        return output_write_slices(loop, conn, slices, count, length);
    unsigned char *unused = cork->segment->storage + cork->held.length;
    const plx_slice whole = {unused, length};
    slices_copy(unused, slices, count);
    return output_write_slices(loop, conn, &whole, 1, length);
}

PLX__SLOW static int writev_slowly(plx_loop *loop, plx_conn conn, const plx_slice *slices,
                                   size_t count, size_t length)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (length == 0)
        return 0;
    plx__time_look(loop);
    if (cork_becomes_copy(loop, found, length)) {
        cork_append(&loop->cork, slices, count, length);
        return 0;
    }
    int status = output_ready(loop, found, length);
    return status == 0 ? output_write_gathered(loop, found, slices, count, length) : status;
}

int plx_conn_writev(plx_loop *loop, plx_conn conn, const plx_slice *slices, size_t count)
{
    plx__cork *cork = &loop->cork;
    size_t length;
    int status = slices_measure(slices, count, &length);
    if (status != 0)
        return plx__conn_find(loop, conn) != NULL ? status : PLX_ESTALE;
    if (conn.bits != cork->token || length - 1 >= cork->room - cork->held.length)
        return writev_slowly(loop, conn, slices, count, length);
    cork_append(cork, slices, count, length);
    return 0;
}

/* --- lent bytes ------------------------------------------------------------------------------ */

PLX__SLOW static int send_slowly(plx_loop *loop, plx_conn conn, const void *bytes, size_t length,
                                 plx_sent_fn on_sent, void *data)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__time_look(loop);
    int status = output_ready(loop, found, length);
    if (status != 0)
        return status;
    plx__segment *segment = plx__segment_lend(&loop->segments, bytes, length, on_sent, data);
    if (segment == NULL)
        return PLX_ENOMEM;
    if (length > 0 && output_is_free(found)) {
        ptrdiff_t sent = plx__queue_try(loop, found, bytes, length);
        if (sent > 0) {
            segment->bytes += sent;
            segment->length -= (size_t)sent;
        }
    }
    if (segment->length > 0 && plx__conn_is_open(found) &&
        (found->flags & PLX__CONN_OUTPUT_DEAD) == 0) {
        plx__send_queue_append(&found->queue, segment);
        plx__queue_grown(loop, found, segment->length);
        return 0;
    }
    plx__segment_list_append(&found->sent, segment);
    if (plx__conn_is_open(found))
        plx__defer(loop, &found->object);
    return 0;
}

int plx_conn_send(plx_loop *loop, plx_conn conn, const void *bytes, size_t length,
                  plx_sent_fn on_sent, void *data)
{
    plx__cork *cork = &loop->cork;
    /* Bytes that live forever, in a callback of the connection itself that has written nothing yet:
     * the cork is these bytes. What is written behind them finds no room, and makes a copy. */
    if (on_sent != NULL || conn.bits != cork->token || cork->held.length != 0 ||
        length - 1 >= cork->room)
        return send_slowly(loop, conn, bytes, length, on_sent, data);
    cork->held.bytes = bytes;
    cork->room = length;
    cork->held.length = (plx__slice_length)length;
    return 0;
}

void plx__conn_output_shutdown(plx_loop *loop, plx__conn *conn)
{
    conn->flags |= PLX__CONN_SHUT_WANTED;
    if (plx__conn_is_corked(loop, conn))
        plx__conn_uncork(loop, conn);
    if (plx__conn_is_open(conn))
        plx__queue_shutdown_update(loop, conn);
}

int plx_conn_shutdown(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    plx__conn_output_shutdown(loop, found);
    return 0;
}

void plx__conn_output_give_back(plx_loop *loop, plx__conn *conn)
{
    if (plx__segment_list_is_empty(&conn->sent))
        return;
    plx__segment_list list = conn->sent; /* What the callbacks add comes next time. */
    conn->sent = (plx__segment_list){0};
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

/* --- the user's cork -------------------------------------------------------------------------- */

int plx_conn_cork(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->corks == UINT8_MAX)
        return PLX_ELIMIT;
    if (found->corks++ == 0 && output_is_free(found))
        found->flags |= PLX__CONN_GATHERING;
    plx__defer(loop, &found->object);
    return 0;
}

int plx_conn_uncork(plx_loop *loop, plx_conn conn)
{
    plx__conn *found = plx__conn_find(loop, conn);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->corks == 0)
        return PLX_EINVAL;
    plx__time_look(loop);
    if (--found->corks == 0 && (found->flags & PLX__CONN_GATHERING) != 0)
        plx__queue_gathered_send(loop, found);
    return 0;
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
    return plx__send_queue_length(&found->queue) +
           (plx__conn_is_corked(loop, found) ? loop->cork.held.length : 0);
}
