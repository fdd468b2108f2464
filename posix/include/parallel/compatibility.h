/* parallel/compatibility.h - GCC's. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <parallel/compatibility.h>

#include <plx_posix/mingw_end.h>
