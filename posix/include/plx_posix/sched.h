/* plx_posix/sched.h - what POSIX adds to <sched.h>. */
#ifndef PLX_POSIX_SCHED_H
#define PLX_POSIX_SCHED_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

int sched_getparam(pid_t process, struct sched_param *given) PLX_POSIX_NEW(sched_getparam);
int sched_setparam(pid_t process, const struct sched_param *wanted) PLX_POSIX_NEW(sched_setparam);

PLX_POSIX_END
#endif
