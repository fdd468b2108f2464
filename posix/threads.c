/* posix/threads.c - what winpthreads lacks of scheduling and of attributes. There is one class of
 * scheduling, without priorities.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

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
