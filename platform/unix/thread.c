/* platform/unix/thread.c - POSIX threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/fault.h"
#include "platform/platform.h"

_Static_assert(sizeof(pthread_t) <= sizeof(plx__thread), "plx__thread holds a pthread_t");
_Static_assert(sizeof(pthread_mutex_t) <= sizeof(plx__mutex), "plx__mutex holds a pthread_mutex_t");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(plx__condition),
               "plx__condition holds a pthread_cond_t");
_Static_assert(_Alignof(pthread_mutex_t) <= _Alignof(plx__mutex) &&
                   _Alignof(pthread_cond_t) <= _Alignof(plx__condition),
               "and where the system's may be");

#ifdef PLX_FAULTS
/* Tests insist that a mutex is locked once at a time, and unlocked by the thread that has it. */
#define MUTEX_TYPE PTHREAD_MUTEX_ERRORCHECK
#else
#define MUTEX_TYPE PTHREAD_MUTEX_DEFAULT
#endif

static void must(int os_code)
{
#ifdef PLX_FAULTS
    if (os_code != 0)
        abort();
#else
    (void)os_code;
#endif
}

plx__atomic_u32 plx__helpers;

typedef struct thread_start {
    plx__thread_fn run;
    void *data;
} thread_start;

static void *thread_main(void *argument)
{
    thread_start start = *(thread_start *)argument;
    plx__free(argument);
    start.run(start.data);
    return NULL;
}

int plx__thread_start(plx__thread *thread_out, plx__thread_fn run, void *data)
{
    if (plx__fault_strikes(PLX__FAULT_THREAD))
        return PLX_ELIMIT;
    thread_start *start = plx__allocate(sizeof *start);
    if (start == NULL)
        return PLX_ENOMEM;
    start->run = run;
    start->data = data;
    /* Signals are for the threads of the program, not for helpers of this library. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int os_code = pthread_create(&thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (os_code != 0) {
        plx__free(start);
        int status = plx__fail(os_code);
        return status == PLX_EAGAIN ? PLX_ELIMIT : status;
    }
    memcpy(thread_out->opaque, &thread, sizeof thread);
    return 0;
}

void plx__thread_join(plx__thread *thread)
{
    pthread_t joined;
    memcpy(&joined, thread->opaque, sizeof joined);
    (void)pthread_join(joined, NULL);
}

void plx__thread_yield(void)
{
    (void)sched_yield();
}

static pthread_mutex_t *mutex_of(plx__mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->opaque;
}

static pthread_cond_t *condition_of(plx__condition *condition)
{
    return (pthread_cond_t *)(void *)condition->opaque;
}

void plx__mutex_open(plx__mutex *mutex)
{
    pthread_mutexattr_t attributes;
    must(pthread_mutexattr_init(&attributes));
    must(pthread_mutexattr_settype(&attributes, MUTEX_TYPE));
    must(pthread_mutex_init(mutex_of(mutex), &attributes));
    must(pthread_mutexattr_destroy(&attributes));
}

void plx__mutex_close(plx__mutex *mutex)
{
    must(pthread_mutex_destroy(mutex_of(mutex)));
}

void plx__mutex_lock(plx__mutex *mutex)
{
    must(pthread_mutex_lock(mutex_of(mutex)));
    plx__fault_taken(PLX__FAULT_LOCK);
}

void plx__mutex_unlock(plx__mutex *mutex)
{
    plx__fault_given(PLX__FAULT_LOCK);
    must(pthread_mutex_unlock(mutex_of(mutex)));
}

bool plx__mutex_try(plx__mutex *mutex)
{
    if (pthread_mutex_trylock(mutex_of(mutex)) != 0)
        return false;
    plx__fault_taken(PLX__FAULT_LOCK);
    return true;
}

void plx__condition_open(plx__condition *condition)
{
#ifdef __APPLE__
    (void)pthread_cond_init(condition_of(condition), NULL);
#else
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition_of(condition), &attributes);
    (void)pthread_condattr_destroy(&attributes);
#endif
}

void plx__condition_close(plx__condition *condition)
{
    (void)pthread_cond_destroy(condition_of(condition));
}

bool plx__condition_wait(plx__condition *condition, plx__mutex *mutex, uint64_t timeout_ns)
{
    if (timeout_ns == PLX_FOREVER)
        return pthread_cond_wait(condition_of(condition), mutex_of(mutex)) == 0;
#ifdef __APPLE__
    struct timespec wait = {.tv_sec = (time_t)(timeout_ns / PLX_SECOND),
                            .tv_nsec = (long)(timeout_ns % PLX_SECOND)};
    return pthread_cond_timedwait_relative_np(condition_of(condition), mutex_of(mutex), &wait) == 0;
#else
    uint64_t until = plx__clock_now() + timeout_ns;
    struct timespec deadline = {.tv_sec = (time_t)(until / PLX_SECOND),
                                .tv_nsec = (long)(until % PLX_SECOND)};
    return pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), &deadline) == 0;
#endif
}

void plx__condition_signal(plx__condition *condition)
{
    (void)pthread_cond_signal(condition_of(condition));
}
