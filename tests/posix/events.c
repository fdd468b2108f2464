/* tests/posix/events.c - epoll, by level, by edge and once; eventfd. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

static char bytes[256];
static struct epoll_event events[8];

static int control(int set, int operation, int fd, uint32_t what, int data)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = what;
    event.data.fd = data;
    return epoll_ctl(set, operation, fd, &event);
}

static void wrong_uses(void)
{
    int fds[2];
    int set = epoll_create1(EPOLL_CLOEXEC);
    char name[] = "/tmp/pollux-XXXXXX";
    section("wrong uses");
    IS(fcntl(set, F_GETFD), FD_CLOEXEC);
    IS(pipe(fds), 0);
    int file = mkstemp(name);
    (void)unlink(name);
    FAILS(epoll_create(0), EINVAL);
    FAILS(epoll_create1(0x7), EINVAL);
    FAILS(control(set, EPOLL_CTL_ADD, 9999, EPOLLIN, 1), EBADF);
    FAILS(control(9999, EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), EBADF);
    FAILS(control(fds[0], EPOLL_CTL_ADD, fds[1], EPOLLIN, 1), EINVAL);
    FAILS(control(set, EPOLL_CTL_ADD, set, EPOLLIN, 1), EINVAL);
    FAILS(control(set, EPOLL_CTL_ADD, file, EPOLLIN, 1), EPERM);
    FAILS(control(set, EPOLL_CTL_MOD, fds[0], EPOLLIN, 1), ENOENT);
    FAILS(control(set, EPOLL_CTL_DEL, fds[0], EPOLLIN, 1), ENOENT);
    IS(control(set, EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), 0);
    FAILS(control(set, EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), EEXIST);
    FAILS(control(set, 77, fds[0], EPOLLIN, 1), EINVAL);
    FAILS(epoll_wait(set, events, 0, 0), EINVAL);
    FAILS(epoll_wait(fds[0], events, 8, 0), EINVAL);
    IS(epoll_wait(set, events, 8, 0), 0);
    FAILS(read(set, bytes, 1), EINVAL);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(set);
    (void)close(file);
}

static void levels(void)
{
    int ends[2];
    int fds[2];
    int set = epoll_create1(0);
    section("by level");
    tcp_pair(ends);
    IS(pipe(fds), 0);
    IS(control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 10), 0);
    IS(control(set, EPOLL_CTL_ADD, fds[0], EPOLLIN, 20), 0);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(write(ends[1], "x", 1), 1);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].events, EPOLLIN);
    IS(events[0].data.fd, 10);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(write(fds[1], "x", 1), 1);
    IS(epoll_wait(set, events, 8, 20000), 2);
    IS(epoll_wait(set, events, 1, 20000), 1);
    IS(read(ends[0], bytes, 8), 1);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].data.fd, 20);
    IS(control(set, EPOLL_CTL_MOD, fds[0], 0, 21), 0);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(control(set, EPOLL_CTL_MOD, ends[0], EPOLLOUT, 11), 0);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].events, EPOLLOUT);
    IS(events[0].data.fd, 11);
    IS(control(set, EPOLL_CTL_DEL, ends[0], 0, 0), 0);
    (void)close(fds[1]);
    IS(epoll_wait(set, events, 8, 20000), 1); /* Told without being asked for. */
    IS(events[0].events, EPOLLHUP);
    (void)close(fds[0]);
    IS(epoll_wait(set, events, 8, 10), 0); /* What is closed is in no set. */
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(set);
}

static void edges(void)
{
    int ends[2];
    int set = epoll_create1(0);
    section("by edge, and once");
    tcp_pair(ends);
    non_blocking(ends[0], true);
    IS(control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLOUT | EPOLLET, 1), 0);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].events, EPOLLOUT);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(write(ends[1], "abc", 3), 3);
    IS(epoll_wait(set, events, 8, 20000), 1);
    TRUE((events[0].events & EPOLLIN) != 0);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(read(ends[0], bytes, sizeof bytes), 3);
    FAILS(read(ends[0], bytes, sizeof bytes), EAGAIN);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(write(ends[1], "d", 1), 1);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 2), 0);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].data.fd, 2);
    IS(epoll_wait(set, events, 8, 10), 0);
    IS(control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 3), 0);
    IS(epoll_wait(set, events, 8, 20000), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(set);
}

typedef struct addition {
    int set;
    int fd;
} addition;

