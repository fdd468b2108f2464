/* bench/conn.c - the listener, and the rare half of a connection. */
#include "bench/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

char bench_buffer[BENCH_RECEIVE_BYTES];

int bench_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* What is accepted inherits the option: no call for each connection. */
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, BENCH_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        bench_fail("no listener");
    bench_ready(ntohs(address.sin_port));
    return fd;
}

int bench_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

enum bench_next bench_conn_keep(bench_conn *conn, const char *bytes, size_t length, bool is_lasting)
{
    conn->rest = bytes;
    conn->rest_length = length;
    if (!is_lasting) {
        conn->storage = malloc(length);
        if (conn->storage == NULL)
            return BENCH_CLOSE;
        memcpy(conn->storage, bytes, length);
        conn->rest = conn->storage;
    }
    return BENCH_WRITE;
}

enum bench_next bench_conn_write(bench_conn *conn)
{
    ssize_t sent = send(conn->fd, conn->rest, conn->rest_length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? BENCH_WRITE : BENCH_CLOSE;
    conn->rest += sent;
    conn->rest_length -= (size_t)sent;
    if (conn->rest_length > 0)
        return BENCH_WRITE;
    free(conn->storage);
    conn->storage = NULL;
    return BENCH_READ;
}
