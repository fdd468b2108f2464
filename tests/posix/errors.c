/* tests/posix/errors.c - the errno of each call in each wrong use. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char bytes[64];
static int value;
static socklen_t length;
static struct sockaddr_in address;

/* Every call, on a number that is no descriptor. */
static void bad_descriptors(void)
{
    struct iovec part = {.iov_base = bytes, .iov_len = 1};
    static const int numbers[] = {-1, 9999, 1000000};
    section("no descriptor");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int fd = numbers[i];
        length = sizeof address;
        FAILS(read(fd, bytes, 1), EBADF);
        FAILS(write(fd, bytes, 1), EBADF);
        FAILS(readv(fd, &part, 1), EBADF);
        FAILS(writev(fd, &part, 1), EBADF);
        FAILS(close(fd), EBADF);
        FAILS(dup(fd), EBADF);
        FAILS(dup2(fd, 5), EBADF);
        FAILS(fcntl(fd, F_GETFL), EBADF);
        FAILS(fcntl(fd, F_GETFD), EBADF);
        FAILS(ioctl(fd, FIONREAD, &value), EBADF);
        FAILS(lseek(fd, 0, SEEK_SET), EBADF);
        FAILS(send(fd, bytes, 1, 0), EBADF);
        FAILS(recv(fd, bytes, 1, 0), EBADF);
        FAILS(sendto(fd, bytes, 1, 0, NULL, 0), EBADF);
        FAILS(recvfrom(fd, bytes, 1, 0, NULL, NULL), EBADF);
        FAILS(bind(fd, (struct sockaddr *)&address, sizeof address), EBADF);
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EBADF);
        FAILS(listen(fd, 1), EBADF);
        FAILS(accept(fd, NULL, NULL), EBADF);
        FAILS(shutdown(fd, SHUT_WR), EBADF);
        FAILS(getsockname(fd, (struct sockaddr *)&address, &length), EBADF);
        FAILS(getpeername(fd, (struct sockaddr *)&address, &length), EBADF);
        FAILS(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), EBADF);
        FAILS(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), EBADF);
    }
}

/* Socket calls on what is none. */
static void no_socket(int fd)
{
    length = sizeof address;
    FAILS(send(fd, bytes, 1, 0), ENOTSOCK);
    FAILS(recv(fd, bytes, 1, 0), ENOTSOCK);
    FAILS(bind(fd, (struct sockaddr *)&address, sizeof address), ENOTSOCK);
    FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), ENOTSOCK);
    FAILS(listen(fd, 1), ENOTSOCK);
    FAILS(accept(fd, NULL, NULL), ENOTSOCK);
    FAILS(shutdown(fd, SHUT_WR), ENOTSOCK);
    FAILS(getsockname(fd, (struct sockaddr *)&address, &length), ENOTSOCK);
    FAILS(getpeername(fd, (struct sockaddr *)&address, &length), ENOTSOCK);
    FAILS(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), ENOTSOCK);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), ENOTSOCK);
}

