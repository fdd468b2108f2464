/* sys/time.h - the time of day, and timers that send signals. */
#ifndef PLX_POSIX_SYS_TIME_H
#define PLX_POSIX_SYS_TIME_H

#include <time.h>

#include <plx_posix/base.h>
#include <sys/select.h>

#define ITIMER_REAL    0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF    2

/* struct timezone is in mingw-w64's <time.h>. */

struct itimerval {
    struct timeval it_interval;
    struct timeval it_value;
};

PLX_POSIX_BEGIN

int gettimeofday(struct timeval *now, void *zone) PLX_POSIX_CALL(gettimeofday);
int settimeofday(const struct timeval *now, const struct timezone *zone)
    PLX_POSIX_NEW(settimeofday);
int utimes(const char *path, const struct timeval times[2]) PLX_POSIX_NEW(utimes);
int getitimer(int which, struct itimerval *value) PLX_POSIX_NEW(getitimer);
int setitimer(int which, const struct itimerval *value, struct itimerval *old)
    PLX_POSIX_NEW(setitimer);

PLX_POSIX_END
#endif
