/* posix/process/threads.c - what winpthreads lacks: of scheduling, of which there is one class
 * without priorities, of attributes, and signals for a thread.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "posix/signal/thread_signal.h"

static int process_check(pid_t process)
{
    if (process >= 0 && (process == 0 || process == getpid() || kill(process, 0) == 0))
        return 0;
    errno = process < 0 ? EINVAL : ESRCH;
    return -1;
}

int sched_getparam(pid_t process, struct sched_param *given)
{
    if (process_check(process) != 0)
        return -1;
    given->sched_priority = 0;
    return 0;
}

int sched_setparam(pid_t process, const struct sched_param *wanted)
{
    if (process_check(process) != 0)
        return -1;
    if (wanted->sched_priority == 0)
        return 0;
    errno = EINVAL;
    return -1;
}

/* Windows has one page behind each stack; POSIX lets it be more than was asked for, and not less.
 */
int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size)
{
    (void)attributes;
    return size <= (size_t)getpagesize() ? 0 : EINVAL;
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attributes, int *robust)
{
    (void)attributes;
    *robust = PTHREAD_MUTEX_STALLED;
    return 0;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust)
{
    (void)attributes;
    if (robust == PTHREAD_MUTEX_STALLED)
        return 0;
    return robust == PTHREAD_MUTEX_ROBUST ? ENOTSUP : EINVAL;
}

/* None is ever inconsistent. */
int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    (void)mutex;
    return EINVAL;
}

/* --- signals -------------------------------------------------------------------------------- */

/* Of winpthreads, which a program that makes threads has in it, or as a library. Here it is NULL
 * unless something else has brought it in; C's own weak declarations do not link that way. */
typedef void *(*handle_get)(pthread_t);
extern handle_get const plx__thread_handle_get;
__asm__(".section .rdata,\"dr\"\n"
        ".weak pthread_gethandle\n"
        ".globl plx__thread_handle_get\n"
        ".balign 8\n"
        "plx__thread_handle_get: .quad pthread_gethandle\n"
        ".text\n");

int pthread_kill(pthread_t thread, int number)
{
    handle_get get = plx__thread_handle_get;
    if (get == NULL) {
        void *found = dlsym(dlopen("libwinpthread-1.dll", RTLD_NOW), "pthread_gethandle");
        memcpy(&get, &found, sizeof get);
    }
    void *handle = get != NULL ? get(thread) : NULL;
    return handle != NULL ? plx__thread_signal(handle, number) : ESRCH;
}

/* --- clocks --------------------------------------------------------------------------------- */

/* The one clock is this process's. Returns the code. */
int clock_getcpuclockid(pid_t process, clockid_t *clock)
{
    if (process == 0 || process == getpid()) {
        *clock = CLOCK_PROCESS_CPUTIME_ID;
        return 0;
    }
    int before = errno;
    int code = process > 0 && kill(process, 0) == 0 ? EPERM : ESRCH;
    errno = before;
    return code;
}
