/* tests/posix/revents.c - what poll() and select() say of sockets, pipes and files, state by state.
 */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define BOTH (POLLIN | POLLOUT)

static char bytes[65536];

/* Writes single bytes while there is room: the peer's system may take some late. The last result.
 */
static ssize_t drip(int fd)
{
    ssize_t written;
    do
        written = write(fd, bytes, 1);
    while (written == 1);
    return written;
}

static void fill(int fd)
{
    non_blocking(fd, true);
    while (write(fd, bytes, sizeof bytes) > 0) {}
    (void)drip(fd);
}

static void stream_sockets(void)
{
    int ends[2];
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    int listener = bound(SOCK_STREAM);
    section("fresh, listening");
    POLLS(fresh, BOTH, "OUT|HUP");
    POLLS(fresh, POLLIN, "HUP");
    POLLS(fresh, 0, "HUP");
    POLLS(listener, BOTH, "");
    int client = connected_to(listener);
    COMES(listener, POLLIN, "IN");
    POLLS(listener, BOTH, "IN");
    (void)close(client);
    (void)close(fresh);
    (void)close(listener);

    section("connected");
    tcp_pair(ends);
    POLLS(ends[0], BOTH, "OUT");
    POLLS(ends[0], POLLIN, "");
    POLLS(ends[0], 0, "");
    IS(write(ends[1], "x", 1), 1);
    COMES(ends[0], POLLIN, "IN");
    POLLS(ends[0], BOTH, "IN|OUT");
    POLLS(ends[0], POLLOUT, "OUT");
    section("the peer has ended its side, data unread");
    IS(shutdown(ends[1], SHUT_WR), 0);
    COMES(ends[0], POLLIN, "IN");
    POLLS(ends[0], BOTH, "IN|OUT");
    IS(read(ends[0], bytes, sizeof bytes), 1);
    section("the peer has ended its side");
    COMES(ends[0], POLLIN, "IN");
    POLLS(ends[0], BOTH, "IN|OUT");
    POLLS(ends[0], POLLOUT, "OUT");
    POLLS(ends[0], 0, "");
    IS(read(ends[0], bytes, sizeof bytes), 0);
    POLLS(ends[0], BOTH, "IN|OUT");
    section("and so have we");
    POLLS(ends[1], BOTH, "OUT");
    IS(shutdown(ends[0], SHUT_WR), 0);
    COMES(ends[0], BOTH, "IN|OUT|HUP");
    POLLS(ends[0], 0, "HUP");
    POLLS(ends[0], POLLOUT, "OUT|HUP");
    COMES(ends[1], BOTH, "IN|OUT|HUP");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void shut_sockets(void)
{
    int ends[2];
    section("we have ended our side");
    tcp_pair(ends);
    IS(shutdown(ends[0], SHUT_WR), 0);
    POLLS(ends[0], BOTH, "OUT");
    POLLS(ends[0], POLLIN, "");
    (void)close(ends[0]);
    (void)close(ends[1]);
    section("we read no more");
    tcp_pair(ends);
    IS(shutdown(ends[0], SHUT_RD), 0);
    POLLS(ends[0], BOTH, "IN|OUT");
    POLLS(ends[0], 0, "");
    (void)close(ends[0]);
    (void)close(ends[1]);
    section("both");
    tcp_pair(ends);
    IS(shutdown(ends[0], SHUT_RDWR), 0);
    POLLS(ends[0], BOTH, "IN|OUT|HUP");
    (void)close(ends[0]);
    (void)close(ends[1]);
    section("closed by the peer");
    tcp_pair(ends);
    (void)close(ends[0]);
    COMES(ends[1], POLLIN, "IN");
    POLLS(ends[1], BOTH, "IN|OUT");
    (void)close(ends[1]);
    section("reset by the peer");
    tcp_pair(ends);
    reset(ends[0]);
    COMES(ends[1], POLLIN, "IN|ERR|HUP");
    POLLS(ends[1], BOTH, "IN|OUT|ERR|HUP");
    POLLS(ends[1], 0, "ERR|HUP");
    FAILS(read(ends[1], bytes, 1), ECONNRESET);
    POLLS(ends[1], BOTH, "IN|OUT|HUP");
    (void)close(ends[1]);
    section("full");
    tcp_pair(ends);
    fill(ends[0]);
    POLLS(ends[0], BOTH, "");
    FAILS(drip(ends[0]), EAGAIN);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void refused_sockets(void)
{
    struct sockaddr_in address;
    int other = refusing(SOCK_STREAM);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t length = sizeof error;
    section("refused");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_of(other));
    FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EINPROGRESS);
    COMES(fd, POLLOUT, "OUT|ERR|HUP");
    POLLS(fd, BOTH, "IN|OUT|ERR|HUP");
    POLLS(fd, 0, "ERR|HUP");
    IS(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    check_text(errno_name(error), "ECONNREFUSED", "SO_ERROR");
    POLLS(fd, BOTH, "IN|OUT|HUP");
    (void)close(other);
    (void)close(fd);
}

static void datagram_sockets(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = bound(SOCK_DGRAM);
    int fresh = socket(AF_INET, SOCK_DGRAM, 0);
    section("datagrams");
    POLLS(fresh, BOTH, "OUT");
    POLLS(fd, BOTH, "OUT");
    IS(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    IS(sendto(fresh, "abcdef", 6, 0, (struct sockaddr *)&address, length), 6);
    COMES(fd, POLLIN, "IN");
    POLLS(fd, BOTH, "IN|OUT");
    IS(recv(fd, bytes, 3, 0), 3); /* The rest of a datagram is lost. */
    POLLS(fd, POLLIN, "");
    (void)close(fd);
    (void)close(fresh);
}

static void pipes(void)
{
    int fds[2];
    section("pipes");
    IS(pipe(fds), 0);
    POLLS(fds[0], BOTH, "");
    POLLS(fds[1], BOTH, "OUT");
    IS(write(fds[1], "x", 1), 1);
    POLLS(fds[0], POLLIN, "IN");
    POLLS(fds[0], 0, "");
    (void)close(fds[1]);
    POLLS(fds[0], POLLIN, "IN|HUP");
    IS(read(fds[0], bytes, 10), 1);
    POLLS(fds[0], POLLIN, "HUP");
    POLLS(fds[0], 0, "HUP");
    IS(read(fds[0], bytes, 10), 0);
    (void)close(fds[0]);
    IS(pipe(fds), 0);
    fill(fds[1]);
    POLLS(fds[1], POLLOUT, "");
    IS(read(fds[0], bytes, 4096), 4096);
    POLLS(fds[1], POLLOUT, "OUT");
    (void)close(fds[0]);
    POLLS(fds[1], POLLOUT, "OUT|ERR");
    POLLS(fds[1], 0, "ERR");
    FAILS(write(fds[1], "x", 1), EPIPE);
    (void)close(fds[1]);
}

static void pairs(void)
{
    int fds[2];
    section("socket pairs");
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    POLLS(fds[0], BOTH, "OUT");
    IS(write(fds[1], "x", 1), 1);
    POLLS(fds[0], BOTH, "IN|OUT");
    IS(shutdown(fds[1], SHUT_WR), 0);
    POLLS(fds[0], BOTH, "IN|OUT");
    IS(read(fds[0], bytes, 10), 1);
    IS(read(fds[0], bytes, 10), 0);
    FAILS(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    IS(write(fds[0], "yz", 2), 2);
    IS(recv(fds[1], bytes, 1, MSG_PEEK), 1);
    IS(recv(fds[1], bytes, 10, 0), 2);
    (void)close(fds[1]);
    POLLS(fds[0], BOTH, "IN|OUT|HUP");
    FAILS(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    (void)close(fds[0]);
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    IS(write(fds[1], "unread", 6), 6);
    (void)close(fds[0]);
    POLLS(fds[1], BOTH, "IN|OUT|ERR|HUP");
    FAILS(read(fds[1], bytes, 10), ECONNRESET);
    IS(read(fds[1], bytes, 10), 0);
    (void)close(fds[1]);
    IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    IS(write(fds[0], "abc", 3), 3);
    IS(write(fds[0], "de", 2), 2);
    IS(read(fds[1], bytes, 2), 2);
    IS(read(fds[1], bytes, 10), 2);
    POLLS(fds[1], BOTH, "OUT");
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void files(void)
{
    struct pollfd entries[3] = {{-1, POLLIN, 77}, {-5, POLLOUT, 77}, {0, 0, 0}};
    int fd = open("/dev/null", O_RDWR);
    char name[] = "/tmp/pollux-XXXXXX";
    int file = mkstemp(name);
    section("files, and no files");
    POLLS(fd, BOTH, "IN|OUT");
    POLLS(file, BOTH, "IN|OUT");
    (void)close(fd);
    (void)close(file);
    (void)unlink(name);
    POLLS(fd, BOTH, "NVAL");
    POLLS(fd, 0, "NVAL");
    IS(poll(entries, 2, 1), 0);
    IS(entries[0].revents, 0);
    IS(entries[1].revents, 0);
}

static void mixed_select(void)
{
    int ends[2];
    int fds[2];
    fd_set readable;
    fd_set writable;
    fd_set exceptional;
    section("select over a mix");
    tcp_pair(ends);
    IS(pipe(fds), 0);
    IS(write(fds[1], "x", 1), 1);
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&exceptional);
    FD_SET(ends[0], &readable);
    FD_SET(fds[0], &readable);
    FD_SET(ends[0], &writable);
    FD_SET(ends[1], &exceptional);
    IS(select(64, &readable, &writable, &exceptional, NULL), 2);
    TRUE(FD_ISSET(fds[0], &readable));
    TRUE(!FD_ISSET(ends[0], &readable));
    TRUE(FD_ISSET(ends[0], &writable));
    TRUE(!FD_ISSET(ends[1], &exceptional));
    struct timeval brief = {.tv_sec = 0, .tv_usec = 20000};
    FD_ZERO(&readable);
    FD_SET(ends[0], &readable);
    double before = seconds_now();
    IS(select(64, &readable, NULL, NULL, &brief), 0);
    TRUE(seconds_now() - before >= 0.0199);
    TRUE(!FD_ISSET(ends[0], &readable));
    IS(brief.tv_sec, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Sets of a program's own making: as many words as its descriptors need, each a fd_mask, whose bits
 * are those of an unsigned long. libev's are such. */
static void words_select(void)
{
    enum { FD = 105, WORDS = FD / NFDBITS + 1 };
    fd_mask words[WORDS + 1] = {0};
    int fds[2];
    section("select over words");
    IS(sizeof(fd_mask) == sizeof(1UL), 1);
    IS(NFDBITS == 8 * sizeof(fd_mask), 1);
    IS(pipe(fds), 0);
    IS(dup2(fds[0], FD), FD);
    words[FD / NFDBITS] = 1UL << (FD % NFDBITS);
    words[WORDS] = 1;
    struct timeval brief = {.tv_sec = 0, .tv_usec = 1000};
    IS(select(WORDS * NFDBITS, (fd_set *)words, NULL, NULL, &brief), 0);
    TRUE(words[FD / NFDBITS] == 0);
    TRUE(words[WORDS] == 1);
    IS(write(fds[1], "x", 1), 1);
    words[FD / NFDBITS] = 1UL << (FD % NFDBITS);
    IS(select(WORDS * NFDBITS, (fd_set *)words, NULL, NULL, NULL), 1);
    TRUE(words[FD / NFDBITS] == (fd_mask)(1UL << (FD % NFDBITS)));
    TRUE(words[0] == 0);
    (void)close(FD);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void *write_later(void *data)
{
    moment();
    if (write(*(int *)data, "x", 1) != 1)
        exit(1);
    return NULL;
}

/* A wait over sockets and pipes ends when either has something, from another thread. */
static void woken(void)
{
    int ends[2];
    int fds[2];
    pthread_t thread;
    section("woken by another thread");
    tcp_pair(ends);
    IS(pipe(fds), 0);
    for (int i = 0; i < 2; i++) {
        struct pollfd entries[2] = {{ends[0], POLLIN, 0}, {fds[0], POLLIN, 0}};
        IS(pthread_create(&thread, NULL, write_later, i == 0 ? &fds[1] : &ends[1]), 0);
        IS(poll(entries, 2, 20000), 1);
        IS(entries[0].revents, i == 1 ? POLLIN : 0);
        IS(entries[1].revents, i == 0 ? POLLIN : 0);
        (void)pthread_join(thread, NULL);
        IS(read(i == 0 ? fds[0] : ends[0], bytes, 10), 1);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* 10,000 descriptors in one poll: pipes of the process and sockets of the system. */
static void many(void)
{
    enum { COUNT = 10000, SOCKETS = 2000 };
    struct pollfd *entries = calloc(COUNT, sizeof *entries);
    int ends[2];
    int fds[2];
    section("ten thousand");
    tcp_pair(ends);
    IS(pipe(fds), 0);
    for (int i = 0; i < COUNT; i++) {
        entries[i].fd = dup(i < SOCKETS ? ends[0] : fds[0]);
        entries[i].events = POLLIN;
    }
    TRUE(entries[COUNT - 1].fd > COUNT - 1);
    IS(poll(entries, COUNT, 0), 0);
    IS(write(fds[1], "x", 1), 1);
    IS(poll(entries, COUNT, -1), COUNT - SOCKETS);
    IS(read(entries[COUNT - 1].fd, bytes, 10), 1);
    IS(write(ends[1], "x", 1), 1);
    wait_for(ends[0], POLLIN);
    IS(poll(entries, COUNT, -1), SOCKETS);
    IS(entries[0].revents, POLLIN);
    IS(entries[SOCKETS].revents, 0);
    for (int i = 0; i < COUNT; i++)
        (void)close(entries[i].fd);
    IS(poll(entries, COUNT, 0), COUNT);
    IS(entries[77].revents, POLLNVAL);
    free(entries);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    stream_sockets();
    shut_sockets();
    refused_sockets();
    datagram_sockets();
    pipes();
    pairs();
    files();
    mixed_select();
    words_select();
    woken();
    many();
    return check_end();
}
