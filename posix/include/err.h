/* err.h - messages with the program's name and errno's text. */
#ifndef PLX_POSIX_ERR_H
#define PLX_POSIX_ERR_H

#include <stdarg.h>

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

void err(int code, const char *format, ...) PLX_POSIX_NEW(err) PLX_POSIX_PRINTF(2, 3)
    __attribute__((__noreturn__));
void errx(int code, const char *format, ...) PLX_POSIX_NEW(errx) PLX_POSIX_PRINTF(2, 3)
    __attribute__((__noreturn__));
void warn(const char *format, ...) PLX_POSIX_NEW(warn) PLX_POSIX_PRINTF(1, 2);
void warnx(const char *format, ...) PLX_POSIX_NEW(warnx) PLX_POSIX_PRINTF(1, 2);
void vwarn(const char *format, va_list arguments) PLX_POSIX_NEW(vwarn) PLX_POSIX_PRINTF(1, 0);
void vwarnx(const char *format, va_list arguments) PLX_POSIX_NEW(vwarnx) PLX_POSIX_PRINTF(1, 0);

PLX_POSIX_END
#endif
