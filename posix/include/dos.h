/* dos.h - mingw-w64's, which pure mode hides. */
#pragma GCC system_header
#ifdef PLX_POSIX_PURE
#error "dos.h is a header of Windows; there is none in pure mode"
#endif

#include_next <dos.h>
