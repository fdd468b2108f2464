/* sys/wait.h - there are no children by fork(); waiting for one says ECHILD. */
#ifndef PLX_POSIX_SYS_WAIT_H
#define PLX_POSIX_SYS_WAIT_H

#include <plx_posix/base.h>

#define WNOHANG   1
#define WUNTRACED 2

#define WEXITSTATUS(status) (((status) >> 8) & 0xff)
#define WTERMSIG(status)    ((status)&0x7f)
#define WSTOPSIG(status)    WEXITSTATUS(status)
#define WIFEXITED(status)   (WTERMSIG(status) == 0)
#define WIFSIGNALED(status) (WTERMSIG(status) != 0 && WTERMSIG(status) != 0x7f)
#define WIFSTOPPED(status)  (WTERMSIG(status) == 0x7f)
#define WCOREDUMP(status)   ((status)&0x80)

PLX_POSIX_BEGIN

pid_t wait(int *status) PLX_POSIX_CALL(wait);
pid_t waitpid(pid_t process, int *status, int options) PLX_POSIX_CALL(waitpid);

PLX_POSIX_END
#endif
