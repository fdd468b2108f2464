/* Forwards each connection to a target: `proxy LISTEN TARGET`, for instance
 * `proxy tcp://127.0.0.1:8080 tcp://127.0.0.1:80`. Ends on Ctrl-C.
 *
 * The two connections of a pair have the same handlers: what arrives on one is written to the
 * other. While much of it waits there, this side is not read; so for each direction a pair holds
 * at most SEND_MAX in the queue and one receive that was refused, 512 KiB in all, however slow a
 * peer is. The end of one side's stream is passed on and leaves the other direction open. When one
 * connection is gone, the other one sends what it holds and goes too; if its peer does not take
 * that, the idle timeout ends it.
 */
#include <pollux/pollux.h>

#include <stdio.h>
#include <stdlib.h>

#define RECEIVE_BYTES 65536u
#define SEND_HIGH     ((size_t)128 * 1024)
#define SEND_MAX      (SEND_HIGH + RECEIVE_BYTES) /* Below the mark, one receive always fits. */
#define QUEUED_MAX    ((uint64_t)1024 * 1024 * 1024)

struct pair {
    plx_conn client;
    plx_conn target;
    int open; /* How many of the two are. The last on_close frees the pair. */
};

static plx_conn other_of(const struct pair *pair, plx_conn conn)
{
    return conn.bits == pair->client.bits ? pair->target : pair->client;
}

static size_t on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    plx_conn other = other_of(data, conn);
    size_t room = SEND_MAX - plx_conn_queued(loop, other);
    size_t taken = length < room ? length : room;
    int status = plx_conn_write(loop, other, bytes, taken);
    switch (status) {
    case 0:
        if (plx_conn_is_high(loop, other)) /* Then its on_drain is certain. */
            plx_conn_pause(loop, conn);
        return taken;
    case PLX_ENOBUFS: /* All pairs together hold QUEUED_MAX. After a refusal on_drain comes too. */
        plx_conn_pause(loop, conn);
        return 0;
    case PLX_EPIPE: /* The other side takes no more, but may still have something to say. */
        return length;
    case PLX_ESTALE: /* The other side is gone, and this one stays only to send what it holds. */
        if (plx_conn_queued(loop, conn) == 0)
            plx_conn_close(loop, conn);
        return length;
    default: /* Bytes are lost: better no stream than one with a hole. */
        plx_conn_close(loop, conn);
        return length;
    }
}

static void on_drain(plx_loop *loop, plx_conn conn, void *data)
{
    plx_conn_resume(loop, other_of(data, conn));
}

static void on_end(plx_loop *loop, plx_conn conn, void *data)
{
    plx_conn_shutdown(loop, other_of(data, conn));
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    struct pair *pair = data;
    if (pair == NULL)
        return; /* It never got a target. */
    plx_conn other = other_of(pair, conn);
    if (reason != 0 && reason != PLX_ECANCELED)
        fprintf(stderr, "proxy: %s: %s\n", conn.bits == pair->client.bits ? "client" : "target",
                plx_error_text(reason));
    /* These do nothing if the other side is gone already. */
    if (plx_conn_queued(loop, other) == 0 && reason == 0) {
        plx_conn_close(loop, other);
    } else if (plx_conn_queued(loop, other) == 0) {
        plx_conn_reset(loop, other); /* What broke on one side shall not look whole on the other. */
    } else {
        plx_conn_shutdown(loop, other);
        plx_conn_resume(loop, other); /* Its end would not be seen while it is not read. */
    }
    if (--pair->open == 0)
        free(pair);
}

static const plx_conn_options both_sides = {
    .on_data = on_data,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_close = on_close,
    .connect_timeout_ns = 10 * PLX_SECOND,
    .idle_timeout_ns = 300 * PLX_SECOND,
    .send_high = SEND_HIGH,
    .send_max = SEND_MAX,
    /* What a side is sent says nothing about what it may say: the directions are independent. */
    .flags = PLX_CONN_READ_WHILE_HIGH,
};

/* A client has come. Until it has its pair, `data` is the target's address. */
static void on_client(plx_loop *loop, plx_conn client, void *data)
{
    const char *address = data;
    plx_conn_options options = both_sides;
    struct pair *pair = malloc(sizeof *pair);
    int status = PLX_ENOMEM;
    options.data = pair;
    if (pair != NULL)
        status = plx_connect(loop, &pair->target, address, &options);
    if (status != 0) {
        fprintf(stderr, "proxy: %s: %s\n", address, plx_error_text(status));
        free(pair);
        plx_conn_set_data(loop, client, NULL);
        plx_conn_close(loop, client);
        return;
    }
    /* What the client says before the target has answered waits in the target's send queue. */
    pair->client = client;
    pair->open = 2;
    plx_conn_set_data(loop, client, pair);
}

static void on_interrupt(plx_loop *loop, plx_signal signal, void *data, int number)
{
    (void)signal;
    (void)data;
    (void)number;
    plx_loop_stop(loop);
}

static int proxy_run(plx_loop *loop, const char *address, char *target)
{
    plx_conn_options clients = both_sides;
    const plx_listen_options options = {.conn = &clients};
    char text[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    clients.on_open = on_client;
    clients.data = target;
    int status = plx_signal_open(loop, NULL, PLX_SIGNAL_INTERRUPT, on_interrupt, NULL);
    if (status == 0)
        status = plx_listen(loop, &listener, address, &options);
    if (status == 0)
        status = plx_listener_address(loop, listener, text, sizeof text);
    if (status != 0)
        return status;
    fprintf(stderr, "listening on %s\n", text);
    return plx_loop_run(loop);
}

int main(int argc, char **argv)
{
    plx_loop *loop;
    if (argc != 3) {
        fprintf(stderr, "usage: proxy LISTEN TARGET\n");
        return 2;
    }
    int status = plx_address_check(argv[2]);
    if (status != 0) {
        fprintf(stderr, "proxy: %s: %s\n", argv[2], plx_error_text(status));
        return 2;
    }
    status = plx_loop_open(
        &loop, &(plx_loop_options){.receive_bytes = RECEIVE_BYTES, .queued_bytes_max = QUEUED_MAX});
    if (status == 0)
        status = proxy_run(loop, argv[1], argv[2]);
    plx_loop_close(loop); /* Each on_close comes in here, and frees its pair. */
    if (status != 0)
        fprintf(stderr, "proxy: %s: %s\n", argv[1], plx_error_text(status));
    return status == 0 ? 0 : 1;
}
