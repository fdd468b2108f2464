/* string.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#define wcstok plx_mingw_wcstok /* See <wchar.h>. */
#include_next <string.h>
#undef wcstok

#include <plx_posix/mingw_end.h>

#include <plx_posix/string.h>
