/* poll.h - poll() over sockets, pipes, files and the console, with Linux's bits. */
#ifndef PLX_POSIX_POLL_H
#define PLX_POSIX_POLL_H

#include <time.h>

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#define POLLIN     0x0001
#define POLLPRI    0x0002
#define POLLOUT    0x0004
#define POLLERR    0x0008
#define POLLHUP    0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLMSG    0x0400
#define POLLRDHUP  0x2000

typedef unsigned long nfds_t;

struct pollfd {
    int fd;
    short events;
    short revents;
};

PLX_POSIX_BEGIN

int poll(struct pollfd *entries, nfds_t count, int timeout_ms) PLX_POSIX_NEW(poll);
int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask) PLX_POSIX_NEW(ppoll);

PLX_POSIX_END
#endif
