/* plx_posix/sigset.h - sets of signals, which <signal.h>, <sys/select.h> and <pthread.h> share. */
#ifndef PLX_POSIX_SIGSET_H
#define PLX_POSIX_SIGSET_H

#include <plx_posix/base.h>
#include <plx_posix/thread_types.h>

PLX_POSIX_BEGIN

typedef uint64_t sigset_t;

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) PLX_POSIX_NEW(pthread_sigmask);

int pthread_kill(pthread_t thread, int number) PLX_POSIX_CALL(pthread_kill);

PLX_POSIX_END
#endif
