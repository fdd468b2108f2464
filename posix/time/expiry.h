/* posix/time/expiry.h - when a timer is due, and what is left of its time: for timerfd.c and
 * timer_objects.c.
 */
#ifndef PLX__POSIX_EXPIRY_H
#define PLX__POSIX_EXPIRY_H

#include "posix/base/duration.h"

enum { PLX__CLOCK_REALTIME = 0, PLX__CLOCK_MONOTONIC = 1, PLX__CLOCK_BOOTTIME = 7 };

typedef struct plx__expiry {
    int clock;
    uint64_t due;      /* When the next expiry that was not read is or was; PLX_FOREVER: none. */
    uint64_t interval; /* 0: it expires once. */
} plx__expiry;

/* As struct itimerspec. */
typedef struct plx__timer_value {
    struct timespec interval;
    struct timespec value;
} plx__timer_value;

bool plx__timer_value_is_valid(const plx__timer_value *value);
/* Expiries that were not read yet. */
uint64_t plx__expiry_count(const plx__expiry *of, uint64_t now);
/* They are read. */
void plx__expiry_pass(plx__expiry *of, uint64_t count);
/* What is left to the next expiry, read or not. */
void plx__expiry_tell(const plx__expiry *of, plx__timer_value *value_out);
void plx__expiry_set(plx__expiry *of, const plx__timer_value *value, bool is_absolute);

#endif
