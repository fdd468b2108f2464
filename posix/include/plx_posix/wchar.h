/* plx_posix/wchar.h - what C has in <wchar.h> and mingw-w64 has not. */
#ifndef PLX_POSIX_WCHAR_H
#define PLX_POSIX_WCHAR_H

#include <plx_posix/base.h>

PLX_POSIX_BEGIN

wchar_t *wcstok(wchar_t *text, const wchar_t *ends, wchar_t **rest) PLX_POSIX_CALL(wcstok);

PLX_POSIX_END
#endif
