/* core/conn/sending.h - the way from the send queue to the backend, for output.c. */
#ifndef PLX__SENDING_H
#define PLX__SENDING_H

#include "core/conn/conn.h"

/* What the system takes of the bytes now: how many, or a code after which the output is dead or the
 * connection closed. */
ptrdiff_t plx__queue_try(plx_loop *loop, plx__conn *conn, const void *bytes, size_t length);
/* The same for slices, of 16 in a send. */
ptrdiff_t plx__queue_try_slices(plx_loop *loop, plx__conn *conn, const plx_slice *slices,
                                size_t count);
/* The queue has grown by `length` bytes. */
void plx__queue_grown(plx_loop *loop, plx__conn *conn, size_t length);
/* It is as full as it may become; on_drain will tell when it is not. */
void plx__queue_was_high(plx_loop *loop, plx__conn *conn);
/* After this nothing of the connection is deferred. It may be closed, or its output dead. */
void plx__queue_deferred_flush(plx_loop *loop, plx__conn *conn);
/* Sends what plx_conn_cork() has had gathered. If all of it goes, gathering goes on. on_drain is
 * not called. */
void plx__queue_gathered_send(plx_loop *loop, plx__conn *conn);
/* Shuts the sending side if that is wanted and nothing waits. */
void plx__queue_shutdown_update(plx_loop *loop, plx__conn *conn);

#endif
