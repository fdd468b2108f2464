/* sys/resource.h - limits, of which that of descriptors is real, and time used. */
#ifndef PLX_POSIX_SYS_RESOURCE_H
#define PLX_POSIX_SYS_RESOURCE_H

#include <time.h>

#include <plx_posix/base.h>

#define RLIMIT_CPU      0
#define RLIMIT_FSIZE    1
#define RLIMIT_DATA     2
#define RLIMIT_STACK    3
#define RLIMIT_CORE     4
#define RLIMIT_RSS      5
#define RLIMIT_NPROC    6
#define RLIMIT_NOFILE   7
#define RLIMIT_OFILE    RLIMIT_NOFILE
#define RLIMIT_MEMLOCK  8
#define RLIMIT_AS       9
#define RLIM_INFINITY   UINT64_MAX
#define RLIM_SAVED_CUR  RLIM_INFINITY
#define RLIM_SAVED_MAX  RLIM_INFINITY
#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1
#define PRIO_PROCESS    0
#define PRIO_PGRP       1
#define PRIO_USER       2

typedef uint64_t rlim_t;

struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};

struct rusage {
    struct timeval ru_utime;
    struct timeval ru_stime;
    long ru_maxrss;
    long ru_ixrss;
    long ru_idrss;
    long ru_isrss;
    long ru_minflt;
    long ru_majflt;
    long ru_nswap;
    long ru_inblock;
    long ru_oublock;
    long ru_msgsnd;
    long ru_msgrcv;
    long ru_nsignals;
    long ru_nvcsw;
    long ru_nivcsw;
};

PLX_POSIX_BEGIN

int getrlimit(int what, struct rlimit *limit) PLX_POSIX_NEW(getrlimit);
int setrlimit(int what, const struct rlimit *limit) PLX_POSIX_NEW(setrlimit);
int getpriority(int which, id_t who) PLX_POSIX_NEW(getpriority);
int setpriority(int which, id_t who, int priority) PLX_POSIX_NEW(setpriority);
int getrusage(int whose, struct rusage *usage) PLX_POSIX_NEW(getrusage);

PLX_POSIX_END
#endif
