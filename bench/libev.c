/* bench/libev.c - libev: io watchers over recv() and send(), ev_timer_again() to restart, and for
 * posts a queue with ev_async_send(), as ev(3) recommends for each.
 */
#include <ev.h>
#include <unistd.h>

#include "bench/conn.h"
#include "bench/mutex_queue.h"

typedef struct server_conn {
    ev_io io;
    bench_conn conn;
} server_conn;

static enum bench_mode served;

static void on_conn(struct ev_loop *loop, ev_io *io, int events)
{
    server_conn *self = (server_conn *)(void *)io;
    enum bench_next next = (events & EV_READ) != 0 ? bench_conn_read(&self->conn, served)
                                                   : bench_conn_write(&self->conn);
    int wanted = next == BENCH_READ ? EV_READ : EV_WRITE;
    if (next == BENCH_CLOSE) {
        ev_io_stop(loop, io);
        (void)close(self->conn.fd);
        free(self->conn.storage);
        free(self);
    } else if (wanted != (events & (EV_READ | EV_WRITE))) {
        ev_io_stop(loop, io);
        ev_io_set(io, self->conn.fd, wanted);
        ev_io_start(loop, io);
    }
}

static void on_listener(struct ev_loop *loop, ev_io *io, int events)
{
    int fd;
    (void)events;
    while ((fd = bench_accept(io->fd)) >= 0) {
        server_conn *self = calloc(1, sizeof *self);
        if (self == NULL)
            bench_fail("out of memory");
        self->conn.fd = fd;
        ev_io_init(&self->io, on_conn, fd, EV_READ);
        ev_io_start(loop, &self->io);
    }
}

static void serve(enum bench_mode mode)
{
    static ev_io listener;
    struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
    served = mode;
    ev_io_init(&listener, on_listener, bench_listen(), EV_READ);
    ev_io_start(loop, &listener);
    (void)ev_run(loop, 0);
    bench_fail("the loop ended");
}

/* --- timers ---------------------------------------------------------------------------------- */

static struct ev_loop *timers_loop;
static ev_timer *timers;

static void on_fire(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)events;
    ev_timer_stop(loop, timer); /* It would repeat. */
    bench_timer_fired();
}

static bool timers_open(size_t count)
{
    timers_loop = ev_default_loop(0);
    timers = calloc(count, sizeof *timers);
    for (size_t i = 0; timers != NULL && i < count; i++)
        ev_init(&timers[i], on_fire);
    return timers_loop != NULL && timers != NULL;
}

static void timers_update(void)
{
    ev_now_update(timers_loop);
}

static void timer_again(size_t index, uint32_t timeout_ms)
{
    timers[index].repeat = timeout_ms / 1e3;
    ev_timer_again(timers_loop, &timers[index]);
}

static void timer_cancel(size_t index)
{
    ev_timer_stop(timers_loop, &timers[index]);
}

static void timers_turn(void)
{
    (void)ev_run(timers_loop, EVRUN_NOWAIT);
}

static const bench_timer_ops timer_ops = {timers_open,  timers_update, timer_again, timer_again,
                                          timer_cancel, timers_turn,   NULL};

/* --- posts ----------------------------------------------------------------------------------- */

static struct ev_loop *posts_loop;
static ev_async posts_async;

static void on_async(struct ev_loop *loop, ev_async *async, int events)
{
    (void)async;
    (void)events;
    if (!mutex_queue_run())
        ev_break(loop, EVBREAK_ALL);
}

static bool posts_open(void)
{
    posts_loop = ev_default_loop(0);
    ev_async_init(&posts_async, on_async);
    ev_async_start(posts_loop, &posts_async);
    return true;
}

static bool post(void)
{
    enum mutex_queue_pushed pushed = mutex_queue_push(MUTEX_QUEUE_MAX);
    ev_async_send(posts_loop, &posts_async);
    return pushed != MUTEX_QUEUE_FULL;
}

static void posts_run(void)
{
    (void)ev_run(posts_loop, 0);
}

static const bench_post_ops post_ops = {posts_open, post, posts_run};

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out = (bench_variant){.group = "peer",
                                   .name = "libev",
                                   .serve = serve,
                                   .watch = serve,
                                   .timers = &timer_ops,
                                   .posts = &post_ops};
    return index == 0;
}
