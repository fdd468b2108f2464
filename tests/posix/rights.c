/* tests/posix/rights.c - descriptors that are passed along (SCM_RIGHTS): over pairs, and over
 * AF_UNIX within one process.
 */
#include "check.h"
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char bytes[256];

static ssize_t rights_send(int to, const char *text, size_t length, const int *fds, size_t count)
{
    message_make((void *)(size_t)text, length, 0);
    control_add(SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof *fds);
    return sendmsg(to, &message, 0);
}

/* Receives with room for so many descriptors; how many came, which are in `fds`. */
static int rights_receive(int from, size_t size, size_t room, int flags, int *fds)
{
    memset(bytes, 0, sizeof bytes);
    message_make(bytes, size, room > 0 ? CMSG_LEN(room * sizeof *fds) : 0);
    ssize_t got = recvmsg(from, &message, flags);
    if (got <= 0)
        return -1;
    const struct cmsghdr *head = control_find(SOL_SOCKET, SCM_RIGHTS);
    if (head == NULL)
        return 0;
    size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
    memcpy(fds, CMSG_DATA(head), count * sizeof *fds);
    return (int)count;
}

/* What comes of a pipe, a socket and a file when they are passed from one end to the other. */
static void passing(int one, int other)
{
    int fds[3];
    int came[8];
    int pipes[2];
    int ends[2];
    char name[] = "/tmp/pollux-XXXXXX";
    IS(pipe(pipes), 0);
    tcp_pair(ends);
    int file = mkstemp(name);
    IS(write(file, "file", 4), 4);
    fds[0] = pipes[1];
    fds[1] = ends[0];
    fds[2] = file;
    IS(rights_send(one, "abc", 3, fds, 3), 3);
    (void)close(pipes[1]);
    (void)close(ends[0]);
    wait_for(other, POLLIN);
    POLLS(pipes[0], POLLIN, ""); /* Those that are under way hold it open. */
    IS(rights_receive(other, 16, 8, 0, came), 3);
    check_text(bytes, "abc", "the bytes that came along");
    TRUE(message.msg_flags == 0);
    IS(message.msg_controllen, CMSG_SPACE(3 * sizeof(int)));
    IS(fcntl(came[0], F_GETFD), 0);
    IS(write(came[0], "pipe", 4), 4);
    IS(read(pipes[0], bytes, 16), 4);
    IS(send(came[1], "socket", 6, 0), 6);
    IS(recv(ends[1], bytes, 16, 0), 6);
    IS(lseek(came[2], 0, SEEK_CUR), 4); /* The same open file, with its offset. */
    IS(lseek(came[2], 1, SEEK_SET), 1);
    IS(read(file, bytes, 16), 3);
    (void)close(came[0]);
    COMES(pipes[0], POLLIN, "HUP");
    (void)close(came[1]);
    COMES(ends[1], POLLIN, "IN");
    (void)close(came[2]);
    (void)close(pipes[0]);
    (void)close(ends[1]);
    (void)close(file);
    (void)unlink(name);
}

