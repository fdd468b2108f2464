/* sys/types.h - mingw-w64's, completed; with fd_set, which old programs expect of it. */
#pragma GCC system_header
#include <plx_posix/systypes.h>

#include <plx_posix/thread_types.h>

#include <sys/select.h>
