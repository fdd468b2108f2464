/* ctype.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <ctype.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/ctype.h>
