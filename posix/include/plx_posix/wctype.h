/* plx_posix/wctype.h - the functions of <wctype.h> that are given a locale. */
#ifndef PLX_POSIX_WCTYPE_H
#define PLX_POSIX_WCTYPE_H

#include <plx_posix/locale_type.h>

PLX_POSIX_BEGIN

int iswalnum_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswalnum_l);
int iswalpha_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswalpha_l);
int iswblank_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswblank_l);
int iswcntrl_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswcntrl_l);
int iswdigit_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswdigit_l);
int iswgraph_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswgraph_l);
int iswlower_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswlower_l);
int iswprint_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswprint_l);
int iswpunct_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswpunct_l);
int iswspace_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswspace_l);
int iswupper_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswupper_l);
int iswxdigit_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(iswxdigit_l);
int iswctype_l(wint_t wide, wctype_t class_, locale_t locale) PLX_POSIX_NEW(iswctype_l);
wctype_t wctype_l(const char *name, locale_t locale) PLX_POSIX_NEW(wctype_l);
wint_t towlower_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(towlower_l);
wint_t towupper_l(wint_t wide, locale_t locale) PLX_POSIX_NEW(towupper_l);
wint_t towctrans_l(wint_t wide, wctrans_t how, locale_t locale) PLX_POSIX_NEW(towctrans_l);
wctrans_t wctrans_l(const char *name, locale_t locale) PLX_POSIX_NEW(wctrans_l);

PLX_POSIX_END
#endif
