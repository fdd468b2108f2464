/* stdlib.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/errno_at.h>

#include <plx_posix/mingw_begin.h>

#define swab plx_mingw_swab /* See <unistd.h>. */
#include_next <stdlib.h>
#undef swab

#include <plx_posix/mingw_end.h>

#include <plx_posix/stdlib.h>
