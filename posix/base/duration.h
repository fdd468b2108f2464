/* posix/base/duration.h - how long something takes: as programs give it, and in nanoseconds, of
 * which 64 bits hold 584 years. What is longer counts as PLX__DURATION_MAX, and is never cut to
 * what is left of it modulo 2^64: a program that sleeps for ever would not sleep at all.
 */
#ifndef PLX__POSIX_DURATION_H
#define PLX__POSIX_DURATION_H

#include "posix/base/base.h"

#define PLX__DURATION_MAX (PLX_FOREVER / 2)

/* Neither negative nor with a second's worth of nanoseconds. */
bool plx__timespec_is_valid(const struct timespec *time);
bool plx__timeval_is_valid(const plx__timeval *time);
/* Of what is valid. */
uint64_t plx__timespec_ns(const struct timespec *time);
uint64_t plx__timeval_ns(const plx__timeval *time);
struct timespec plx__timespec_of(uint64_t ns);
plx__timeval plx__timeval_of(uint64_t ns);
/* So long from now, by plx__clock_now(). */
uint64_t plx__deadline_after(uint64_t timeout_ns);

#endif
