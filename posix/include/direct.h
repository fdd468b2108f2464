/* direct.h - mingw-w64's without mkdir, chdir and their like, which are POSIX's here. */
#pragma GCC system_header
#pragma push_macro("NO_OLDNAMES")
#undef NO_OLDNAMES
#define NO_OLDNAMES
#include <plx_posix/mingw_begin.h>

#include_next <direct.h>

#include <plx_posix/mingw_end.h>
#pragma pop_macro("NO_OLDNAMES")
