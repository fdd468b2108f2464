/* signal.h - mingw-w64's, completed. */
#pragma GCC system_header
#include_next <signal.h>

#include <plx_posix/signal.h>
