/* plx_posix/systypes.h - <sys/types.h> without fd_set, for the headers that complete others. */
#pragma GCC system_header
#include <plx_posix/types.h>

#include <plx_posix/mingw_begin.h>

#include_next <sys/types.h>

#include <plx_posix/mingw_end.h>
