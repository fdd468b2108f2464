/* errno.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <errno.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/errno_at.h>

#include <plx_posix/errno.h>
#include <plx_posix/label.h>

#undef errno
PLX_POSIX_BEGIN
/* The C library's own, by a name that no program has. */
int *plx_posix_errno(void) PLX_POSIX_LABEL("_errno");
PLX_POSIX_END
#define errno (*plx_posix_errno())
