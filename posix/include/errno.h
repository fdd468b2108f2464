/* errno.h - mingw-w64's, completed. */
#pragma GCC system_header
#include_next <errno.h>

#include <plx_posix/errno.h>
