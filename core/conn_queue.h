/* core/conn_queue.h - the send queue of a connection, for conn_output.c. */
#ifndef PLX__CONN_QUEUE_H
#define PLX__CONN_QUEUE_H

#include "core/conn.h"

static inline bool plx__queue_is_empty(const plx__conn *conn)
{
    return conn->queue.first == NULL;
}

/* What the system takes of the bytes now: how many, or a code after which the output is dead. */
ptrdiff_t plx__queue_try(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length);
/* After an attempt to send, with what came of it. */
ptrdiff_t plx__queue_tried(plx_loop *loop, plx__conn *conn, ptrdiff_t sent);
/* Copies the bytes to the end of the queue: all, or on PLX_ENOMEM none. */
int plx__queue_copy(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length);
/* The queue has grown by `length` bytes, which are not counted yet. */
void plx__queue_grown(plx_loop *loop, plx__conn *conn, size_t length);
/* It is as full as it may become; on_drain will tell when it is not. */
void plx__queue_was_high(plx_loop *loop, plx__conn *conn);
/* After this nothing of the connection is on credit. It may be closed, or its output dead. */
void plx__queue_credit_settle(plx_loop *loop, plx__conn *conn);
/* Shuts the sending side if that is wanted and nothing waits. */
void plx__queue_shutdown_settle(plx_loop *loop, plx__conn *conn);

#endif