static void *add_later(void *data)
{
    addition *of = data;
    moment();
    if (control(of->set, EPOLL_CTL_ADD, of->fd, EPOLLIN, 42) != 0)
        exit(1);
    return NULL;
}

static void counters(void)
{
    uint64_t value = 0;
    pthread_t thread;
    section("eventfd, and a set that grows under a wait");
    int fd = eventfd(0, EFD_NONBLOCK);
    FAILS(eventfd(0, 0x7770), EINVAL);
    POLLS(fd, 1 | 4, "OUT");
    FAILS(read(fd, &value, sizeof value), EAGAIN);
    FAILS(write(fd, &value, 4), EINVAL);
    value = 3;
    IS(write(fd, &value, sizeof value), 8);
    value = 4;
    IS(write(fd, &value, sizeof value), 8);
    POLLS(fd, 1 | 4, "IN|OUT");
    IS(read(fd, &value, sizeof value), 8);
    IS(value, 7);
    value = UINT64_MAX - 1;
    IS(write(fd, &value, sizeof value), 8);
    POLLS(fd, 1 | 4, "IN");
    value = 1;
    FAILS(write(fd, &value, sizeof value), EAGAIN);
    FAILS(read(fd, &value, 4), EINVAL);
    int many = eventfd(2, EFD_SEMAPHORE);
    IS(eventfd_read(many, &value), 0);
    IS(value, 1);
    addition of = {epoll_create1(0), fd};
    IS(pthread_create(&thread, NULL, add_later, &of), 0);
    IS(epoll_wait(of.set, events, 8, 20000), 1);
    IS(events[0].data.fd, 42);
    (void)pthread_join(thread, NULL);
    (void)close(of.set);
    (void)close(fd);
    (void)close(many);
}

static void sets_in_sets(void)
{
    int fds[2];
    int ends[2];
    pthread_t thread;
    uint64_t value = 0;
    section("a set in a set, and in poll()");
    int inner = epoll_create1(0);
    int outer = epoll_create1(0);
    int outermost = epoll_create1(0);
    IS(pipe(fds), 0);
    tcp_pair(ends);
    IS(control(inner, EPOLL_CTL_ADD, fds[0], EPOLLIN, 1), 0);
    IS(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2), 0);
    FAILS(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 3), ELOOP);
    POLLS(inner, POLLIN | POLLOUT, "");
    IS(epoll_wait(outer, events, 8, 10), 0);
    IS(write(fds[1], "x", 1), 1);
    POLLS(inner, POLLIN | POLLOUT, "IN");
    POLLS(outer, POLLIN, "IN");
    POLLS(outer, POLLOUT, "");
    IS(epoll_wait(outer, events, 8, 20000), 1);
    TRUE(events[0].data.fd == 2 && events[0].events == EPOLLIN);
    IS(epoll_wait(inner, events, 8, 20000), 1);
    TRUE(events[0].data.fd == 1 && events[0].events == EPOLLIN);
    IS(read(fds[0], bytes, 8), 1);
    POLLS(outer, POLLIN, "");
    IS(epoll_wait(outer, events, 8, 10), 0);
    IS(control(outermost, EPOLL_CTL_ADD, outer, EPOLLIN, 4), 0);
    IS(control(inner, EPOLL_CTL_ADD, ends[0], EPOLLIN, 5), 0);
    IS(write(ends[1], "abc", 3), 3);
    COMES(outermost, POLLIN, "IN");
    IS(epoll_wait(outermost, events, 8, 20000), 1);
    IS(events[0].data.fd, 4);
    IS(read(ends[0], bytes, 8), 3);
    IS(epoll_wait(outermost, events, 8, 10), 0);
    int full = eventfd(1, 0);
    addition of = {inner, full}; /* While another waits for the outermost. */
    IS(pthread_create(&thread, NULL, add_later, &of), 0);
    IS(epoll_wait(outermost, events, 8, 20000), 1);
    (void)pthread_join(thread, NULL);
    IS(epoll_wait(inner, events, 8, 0), 1);
    IS(events[0].data.fd, 42);
    IS(eventfd_read(full, &value), 0);
    section("by edge in between");
    IS(control(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET, 2), 0);
    IS(write(fds[1], "x", 1), 1);
    IS(epoll_wait(outer, events, 8, 20000), 1);
    IS(epoll_wait(outer, events, 8, 10), 0);
    IS(epoll_wait(inner, events, 8, 0), 1);
    IS(read(fds[0], bytes, 8), 1);
    IS(epoll_wait(inner, events, 8, 0), 0);
    IS(write(fds[1], "x", 1), 1);
    IS(epoll_wait(outer, events, 8, 20000), 1);
    (void)close(inner);
    IS(epoll_wait(outer, events, 8, 0), 0);
    (void)close(outer);
    (void)close(outermost);
    (void)close(full);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Five sets in a row, and no sixth, from whichever end the row is made. */
