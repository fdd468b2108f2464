/* bench/pollux_watch.c - Pollux's watches as a contestant, once for each backend: the server
 * accepts, receives and sends by itself, and the loop only tells it which socket is ready. Programs
 * that bring sockets of their own, or that come from libev, use Pollux so. No timeouts: the peers
 * have none.
 */
#include <unistd.h>

#include <pollux/pollux.h>

#include "bench/conn.h"

static enum bench_mode served;

static void conn_close(plx_loop *loop, plx_watch watch, bench_conn *conn)
{
    (void)plx_watch_close(loop, watch);
    (void)close(conn->fd);
    free(conn->storage);
    free(conn);
}

static void on_conn(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    bench_conn *conn = data;
    enum bench_next next =
        (ready & PLX_READABLE) != 0 ? bench_conn_read(conn, served) : bench_conn_write(conn);
    uint32_t wanted = next == BENCH_READ ? PLX_READABLE : PLX_WRITABLE;
    (void)socket;
    if (next == BENCH_CLOSE)
        conn_close(loop, watch, conn);
    else if ((ready & wanted) == 0 && plx_watch_set(loop, watch, wanted) != 0)
        bench_fail("a watch does not change");
}

static void on_listener(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                        uint32_t ready)
{
    int fd;
    (void)watch;
    (void)data;
    (void)ready;
    while ((fd = bench_accept(socket)) >= 0) {
        bench_conn *conn = calloc(1, sizeof *conn);
        if (conn == NULL)
            bench_fail("out of memory");
        conn->fd = fd;
        int status = plx_watch_open(loop, NULL, fd, PLX_READABLE, on_conn, conn);
        if (status != 0)
            bench_fail(plx_error_text(status));
    }
}

static void serve(enum bench_mode mode)
{
    plx_loop *loop;
    const plx_loop_options options = {.backend = bench_self.engine};
    served = mode;
    int status = plx_loop_open(&loop, &options);
    if (status == 0)
        status = plx_watch_open(loop, NULL, bench_listen(), PLX_READABLE, on_listener, NULL);
    if (status == 0)
        status = plx_loop_run(loop);
    bench_fail(plx_error_text(status));
}

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out = (bench_variant){.group = "pollux", .watch = serve};
    for (size_t i = 0; plx_backend_name(i) != NULL; i++) {
        variant_out->name = variant_out->engine = plx_backend_name(i);
        if (plx_backend_probe(variant_out->name) == 0 && index-- == 0)
            return true;
    }
    return false;
}
