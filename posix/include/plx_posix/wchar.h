/* plx_posix/wchar.h - what C has in <wchar.h> and mingw-w64 has not. */
#ifndef PLX_POSIX_WCHAR_H
#define PLX_POSIX_WCHAR_H

#include <plx_posix/locale_type.h>

PLX_POSIX_BEGIN

struct _iobuf;

wctype_t wctype(const char *name);
int wcwidth(wchar_t one) PLX_POSIX_NEW(wcwidth);
int wcswidth(const wchar_t *text, size_t length) PLX_POSIX_NEW(wcswidth);
wchar_t *wcpcpy(wchar_t *to, const wchar_t *from) PLX_POSIX_NEW(wcpcpy);
wchar_t *wcpncpy(wchar_t *to, const wchar_t *from, size_t size) PLX_POSIX_NEW(wcpncpy);
int wcscasecmp(const wchar_t *left, const wchar_t *right) PLX_POSIX_NEW(wcscasecmp);
int wcsncasecmp(const wchar_t *left, const wchar_t *right, size_t length)
    PLX_POSIX_NEW(wcsncasecmp);
int wcscasecmp_l(const wchar_t *left, const wchar_t *right, locale_t locale)
    PLX_POSIX_NEW(wcscasecmp_l);
int wcsncasecmp_l(const wchar_t *left, const wchar_t *right, size_t length, locale_t locale)
    PLX_POSIX_NEW(wcsncasecmp_l);
int wcscoll_l(const wchar_t *left, const wchar_t *right, locale_t locale) PLX_POSIX_NEW(wcscoll_l);
size_t wcsxfrm_l(wchar_t *to, const wchar_t *from, size_t size, locale_t locale)
    PLX_POSIX_NEW(wcsxfrm_l);
size_t mbsnrtowcs(wchar_t *to, const char **from, size_t bytes, size_t room, mbstate_t *state)
    PLX_POSIX_NEW(mbsnrtowcs);
size_t wcsnrtombs(char *to, const wchar_t **from, size_t wides, size_t room, mbstate_t *state)
    PLX_POSIX_NEW(wcsnrtombs);
struct _iobuf *open_wmemstream(wchar_t **text, size_t *length) PLX_POSIX_NEW(open_wmemstream);
wchar_t *wcstok(wchar_t *text, const wchar_t *ends, wchar_t **rest) PLX_POSIX_CALL(wcstok);

PLX_POSIX_END
#endif
