/* wchar.h - mingw-w64's, with the struct tm of <time.h>. */
#pragma GCC system_header
#include <plx_posix/systypes.h>
#include <plx_posix/tm.h>

#include_next <wchar.h>
