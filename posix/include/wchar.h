/* wchar.h - mingw-w64's, whose ino_t has 16 bits, with the struct tm of <time.h>. */
#pragma GCC system_header
#include <plx_posix/systypes.h>
#include <plx_posix/tm.h>

#include <plx_posix/mingw_begin.h>

#include_next <wchar.h>

#include <plx_posix/mingw_end.h>
