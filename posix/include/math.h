/* math.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <math.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/math.h>
