/* wchar.h - mingw-w64's, whose ino_t has 16 bits, with the struct tm of <time.h>, and with C's
 * wcstok(), which has three arguments. */
#pragma GCC system_header
#include <plx_posix/systypes.h>
#include <plx_posix/tm.h>

#include <plx_posix/mingw_begin.h>

#define wcstok plx_mingw_wcstok
#include_next <wchar.h>
#undef wcstok

#include <plx_posix/mingw_end.h>

#include <plx_posix/wchar.h>
