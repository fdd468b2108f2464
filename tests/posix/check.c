/* tests/posix/check.c - see check.h. */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* What the sanitizers ask of a program: memory that there is none of is NULL, as elsewhere. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static int count;
static int failed;

const char *errno_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
#define NAME(code) {code, #code}
        NAME(EPERM),       NAME(ENOENT),       NAME(EINTR),           NAME(EIO),
        NAME(EBADF),       NAME(ECHILD),       NAME(EAGAIN),          NAME(ENOMEM),
        NAME(EACCES),      NAME(EFAULT),       NAME(EBUSY),           NAME(EEXIST),
        NAME(ENOTDIR),     NAME(EISDIR),       NAME(EINVAL),          NAME(EMFILE),
        NAME(ENOTTY),      NAME(ESPIPE),       NAME(EPIPE),           NAME(EDOM),
        NAME(ERANGE),      NAME(ENAMETOOLONG), NAME(ENOSYS),          NAME(ENOTEMPTY),
        NAME(ENOTSOCK),    NAME(EDESTADDRREQ), NAME(EMSGSIZE),        NAME(EPROTOTYPE),
        NAME(ENOPROTOOPT), NAME(ENOTCONN),     NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT),
        NAME(EOPNOTSUPP),  NAME(EAFNOSUPPORT), NAME(EADDRINUSE),      NAME(EADDRNOTAVAIL),
        NAME(ENETUNREACH), NAME(ECONNABORTED), NAME(ECONNRESET),      NAME(ENOBUFS),
        NAME(EISCONN),     NAME(ETIMEDOUT),    NAME(ECONNREFUSED),    NAME(EHOSTUNREACH),
        NAME(EALREADY),    NAME(EINPROGRESS),  NAME(ENXIO),           NAME(ESRCH),
        NAME(ELOOP),
#undef NAME
    };
    static char unknown[32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code)
            return names[i].name;
    }
    (void)snprintf(unknown, sizeof unknown, "%d", code);
    return unknown;
}

void section(const char *name)
{
    printf("-- %s\n", name);
    (void)fflush(stdout);
}

static void told(bool is_good, const char *what, const char *got, const char *wanted)
{
    count++;
    if (is_good) {
        printf("ok %s: %s\n", what, got);
    } else {
        failed++;
        printf("FAILED %s: %s, not %s\n", what, got, wanted);
    }
    (void)fflush(stdout);
}

void check_fails(long result, int code, const char *call, const char *name)
{
    char got[64];
    int saved = errno;
    if (result == -1)
        (void)snprintf(got, sizeof got, "%s", errno_name(saved));
    else
        (void)snprintf(got, sizeof got, "%ld", result);
    told(result == -1 && saved == code, call, got, name);
}

void check_is(long got, long wanted, const char *what)
{
    char got_text[32];
    char wanted_text[32];
    (void)snprintf(got_text, sizeof got_text, "%ld", got);
    (void)snprintf(wanted_text, sizeof wanted_text, "%ld", wanted);
    told(got == wanted, what, got_text, wanted_text);
}

void check_text(const char *got, const char *wanted, const char *what)
{
    told(strcmp(got, wanted) == 0, what, got, wanted);
}

static void bits_print(int bits, char *text, size_t size)
{
    static const struct {
        int bit;
        const char *name;
    } names[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},
                 {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"}};
    *text = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(text);
        if ((bits & names[i].bit) != 0)
            (void)snprintf(text + length, size - length, "%s%s", length > 0 ? "|" : "",
                           names[i].name);
    }
}

static void events_check(int fd, int events, const char *wanted, const char *what, int line,
                         int timeout)
{
    struct pollfd entry = {.fd = fd, .events = (short)events, .revents = 0};
    char asked[64];
    char got[64];
    char text[160];
    (void)line;
    int ready = poll(&entry, 1, timeout);
    bits_print(events, asked, sizeof asked);
    bits_print(entry.revents, got, sizeof got);
    (void)snprintf(text, sizeof text, "poll %s for [%s]", what, asked);
    told(strcmp(got, wanted) == 0 && ready == (*wanted != '\0'), text, got, wanted);
}

void check_polls(int fd, int events, const char *wanted, const char *what, int line)
{
    events_check(fd, events, wanted, what, line, 0);
}

void check_comes(int fd, int events, const char *wanted, const char *what, int line)
{
    events_check(fd, events, wanted, what, line, 20000);
}

int check_end(void)
{
    printf("checks: %d, failed: %d\n", count, failed);
    return failed == 0 ? 0 : 1;
}

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    printf("FAILED %s: %s\n", what, errno_name(errno));
    exit(1);
}

unsigned short port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    must(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
    return ntohs(address.sin_port);
}

int refusing(int type)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type, 0);
    must(fd >= 0, "socket");
    must(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    return fd;
}

int bound(int type)
{
    int fd = refusing(type);
    must(type != SOCK_STREAM || listen(fd, 128) == 0, "listen");
    return fd;
}

int connected_to(int listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int type;
    socklen_t size = sizeof type;
    must(getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &size) == 0, "getsockopt");
    must(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
    int fd = socket(AF_INET, type, 0);
    must(fd >= 0, "socket");
    must(connect(fd, (struct sockaddr *)&address, length) == 0, "connect");
    return fd;
}

void tcp_pair(int ends[2])
{
    int listener = bound(SOCK_STREAM);
    ends[0] = connected_to(listener);
    ends[1] = accept(listener, NULL, NULL);
    must(ends[1] >= 0, "accept");
    (void)close(listener);
}

void non_blocking(int fd, bool is_on)
{
    int flags = fcntl(fd, F_GETFL);
    must(fcntl(fd, F_SETFL, is_on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0, "fcntl");
}

void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER");
    must(close(fd) == 0, "close");
}

void wait_for(int fd, int events)
{
    struct pollfd entry = {.fd = fd, .events = (short)events, .revents = 0};
    must(poll(&entry, 1, 20000) == 1, "poll");
}

void moment(void)
{
    (void)poll(NULL, 0, 100);
}

ssize_t send_until_it_fails(int fd)
{
    ssize_t sent = 1;
    for (int i = 0; i < 20000 && sent == 1; i++) {
        (void)poll(NULL, 0, 1);
        sent = send(fd, "x", 1, MSG_NOSIGNAL);
    }
    return sent;
}

double seconds_now(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
