/* plx_posix/time.h - what POSIX adds to <time.h>. */
#ifndef PLX_POSIX_TIME_H
#define PLX_POSIX_TIME_H

#include <plx_posix/locale_type.h>
#include <plx_posix/thread_types.h>

#ifndef CLOCK_MONOTONIC_RAW
#define CLOCK_MONOTONIC_RAW 5
#endif
#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE 6
#endif
#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME 7
#endif

/* XSI says how many. */
#undef CLOCKS_PER_SEC
#define CLOCKS_PER_SEC ((clock_t)1000000)

struct sigevent;
struct itimerspec;

PLX_POSIX_BEGIN

clock_t clock(void) PLX_POSIX_CALL(clock);
int nanosleep(const struct timespec *wanted, struct timespec *left) PLX_POSIX_CALL(nanosleep);
int clock_gettime(clockid_t clock, struct timespec *now) PLX_POSIX_CALL(clock_gettime);
int clock_getres(clockid_t clock, struct timespec *step) PLX_POSIX_CALL(clock_getres);
int clock_settime(clockid_t clock, const struct timespec *now) PLX_POSIX_CALL(clock_settime);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *left) PLX_POSIX_CALL(clock_nanosleep);
#undef localtime_r
#undef gmtime_r
#undef ctime_r
#undef asctime_r
struct tm *localtime(const time_t *time) PLX_POSIX_CALL(localtime);
struct tm *localtime_r(const time_t *time, struct tm *parts) PLX_POSIX_NEW(localtime_r);
struct tm *gmtime(const time_t *time) PLX_POSIX_CALL(gmtime);
struct tm *gmtime_r(const time_t *time, struct tm *parts) PLX_POSIX_NEW(gmtime_r);
char *ctime(const time_t *time) PLX_POSIX_CALL(ctime);
char *ctime_r(const time_t *time, char *text) PLX_POSIX_NEW(ctime_r);
char *asctime(const struct tm *parts) PLX_POSIX_CALL(asctime);
char *asctime_r(const struct tm *parts, char *text) PLX_POSIX_NEW(asctime_r);
time_t mktime(struct tm *parts) PLX_POSIX_CALL(mktime);
time_t timelocal(struct tm *parts) PLX_POSIX_NEW(timelocal);
time_t timegm(struct tm *parts) PLX_POSIX_NEW(timegm);
size_t strftime(char *text, size_t size, const char *format, const struct tm *parts)
    PLX_POSIX_CALL(strftime);
size_t strftime_l(char *text, size_t size, const char *format, const struct tm *parts,
                  locale_t locale) PLX_POSIX_NEW(strftime_l);
#ifndef TIME_UTC
#define TIME_UTC 1
int timespec_get(struct timespec *now, int base) PLX_POSIX_NEW(timespec_get);
#endif
int clock_getcpuclockid(pid_t process, clockid_t *clock) PLX_POSIX_NEW(clock_getcpuclockid);
int timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
    PLX_POSIX_NEW(timer_create);
int timer_delete(timer_t timer) PLX_POSIX_NEW(timer_delete);
int timer_settime(timer_t timer, int flags, const struct itimerspec *value, struct itimerspec *old)
    PLX_POSIX_NEW(timer_settime);
int timer_gettime(timer_t timer, struct itimerspec *value) PLX_POSIX_NEW(timer_gettime);
int timer_getoverrun(timer_t timer) PLX_POSIX_NEW(timer_getoverrun);
extern int getdate_err;
struct tm *getdate(const char *text) PLX_POSIX_NEW(getdate);
char *strptime(const char *text, const char *format, struct tm *parts) PLX_POSIX_NEW(strptime);
void tzset(void) PLX_POSIX_CALL(tzset);

PLX_POSIX_END
#endif