static void rows_of_sets(void)
{
    enum { SETS = 6 };
    section("sets within each other");
    for (int is_inward = 0; is_inward < 2; is_inward++) {
        int sets[SETS];
        for (int i = 0; i < SETS; i++)
            sets[i] = epoll_create1(0);
        for (int i = 0; i + 2 < SETS; i++)
            IS(control(sets[i + !is_inward], EPOLL_CTL_ADD, sets[i + is_inward], EPOLLIN, i), 0);
        int status = control(sets[4 + !is_inward], EPOLL_CTL_ADD, sets[4 + is_inward], EPOLLIN, 4);
        /* From outside Linux refuses it since 6.17. */
        TRUE((status == -1 && errno == ELOOP) || (!IS_WINDOWS && is_inward));
        for (int i = 0; i < SETS; i++)
            (void)close(sets[i]);
    }
}

static void *wait_for_one(void *data)
{
    struct epoll_event event;
    return (void *)(size_t)epoll_wait(*(int *)data, &event, 1, 20000);
}

/* Both hear of what is added under their waits: by edge, each of two is told to one of them. */
static void two_waiters(void)
{
    pthread_t threads[2];
    void *got[2];
    section("two threads wait for one set");
    int set = epoll_create1(0);
    int full[2] = {eventfd(1, 0), eventfd(1, 0)};
    for (int i = 0; i < 2; i++)
        IS(pthread_create(&threads[i], NULL, wait_for_one, &set), 0);
    moment();
    for (int i = 0; i < 2; i++) {
        IS(control(set, EPOLL_CTL_ADD, full[i], EPOLLIN | EPOLLONESHOT, i), 0);
        moment();
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], &got[i]);
        IS((size_t)got[i], 1);
        (void)close(full[i]);
    }
    (void)close(set);
}

/* --- closing in a set --------------------------------------------------------------------------
 */

