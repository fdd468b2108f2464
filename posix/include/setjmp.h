/* setjmp.h - mingw-w64's, completed. */
#pragma GCC system_header
#include_next <setjmp.h>

#include <plx_posix/setjmp.h>
