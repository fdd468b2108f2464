/* stdint.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <stdint.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/widths.h>
#if defined PLX_POSIX_WIDTHS && !defined INT8_WIDTH
#define INT8_WIDTH         8
#define UINT8_WIDTH        8
#define INT16_WIDTH        16
#define UINT16_WIDTH       16
#define INT32_WIDTH        32
#define UINT32_WIDTH       32
#define INT64_WIDTH        64
#define UINT64_WIDTH       64
#define INT_LEAST8_WIDTH   8
#define UINT_LEAST8_WIDTH  8
#define INT_LEAST16_WIDTH  16
#define UINT_LEAST16_WIDTH 16
#define INT_LEAST32_WIDTH  32
#define UINT_LEAST32_WIDTH 32
#define INT_LEAST64_WIDTH  64
#define UINT_LEAST64_WIDTH 64
#define INT_FAST8_WIDTH    8
#define UINT_FAST8_WIDTH   8
#define INT_FAST16_WIDTH   16
#define UINT_FAST16_WIDTH  16
#define INT_FAST32_WIDTH   32
#define UINT_FAST32_WIDTH  32
#define INT_FAST64_WIDTH   64
#define UINT_FAST64_WIDTH  64
#define INTPTR_WIDTH       (__SIZEOF_POINTER__ * 8)
#define UINTPTR_WIDTH      (__SIZEOF_POINTER__ * 8)
#define INTMAX_WIDTH       64
#define UINTMAX_WIDTH      64
#define PTRDIFF_WIDTH      (__SIZEOF_POINTER__ * 8)
#define SIZE_WIDTH         (__SIZEOF_POINTER__ * 8)
#define WCHAR_WIDTH        16
#define WINT_WIDTH         16
#define SIG_ATOMIC_WIDTH   32
#endif
