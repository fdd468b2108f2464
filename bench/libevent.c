/* bench/libevent.c - libevent, in two variants: "libevent" with persistent events over recv() and
 * send(), "libevent bufferevent" with its buffers, whose bytes move without being copied.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <unistd.h>

#include "bench/conn.h"

#define KEPT_MAX (256 * 1024) /* Above this a bufferevent's reading pauses. */

typedef struct server_conn {
    bench_conn conn;
    struct event *read;
    struct event *write;
} server_conn;

static struct event_base *base;
static enum bench_mode served;

static void base_open(void)
{
    struct event_config *config = event_config_new();
    /* One thread: no locks. Changes are handed to epoll in batches. */
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    event_config_free(config);
    if (base == NULL)
        bench_fail("no event base");
}

/* --- events, recv() and send() --------------------------------------------------------------- */

static void conn_close(server_conn *self)
{
    event_free(self->read);
    event_free(self->write);
    (void)close(self->conn.fd);
    free(self->conn.storage);
    free(self);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    server_conn *self = data;
    (void)fd;
    (void)what;
    enum bench_next next = bench_conn_read(&self->conn, served);
    if (next == BENCH_CLOSE) {
        conn_close(self);
    } else if (next == BENCH_WRITE) {
        (void)event_del(self->read);
        (void)event_add(self->write, NULL);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    server_conn *self = data;
    (void)fd;
    (void)what;
    enum bench_next next = bench_conn_write(&self->conn);
    if (next == BENCH_CLOSE) {
        conn_close(self);
    } else if (next == BENCH_READ) {
        (void)event_del(self->write);
        (void)event_add(self->read, NULL);
    }
}

static void on_listener(evutil_socket_t listener, short what, void *data)
{
    int fd;
    (void)what;
    (void)data;
    while ((fd = bench_accept(listener)) >= 0) {
        server_conn *self = calloc(1, sizeof *self);
        if (self == NULL)
            bench_fail("out of memory");
        self->conn.fd = fd;
        self->read = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, self);
        self->write = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, self);
        (void)event_add(self->read, NULL);
    }
}

/* --- bufferevents ---------------------------------------------------------------------------- */

static void on_buffered(struct bufferevent *buffered, void *data)
{
    struct evbuffer *input = bufferevent_get_input(buffered);
    struct evbuffer *output = bufferevent_get_output(buffered);
    (void)data;
    if (served == BENCH_ECHO) {
        bench_count.echoed_bytes += evbuffer_get_length(input);
        (void)evbuffer_add_buffer(output, input);
        if (evbuffer_get_length(output) > KEPT_MAX)
            (void)bufferevent_disable(buffered, EV_READ);
        return;
    }
    size_t length = evbuffer_get_length(input);
    const char *bytes = (const char *)evbuffer_pullup(input, -1);
    size_t end;
    size_t requests = bench_http_scan(bytes, length, &end);
    (void)evbuffer_drain(input, end);
    bench_count.requests += requests;
    (void)evbuffer_add(output, bench_responses, requests * BENCH_RESPONSE_BYTES);
}

static void on_drained(struct bufferevent *buffered, void *data)
{
    (void)data;
    if ((bufferevent_get_enabled(buffered) & EV_READ) == 0)
        (void)bufferevent_enable(buffered, EV_READ);
}

static void on_ended(struct bufferevent *buffered, short what, void *data)
{
    (void)what;
    (void)data;
    bufferevent_free(buffered);
}

static void on_buffered_listener(evutil_socket_t listener, short what, void *data)
{
    int fd;
    (void)what;
    (void)data;
    while ((fd = bench_accept(listener)) >= 0) {
        struct bufferevent *buffered = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (buffered == NULL)
            bench_fail("out of memory");
        /* The defaults are 16 KiB: four calls for what others receive with one. */
        (void)bufferevent_set_max_single_read(buffered, BENCH_RECEIVE_BYTES);
        (void)bufferevent_set_max_single_write(buffered, BENCH_RECEIVE_BYTES);
        bufferevent_setcb(buffered, on_buffered, on_drained, on_ended, NULL);
        (void)bufferevent_enable(buffered, EV_READ | EV_WRITE);
    }
}

static void serve(enum bench_mode mode)
{
    bool is_buffered = strcmp(bench_self.engine, "buffered") == 0;
    served = mode;
    base_open();
    struct event *listener = event_new(base, bench_listen(), EV_READ | EV_PERSIST,
                                       is_buffered ? on_buffered_listener : on_listener, NULL);
    (void)event_add(listener, NULL);
    (void)event_base_dispatch(base);
    bench_fail("the loop ended");
}

/* --- timers ---------------------------------------------------------------------------------- */

static struct event **timers;

static void on_fire(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    bench_timer_fired();
}

static bool timers_open(size_t count)
{
    base_open();
    timers = calloc(count, sizeof(struct event *));
    for (size_t i = 0; timers != NULL && i < count; i++)
        timers[i] = evtimer_new(base, on_fire, NULL);
    return timers != NULL;
}

static void timers_update(void)
{
    (void)event_base_update_cache_time(base);
}

static void timer_start(size_t index, uint32_t timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    (void)evtimer_add(timers[index], &timeout);
}

static void timer_cancel(size_t index)
{
    (void)evtimer_del(timers[index]);
}

static void timers_turn(void)
{
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static const bench_timer_ops timer_ops = {timers_open,  timers_update, timer_start, timer_start,
                                          timer_cancel, timers_turn,   NULL};

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    static const bench_variant variants[] = {
        {.group = "peer",
         .name = "libevent",
         .engine = "raw",
         .serve = serve,
         .watch = serve,
         .timers = &timer_ops},
        {.group = "peer", .name = "libevent bufferevent", .engine = "buffered", .serve = serve},
    };
    if (index >= sizeof variants / sizeof variants[0])
        return false;
    *variant_out = variants[index];
    return true;
}
