/* plx_posix/locale.h - what POSIX adds to <locale.h>. */
#ifndef PLX_POSIX_LOCALE_H
#define PLX_POSIX_LOCALE_H

#include <plx_posix/locale_type.h>

/* The number that GNU's libintl has for it on Windows. */
#ifndef LC_MESSAGES
#define LC_MESSAGES 1729
#endif

#define LC_COLLATE_MASK  (1 << LC_COLLATE)
#define LC_CTYPE_MASK    (1 << LC_CTYPE)
#define LC_MONETARY_MASK (1 << LC_MONETARY)
#define LC_NUMERIC_MASK  (1 << LC_NUMERIC)
#define LC_TIME_MASK     (1 << LC_TIME)
#define LC_MESSAGES_MASK (1 << 6)
#define LC_ALL_MASK                                                                                \
    (LC_COLLATE_MASK | LC_CTYPE_MASK | LC_MONETARY_MASK | LC_NUMERIC_MASK | LC_TIME_MASK |         \
     LC_MESSAGES_MASK)
#define LC_GLOBAL_LOCALE ((locale_t)-1)

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
locale_t newlocale(int mask, const char *name, locale_t base) PLX_POSIX_NEW(newlocale);
locale_t duplocale(locale_t locale) PLX_POSIX_NEW(duplocale);
void freelocale(locale_t locale) PLX_POSIX_NEW(freelocale);
locale_t uselocale(locale_t locale) PLX_POSIX_NEW(uselocale);
char *setlocale(int category, const char *name) PLX_POSIX_CALL(setlocale);

PLX_POSIX_END
#endif
