/* semaphore.h - mingw-w64's, whose mode_t has 16 bits. */
#pragma GCC system_header
#include <plx_posix/types.h>

#include <plx_posix/mingw_begin.h>

#include_next <semaphore.h>

#include <plx_posix/mingw_end.h>
