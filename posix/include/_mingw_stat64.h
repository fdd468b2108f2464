/* _mingw_stat64.h - mingw-w64's, but for struct stat. */
#pragma GCC system_header
#pragma push_macro("NO_OLDNAMES")
#undef NO_OLDNAMES
#define NO_OLDNAMES
#include <plx_posix/mingw_begin.h>

#include_next <_mingw_stat64.h>

#include <plx_posix/mingw_end.h>
#pragma pop_macro("NO_OLDNAMES")
