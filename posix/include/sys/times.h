/* sys/times.h - the time that the process has used. */
#ifndef PLX_POSIX_SYS_TIMES_H
#define PLX_POSIX_SYS_TIMES_H

#include <time.h>

#include <plx_posix/base.h>

/* In ticks of sysconf(_SC_CLK_TCK), of which a second has 100; not CLOCKS_PER_SEC. */
struct tms {
    clock_t tms_utime;
    clock_t tms_stime;
    clock_t tms_cutime; /* Of children: 0 here. */
    clock_t tms_cstime;
};

PLX_POSIX_BEGIN

clock_t times(struct tms *used) PLX_POSIX_NEW(times);

PLX_POSIX_END
#endif