/* Where in the stream they are. */
static void places(int one, int other)
{
    int came[8];
    int fds[2];
    IS(pipe(fds), 0);
    IS(send(one, "before", 6, 0), 6);
    IS(rights_send(one, "with", 4, &fds[0], 1), 4);
    IS(send(one, "after", 5, 0), 5);
    IS(rights_send(one, "again", 5, &fds[1], 1), 5);
    wait_for(other, POLLIN);
    IS(rights_receive(other, 3, 8, 0, came), 0);
    check_text(bytes, "bef", "the first bytes");
    IS(rights_receive(other, 64, 8, MSG_PEEK, came), 1);
    (void)close(came[0]);
    IS(rights_receive(other, 64, 8, 0, came), 1); /* Not past the bytes that they came with. */
    check_text(bytes, "orewith", "bytes up to those");
    (void)close(came[0]);
    IS(rights_receive(other, 64, 8, MSG_CMSG_CLOEXEC, came), 1);
    check_text(bytes, "afteragain", "and up to the next");
    TRUE(message.msg_flags == MSG_CMSG_CLOEXEC);
    IS(fcntl(came[0], F_GETFD), FD_CLOEXEC);
    (void)close(came[0]);
    IS(rights_send(one, "half", 4, fds, 2), 4);
    IS(send(one, "more", 4, 0), 4);
    wait_for(other, POLLIN);
    IS(rights_receive(other, 1, 8, 0, came), 2);
    (void)close(came[0]);
    (void)close(came[1]);
    IS(rights_receive(other, 64, 8, 0, came), 0); /* The rest is as any other bytes. */
    check_text(bytes, "alfmore", "the rest");
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Who does not take them closes them. */
static void losses(int one, int other)
{
    int came[8];
    int fds[2];
    int both[2];
    IS(pipe(fds), 0);
    IS(rights_send(one, "abc", 3, &fds[1], 1), 3);
    (void)close(fds[1]);
    wait_for(other, POLLIN);
    IS(read(other, bytes, 16), 3);
    COMES(fds[0], POLLIN, "HUP");
    (void)close(fds[0]);
    IS(pipe(fds), 0);
    IS(rights_send(one, "abc", 3, &fds[1], 1), 3);
    (void)close(fds[1]);
    wait_for(other, POLLIN);
    IS(rights_receive(other, 16, 0, 0, came), 0);
    TRUE(message.msg_flags == MSG_CTRUNC);
    COMES(fds[0], POLLIN, "HUP");
    (void)close(fds[0]);
    IS(pipe(fds), 0);
    both[0] = dup(fds[0]);
    both[1] = fds[1];
    IS(rights_send(one, "abc", 3, both, 2), 3);
    (void)close(both[0]);
    (void)close(fds[1]);
    wait_for(other, POLLIN);
    IS(rights_receive(other, 16, 1, 0, came), 1);
    TRUE(message.msg_flags == MSG_CTRUNC);
    COMES(fds[0], POLLIN, "HUP");
    (void)close(came[0]);
    (void)close(fds[0]);
}

static void refusals(int one, int other)
{
    int fds[300];
    int closed = dup(one);
    (void)close(closed);
    FAILS(rights_send(one, "abc", 3, &closed, 1), EBADF);
    for (int i = 0; i < 300; i++)
        fds[i] = one;
    FAILS(rights_send(one, "abc", 3, fds, 254), EINVAL);
    message_make("abc", 3, 0);
    control_add(SOL_SOCKET, 99, fds, sizeof(int));
    FAILS(sendmsg(one, &message, 0), EINVAL);
    message_make("abc", 3, 0);
    control_add(IPPROTO_IP, IP_TTL, fds, sizeof(int)); /* Passed over. */
    IS(sendmsg(one, &message, 0), 3);
    wait_for(other, POLLIN);
    IS(recv(other, bytes, 16, 0), 3);
    FAILS(rights_send(9999, "abc", 3, fds, 1), EBADF);
    int alone = socket(AF_UNIX, SOCK_STREAM, 0);
    FAILS(rights_send(alone, "abc", 3, fds, 1), ENOTCONN);
    FAILS(send(alone, "abc", 3, 0), ENOTCONN);
    (void)close(alone);
    IS(rights_send(one, "", 0, fds, 1), 0); /* There is no byte that they could come with. */
    POLLS(other, POLLIN, "");
}

/* Those that are never read go with who was to read them. */
static void unread(int one, int other)
{
    int fds[2];
    IS(pipe(fds), 0);
    IS(rights_send(one, "abc", 3, &fds[1], 1), 3);
    (void)close(fds[1]);
    POLLS(fds[0], POLLIN, "");
    (void)close(other);
    COMES(fds[0], POLLIN, "HUP");
    (void)close(fds[0]);
    (void)close(one);
}

static void rights_of(int one, int other)
{
    passing(one, other);
    passing(other, one);
    places(one, other);
    losses(one, other);
    refusals(one, other);
    unread(one, other);
}

static void pairs(void)
{
    int ends[2];
    int fds[2];
    int came[8];
    section("descriptors over a pair");
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    rights_of(ends[0], ends[1]);
    section("descriptors over a pair of datagrams");
    IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    IS(pipe(fds), 0);
    IS(send(ends[0], "one", 3, 0), 3);
    IS(rights_send(ends[0], "two", 3, &fds[1], 1), 3);
    (void)close(fds[1]);
    IS(rights_receive(ends[1], 2, 8, 0, came), 0);
    TRUE(message.msg_flags == MSG_TRUNC);
    IS(rights_receive(ends[1], 16, 8, MSG_PEEK, came), 1);
    (void)close(came[0]);
    IS(rights_receive(ends[1], 2, 8, 0, came), 1);
    TRUE(message.msg_flags == MSG_TRUNC);
    IS(write(came[0], "x", 1), 1);
    IS(read(fds[0], bytes, 16), 1);
    (void)close(came[0]);
    (void)close(fds[0]);
    unread(ends[0], ends[1]);
}

static void local_address(struct sockaddr_un *address)
{
    char directory[] = "/tmp/pollux-XXXXXX";
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (mkdtemp(directory) == NULL)
        exit(1);
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%s/socket", directory);
}

static void local_remove(struct sockaddr_un *address)
{
    (void)unlink(address->sun_path);
    *strrchr(address->sun_path, '/') = '\0';
    (void)rmdir(address->sun_path);
}

static void named(void)
{
    struct sockaddr_un address;
    struct ucred peer;
    socklen_t length = sizeof peer;
    int fds[2];
    int came[8];
    section("descriptors over AF_UNIX");
    local_address(&address);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    IS(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    IS(listen(listener, 4), 0);
    int one = socket(AF_UNIX, SOCK_STREAM, 0);
    IS(getsockopt(one, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    IS(peer.pid, 0);
    TRUE(peer.uid == (uid_t)-1);
    IS(connect(one, (struct sockaddr *)&address, sizeof address), 0);
    IS(pipe(fds), 0);
    IS(rights_send(one, "early", 5, &fds[1], 1), 5); /* Before it is accepted. */
    (void)close(fds[1]);
    int other = accept(listener, NULL, NULL);
    IS(getsockopt(one, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    TRUE(peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid());
    IS(getsockopt(other, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
    TRUE(peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid());
    wait_for(other, POLLIN);
    IS(rights_receive(other, 16, 8, 0, came), 1);
    IS(write(came[0], "x", 1), 1);
    IS(read(fds[0], bytes, 16), 1);
    (void)close(came[0]);
    (void)close(fds[0]);
    rights_of(one, other);
    section("and to one who is never accepted");
    one = socket(AF_UNIX, SOCK_STREAM, 0);
    IS(connect(one, (struct sockaddr *)&address, sizeof address), 0);
    unread(one, listener);
    local_remove(&address);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    pairs();
    named();
    return check_end();
}
