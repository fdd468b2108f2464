/* tools/slow_send.c - see tools/slow_send.h. */
#include "tools/slow_send.h"

#include <pollux/pollux.h>

static size_t piece_bytes(const slow_send *sending)
{
    size_t piece = (sending->length + SLOW_SEND_PIECES_MAX - 1) / SLOW_SEND_PIECES_MAX;
    size_t rest = sending->length - sending->sent;
    return piece < rest ? piece : rest;
}

static void on_piece(plx_loop *loop, plx_timer timer, void *data)
{
    slow_send *sending = data;
    size_t piece = piece_bytes(sending);
    /* A timer that is not restarted is gone. */
    (void)plx_timer_restart(loop, timer, PLX_FOREVER);
    if (!sending->is_sending)
        return;
    /* If it fails the connection has, and on_close stops this. */
    if (plx_conn_write(loop, sending->conn, sending->bytes + sending->sent, piece) != 0)
        return;
    sending->sent += piece;
    if (sending->sent < sending->length) {
        (void)plx_timer_restart(loop, timer, sending->piece_wait_ns);
        return;
    }
    sending->is_sending = false;
    sending->on_sent(sending->data);
}

int slow_send_open(slow_send *sending, plx_loop *loop, const unsigned char *bytes, size_t length,
                   uint64_t duration_ns, uint64_t first_wait_ns)
{
    sending->loop = loop;
    sending->bytes = bytes;
    sending->length = length;
    sending->first_wait_ns = first_wait_ns;
    sending->sent = 0;
    size_t piece = piece_bytes(sending);
    sending->piece_wait_ns = duration_ns / ((length + piece - 1) / piece);
    return plx_timer_start(loop, &sending->timer, PLX_FOREVER, 0, on_piece, sending);
}

void slow_send_start(slow_send *sending, plx_conn conn)
{
    uint64_t wait_ns = sending->first_wait_ns + sending->piece_wait_ns;
    sending->conn = conn;
    sending->sent = 0;
    sending->is_sending = true;
    sending->first_wait_ns = 0;
    (void)plx_timer_restart(sending->loop, sending->timer, wait_ns);
}

bool slow_send_stop(slow_send *sending)
{
    bool was_sending = sending->is_sending;
    sending->is_sending = false;
    (void)plx_timer_restart(sending->loop, sending->timer, PLX_FOREVER);
    return was_sending;
}
