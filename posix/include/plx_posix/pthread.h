/* plx_posix/pthread.h - what POSIX adds to <pthread.h>. */
#ifndef PLX_POSIX_PTHREAD_H
#define PLX_POSIX_PTHREAD_H

#include <plx_posix/base.h>

/* No mutex tells that its owner has ended. */
#define PTHREAD_MUTEX_STALLED 0
#define PTHREAD_MUTEX_ROBUST  1

PLX_POSIX_BEGIN

int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size)
    PLX_POSIX_NEW(pthread_attr_setguardsize);
int pthread_mutex_consistent(pthread_mutex_t *mutex) PLX_POSIX_NEW(pthread_mutex_consistent);
int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attributes, int *robust)
    PLX_POSIX_NEW(pthread_mutexattr_getrobust);
int pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust)
    PLX_POSIX_NEW(pthread_mutexattr_setrobust);

PLX_POSIX_END
#endif
