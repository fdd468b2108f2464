/* limits.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <limits.h>

#include <plx_posix/mingw_end.h>
#ifndef IOV_MAX
#define IOV_MAX 1024
#endif
#ifndef HOST_NAME_MAX
#define HOST_NAME_MAX 255
#endif
#undef PIPE_BUF
#define PIPE_BUF 4096
#undef PATH_MAX
#define PATH_MAX 4096
#ifndef NGROUPS_MAX
#define NGROUPS_MAX 65536
#endif
#ifndef LOGIN_NAME_MAX
#define LOGIN_NAME_MAX 256
#endif
#ifndef NAME_MAX
#define NAME_MAX 255
#endif
#ifndef OPEN_MAX
#define OPEN_MAX 16384
#endif
#ifndef NL_ARGMAX
#define NL_ARGMAX 64
#endif
