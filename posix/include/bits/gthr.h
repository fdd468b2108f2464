/* bits/gthr.h - GCC's. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <bits/gthr.h>

#include <plx_posix/mingw_end.h>
