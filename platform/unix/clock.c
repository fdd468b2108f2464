/* platform/unix/clock.c - the monotonic clock. */
#include <time.h>

#include "platform/platform.h"

uint64_t plx__clock_now(void)
{
    struct timespec now;
    /* It fails only for a clock that the system does not have, and POSIX has had this one since
     * 2001. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * PLX_SECOND + (uint64_t)now.tv_nsec;
}

void plx__sleep(uint64_t duration_ns)
{
    const struct timespec duration = {.tv_sec = (time_t)(duration_ns / PLX_SECOND),
                                      .tv_nsec = (long)(duration_ns % PLX_SECOND)};
    (void)nanosleep(&duration, NULL);
}
