/* plx_posix/ctype.h - the functions of <ctype.h> that are given a locale. */
#ifndef PLX_POSIX_CTYPE_H
#define PLX_POSIX_CTYPE_H

#include <plx_posix/locale_type.h>

PLX_POSIX_BEGIN

int isalnum_l(int byte, locale_t locale) PLX_POSIX_NEW(isalnum_l);
int isalpha_l(int byte, locale_t locale) PLX_POSIX_NEW(isalpha_l);
int isblank_l(int byte, locale_t locale) PLX_POSIX_NEW(isblank_l);
int iscntrl_l(int byte, locale_t locale) PLX_POSIX_NEW(iscntrl_l);
int isdigit_l(int byte, locale_t locale) PLX_POSIX_NEW(isdigit_l);
int isgraph_l(int byte, locale_t locale) PLX_POSIX_NEW(isgraph_l);
int islower_l(int byte, locale_t locale) PLX_POSIX_NEW(islower_l);
int isprint_l(int byte, locale_t locale) PLX_POSIX_NEW(isprint_l);
int ispunct_l(int byte, locale_t locale) PLX_POSIX_NEW(ispunct_l);
int isspace_l(int byte, locale_t locale) PLX_POSIX_NEW(isspace_l);
int isupper_l(int byte, locale_t locale) PLX_POSIX_NEW(isupper_l);
int isxdigit_l(int byte, locale_t locale) PLX_POSIX_NEW(isxdigit_l);
int tolower_l(int byte, locale_t locale) PLX_POSIX_NEW(tolower_l);
int toupper_l(int byte, locale_t locale) PLX_POSIX_NEW(toupper_l);

PLX_POSIX_END
#endif
