/* locale.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

/* Its structure lacks members; the layer's is in plx_posix/locale.h. */
#define lconv      plx_mingw_lconv
#define localeconv plx_mingw_localeconv
#include_next <locale.h>
#undef lconv
#undef localeconv

#include <plx_posix/mingw_end.h>

#include <plx_posix/locale.h>
