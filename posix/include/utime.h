/* utime.h - mingw-w64's. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <utime.h>

#include <plx_posix/mingw_end.h>
