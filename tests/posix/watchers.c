/* tests/posix/watchers.c - a server over libev that uses each kind of its watchers: for
 * ci/programs/libev.sh, which builds it natively and for Windows; both have to print the same.
 *
 *   watchers                         prints the backends that libev offers here
 *   watchers BACKEND PORT CLIENTS    echoes to so many clients, then waits for SIGINT
 *
 * BACKEND is select, poll, epoll, or signalfd: epoll, with signals from a signalfd.
 */
#include <ev.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNS_MAX 64
#define ROOM      16384

typedef struct conn {
    ev_io io; /* First: libev passes this member. */
    char unsent[ROOM];
    size_t length;
} conn;

static const struct {
    const char *name;
    unsigned flags;
} backends[] = {{"select", EVBACKEND_SELECT},
                {"poll", EVBACKEND_POLL},
                {"epoll", EVBACKEND_EPOLL},
                {"signalfd", EVBACKEND_EPOLL | EVFLAG_SIGNALFD}};

static conn conns[CONNS_MAX];
static int clients, opened, closed, ticks, periods, turns;
static atomic_int sends; /* What the thread has sent; libev tells several at once. */
static ev_timer timer;
static ev_async async;
static ev_child child;
static ev_signal user, interrupt;
static ev_periodic periodic;
static ev_prepare prepare;

static const char *name_of(unsigned flags)
{
    for (size_t i = 0; i < 3; i++) {
        if (flags == backends[i].flags)
            return backends[i].name;
    }
    return "?";
}

static void ended(struct ev_loop *loop, conn *one)
{
    ev_io_stop(loop, &one->io);
    (void)close(one->io.fd);
    if (++closed == clients)
        printf("all have ended\n");
}

/* What could not be sent yet waits, and the client is not read from meanwhile. */
static void on_conn(struct ev_loop *loop, ev_io *io, int events)
{
    conn *one = (conn *)io;
    if ((events & EV_READ) != 0) {
        ssize_t got = read(io->fd, one->unsent, ROOM);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            ended(loop, one);
            return;
        }
        one->length = (size_t)got;
    }
    ssize_t sent = write(io->fd, one->unsent, one->length);
    if (sent < 0 && errno != EAGAIN) {
        ended(loop, one);
        return;
    }
    if (sent > 0) {
        one->length -= (size_t)sent;
        memmove(one->unsent, one->unsent + sent, one->length);
    }
    int wanted = one->length > 0 ? EV_WRITE : EV_READ;
    if (wanted != (io->events & (EV_READ | EV_WRITE))) {
        ev_io_stop(loop, io);
        ev_io_set(io, io->fd, wanted);
        ev_io_start(loop, io);
    }
}

static void on_listener(struct ev_loop *loop, ev_io *io, int events)
{
    int fd;
    (void)events;
    while (opened < CONNS_MAX && (fd = accept(io->fd, NULL, NULL)) >= 0) {
        conn *one = &conns[opened++];
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        ev_io_init(&one->io, on_conn, fd, EV_READ);
        ev_io_start(loop, &one->io);
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    if (++ticks == 20) {
        printf("20 ticks\n");
        ev_timer_stop(loop, watcher);
        (void)kill(getpid(), SIGUSR1);
    }
}

static void on_user(struct ev_loop *loop, ev_signal *watcher, int events)
{
    char program[4096];
    char *arguments[] = {NULL, "child", NULL};
    extern char **environ;
    pid_t pid;
    (void)events;
    printf("%s\n", strsignal(watcher->signum));
    (void)snprintf(program, sizeof program, "%s", (const char *)watcher->data);
    arguments[0] = program;
    if (posix_spawn(&pid, program, NULL, NULL, arguments, environ) != 0) {
        printf("no child\n");
        return;
    }
    ev_child_set(&child, pid, 0);
    ev_child_start(loop, &child);
}

static void *run_worker(void *data)
{
    for (int i = 0; i < 3; i++) {
        (void)atomic_fetch_add(&sends, 1);
        ev_async_send(data, &async);
        (void)usleep(20000);
    }
    return NULL;
}

static void on_child(struct ev_loop *loop, ev_child *watcher, int events)
{
    pthread_t thread;
    (void)events;
    ev_child_stop(loop, watcher);
    printf("the child: exited %d, code %d\n", WIFEXITED(watcher->rstatus),
           WEXITSTATUS(watcher->rstatus));
    if (pthread_create(&thread, NULL, run_worker, loop) == 0)
        (void)pthread_detach(thread);
}

static void on_async(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)events;
    if (atomic_load(&sends) == 3) {
        printf("woken by a thread\n");
        ev_async_stop(loop, watcher);
    }
}

static void on_periodic(struct ev_loop *loop, ev_periodic *watcher, int events)
{
    (void)events;
    periods++;
    ev_periodic_stop(loop, watcher);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)watcher, (void)events;
    turns++;
}

static void on_interrupt(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)events;
    printf("%s: opened %d, closed %d, periods %d, turns %d\n", strsignal(watcher->signum), opened,
           closed, periods, turns > 20);
    ev_break(loop, EVBREAK_ALL);
}

static int listening(int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, CONNS_MAX) != 0) {
        perror("watchers");
        exit(1);
    }
    return fd;
}

static void offered(void)
{
    for (size_t i = 0; i < 3; i++) {
        if ((ev_supported_backends() & backends[i].flags) != 0)
            printf("%s\n", backends[i].name);
    }
}

static void serve(struct ev_loop *loop, int fd, char *program)
{
    ev_io listener;
    ev_io_init(&listener, on_listener, fd, EV_READ);
    ev_io_start(loop, &listener);
    ev_timer_init(&timer, on_timer, 0.01, 0.01);
    ev_timer_start(loop, &timer);
    ev_async_init(&async, on_async);
    ev_async_start(loop, &async);
    ev_signal_init(&user, on_user, SIGUSR1);
    user.data = program;
    ev_signal_start(loop, &user);
    ev_signal_init(&interrupt, on_interrupt, SIGINT);
    ev_signal_start(loop, &interrupt);
    ev_child_init(&child, on_child, 0, 0);
    ev_periodic_init(&periodic, on_periodic, ev_now(loop) + 0.1, 0, NULL);
    ev_periodic_start(loop, &periodic);
    ev_prepare_init(&prepare, on_prepare);
    ev_prepare_start(loop, &prepare);
    ev_run(loop, 0);
    ev_io_stop(loop, &listener);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc == 2 && strcmp(argv[1], "child") == 0)
        return 7;
    if (argc != 4) {
        offered();
        return argc != 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    clients = atoi(argv[3]);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(argv[1], backends[i].name) != 0)
            continue;
        struct ev_loop *loop = ev_default_loop(backends[i].flags);
        if (loop == NULL) {
            printf("no loop\n");
            return 1;
        }
        printf("backend: %s\n", name_of(ev_backend(loop)));
        int fd = listening(atoi(argv[2]));
        serve(loop, fd, argv[0]);
        (void)close(fd);
        ev_loop_destroy(loop);
        return 3;
    }
    return 2;
}
