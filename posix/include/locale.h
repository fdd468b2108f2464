/* locale.h - mingw-w64's, completed. */
#pragma GCC system_header
#include_next <locale.h>

#include <plx_posix/locale.h>
