/* tests/posix/streams.c - blocking calls, partial writes, timeouts, signals, and threads that
 * close, shut down or write under somebody who waits.
 */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char bytes[1 << 20];
static atomic_int alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

/* Again and again, as the first may come before what it is to interrupt; 0: no more. */
static void alarms_set(int milliseconds, int flags)
{
    struct sigaction action;
    struct itimerval timer;
    memset(&action, 0, sizeof action);
    memset(&timer, 0, sizeof timer);
    action.sa_handler = on_alarm;
    action.sa_flags = flags;
    (void)sigaction(SIGALRM, &action, NULL);
    timer.it_value.tv_usec = milliseconds * 1000;
    timer.it_interval = timer.it_value;
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* That the call ends by an alarm. */
#define INTERRUPTED(call, flags)                                                                   \
    do {                                                                                           \
        alarms = 0;                                                                                \
        alarms_set(50, flags);                                                                     \
        FAILS(call, EINTR);                                                                        \
        alarms_set(0, 0);                                                                          \
        TRUE(alarms > 0);                                                                          \
    } while (0)

typedef struct delayed {
    int fd;
    enum { WRITE, SHUT, CLOSE, DRAIN } what;
    size_t drained;
    int fd_after;  /* Written to after that, unless it is 0. */
    bool by_alarm; /* Not before an alarm has come. */
} delayed;

/* What TSan would report; tsan.supp names it. */
static void close_under_a_reader(int fd)
{
    (void)close(fd);
}

static void *delayed_run(void *data)
{
    delayed *late = data;
    char drained[4096];
    do
        moment();
    while (late->by_alarm && alarms == 0);
    switch (late->what) {
    case WRITE:
        if (write(late->fd, "late", 4) != 4)
            exit(1);
        break;
    case SHUT:
        (void)shutdown(late->fd, SHUT_RDWR);
        break;
    case CLOSE:
        close_under_a_reader(late->fd);
        break;
    case DRAIN:
        for (ssize_t got; (got = read(late->fd, drained, sizeof drained)) > 0;)
            late->drained += (size_t)got;
        break;
    }
    if (late->fd_after != 0 && write(late->fd_after, "late", 4) != 4)
        exit(1);
    return NULL;
}

static pthread_t later(delayed *late)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, delayed_run, late) != 0)
        exit(1);
    return thread;
}

static void interruptions(void)
{
    int ends[2];
    int fds[2];
    struct timespec wanted = {.tv_sec = 2000, .tv_nsec = 0};
    struct timespec left = {0, 0};
    struct pollfd entry;
    section("EINTR");
    tcp_pair(ends);
    IS(pipe(fds), 0);
    int listener = bound(SOCK_STREAM);
    entry.fd = ends[0];
    entry.events = POLLIN;
    INTERRUPTED(read(ends[0], bytes, 1), 0);
    INTERRUPTED(recv(ends[0], bytes, 1, 0), 0);
    INTERRUPTED(read(fds[0], bytes, 1), 0);
    INTERRUPTED(accept(listener, NULL, NULL), 0);
    INTERRUPTED(poll(&entry, 1, -1), 0);
    INTERRUPTED(poll(&entry, 1, -1), SA_RESTART); /* It is never restarted. */
    INTERRUPTED(nanosleep(&wanted, &left), SA_RESTART);
    TRUE(left.tv_sec > 1900 && left.tv_sec < 2000);
    INTERRUPTED(pause(), 0);
    alarms_set(50, 0);
    unsigned rest = sleep(2000);
    alarms_set(0, 0);
    TRUE(rest > 1900 && rest < 2000);
    section("SA_RESTART");
    const int readers[] = {ends[0], fds[0]};
    const int writers[] = {ends[1], fds[1]};
    for (int i = 0; i < 2; i++) {
        /* The thread sanitizer has handlers run when the call returns. */
        delayed late = {.fd = writers[i], .what = WRITE, .by_alarm = !IS_TSAN};
        alarms = 0;
        alarms_set(30, SA_RESTART);
        pthread_t thread = later(&late);
        IS(read(readers[i], bytes, 10), 4);
        (void)pthread_join(thread, NULL);
        alarms_set(0, 0);
        TRUE(alarms > 0);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(listener);
}

static void masks(void)
{
    sigset_t blocked;
    sigset_t old;
    sigset_t pending;
    section("masks");
    alarms = 0;
    IS(sigemptyset(&blocked), 0);
    IS(sigaddset(&blocked, SIGALRM), 0);
    IS(sigismember(&blocked, SIGALRM), 1);
    IS(sigismember(&blocked, SIGINT), 0);
    FAILS(sigaddset(&blocked, 9999), EINVAL);
    IS(sigprocmask(SIG_BLOCK, &blocked, &old), 0);
    IS(sigismember(&old, SIGALRM), 0);
    alarms_set(20, 0);
    do { /* No alarm interrupts what blocks it. */
        moment();
        (void)sigpending(&pending);
    } while (sigismember(&pending, SIGALRM) == 0);
    alarms_set(0, 0);
    IS(alarms, 0);
    FAILS(ppoll(NULL, 0, NULL, &old), EINTR);
    IS(alarms, 1);
    IS(raise(SIGALRM), 0);
    IS(alarms, 1);
    IS(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    IS(alarms, 2);
    IS(raise(SIGALRM), 0);
    IS(alarms, 3);
    IS(kill(getpid(), SIGALRM), 0);
    IS(alarms, 4);
    FAILS(sigprocmask(77, &old, NULL), EINVAL);
    IS(signal(SIGUSR1, SIG_IGN) == SIG_DFL, 1);
    IS(raise(SIGUSR1), 0);
    IS(signal(SIGUSR1, on_alarm) == SIG_IGN, 1);
    IS(raise(SIGUSR1), 0);
    IS(alarms, 5);
    IS(alarm(100), 0);
    TRUE(alarm(0) >= 99);
}

static void timeouts(void)
{
    int ends[2];
    struct timeval brief = {.tv_sec = 0, .tv_usec = 60000};
    section("SO_RCVTIMEO and SO_SNDTIMEO");
    tcp_pair(ends);
    IS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief), 0);
    double before = seconds_now();
    FAILS(recv(ends[0], bytes, 1, 0), EAGAIN);
    TRUE(seconds_now() - before >= 0.059);
    FAILS(read(ends[0], bytes, 1), EAGAIN);
    IS(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief), 0);
    while (write(ends[0], bytes, sizeof bytes) > 0) {}
    check_text(errno_name(errno), "EAGAIN", "write until it is full");
    (void)close(ends[0]);
    (void)close(ends[1]);
    int listener = bound(SOCK_STREAM);
    IS(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief), 0);
    FAILS(accept(listener, NULL, NULL), EAGAIN);
    (void)close(listener);
}

