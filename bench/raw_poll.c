/* bench/raw_poll.c - the floor: poll() over a dense array, and nothing around it. */
#include <poll.h>
#include <unistd.h>

#include "bench/conn.h"

/* Number 0 is the listener, in both. */
static struct pollfd *entries;
static bench_conn *conns;
static size_t count = 1;
static size_t room;

static void room_make(void)
{
    room = room == 0 ? 64 : room * 2;
    entries = realloc(entries, room * sizeof *entries);
    conns = realloc(conns, room * sizeof *conns);
    if (entries == NULL || conns == NULL)
        bench_fail("out of memory");
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = bench_accept(listener)) >= 0) {
        if (count == room)
            room_make();
        entries[count] = (struct pollfd){.fd = fd, .events = POLLIN};
        conns[count] = (bench_conn){.fd = fd};
        count++;
    }
}

/* Whether the entry is another one now. */
static bool conn_event(size_t at, enum bench_mode mode)
{
    bench_conn *conn = &conns[at];
    enum bench_next next =
        conn->rest_length > 0 ? bench_conn_write(conn) : bench_conn_read(conn, mode);
    if (next != BENCH_CLOSE) {
        entries[at].events = next == BENCH_READ ? POLLIN : POLLOUT;
        return false;
    }
    (void)close(conn->fd);
    free(conn->storage);
    count--;
    entries[at] = entries[count];
    conns[at] = conns[count];
    return true;
}

static void serve(enum bench_mode mode)
{
    room_make();
    int listener = bench_listen();
    entries[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        int ready = poll(entries, (nfds_t)count, -1);
        bool accepts = ready > 0 && entries[0].revents != 0;
        ready -= accepts;
        for (size_t i = 1; ready > 0 && i < count;) {
            if (entries[i].revents == 0) {
                i++;
                continue;
            }
            ready--;
            i += !conn_event(i, mode);
        }
        if (accepts)
            accept_all(listener);
    }
}

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out =
        (bench_variant){.group = "floor", .name = "raw poll", .serve = serve, .watch = serve};
    return index == 0;
}
