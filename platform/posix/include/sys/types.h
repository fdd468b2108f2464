/* sys/types.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/types.h>

#include_next <sys/types.h>
