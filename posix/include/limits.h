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
#ifndef TTY_NAME_MAX
#define TTY_NAME_MAX 32
#endif
#ifndef OPEN_MAX
#define OPEN_MAX 16384
#endif
#ifndef NL_ARGMAX
#define NL_ARGMAX 64
#endif
#ifndef WORD_BIT
#define WORD_BIT 32
#endif
#ifndef LONG_BIT
#define LONG_BIT (__SIZEOF_LONG__ * 8)
#endif
#include <plx_posix/limits.h>
#include <plx_posix/widths.h>
#if defined PLX_POSIX_WIDTHS && !defined BOOL_WIDTH
#define BOOL_WIDTH 1
#define BOOL_MAX   1
#endif
#if defined PLX_POSIX_WIDTHS && !defined CHAR_WIDTH
#define CHAR_WIDTH   8
#define SCHAR_WIDTH  8
#define UCHAR_WIDTH  8
#define SHRT_WIDTH   16
#define USHRT_WIDTH  16
#define INT_WIDTH    32
#define UINT_WIDTH   32
#define LONG_WIDTH   LONG_BIT
#define ULONG_WIDTH  LONG_BIT
#define LLONG_WIDTH  64
#define ULLONG_WIDTH 64
#endif
