/* posix/base/duration.c - see duration.h. */
#include "posix/base/duration.h"

#include <string.h>

bool plx__timespec_is_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < (long)PLX_SECOND;
}

bool plx__timeval_is_valid(const plx__timeval *time)
{
    return time->seconds >= 0 && time->microseconds >= 0 && time->microseconds < 1000000;
}

static uint64_t ns_of(int64_t seconds, long ns)
{
    if ((uint64_t)seconds >= PLX__DURATION_MAX / PLX_SECOND)
        return PLX__DURATION_MAX;
    return (uint64_t)seconds * PLX_SECOND + (uint64_t)ns;
}

uint64_t plx__timespec_ns(const struct timespec *time)
{
    return ns_of(time->tv_sec, time->tv_nsec);
}

uint64_t plx__timeval_ns(const plx__timeval *time)
{
    return ns_of(time->seconds, time->microseconds * 1000);
}

struct timespec plx__timespec_of(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / PLX_SECOND),
                            .tv_nsec = (long)(ns % PLX_SECOND)};
    return time;
}

plx__timeval plx__timeval_of(uint64_t ns)
{
    plx__timeval time;
    memset(&time, 0, sizeof time);
    time.seconds = (int64_t)(ns / PLX_SECOND);
    time.microseconds = (long)(ns % PLX_SECOND / 1000);
    return time;
}

uint64_t plx__deadline_after(uint64_t timeout_ns)
{
    uint64_t now = plx__clock_now();
    return timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
}
