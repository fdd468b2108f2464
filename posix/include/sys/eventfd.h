/* sys/eventfd.h - a counter that can be waited for. */
#ifndef PLX_POSIX_SYS_EVENTFD_H
#define PLX_POSIX_SYS_EVENTFD_H

#include <plx_posix/base.h>

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC   0x80
#define EFD_NONBLOCK  0x100000

typedef uint64_t eventfd_t;

PLX_POSIX_BEGIN

int eventfd(unsigned int start, int flags) PLX_POSIX_NEW(eventfd);
int eventfd_read(int fd, eventfd_t *value) PLX_POSIX_NEW(eventfd_read);
int eventfd_write(int fd, eventfd_t value) PLX_POSIX_NEW(eventfd_write);

PLX_POSIX_END
#endif