static void no_sockets(void)
{
    int fds[2];
    int file = open("/dev/null", O_RDWR);
    IS(pipe(fds), 0);
    section("sockets are asked for: a pipe");
    no_socket(fds[0]);
    section("sockets are asked for: a device");
    no_socket(file);
    section("pipes in the wrong direction");
    FAILS(read(fds[1], bytes, 1), EBADF);
    FAILS(write(fds[0], bytes, 1), EBADF);
    FAILS(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    FAILS(fcntl(fds[0], 9999), EINVAL);
    FAILS(ioctl(fds[0], 0x9999, &value), ENOTTY);
    FAILS(fcntl(fds[0], F_DUPFD, -1), EINVAL);
    FAILS(pipe2(fds, 0x7), EINVAL);
    (void)close(file);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void making(void)
{
    int fds[2];
    section("socket and socketpair");
    FAILS(socket(9999, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(socket(AF_INET, 99, 0), EINVAL);
    FAILS(socket(AF_INET, 0, 0), ESOCKTNOSUPPORT);
    FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    FAILS(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    FAILS(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
    FAILS(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    FAILS(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
    FAILS(socketpair(AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
    FAILS(socketpair(9999, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
    FAILS(socketpair(AF_UNIX, SOCK_STREAM, 99, fds), EPROTONOSUPPORT);
    FAILS(socketpair(AF_UNIX, 99, 0, fds), EINVAL);
}

static void addresses(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    int other = bound(SOCK_STREAM);
    struct sockaddr_in6 long_address;
    section("addresses");
    memset(&address, 0, sizeof address);
    memset(&long_address, 0, sizeof long_address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    FAILS(bind(fd, (struct sockaddr *)&address, 1), EINVAL);
    FAILS(bind(fd, (struct sockaddr *)&address, 8), EINVAL);
    FAILS(connect(fd, (struct sockaddr *)&address, 8), EINVAL);
    FAILS(connect(fd, (struct sockaddr *)&address, 1), EINVAL);
    long_address.sin6_family = AF_INET6;
    FAILS(bind(fd, (struct sockaddr *)&long_address, sizeof long_address), EAFNOSUPPORT);
    FAILS(connect(fd, (struct sockaddr *)&long_address, sizeof long_address), EAFNOSUPPORT);
    FAILS(bind(six, (struct sockaddr *)&long_address, 16), EINVAL);
    address.sin_port = htons(port_of(other));
    FAILS(bind(fd, (struct sockaddr *)&address, sizeof address), EADDRINUSE);
    address.sin_port = 0;
    address.sin_addr.s_addr = htonl(0x08080808);
    FAILS(bind(fd, (struct sockaddr *)&address, sizeof address), EADDRNOTAVAIL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    IS(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    FAILS(bind(fd, (struct sockaddr *)&address, sizeof address), EINVAL);
    length = sizeof address;
    FAILS(getpeername(fd, (struct sockaddr *)&address, &length), ENOTCONN);
    length = 4;
    IS(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    IS(length, 16);
    (void)close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    length = sizeof address;
    IS(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    IS(address.sin_port, 0);
    IS(address.sin_family, AF_INET);
    (void)close(fd);
    (void)close(six);
    (void)close(other);
}

static void refused(int type, int flags)
{
    int other = refusing(SOCK_STREAM);
    int fd = socket(AF_INET, type | flags, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_of(other));
    if (flags == 0) {
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
    } else {
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EINPROGRESS);
        wait_for(fd, POLLOUT);
        length = sizeof value;
        IS(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length), 0);
        check_text(errno_name(value), "ECONNREFUSED", "SO_ERROR");
        IS(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length), 0);
        IS(value, 0);
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNABORTED);
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EINPROGRESS);
        wait_for(fd, POLLOUT);
        FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
    }
    length = sizeof address;
    FAILS(getpeername(fd, (struct sockaddr *)&address, &length), ENOTCONN);
    FAILS(recv(fd, bytes, 1, 0), ENOTCONN);
    FAILS(send(fd, bytes, 1, MSG_NOSIGNAL), EPIPE);
    (void)close(fd);
    (void)close(other);
}

static void connecting(void)
{
    int listener = bound(SOCK_STREAM);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    section("connect");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_of(listener));
    FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EINPROGRESS);
    wait_for(fd, POLLOUT);
    length = sizeof value;
    IS(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length), 0);
    IS(value, 0);
    IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    FAILS(connect(fd, (struct sockaddr *)&address, sizeof address), EISCONN);
    FAILS(listen(fd, 1), EINVAL);
    FAILS(accept(fd, NULL, NULL), EINVAL);
    FAILS(recv(fd, bytes, 1, 0), EAGAIN);
    FAILS(read(fd, bytes, 1), EAGAIN);
    FAILS(connect(listener, (struct sockaddr *)&address, sizeof address), EISCONN);
    FAILS(recv(listener, bytes, 1, 0), ENOTCONN);
    FAILS(send(listener, bytes, 1, MSG_NOSIGNAL), EPIPE);
    (void)close(fd);
    section("refused");
    refused(SOCK_STREAM, 0);
    section("refused, non-blocking");
    refused(SOCK_STREAM, SOCK_NONBLOCK);
    /* To no address in particular is to this machine. */
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = INADDR_ANY;
    address.sin_port = htons(port_of(listener));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    (void)close(listener);
}

static void accepting(void)
{
    int listener = bound(SOCK_STREAM);
    int datagram = bound(SOCK_DGRAM);
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    section("listen and accept");
    FAILS(accept(datagram, NULL, NULL), EOPNOTSUPP);
    FAILS(listen(datagram, 1), EOPNOTSUPP);
    FAILS(accept(fresh, NULL, NULL), EINVAL);
    FAILS(accept4(listener, NULL, NULL, 0x7), EINVAL);
    non_blocking(listener, true);
    FAILS(accept(listener, NULL, NULL), EAGAIN);
    IS(listen(listener, 5), 0);
    IS(listen(fresh, 5), 0); /* Bound by itself. */
    TRUE(port_of(fresh) != 0);
    int client = connected_to(listener);
    wait_for(listener, POLLIN);
    int served = accept(listener, NULL, NULL);
    IS(fcntl(served, F_GETFL) & O_NONBLOCK, 0); /* Not inherited. */
    IS(fcntl(served, F_GETFD), 0);
    (void)close(client);
    (void)close(served);
    client = connected_to(listener);
    wait_for(listener, POLLIN);
    length = 3;
    served = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    IS(length, 16);
    TRUE((fcntl(served, F_GETFL) & O_NONBLOCK) != 0);
    IS(fcntl(served, F_GETFD), FD_CLOEXEC);
    IS(shutdown(listener, SHUT_RD), 0);
    FAILS(accept(listener, NULL, NULL), EINVAL);
    (void)close(client);
    (void)close(served);
    (void)close(listener);
    (void)close(datagram);
    (void)close(fresh);
}

static void unconnected(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int datagram = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    section("not connected");
    FAILS(recv(fd, bytes, 1, 0), ENOTCONN);
    FAILS(read(fd, bytes, 1), ENOTCONN);
    FAILS(send(fd, bytes, 1, MSG_NOSIGNAL), EPIPE);
    FAILS(shutdown(fd, SHUT_WR), ENOTCONN);
    FAILS(shutdown(fd, 9), EINVAL);
    FAILS(send(datagram, bytes, 1, 0), EDESTADDRREQ);
    FAILS(write(datagram, bytes, 1), EDESTADDRREQ);
    FAILS(recv(datagram, bytes, 1, 0), EAGAIN);
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    FAILS(sendto(datagram, bytes, 1, 0, (struct sockaddr *)&address, 4), EINVAL);
    static char large[70000];
    FAILS(sendto(datagram, large, sizeof large, 0, (struct sockaddr *)&address, sizeof address),
          EMSGSIZE);
    FAILS(shutdown(datagram, SHUT_WR), ENOTCONN);
    (void)close(fd);
    (void)close(datagram);
}

static void options(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval time = {.tv_sec = 1, .tv_usec = 2000000};
    section("options");
    length = sizeof value;
    FAILS(getsockopt(fd, SOL_SOCKET, 9999, &value, &length), ENOPROTOOPT);
    FAILS(setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 1), EINVAL);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_ERROR, &value, sizeof value), ENOPROTOOPT);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof value), ENOPROTOOPT);
    FAILS(setsockopt(fd, IPPROTO_TCP, 9999, &value, sizeof value), ENOPROTOOPT);
    FAILS(getsockopt(fd, IPPROTO_TCP, 9999, &value, &length), ENOPROTOOPT);
    FAILS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 1), EINVAL);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), EDOM);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, 4), EINVAL);
    FAILS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value), EINVAL);
    static const int names[] = {SO_KEEPALIVE, SO_REUSEADDR, SO_OOBINLINE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        value = -1;
        length = sizeof value;
        IS(getsockopt(fd, SOL_SOCKET, names[i], &value, &length), 0);
        IS(value, 0);
        IS(length, 4);
        value = 1;
        IS(setsockopt(fd, SOL_SOCKET, names[i], &value, sizeof value), 0);
        value = -1;
        IS(getsockopt(fd, SOL_SOCKET, names[i], &value, &length), 0);
        TRUE(value != 0);
    }
    value = 1;
    IS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value), 0);
    value = -1;
    IS(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
    IS(value, 1);
    time.tv_usec = 500000;
    IS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    memset(&time, 0, sizeof time);
    length = sizeof time;
    IS(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
    IS(time.tv_sec, 1);
    IS(time.tv_usec, 500000);
    time.tv_sec = (time_t)18446744074; /* 2^64 ns, and less than a second. */
    IS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
    time.tv_sec = INT64_MAX;
    IS(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
    IS(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &length), 0);
    IS(time.tv_sec, 0);
    struct linger linger = {.l_onoff = 1, .l_linger = 7};
    IS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    memset(&linger, 0, sizeof linger);
    length = sizeof linger;
    IS(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    IS(linger.l_onoff, 1);
    IS(linger.l_linger, 7);
    IS(length, 8);
    length = sizeof value;
    IS(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length), 0);
    IS(value, AF_INET);
    IS(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length), 0);
    IS(value, IPPROTO_TCP);
    IS(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length), 0);
    IS(value, 0);
    (void)close(fd);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    IS(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length), 0);
    IS(value, 0);
    (void)close(fd);
}

