/* tests/posix/peers.c - two processes at the ends of an AF_UNIX connection: who each says that the
 * other is, and what cannot be passed between them.
 *
 *   peers serve PATH   and then   peers ask PATH
 */
#include "check.h"
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address;

static int peer_of(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : -1;
}

/* Both tell their own number first. */
static void numbers_exchange(int fd)
{
    int own = getpid();
    int other = 0;
    IS(send(fd, &own, sizeof own, 0), sizeof own);
    IS(recv(fd, &other, sizeof other, MSG_WAITALL), sizeof other);
    TRUE(other > 0 && other != own);
    TRUE(peer_of(fd) == other);
}

static void serve(void)
{
    char byte;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    section("the server");
    IS(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    IS(listen(listener, 1), 0);
    section("ready");
    wait_for(listener, POLLIN);
    int fd = accept(listener, NULL, NULL);
    numbers_exchange(fd);
    message_make(&byte, 1, sizeof control);
    IS(recvmsg(fd, &message, 0), 1);
    /* Linux brings a descriptor with it; here there were the bytes of another call only. */
    const struct cmsghdr *head = control_find(SOL_SOCKET, SCM_RIGHTS);
    TRUE(IS_WINDOWS ? head == NULL : head != NULL);
    IS(send(fd, "y", 1, 0), 1);
    (void)close(fd);
    (void)close(listener);
    (void)unlink(address.sun_path);
}

static void ask(void)
{
    char byte = 'x';
    int fds[2];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    section("the client");
    IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    numbers_exchange(fd);
    IS(pipe(fds), 0);
    message_make(&byte, 1, 0);
    control_add(SOL_SOCKET, SCM_RIGHTS, fds, sizeof *fds);
    errno = 0;
    ssize_t sent = sendmsg(fd, &message, 0);
    TRUE(IS_WINDOWS ? sent == -1 && errno == EOPNOTSUPP : sent == 1);
    if (sent < 0) /* The connection has taken no harm. */
        sent = send(fd, &byte, 1, 0);
    IS(sent, 1);
    IS(recv(fd, &byte, 1, 0), 1);
    (void)close(fd);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc != 3)
        return 2;
    address.sun_family = AF_UNIX;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[2]);
    if (strcmp(argv[1], "serve") == 0)
        serve();
    else
        ask();
    return check_end();
}
