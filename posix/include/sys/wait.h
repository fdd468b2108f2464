/* sys/wait.h - the ends of children, which posix_spawn() has made. */
#ifndef PLX_POSIX_SYS_WAIT_H
#define PLX_POSIX_SYS_WAIT_H

#include <signal.h>

#include <plx_posix/base.h>
#include <plx_posix/wait_status.h>

PLX_POSIX_BEGIN

typedef enum { P_ALL, P_PID, P_PGID } idtype_t;

pid_t wait(int *status) PLX_POSIX_NEW(wait);
pid_t waitpid(pid_t process, int *status, int options) PLX_POSIX_NEW(waitpid);
int waitid(idtype_t kind, id_t which, siginfo_t *about, int options) PLX_POSIX_NEW(waitid);

PLX_POSIX_END
#endif
