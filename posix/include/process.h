/* process.h - mingw-w64's without getpid, execv and their like, which are <unistd.h>'s here. */
#pragma GCC system_header
#if defined(PLX_POSIX_PURE) && !defined(_WIN32) /* A program's, not one of mingw-w64's headers. */
#error "process.h is a header of Windows; there is none in pure mode"
#endif
#include <plx_posix/systypes.h>
#pragma push_macro("NO_OLDNAMES")
#undef NO_OLDNAMES
#define NO_OLDNAMES
#include <plx_posix/mingw_begin.h>

#include_next <process.h>

#include <plx_posix/mingw_end.h>
#pragma pop_macro("NO_OLDNAMES")