static void after_the_end(void)
{
    int ends[2];
    section("after shutdown and reset");
    tcp_pair(ends);
    IS(shutdown(ends[0], SHUT_WR), 0);
    IS(shutdown(ends[0], SHUT_WR), 0);
    FAILS(send(ends[0], bytes, 1, MSG_NOSIGNAL), EPIPE);
    IS(recv(ends[1], bytes, 1, 0), 0);
    IS(recv(ends[1], bytes, 1, 0), 0);
    IS(send(ends[1], "x", 1, 0), 1);
    IS(recv(ends[0], bytes, 1, 0), 1);
    IS(shutdown(ends[0], SHUT_RD), 0);
    IS(recv(ends[0], bytes, 1, 0), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    tcp_pair(ends);
    reset(ends[0]);
    wait_for(ends[1], POLLIN);
    FAILS(recv(ends[1], bytes, 1, 0), ECONNRESET);
    IS(recv(ends[1], bytes, 1, 0), 0);
    FAILS(send(ends[1], bytes, 1, MSG_NOSIGNAL), EPIPE);
    (void)close(ends[1]);
    tcp_pair(ends);
    reset(ends[0]);
    wait_for(ends[1], POLLIN);
    FAILS(send(ends[1], bytes, 1, MSG_NOSIGNAL), ECONNRESET);
    FAILS(send(ends[1], bytes, 1, MSG_NOSIGNAL), EPIPE);
    IS(recv(ends[1], bytes, 1, 0), 0);
    (void)close(ends[1]);
    tcp_pair(ends);
    (void)close(ends[0]);
    wait_for(ends[1], POLLIN);
    IS(recv(ends[1], bytes, 1, 0), 0);
    IS(send(ends[1], bytes, 1, MSG_NOSIGNAL), 1);
    wait_for(ends[1], POLLIN | POLLOUT);
    FAILS(send_until_it_fails(ends[1]), EPIPE); /* The answer to that byte is a reset. */
    (void)close(ends[1]);
}

static void zero_and_flags(void)
{
    int ends[2];
    section("lengths of zero, flags");
    tcp_pair(ends);
    FAILS(recv(ends[0], bytes, 0, MSG_DONTWAIT), EAGAIN);
    IS(read(ends[0], bytes, 0), 0);
    IS(send(ends[0], bytes, 0, 0), 0);
    IS(write(ends[0], NULL, 0), 0);
    FAILS(recv(ends[0], bytes, 1, MSG_DONTWAIT), EAGAIN);
    IS(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    IS(send(ends[1], "abc", 3, MSG_NOSIGNAL | MSG_DONTWAIT), 3);
    wait_for(ends[0], POLLIN);
    IS(recv(ends[0], bytes, 2, MSG_PEEK), 2);
    IS(ioctl(ends[0], FIONREAD, &value), 0);
    IS(value, 3);
    IS(recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT), 3);
    static const struct iovec parts[2000];
    FAILS(readv(ends[0], parts, 2000), EINVAL);
    FAILS(recv(ends[0], bytes, 1, MSG_OOB), EINVAL);
    FAILS(ioctl(ends[0], TIOCGWINSZ, bytes), ENOTTY);
    FAILS(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    IS(isatty(ends[0]), 0);
    value = 1;
    IS(ioctl(ends[0], FIONBIO, &value), 0);
    TRUE((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    FAILS(read(ends[0], bytes, 1), EAGAIN);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void waits(void)
{
    struct timeval negative = {.tv_sec = -1, .tv_usec = 0};
    fd_set set;
    section("poll and select");
    int gone = dup(0);
    (void)close(gone);
    FD_ZERO(&set);
    FD_SET(gone, &set);
    FAILS(select(gone + 1, &set, NULL, NULL, NULL), EBADF);
    FAILS(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    FAILS(select(0, NULL, NULL, NULL, &negative), EINVAL);
    struct timespec wrong = {.tv_sec = 0, .tv_nsec = 1000000000};
    FAILS(ppoll(NULL, 0, &wrong, NULL), EINVAL);
    IS(poll(NULL, 0, 1), 0);
    struct timeval brief = {.tv_sec = 0, .tv_usec = 1000};
    IS(select(0, NULL, NULL, NULL, &brief), 0);
    FAILS(nanosleep(&wrong, NULL), EINVAL);
    FAILS(kill(getpid(), 9999), EINVAL);
    IS(kill(getpid(), 0), 0);
    FAILS(sigaction(9999, NULL, NULL), EINVAL);
    FAILS(sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), EINVAL);
    struct sigaction ignored = {.sa_handler = SIG_IGN, .sa_flags = (int)SA_RESETHAND};
    IS(sigaction(SIGUSR1, &ignored, NULL), 0);
    IS(raise(SIGUSR1), 0);
    IS(sigaction(SIGUSR1, NULL, &ignored), 0);
    TRUE(ignored.sa_handler == SIG_IGN); /* What is ignored is not reset. */
    TRUE(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    bad_descriptors();
    no_sockets();
    making();
    addresses();
    connecting();
    accepting();
    unconnected();
    options();
    after_the_end();
    zero_and_flags();
    waits();
    return check_end();
}
