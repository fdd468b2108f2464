/* time.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <sys/types.h>

#include_next <time.h>

#include <plx_posix/time.h>
