/* core/conn/sending.h - the way from the send queue to the backend, for output.c. */
#ifndef PLX__SENDING_H
#define PLX__SENDING_H

#include "core/conn/conn.h"

/* What the system takes of the bytes now: how many, or a code after which the output is dead. */
ptrdiff_t plx__queue_try(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length);
/* The queue has grown by `length` bytes. */
void plx__queue_grown(plx_loop *loop, plx__conn *conn, size_t length);
/* It is as full as it may become; on_drain will tell when it is not. */
void plx__queue_was_high(plx_loop *loop, plx__conn *conn);
/* After this nothing of the connection is on credit. It may be closed, or its output dead. */
void plx__queue_credit_settle(plx_loop *loop, plx__conn *conn);
/* Shuts the sending side if that is wanted and nothing waits. */
void plx__queue_shutdown_settle(plx_loop *loop, plx__conn *conn);

#endif
