/* plx_posix/systypes.h - <sys/types.h> without fd_set, for the headers that complete others. */
#pragma GCC system_header
#include <plx_posix/types.h>

#include_next <sys/types.h>
