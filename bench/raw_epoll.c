/* bench/raw_epoll.c - the floor: epoll, level-triggered, and nothing around it. */
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/conn.h"

#define EVENTS_MAX 1024

static int epoll_fd;

static void conn_close(bench_conn *conn)
{
    (void)close(conn->fd);
    free(conn->storage);
    free(conn);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = bench_accept(listener)) >= 0) {
        bench_conn *conn = calloc(1, sizeof *conn);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        if (conn == NULL)
            bench_fail("out of memory");
        conn->fd = fd;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
            bench_fail("epoll_ctl");
    }
}

static void conn_event(bench_conn *conn, enum bench_mode mode)
{
    enum bench_next before = conn->rest_length > 0 ? BENCH_WRITE : BENCH_READ;
    enum bench_next next =
        before == BENCH_WRITE ? bench_conn_write(conn) : bench_conn_read(conn, mode);
    if (next == BENCH_CLOSE) {
        conn_close(conn);
    } else if (next != before) {
        struct epoll_event event = {.events = next == BENCH_READ ? EPOLLIN : EPOLLOUT,
                                    .data.ptr = conn};
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    }
}

static void serve(enum bench_mode mode)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event event = {.events = EPOLLIN};
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listener = bench_listen();
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
        bench_fail("epoll");
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(listener);
            else
                conn_event(events[i].data.ptr, mode);
        }
    }
}

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out =
        (bench_variant){.group = "floor", .name = "raw epoll", .serve = serve, .watch = serve};
    return index == 0;
}
