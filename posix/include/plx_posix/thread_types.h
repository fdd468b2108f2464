/* plx_posix/thread_types.h - the types of winpthreads' <pthread.h>, and timer_t, for
 * <sys/types.h>, which must not bring all of <pthread.h> along.
 *
 * C11 and C++ let a type be named twice if it is the same. A pthread_attr_t is complete with
 * <pthread.h> only.
 */
#ifndef PLX_POSIX_THREAD_TYPES_H
#define PLX_POSIX_THREAD_TYPES_H
#pragma GCC system_header

#include <stdint.h>

typedef void *timer_t;

typedef uintptr_t pthread_t;
typedef struct pthread_attr_t pthread_attr_t;
typedef intptr_t pthread_mutex_t;
typedef unsigned pthread_mutexattr_t;
typedef intptr_t pthread_cond_t;
typedef int pthread_condattr_t;
typedef intptr_t pthread_rwlock_t;
typedef int pthread_rwlockattr_t;
typedef intptr_t pthread_spinlock_t;
typedef void *pthread_barrier_t;
typedef void *pthread_barrierattr_t;
typedef unsigned pthread_key_t;
typedef long pthread_once_t;

#endif
