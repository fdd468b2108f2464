/* bench/conn.h - a connection of those contestants that are told of readiness and do their own
 * receiving and sending: the floors poll and epoll, libev, and libevent without its buffers.
 *
 * One receive for each time that it is ready, straight to the system, and nothing kept but what the
 * system would not take. While something is kept it reads no more.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/http.h"

typedef struct bench_conn {
    const char *rest; /* What is still to be sent, if rest_length is not 0, */
    size_t rest_length;
    char *storage; /* and the memory that it stands in, if that is to be freed. */
    int fd;
    uint8_t matched;
} bench_conn;

enum bench_next { BENCH_READ, BENCH_WRITE, BENCH_CLOSE };

extern char bench_buffer[BENCH_RECEIVE_BYTES];

/* A listener on a port that the system picks; prints it. Ends the process if there is none. */
int bench_listen(void);

/* The next connection that waits, non-blocking, or -1. */
int bench_accept(int listener);

enum bench_next bench_conn_keep(bench_conn *conn, const char *bytes, size_t length,
                                bool is_lasting);
enum bench_next bench_conn_write(bench_conn *conn);

/* The descriptor is ready to read. */
static inline enum bench_next bench_conn_read(bench_conn *conn, enum bench_mode mode)
{
    ssize_t received = recv(conn->fd, bench_buffer, sizeof bench_buffer, 0);
    if (received <= 0)
        return received < 0 && (errno == EAGAIN || errno == EINTR) ? BENCH_READ : BENCH_CLOSE;
    const char *bytes = bench_buffer;
    size_t length = (size_t)received;
    if (mode == BENCH_HTTP) {
        size_t requests = bench_http_feed(&conn->matched, bench_buffer, length);
        bench_count.requests += requests;
        bytes = bench_responses;
        length = requests * BENCH_RESPONSE_BYTES;
        if (length == 0)
            return BENCH_READ;
    } else {
        bench_count.echoed_bytes += length;
    }
    ssize_t sent = send(conn->fd, bytes, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length)
        return BENCH_READ;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return BENCH_CLOSE;
    sent = sent < 0 ? 0 : sent;
    return bench_conn_keep(conn, bytes + sent, length - (size_t)sent, mode == BENCH_HTTP);
}

#endif
