/* bench/libuv_poll.c - libuv's uv_poll_t, which tells a program that sockets of its own are ready;
 * the server accepts, receives and sends by itself.
 */
#include <unistd.h>

#include <uv.h>

#include "bench/conn.h"

typedef struct server_conn {
    uv_poll_t poll;
    bench_conn conn;
} server_conn;

static enum bench_mode served;

static void on_close(uv_handle_t *handle)
{
    free(handle->data);
}

/* The descriptor may be closed once its uv_poll_t has stopped (libuv's documentation, "uv_poll_t").
 */
static void conn_close(server_conn *self)
{
    (void)uv_poll_stop(&self->poll);
    (void)close(self->conn.fd);
    free(self->conn.storage);
    uv_close((uv_handle_t *)&self->poll, on_close);
}

static void on_conn(uv_poll_t *poll, int status, int events)
{
    server_conn *self = (server_conn *)(void *)poll;
    enum bench_next next = (events & UV_READABLE) != 0 ? bench_conn_read(&self->conn, served)
                                                       : bench_conn_write(&self->conn);
    int wanted = next == BENCH_READ ? UV_READABLE : UV_WRITABLE;
    if (next == BENCH_CLOSE || status != 0)
        conn_close(self);
    else if ((events & wanted) == 0 && uv_poll_start(poll, wanted, on_conn) != 0)
        bench_fail("a uv_poll_t does not change");
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    int listener;
    int fd;
    (void)events;
    if (status != 0 || uv_fileno((uv_handle_t *)poll, &listener) != 0)
        bench_fail("the listener is lost");
    while ((fd = bench_accept(listener)) >= 0) {
        server_conn *self = calloc(1, sizeof *self);
        if (self == NULL)
            bench_fail("out of memory");
        self->conn.fd = fd;
        self->poll.data = self;
        if (uv_poll_init(poll->loop, &self->poll, fd) != 0 ||
            uv_poll_start(&self->poll, UV_READABLE, on_conn) != 0)
            bench_fail("a connection does not open");
    }
}

static void serve(enum bench_mode mode)
{
    static uv_poll_t listener;
    served = mode;
    if (uv_poll_init(uv_default_loop(), &listener, bench_listen()) != 0 ||
        uv_poll_start(&listener, UV_READABLE, on_listener) != 0)
        bench_fail("no listener");
    (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    bench_fail("the loop ended");
}

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out = (bench_variant){.group = "peer", .name = "libuv uv_poll", .watch = serve};
    return index == 0;
}
