/* time.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/systypes.h>

#include <plx_posix/mingw_begin.h>

#include_next <time.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/time.h>
