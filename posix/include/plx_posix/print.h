/* plx_posix/print.h - before mingw-w64's <stdio.h>: what its inline functions of the printf family
 * call. The layer's have arguments by position.
 */
#ifndef PLX_POSIX_PRINT_H
#define PLX_POSIX_PRINT_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

struct _iobuf;
int __mingw_vfprintf(struct _iobuf *stream, const char *format, __builtin_va_list arguments)
    PLX_POSIX_LABEL("plx_posix_vfprintf") __MINGW_NOTHROW;
int __mingw_vsprintf(char *to, const char *format, __builtin_va_list arguments)
    PLX_POSIX_LABEL("plx_posix_vsprintf") __MINGW_NOTHROW;
int __mingw_vsnprintf(char *to, size_t room, const char *format, __builtin_va_list arguments)
    PLX_POSIX_LABEL("plx_posix_vsnprintf");
int __mingw_vasprintf(char **text, const char *format, __builtin_va_list arguments)
    PLX_POSIX_LABEL("plx_posix_vasprintf") __MINGW_NOTHROW;
int __mingw_sprintf(char *to, const char *format, ...)
    PLX_POSIX_LABEL("plx_posix_sprintf") __MINGW_NOTHROW;
int __mingw_snprintf(char *to, size_t room, const char *format, ...)
    PLX_POSIX_LABEL("plx_posix_snprintf");

PLX_POSIX_END
#endif
