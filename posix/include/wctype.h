/* wctype.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <wctype.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/wctype.h>
