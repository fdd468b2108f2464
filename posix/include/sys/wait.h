/* sys/wait.h - the ends of children, which posix_spawn() has made. */
#ifndef PLX_POSIX_SYS_WAIT_H
#define PLX_POSIX_SYS_WAIT_H

#include <signal.h>

#include <plx_posix/base.h>

#define WNOHANG    1
#define WUNTRACED  2
#define WSTOPPED   2
#define WEXITED    4
#define WCONTINUED 8
#define WNOWAIT    0x01000000

#define WEXITSTATUS(status)  (((status) >> 8) & 0xff)
#define WTERMSIG(status)     ((status)&0x7f)
#define WSTOPSIG(status)     WEXITSTATUS(status)
#define WIFEXITED(status)    (WTERMSIG(status) == 0)
#define WIFSIGNALED(status)  (WTERMSIG(status) != 0 && WTERMSIG(status) != 0x7f)
#define WIFSTOPPED(status)   (WTERMSIG(status) == 0x7f)
#define WIFCONTINUED(status) ((status) == 0xffff)
#define WCOREDUMP(status)    ((status)&0x80)

PLX_POSIX_BEGIN

typedef enum { P_ALL, P_PID, P_PGID } idtype_t;

pid_t wait(int *status) PLX_POSIX_NEW(wait);
pid_t waitpid(pid_t process, int *status, int options) PLX_POSIX_NEW(waitpid);
int waitid(idtype_t kind, id_t which, siginfo_t *about, int options) PLX_POSIX_NEW(waitid);

PLX_POSIX_END
#endif
