/* bench/libuv.c - libuv, in two variants: "libuv" tries to write at once (uv_try_write) and queues
 * the rest, "libuv uv_write" queues always, as most programs do. Both receive into one buffer that
 * all connections share, which uv_alloc_cb allows. "libuv no limit" has posts only, to a queue that
 * takes them all, and calls uv_async_send() for the first of a batch only; the queue of "libuv" is
 * full at as many as Pollux's is, and it calls for each.
 *
 * No header of the system: this one is also built for Windows.
 */
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "bench/http.h"
#include "bench/mutex_queue.h"

typedef struct server_conn {
    uv_tcp_t tcp;
    uint8_t matched;
    bool is_stopped; /* Reading, until what was written has gone. */
} server_conn;

/* A write that is under way, with the bytes that are to be kept for it. */
typedef struct pending_write {
    uv_write_t request;
    char bytes[];
} pending_write;

static enum bench_mode served;
static bool tries_first;
static char buffer[BENCH_RECEIVE_BYTES];

static void on_close(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle;
    (void)size;
    *out = uv_buf_init(buffer, sizeof buffer);
}

static void on_read(uv_stream_t *stream, ssize_t received, const uv_buf_t *bytes);

static void on_written(uv_write_t *request, int status)
{
    uv_stream_t *stream = request->handle;
    server_conn *conn = (server_conn *)(void *)stream;
    free(request->data);
    if (conn->is_stopped && status == 0 && stream->write_queue_size == 0) {
        conn->is_stopped = false;
        (void)uv_read_start(stream, on_alloc, on_read);
    }
}

static void write_all(uv_stream_t *stream, const char *bytes, size_t length)
{
    bool is_lasting = served == BENCH_HTTP;
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)length);
    int sent = tries_first ? uv_try_write(stream, &out, 1) : 0;
    if (sent == (int)length)
        return;
    sent = sent < 0 ? 0 : sent; /* What has failed fails again below. */
    length -= (size_t)sent;
    pending_write *pending = malloc(sizeof *pending + (is_lasting ? 0 : length));
    if (pending == NULL)
        bench_fail("out of memory");
    if (is_lasting) {
        out = uv_buf_init((char *)(uintptr_t)bytes + sent, (unsigned)length);
    } else {
        memcpy(pending->bytes, bytes + sent, length);
        out = uv_buf_init(pending->bytes, (unsigned)length);
    }
    pending->request.data = pending;
    if (uv_write(&pending->request, stream, &out, 1, on_written) != 0) {
        free(pending);
    } else if (stream->write_queue_size > 0) {
        ((server_conn *)(void *)stream)->is_stopped = true;
        (void)uv_read_stop(stream);
    }
}

static void on_read(uv_stream_t *stream, ssize_t received, const uv_buf_t *bytes)
{
    server_conn *conn = (server_conn *)(void *)stream;
    size_t length = (size_t)received;
    if (received < 0 && !uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_close);
    if (received <= 0)
        return;
    if (served == BENCH_ECHO) {
        bench_count.echoed_bytes += length;
        write_all(stream, bytes->base, length);
        return;
    }
    size_t requests = bench_http_feed(&conn->matched, bytes->base, length);
    bench_count.requests += requests;
    if (requests > 0)
        write_all(stream, bench_responses, requests * BENCH_RESPONSE_BYTES);
}

/* From a listener, or from the pipe that a connection comes through. */
static void conn_open(uv_stream_t *from)
{
    server_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        bench_fail("a connection does not open");
    (void)uv_tcp_init(from->loop, &conn->tcp);
    conn->tcp.data = conn;
    if (uv_accept(from, (uv_stream_t *)&conn->tcp) != 0 || uv_tcp_nodelay(&conn->tcp, 1) != 0 ||
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0)
        uv_close((uv_handle_t *)&conn->tcp, on_close);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status != 0)
        bench_fail("a connection does not open");
    conn_open(listener);
}

static void serve_by(enum bench_mode mode, uv_connection_cb on_connected)
{
    static uv_tcp_t listener;
    struct sockaddr_storage bound;
    struct sockaddr_in address;
    int length = sizeof bound;
    served = mode;
    tries_first = strcmp(bench_self.engine, "try") == 0;
    if (uv_tcp_init(uv_default_loop(), &listener) != 0 ||
        uv_ip4_addr("127.0.0.1", 0, &address) != 0 ||
        uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, BENCH_BACKLOG, on_connected) != 0 ||
        uv_tcp_getsockname(&listener, (struct sockaddr *)&bound, &length) != 0)
        bench_fail("no listener");
    memcpy(&address, &bound, sizeof address);
    const unsigned char *port = (const unsigned char *)&address.sin_port;
    bench_ready(port[0] * 256u + port[1]);
    (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    bench_fail("the loop ended");
}

static void serve(enum bench_mode mode)
{
    serve_by(mode, on_connection);
}

/* --- handing over ---------------------------------------------------------------------------- */

#ifdef _WIN32
#define HAND NULL /* Its pipes hand sockets to processes there. */
#else
#define HAND hand

