/* stdlib.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/errno_at.h>

#include <plx_posix/mingw_begin.h>

#include_next <stdlib.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/stdlib.h>
