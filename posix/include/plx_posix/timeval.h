/* plx_posix/timeval.h - struct timeval, whose seconds are a time_t (mingw-w64: a long of 32 bits).
 */
#ifndef PLX_POSIX_TIMEVAL_H
#define PLX_POSIX_TIMEVAL_H

#include <plx_posix/base.h>

struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};

#define timerisset(time) ((time)->tv_sec != 0 || (time)->tv_usec != 0)
#define timerclear(time) ((time)->tv_sec = 0, (time)->tv_usec = 0)
#define timercmp(left, right, how)                                                                 \
    ((left)->tv_sec == (right)->tv_sec ? (left)->tv_usec how(right)->tv_usec                       \
                                       : (left)->tv_sec how(right)->tv_sec)
#define timeradd(left, right, sum)                                                                 \
    do {                                                                                           \
        (sum)->tv_sec = (left)->tv_sec + (right)->tv_sec;                                          \
        (sum)->tv_usec = (left)->tv_usec + (right)->tv_usec;                                       \
        if ((sum)->tv_usec >= 1000000) {                                                           \
            (sum)->tv_sec++;                                                                       \
            (sum)->tv_usec -= 1000000;                                                             \
        }                                                                                          \
    } while (0)
#define timersub(left, right, difference)                                                          \
    do {                                                                                           \
        (difference)->tv_sec = (left)->tv_sec - (right)->tv_sec;                                   \
        (difference)->tv_usec = (left)->tv_usec - (right)->tv_usec;                                \
        if ((difference)->tv_usec < 0) {                                                           \
            (difference)->tv_sec--;                                                                \
            (difference)->tv_usec += 1000000;                                                      \
        }                                                                                          \
    } while (0)

#endif
