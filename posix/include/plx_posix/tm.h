/* plx_posix/tm.h - struct tm with the members that say which zone it is in; and clock_t.
 *
 * The C library's ends with tm_isdst, which it reads and fills in still; what is beyond it is the
 * layer's own, whose functions of <time.h> programs get.
 */
#ifndef PLX_POSIX_TM_H
#define PLX_POSIX_TM_H

#ifndef _TM_DEFINED
#define _TM_DEFINED
struct tm {
    int tm_sec;
    int tm_min;
    int tm_hour;
    int tm_mday;
    int tm_mon;
    int tm_year;
    int tm_wday;
    int tm_yday;
    int tm_isdst;
    long tm_gmtoff; /* Seconds east of UTC. */
    const char *tm_zone;
};
#endif

/* As many microseconds as a long has here are half an hour. */
#ifndef _CLOCK_T_DEFINED
#define _CLOCK_T_DEFINED
typedef long long clock_t;
#endif

#endif
