/* string.h - mingw-w64's, completed. */
#pragma GCC system_header
#include_next <string.h>

#include <plx_posix/string.h>
