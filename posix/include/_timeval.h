/* _timeval.h - in the place of mingw-w64's. */
#pragma GCC system_header
#ifndef _TIMEVAL_DEFINED
#define _TIMEVAL_DEFINED
#include <plx_posix/timeval.h>
#endif
