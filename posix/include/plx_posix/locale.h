/* plx_posix/locale.h - what POSIX adds to <locale.h>. */
#ifndef PLX_POSIX_LOCALE_H
#define PLX_POSIX_LOCALE_H

#include <plx_posix/base.h>

/* The number that GNU's libintl has for it on Windows. */
#ifndef LC_MESSAGES
#define LC_MESSAGES 1729
#endif

PLX_POSIX_BEGIN

char *setlocale(int category, const char *name) PLX_POSIX_CALL(setlocale);

PLX_POSIX_END
#endif
