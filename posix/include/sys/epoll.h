/* sys/epoll.h - epoll over anything that poll() takes. */
#ifndef PLX_POSIX_SYS_EPOLL_H
#define PLX_POSIX_SYS_EPOLL_H

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#define EPOLLIN      0x0001u
#define EPOLLPRI     0x0002u
#define EPOLLOUT     0x0004u
#define EPOLLERR     0x0008u
#define EPOLLHUP     0x0010u
#define EPOLLRDNORM  0x0040u
#define EPOLLWRNORM  0x0100u
#define EPOLLRDHUP   0x2000u
#define EPOLLONESHOT (1u << 30)
#define EPOLLET      (1u << 31)

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLL_CLOEXEC 0x80

typedef union epoll_data {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
} epoll_data_t;

struct epoll_event {
    uint32_t events;
    epoll_data_t data;
};

PLX_POSIX_BEGIN

int epoll_create(int size) PLX_POSIX_NEW(epoll_create);
int epoll_create1(int flags) PLX_POSIX_NEW(epoll_create1);
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event) PLX_POSIX_NEW(epoll_ctl);
int epoll_wait(int set, struct epoll_event *events, int count, int timeout_ms)
    PLX_POSIX_NEW(epoll_wait);
int epoll_pwait(int set, struct epoll_event *events, int count, int timeout_ms,
                const sigset_t *mask) PLX_POSIX_NEW(epoll_pwait);

PLX_POSIX_END
#endif
