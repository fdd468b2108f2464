/* pthread.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <pthread.h>

#include <plx_posix/mingw_end.h>

/* It has its own limits by these names; POSIX's are numbers. */
#undef _POSIX_THREAD_DESTRUCTOR_ITERATIONS
#undef _POSIX_THREAD_KEYS_MAX
#undef _POSIX_THREAD_THREADS_MAX
#undef _POSIX_SEM_NSEMS_MAX
#undef _POSIX_SEM_VALUE_MAX
#define _POSIX_THREAD_DESTRUCTOR_ITERATIONS 4
#define _POSIX_THREAD_KEYS_MAX              128
#define _POSIX_THREAD_THREADS_MAX           64
#define _POSIX_SEM_NSEMS_MAX                256
#define _POSIX_SEM_VALUE_MAX                32767

#include <plx_posix/pthread.h>
