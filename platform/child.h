/* platform/child.h - processes that are forked and not replaced by another program.
 *
 * Where there is no fork(), as on Windows, plx__child_fork() returns PLX_ENOSYS, and nobody calls
 * the rest.
 */
#ifndef PLX__CHILD_H
#define PLX__CHILD_H

#include "platform/platform.h"

/* Whether there is fork(). */
static inline bool plx__child_is_possible(void)
{
#ifdef _WIN32
    return false;
#else
    return true;
#endif
}

/* How many threads this process has, helpers of loops included; 0 where the system does not tell. A
 * child of a process with several may find locks taken that nobody will give back (POSIX, fork()).
 * One that was joined may be among them for a moment yet. */
uint32_t plx__process_threads(void);
/* 0 in both, and `*process_out` is 0 in the child; PLX_ELIMIT, PLX_ENOMEM or PLX_ENOSYS. */
int plx__child_fork(int64_t *process_out);
/* Instead of an exit code. */
enum {
    PLX__CHILD_DIED = -1,  /* Another signal than SIGKILL has ended it. */
    PLX__CHILD_KILLED = -2 /* SIGKILL has, or nobody knows what. */
};

/* Whether it has ended; waits for that if asked to. Nobody else may wait for it. Its number is
 * another process's later. `*code_out`: its exit code, or one of the two above. */
bool plx__child_reap(int64_t process, bool waits, int *code_out);
/* Ends it, whatever it does (SIGKILL). Call it before the process is reaped. Ignores numbers
 * below 1. */
void plx__child_kill(int64_t process);
/* In a child: ends it, without what exit() would do to the parent's buffers. */
_Noreturn void plx__child_exit(int code);
/* In a child that calls sends of its own: those to a closed connection fail, and do not end it. */
void plx__child_pipes_ignore(void);
/* Two ends of a stream that stays on this machine, as plx__socket_open() makes sockets. */
int plx__child_channel(plx_socket pair_out[2]);

#endif