/* As libuv's guide passes connections to workers: each as a message on a pipe, with a byte. The
 * worker is a thread here, as Pollux's is. */
static uv_pipe_t hand_out, hand_in;

typedef struct handed {
    uv_tcp_t tcp;
    uv_write_t request;
} handed;

static void on_handed(uv_write_t *request, int status)
{
    handed *one = request->data;
    (void)status;
    uv_close((uv_handle_t *)&one->tcp, on_close);
}

static void on_connection_to_hand(uv_stream_t *listener, int status)
{
    static char byte[1];
    uv_buf_t message = uv_buf_init(byte, 1);
    handed *one = status == 0 ? malloc(sizeof *one) : NULL;
    if (one == NULL)
        bench_fail("a connection does not open");
    (void)uv_tcp_init(listener->loop, &one->tcp);
    one->tcp.data = one;
    one->request.data = one;
    if (uv_accept(listener, (uv_stream_t *)&one->tcp) != 0 ||
        uv_write2(&one->request, (uv_stream_t *)&hand_out, &message, 1, (uv_stream_t *)&one->tcp,
                  on_handed) != 0)
        bench_fail("a connection is not handed over");
}

static void on_handed_in(uv_stream_t *pipe, ssize_t received, const uv_buf_t *bytes)
{
    (void)bytes;
    if (received < 0)
        bench_fail("the pipe has ended");
    while (uv_pipe_pending_count((uv_pipe_t *)(void *)pipe) > 0)
        conn_open(pipe);
}

static void worker_run(void *data)
{
    uv_loop_t loop;
    const uv_os_sock_t *ends = data;
    if (uv_loop_init(&loop) != 0 || uv_pipe_init(&loop, &hand_in, 1) != 0 ||
        uv_pipe_open(&hand_in, ends[1]) != 0 ||
        uv_read_start((uv_stream_t *)&hand_in, on_alloc, on_handed_in) != 0)
        bench_fail("no worker");
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void hand(enum bench_mode mode)
{
    static uv_os_sock_t ends[2];
    uv_thread_t worker;
    if (uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) != 0 ||
        uv_pipe_init(uv_default_loop(), &hand_out, 1) != 0 ||
        uv_pipe_open(&hand_out, ends[0]) != 0 || uv_thread_create(&worker, worker_run, ends) != 0)
        bench_fail("no pipe");
    serve_by(mode, on_connection_to_hand);
}
#endif

/* --- timers ---------------------------------------------------------------------------------- */

static uv_timer_t *timers;

static void on_fire(uv_timer_t *timer)
{
    (void)timer;
    bench_timer_fired();
}

static bool timers_open(size_t count)
{
    timers = calloc(count, sizeof *timers);
    for (size_t i = 0; timers != NULL && i < count; i++)
        (void)uv_timer_init(uv_default_loop(), &timers[i]);
    return timers != NULL;
}

static void timers_update(void)
{
    uv_update_time(uv_default_loop());
}

static void timer_start(size_t index, uint32_t timeout_ms)
{
    (void)uv_timer_start(&timers[index], on_fire, timeout_ms, 0);
}

static void timer_cancel(size_t index)
{
    (void)uv_timer_stop(&timers[index]);
}

static void timers_turn(void)
{
    (void)uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}

static const bench_timer_ops timer_ops = {timers_open,  timers_update, timer_start, timer_start,
                                          timer_cancel, timers_turn,   NULL};

/* --- posts ----------------------------------------------------------------------------------- */

static uv_async_t posts_async;

static void on_async(uv_async_t *async)
{
    if (!mutex_queue_run())
        uv_stop(async->loop);
}

static bool posts_open(void)
{
    return uv_async_init(uv_default_loop(), &posts_async, on_async) == 0;
}

/* As libuv's guide shows it: uv_async_send() each time, which knows itself when one is pending. */
static bool post(void)
{
    enum mutex_queue_pushed pushed = mutex_queue_push(MUTEX_QUEUE_MAX);
    (void)uv_async_send(&posts_async);
    return pushed != MUTEX_QUEUE_FULL;
}

static bool post_without_limit(void)
{
    if (mutex_queue_push(0) == MUTEX_QUEUE_FIRST)
        (void)uv_async_send(&posts_async);
    return true;
}

static void posts_run(void)
{
    (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static const bench_post_ops post_ops = {posts_open, post, posts_run};
static const bench_post_ops post_unlimited_ops = {posts_open, post_without_limit, posts_run};

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    static const bench_variant variants[] = {
        {.group = "peer",
         .name = "libuv",
         .engine = "try",
         .serve = serve,
         .hand = HAND,
         .timers = &timer_ops,
         .posts = &post_ops},
        {.group = "peer", .name = "libuv uv_write", .engine = "write", .serve = serve},
        {.group = "peer",
         .name = "libuv no limit",
         .engine = "no limit",
         .posts = &post_unlimited_ops},
    };
    if (index >= sizeof variants / sizeof variants[0])
        return false;
    *variant_out = variants[index];
    return true;
}