static void other_threads(void)
{
    int ends[2];
    int fds[2];
    section("other threads");
    tcp_pair(ends);
    delayed late = {.fd = ends[0], .what = SHUT};
    pthread_t thread = later(&late);
    IS(read(ends[0], bytes, 1), 0); /* Its own end, shut down. */
    (void)pthread_join(thread, NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
    int listener = bound(SOCK_STREAM);
    late.fd = listener;
    thread = later(&late);
    FAILS(accept(listener, NULL, NULL), EINVAL);
    (void)pthread_join(thread, NULL);
    (void)close(listener);
    /* Who reads goes on reading what was closed under it, and its number is free. */
    tcp_pair(ends);
    int kept = dup(ends[1]);
    late.fd = ends[0];
    late.what = CLOSE;
    late.fd_after = kept;
    thread = later(&late);
    IS(read(ends[0], bytes, 10), 4);
    (void)pthread_join(thread, NULL);
    late.fd_after = 0;
    FAILS(read(ends[0], bytes, 10), EBADF);
    (void)close(kept);
    (void)close(ends[1]);
    IS(pipe(fds), 0);
    late.fd = fds[1];
    late.what = CLOSE;
    thread = later(&late);
    IS(read(fds[0], bytes, 10), 0); /* The last writer goes. */
    (void)pthread_join(thread, NULL);
    (void)close(fds[0]);
}

/* A write that is larger than any buffer: blocking it is whole, non-blocking it is cut. */
static void large_writes(void)
{
    int ends[2];
    int fds[2];
    section("large writes");
    tcp_pair(ends);
    delayed drain = {.fd = ends[1], .what = DRAIN};
    pthread_t thread = later(&drain);
    size_t whole = 0;
    for (int i = 0; i < 12; i++) {
        ssize_t sent = write(ends[0], bytes, sizeof bytes);
        whole += sent > 0 ? (size_t)sent : 0;
    }
    IS(whole, 12 * sizeof bytes);
    (void)close(ends[0]);
    (void)pthread_join(thread, NULL);
    IS(drain.drained, whole);
    (void)close(ends[1]);
    tcp_pair(ends);
    non_blocking(ends[0], true);
    whole = 0;
    ssize_t sent;
    int calls = 0;
    while ((sent = write(ends[0], bytes, sizeof bytes)) > 0) {
        whole += (size_t)sent;
        calls++;
    }
    check_text(errno_name(errno), "EAGAIN", "a full socket");
    /* The last one was cut. Windows takes it whole, as Wine does since 9. */
    TRUE(calls >= 1 && (IS_WINDOWS || whole % sizeof bytes != 0));
    (void)close(ends[0]);
    (void)close(ends[1]);
    IS(pipe(fds), 0);
    non_blocking(fds[1], true);
    IS(write(fds[1], bytes, 100000), 65536);
    FAILS(write(fds[1], bytes, 1), EAGAIN);
    IS(read(fds[0], bytes, 4096), 4096);
    IS(write(fds[1], bytes, 4096), 4096);
    non_blocking(fds[1], false);
    drain = (delayed){.fd = fds[0], .what = DRAIN};
    thread = later(&drain);
    IS(write(fds[1], bytes, 300000), 300000);
    (void)close(fds[1]);
    (void)pthread_join(thread, NULL);
    IS(drain.drained, 300000 + 65536);
    (void)close(fds[0]);
}

static void gathered(void)
{
    int ends[2];
    char a[3];
    char b[5];
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdefgh", 6}};
    struct iovec in[2] = {{a, sizeof a}, {b, sizeof b}};
    section("readv, writev, MSG_WAITALL");
    tcp_pair(ends);
    IS(writev(ends[0], out, 3), 8);
    wait_for(ends[1], POLLIN);
    IS(readv(ends[1], in, 2), 8);
    IS(memcmp(a, "abc", 3), 0);
    IS(memcmp(b, "defgh", 5), 0);
    delayed late = {.fd = ends[0], .what = WRITE};
    IS(write(ends[0], "early", 5), 5);
    pthread_t thread = later(&late);
    IS(recv(ends[1], bytes, 9, MSG_WAITALL), 9);
    IS(memcmp(bytes, "earlylate", 9), 0);
    (void)pthread_join(thread, NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static sigjmp_buf jump;

static void on_alarm_jump(int number)
{
    (void)number;
    siglongjmp(jump, 1);
}

/* Who jumps out of a handler leaves nothing behind: what is closed then is closed. */
static void jumps(void)
{
    int ends[2];
    int fds[2];
    struct itimerval timer = {{0, 0}, {0, 30000}};
    section("siglongjmp out of a handler");
    for (volatile int i = 0; i < 3; i++) {
        (void)signal(SIGALRM, on_alarm_jump);
        tcp_pair(ends);
        if (sigsetjmp(jump, 1) == 0) {
            (void)setitimer(ITIMER_REAL, &timer, NULL);
            IS(read(ends[0], bytes, 1), -2); /* Never comes to this. */
        }
        IS(pipe(fds), 0);
        if (sigsetjmp(jump, 1) == 0) {
            (void)setitimer(ITIMER_REAL, &timer, NULL);
            IS(read(fds[0], bytes, 1), -2);
        }
        (void)close(ends[0]);
        IS(read(ends[1], bytes, 1), 0);
        (void)close(ends[1]);
        (void)close(fds[1]);
        IS(read(fds[0], bytes, 1), 0);
        (void)close(fds[0]);
    }
}

static void *answer_all(void *data)
{
    int fd = *(int *)data;
    char byte;
    while (read(fd, &byte, 1) == 1) {
        if (write(fd, &byte, 1) != 1)
            exit(1);
    }
    return NULL;
}

typedef struct flood {
    int fd;
    size_t whole;
} flood;

/* In pieces of all sizes, so that the two threads wait for each other in all ways. */
static void *flood_run(void *data)
{
    static const char zeros[9973];
    flood *of = data;
    for (size_t sent = 0; sent < of->whole;) {
        size_t piece = 1 + sent % 9973;
        if (piece > of->whole - sent)
            piece = of->whole - sent;
        if (write(of->fd, zeros, piece) != (ssize_t)piece)
            exit(1);
        sent += piece;
    }
    return NULL;
}

/* A wake that is lost, once in thousands of times, would hang here. */
static void many_turns(void)
{
    int ends[2];
    int fds[2];
    pthread_t thread;
    section("many turns");
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        else
            tcp_pair(ends);
        IS(pthread_create(&thread, NULL, answer_all, &ends[1]), 0);
        int turns = 0;
        char byte = 'x';
        while (turns < 3000 && write(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1)
            turns++;
        IS(turns, 3000);
        (void)close(ends[0]);
        (void)pthread_join(thread, NULL);
        (void)close(ends[1]);
    }
    IS(pipe(fds), 0);
    flood of = {fds[1], 8000000};
    IS(pthread_create(&thread, NULL, flood_run, &of), 0);
    size_t whole = 0;
    for (ssize_t got; whole < of.whole; whole += (size_t)got) {
        got = read(fds[0], bytes, 1 + whole % 7919);
        if (got <= 0)
            break;
    }
    IS(whole, of.whole);
    (void)pthread_join(thread, NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void broken_pipes(void)
{
    int fds[2];
    section("SIGPIPE");
    alarms = 0;
    (void)signal(SIGPIPE, on_alarm);
    IS(pipe(fds), 0);
    (void)close(fds[0]);
    FAILS(write(fds[1], "x", 1), EPIPE);
    IS(alarms, 1);
    (void)close(fds[1]);
    tcp_pair(fds);
    (void)shutdown(fds[0], SHUT_WR);
    FAILS(write(fds[0], "x", 1), EPIPE);
    IS(alarms, 2);
    FAILS(send(fds[0], "x", 1, 0), EPIPE);
    IS(alarms, 3);
    FAILS(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    IS(alarms, 3);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    interruptions();
    masks();
    timeouts();
    other_threads();
    large_writes();
    gathered();
    jumps();
    many_turns();
    broken_pipes();
    return check_end();
}
