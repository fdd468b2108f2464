/* tests/posix/bridge.c - the layer and the loop in one program: plx_watch() over descriptors.
 */
#include "check.h"

#include <errno.h>
#include <pollux/pollux.h>
#include <pollux/posix.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int calls;
static char bytes[16];

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    int fd = *(int *)data;
    (void)socket;
    calls++;
    IS(ready, PLX_READABLE);
    IS(read(fd, bytes, sizeof bytes), 5);
    (void)plx_watch_close(loop, watch);
    plx_loop_stop(loop);
}

static void watched(void)
{
    plx_loop *loop;
    plx_watch watch;
    int ends[2];
    section("a descriptor in the loop");
    tcp_pair(ends);
    IS(plx_loop_open(&loop, NULL), 0);
    IS(plx_watch_open(loop, &watch, pollux_posix_socket(ends[0]), PLX_READABLE, on_ready, &ends[0]),
       0);
    IS(write(ends[1], "hello", 5), 5);
    IS(plx_loop_run(loop), 0);
    IS(calls, 1);
    IS(bytes[0], 'h');
    plx_loop_close(loop);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void adopted(void)
{
    int ends[2];
    section("a socket that becomes a descriptor");
    tcp_pair(ends);
    int fd = pollux_posix_adopt(pollux_posix_socket(ends[0]));
    TRUE(fd >= 0);
    IS(write(fd, "adopted", 7), 7);
    IS(recv(ends[1], bytes, 7, MSG_WAITALL), 7);
    POLLS(fd, 1 | 4, "OUT");
    IS(pollux_posix_adopt(PLX_SOCKET_NONE), -1);
    IS(close(fd), 0);
    (void)close(ends[1]);
}

/* Without descriptors there is EMFILE, and nothing is lost: who waited is accepted later. */
static void exhausted(void)
{
    struct rlimit limit;
    int spare[64];
    int count = 0;
    section("out of descriptors");
    int listener = bound(SOCK_STREAM);
    int client = connected_to(listener);
    int lowest = dup(0);
    IS(getrlimit(RLIMIT_NOFILE, &limit), 0);
    TRUE(limit.rlim_max >= 16384);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)lowest + 20;
    IS(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < 64 && (spare[count] = dup(0)) >= 0)
        count++;
    IS(errno, EMFILE);
    wait_for(listener, 1);
    FAILS(accept(listener, NULL, NULL), EMFILE);
    FAILS(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    int fds[2];
    FAILS(pipe(fds), EMFILE);
    (void)close(spare[--count]);
    FAILS(pipe(fds), EMFILE); /* One is not enough, and is not kept. */
    int served = accept(listener, NULL, NULL);
    TRUE(served >= 0);
    IS(write(client, "kept", 4), 4);
    IS(recv(served, bytes, 4, MSG_WAITALL), 4);
    while (count > 0)
        (void)close(spare[--count]);
    limit.rlim_cur = before;
    IS(setrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)close(served);
    (void)close(client);
    (void)close(listener);
    (void)close(lowest);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    watched();
    adopted();
    exhausted();
    return check_end();
}
