/* pthread_signal.h - in the place of winpthreads', whose pthread_sigmask does nothing. */
#pragma GCC system_header
#include <plx_posix/sigset.h>