static int of_kind(int kind, int *other)
{
    int ends[2];
    *other = -1;
    if (kind < 2)
        return socket(AF_INET, kind == 0 ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (kind == 2)
        return eventfd(1, 0);
    if (kind == 3)
        return timerfd_create(CLOCK_MONOTONIC, 0);
    if (kind == 4)
        return epoll_create1(0);
    IS(kind < 6 ? socketpair(AF_UNIX, kind == 5 ? SOCK_STREAM : SOCK_DGRAM, 0, ends) : pipe(ends),
       0);
    *other = ends[1];
    return ends[0];
}

/* What close() takes leaves its sets: what gets the number next is not in them, and can be added.
 */
static void numbers_again(void)
{
    section("a number that is given again");
    for (int kind = 0; kind < 8; kind++) {
        for (int is_waited = 0; is_waited < 2; is_waited++) {
            int others[2];
            int set = epoll_create1(0);
            int fd = of_kind(kind, &others[0]);
            IS(control(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 1), 0);
            if (is_waited)
                (void)epoll_wait(set, events, 8, 0);
            (void)close(fd);
            if (others[0] >= 0)
                (void)close(others[0]);
            IS(of_kind(kind, &others[1]), fd);
            IS(epoll_wait(set, events, 8, 0), 0);
            FAILS(control(set, EPOLL_CTL_MOD, fd, EPOLLIN, 2), ENOENT);
            FAILS(control(set, EPOLL_CTL_DEL, fd, 0, 2), ENOENT);
            IS(control(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 3), 0);
            FAILS(control(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 3), EEXIST);
            if (epoll_wait(set, events, 8, 0) > 0)
                IS(events[0].data.fd, 3);
            (void)close(fd);
            if (others[1] >= 0)
                (void)close(others[1]);
            (void)close(set);
        }
    }
}

/* While a copy of the descriptor is open the entry stays, under the number that it was added by. */
static void copies_stay(void)
{
    int fds[2];
    int set = epoll_create1(0);
    section("a copy keeps the entry");
    IS(pipe(fds), 0);
    int number = fds[0];
    IS(control(set, EPOLL_CTL_ADD, number, EPOLLIN, 1), 0);
    int copy = dup(number);
    (void)close(number);
    IS(write(fds[1], "x", 1), 1);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(events[0].data.fd, 1);
    FAILS(control(set, EPOLL_CTL_MOD, number, EPOLLIN, 2), EBADF);
    FAILS(control(set, EPOLL_CTL_DEL, copy, 0, 2), ENOENT);
    IS(eventfd(1, 0), number);
    IS(epoll_wait(set, events, 8, 20000), 1);
    IS(control(set, EPOLL_CTL_ADD, number, EPOLLIN, 3), 0);
    IS(control(set, EPOLL_CTL_ADD, copy, EPOLLIN, 4), 0);
    IS(epoll_wait(set, events, 8, 20000), 3);
    IS(dup2(fds[1], number), number); /* Closes what was there. */
    IS(epoll_wait(set, events, 8, 20000), 2);
    (void)close(copy);
    IS(epoll_wait(set, events, 8, 0), 0);
    (void)close(number);
    (void)close(fds[1]);
    (void)close(set);
}

/* A set in sets closes with what it holds, and so does what is in several. */
static void sets_close(void)
{
    int outer[2] = {epoll_create1(0), epoll_create1(0)};
    int inner = epoll_create1(0);
    int full = eventfd(1, 0);
    section("closing sets and what is in several");
    for (int i = 0; i < 2; i++) {
        IS(control(outer[i], EPOLL_CTL_ADD, inner, EPOLLIN, 1), 0);
        IS(control(outer[i], EPOLL_CTL_ADD, full, EPOLLIN, 2), 0);
    }
    IS(control(inner, EPOLL_CTL_ADD, full, EPOLLIN, 3), 0);
    IS(epoll_wait(outer[0], events, 8, 20000), 2);
    (void)close(inner);
    IS(epoll_wait(outer[0], events, 8, 20000), 1);
    IS(events[0].data.fd, 2);
    (void)close(outer[0]);
    IS(epoll_wait(outer[1], events, 8, 20000), 1);
    (void)close(full);
    IS(epoll_wait(outer[1], events, 8, 0), 0);
    (void)close(outer[1]);
}

/* A thread that waits for a set does not keep open what is in it. */
static void closed_under_a_wait(void)
{
    int ends[2];
    pthread_t thread;
    void *got;
    int set = epoll_create1(0);
    int last = eventfd(0, 0);
    section("closed while a thread waits for the set");
    tcp_pair(ends);
    IS(control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1), 0);
    IS(control(set, EPOLL_CTL_ADD, last, EPOLLIN, 2), 0);
    IS(pthread_create(&thread, NULL, wait_for_one, &set), 0);
    moment();
    (void)close(ends[0]);
    struct pollfd peer = {.fd = ends[1], .events = POLLIN};
    IS(poll(&peer, 1, 10000), 1);
    IS(read(ends[1], bytes, sizeof bytes), 0);
    IS(eventfd_write(last, 1), 0);
    (void)pthread_join(thread, &got);
    IS((size_t)got, 1);
    (void)close(ends[1]);
    (void)close(last);
    (void)close(set);
}

/* Nor do two. */
static void closed_under_two_waits(void)
{
    int ends[2];
    pthread_t threads[2];
    int set = epoll_create1(0);
    int last = eventfd(0, 0);
    section("closed while two threads wait for the set");
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    IS(control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1), 0);
    IS(control(set, EPOLL_CTL_ADD, last, EPOLLIN, 2), 0);
    for (int i = 0; i < 2; i++)
        IS(pthread_create(&threads[i], NULL, wait_for_one, &set), 0);
    moment();
    (void)close(ends[0]);
    struct pollfd peer = {.fd = ends[1], .events = POLLIN};
    IS(poll(&peer, 1, 10000), 1);
    IS(read(ends[1], bytes, sizeof bytes), 0);
    IS(eventfd_write(last, 1), 0);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    (void)close(ends[1]);
    (void)close(last);
    (void)close(set);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    wrong_uses();
    levels();
    edges();
    counters();
    sets_in_sets();
    rows_of_sets();
    two_waiters();
    numbers_again();
    copies_stay();
    sets_close();
    closed_under_a_wait();
    closed_under_two_waits();
    return check_end();
}
