/* sys/select.h - select() over bit sets, whose length is what the caller says, not FD_SETSIZE. */
#ifndef PLX_POSIX_SYS_SELECT_H
#define PLX_POSIX_SYS_SELECT_H

#include <time.h>

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>

#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif
#define __FD_SETSIZE FD_SETSIZE

/* A word is a long, as on Unix: programs that make sets of their own shift 1UL. */
#define NFDBITS (8 * (int)sizeof(fd_mask))
typedef unsigned long fd_mask;

typedef struct fd_set {
    fd_mask fds_bits[(FD_SETSIZE + NFDBITS - 1) / NFDBITS];
} fd_set;

#define PLX_POSIX_FD(fd, set) ((set)->fds_bits[(unsigned)(fd) / NFDBITS])
#define PLX_POSIX_FD_BIT(fd)  ((fd_mask)1 << ((unsigned)(fd) % NFDBITS))
#define FD_SET(fd, set)       ((void)(PLX_POSIX_FD(fd, set) |= PLX_POSIX_FD_BIT(fd)))
#define FD_CLR(fd, set)       ((void)(PLX_POSIX_FD(fd, set) &= ~PLX_POSIX_FD_BIT(fd)))
#define FD_ISSET(fd, set)     ((PLX_POSIX_FD(fd, set) & PLX_POSIX_FD_BIT(fd)) != 0)
#define FD_ZERO(set)          ((void)__builtin_memset((set), 0, sizeof *(set)))

PLX_POSIX_BEGIN

int select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
           struct timeval *timeout) PLX_POSIX_CALL(select);
int pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
            const struct timespec *timeout, const sigset_t *mask) PLX_POSIX_NEW(pselect);

PLX_POSIX_END
#endif
