/* tools/slow_send.h - sends bytes in pieces over a time, as a client on a slow link does. */
#ifndef TOOLS_SLOW_SEND_H
#define TOOLS_SLOW_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pollux/types.h>

#define SLOW_SEND_PIECES_MAX 20u

/* The last piece has been written. */
typedef void (*slow_sent_fn)(void *data);

/* What one connection sends slowly, again and again. */
typedef struct slow_send {
    plx_loop *loop;
    plx_conn conn; /* Of the sending that has begun. */
    plx_timer timer;
    const unsigned char *bytes;
    size_t length;
    size_t sent; /* Of these bytes, in the sending that has begun. */
    uint64_t piece_wait_ns;
    uint64_t first_wait_ns; /* Before the first sending alone. */
    bool is_sending;
    slow_sent_fn on_sent;
    void *data;
} slow_send;

/* Prepares to send `length` bytes, which are read until the loop closes, each time over
 * `duration_ns`. The first time it waits for `first_wait_ns` more, so that connections that start
 * together do not send together. Returns 0 or what plx_timer_start() does. */
int slow_send_open(slow_send *sending, plx_loop *loop, const unsigned char *bytes, size_t length,
                   uint64_t duration_ns, uint64_t first_wait_ns);
/* Begins to send them on the connection. It waits before each piece. */
void slow_send_start(slow_send *sending, plx_conn conn);
/* The connection is gone. Returns whether it was sending. */
bool slow_send_stop(slow_send *sending);

#endif
