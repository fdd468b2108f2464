/* plx_posix/locale_type.h - a locale as an object, which many headers name. */
#ifndef PLX_POSIX_LOCALE_TYPE_H
#define PLX_POSIX_LOCALE_TYPE_H

#include <plx_posix/base.h>

typedef struct plx_posix_locale *locale_t;

#endif
