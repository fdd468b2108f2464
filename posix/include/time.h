/* time.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/systypes.h>
#include <plx_posix/tm.h>

#include <plx_posix/mingw_begin.h>

/* mingw-w64 has these as inline functions over the C library's, which nothing can bind elsewhere:
 * those get other names. */
#define asctime_r   plx_mingw_asctime_r
#define ctime       plx_mingw_ctime
#define ctime_r     plx_mingw_ctime_r
#define gmtime      plx_mingw_gmtime
#define gmtime_r    plx_mingw_gmtime_r
#define localtime   plx_mingw_localtime
#define localtime_r plx_mingw_localtime_r
#define mktime      plx_mingw_mktime
/* Some of its headers come here from headers whose old names are left out; these are POSIX's. */
#pragma push_macro("NO_OLDNAMES")
#undef NO_OLDNAMES
#include_next <time.h>
#pragma pop_macro("NO_OLDNAMES")
#undef asctime_r
#undef ctime
#undef ctime_r
#undef gmtime
#undef gmtime_r
#undef localtime
#undef localtime_r
#undef mktime

#include <plx_posix/mingw_end.h>

#include <plx_posix/time.h>
