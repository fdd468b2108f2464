/* bits/std_abs.h - GCC's. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <bits/std_abs.h>

#include <plx_posix/mingw_end.h>
