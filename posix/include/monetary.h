/* monetary.h - amounts of money as text. */
#ifndef PLX_POSIX_MONETARY_H
#define PLX_POSIX_MONETARY_H

#include <plx_posix/locale_type.h>

PLX_POSIX_BEGIN

ssize_t strfmon(char *text, size_t size, const char *format, ...) PLX_POSIX_NEW(strfmon);
ssize_t strfmon_l(char *text, size_t size, locale_t locale, const char *format, ...)
    PLX_POSIX_NEW(strfmon_l);

PLX_POSIX_END
#endif
