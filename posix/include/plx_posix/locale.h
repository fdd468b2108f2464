/* plx_posix/locale.h - what POSIX adds to <locale.h>. */
#ifndef PLX_POSIX_LOCALE_H
#define PLX_POSIX_LOCALE_H

#include <plx_posix/base.h>

/* The number that GNU's libintl has for it on Windows. */
#ifndef LC_MESSAGES
#define LC_MESSAGES 1729
#endif

struct lconv {
    char *decimal_point;
    char *thousands_sep;
    char *grouping;
    char *int_curr_symbol;
    char *currency_symbol;
    char *mon_decimal_point;
    char *mon_thousands_sep;
    char *mon_grouping;
    char *positive_sign;
    char *negative_sign;
    char int_frac_digits;
    char frac_digits;
    char p_cs_precedes;
    char p_sep_by_space;
    char n_cs_precedes;
    char n_sep_by_space;
    char p_sign_posn;
    char n_sign_posn;
    char int_p_cs_precedes;
    char int_p_sep_by_space;
    char int_n_cs_precedes;
    char int_n_sep_by_space;
    char int_p_sign_posn;
    char int_n_sign_posn;
};

PLX_POSIX_BEGIN

struct lconv *localeconv(void) PLX_POSIX_CALL(localeconv);
char *setlocale(int category, const char *name) PLX_POSIX_CALL(setlocale);

PLX_POSIX_END
#endif
