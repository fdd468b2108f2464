/* stdio.h - mingw-w64's, completed. */
#pragma GCC system_header
#ifndef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 1
#endif
#define _FILE_OFFSET_BITS_SET_FSEEKO
#define _FILE_OFFSET_BITS_SET_FTELLO
#include <plx_posix/systypes.h>

#include <plx_posix/print.h>

#include <plx_posix/mingw_begin.h>

#include_next <stdio.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/stdio.h>
