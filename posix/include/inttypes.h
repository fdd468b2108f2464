/* inttypes.h - mingw-w64's, completed. */
#pragma GCC system_header
#include <plx_posix/mingw_begin.h>

#include_next <inttypes.h>

#include <plx_posix/mingw_end.h>

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

intmax_t strtoimax(const char *text, char **end, int base) PLX_POSIX_CALL(strtoimax);
uintmax_t strtoumax(const char *text, char **end, int base) PLX_POSIX_CALL(strtoumax);

PLX_POSIX_END
