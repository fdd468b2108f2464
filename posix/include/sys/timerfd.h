/* sys/timerfd.h - timers that can be waited for. */
#ifndef PLX_POSIX_SYS_TIMERFD_H
#define PLX_POSIX_SYS_TIMERFD_H

#include <sys/types.h> /* struct itimerspec. */
#include <time.h>

#include <plx_posix/base.h>

#define TFD_TIMER_ABSTIME       1
#define TFD_TIMER_CANCEL_ON_SET 2
#define TFD_CLOEXEC             0x80
#define TFD_NONBLOCK            0x100000

PLX_POSIX_BEGIN

int timerfd_create(int clock, int flags) PLX_POSIX_NEW(timerfd_create);
int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old)
    PLX_POSIX_NEW(timerfd_settime);
int timerfd_gettime(int fd, struct itimerspec *value) PLX_POSIX_NEW(timerfd_gettime);

PLX_POSIX_END
#endif
