/* search.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

/* Their numbers are an unsigned int there. */
#define lfind   plx_mingw_lfind
#define lsearch plx_mingw_lsearch
#include_next <search.h>
#undef lfind
#undef lsearch

#include <plx_posix/mingw_end.h>

#include <plx_posix/search.h>
