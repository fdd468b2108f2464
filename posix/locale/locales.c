/* posix/locale/locales.c - locales as objects: newlocale() and its kin, and the functions that are
 * given one.
 *
 * There are two to choose from in each category: the C locale, and the user's, which the C library
 * calls "". What wide characters are does not depend on either here, nor do the words of dates and
 * errors. This file speaks POSIX only, by the headers of programs, but for Microsoft's functions
 * with a locale.
 */
#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "posix/locale/locale.h"

struct plx_posix_locale {
    int users; /* LC_..._MASK of the categories that are the user's; the others are C's. */
};

static _Thread_local locale_t current; /* NULL: the one of setlocale(). */

static const struct {
    int category;
    int mask;
} categories[] = {{LC_COLLATE, LC_COLLATE_MASK},   {LC_CTYPE, LC_CTYPE_MASK},
                  {LC_MONETARY, LC_MONETARY_MASK}, {LC_NUMERIC, LC_NUMERIC_MASK},
                  {LC_TIME, LC_TIME_MASK},         {LC_MESSAGES, LC_MESSAGES_MASK}};

enum { CATEGORIES = sizeof categories / sizeof *categories };

static bool is_plain(const char *name)
{
    return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

/* --- making them ---------------------------------------------------------------------------- */

static locale_t locale_make(int users)
{
    locale_t made = malloc(sizeof *made);
    if (made != NULL)
        made->users = users;
    return made;
}

locale_t newlocale(int mask, const char *name, locale_t base)
{
    int users = 0;
    if ((mask & ~LC_ALL_MASK) != 0 || name == NULL || base == LC_GLOBAL_LOCALE) {
        errno = EINVAL;
        return NULL;
    }
    if (*name != '\0' && !is_plain(name)) {
        errno = ENOENT;
        return NULL;
    }
    for (int i = 0; *name == '\0' && i < CATEGORIES; i++) {
        if (!plx__locale_is_plain(categories[i].category))
            users |= categories[i].mask & mask;
    }
    if (base == NULL)
        return locale_make(users);
    base->users = (base->users & ~mask) | users;
    return base;
}

locale_t duplocale(locale_t locale)
{
    if (locale != LC_GLOBAL_LOCALE)
        return locale_make(locale->users);
    int users = 0;
    for (int i = 0; i < CATEGORIES; i++) {
        const char *name = setlocale(categories[i].category, NULL);
        users |= name != NULL && !is_plain(name) ? categories[i].mask : 0;
    }
    return locale_make(users);
}

void freelocale(locale_t locale)
{
    free(locale);
}

/* The C library's functions have one locale for all threads: other threads see it meanwhile. */
locale_t uselocale(locale_t locale)
{
    locale_t before = current != NULL ? current : LC_GLOBAL_LOCALE;
    if (locale == NULL)
        return before;
    bool had_one = current != NULL;
    current = locale != LC_GLOBAL_LOCALE ? locale : NULL;
    if (current != NULL && !had_one)
        plx__locale_borrow();
    else if (current == NULL && had_one)
        plx__locale_return();
    for (int i = 0; current != NULL && i < CATEGORIES; i++) {
        bool is_users = (locale->users & categories[i].mask) != 0;
        (void)setlocale(categories[i].category, is_users ? "" : "C");
    }
    return before;
}

/* Microsoft's object of that category. */
static _locale_t inner_of(locale_t locale, int mask)
{
    static _locale_t all[2]; /* The C locale's, and the user's. */
    bool is_users = (locale->users & mask) != 0;
    _locale_t known = __atomic_load_n(&all[is_users], __ATOMIC_ACQUIRE);
    if (known != NULL)
        return known;
    _locale_t made = _create_locale(LC_ALL, is_users ? "" : "C");
    if (__atomic_compare_exchange_n(&all[is_users], &known, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    _free_locale(made);
    return known;
}

/* --- bytes ---------------------------------------------------------------------------------- */

#define BYTE(name, mask)                                                                           \
    int name##_l(int byte, locale_t locale)                                                        \
    {                                                                                              \
        return _isctype_l(byte, (mask), inner_of(locale, LC_CTYPE_MASK));                          \
    }
BYTE(isalnum, _ALPHA | _DIGIT)
BYTE(isalpha, _ALPHA)
BYTE(iscntrl, _CONTROL)
BYTE(isdigit, _DIGIT)
BYTE(isgraph, _PUNCT | _ALPHA | _DIGIT)
BYTE(islower, _LOWER)
BYTE(ispunct, _PUNCT)
BYTE(isspace, _SPACE)
BYTE(isupper, _UPPER)
BYTE(isxdigit, _HEX)

int isprint_l(int byte, locale_t locale)
{
    return byte == ' ' || isgraph_l(byte, locale);
}

int tolower_l(int byte, locale_t locale)
{
    return byte >= 0 ? _tolower_l(byte, inner_of(locale, LC_CTYPE_MASK)) : byte;
}

int toupper_l(int byte, locale_t locale)
{
    return byte >= 0 ? _toupper_l(byte, inner_of(locale, LC_CTYPE_MASK)) : byte;
}

int isblank_l(int byte, locale_t locale)
{
    (void)locale;
    return byte == ' ' || byte == '\t';
}

int strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale)
{
    for (size_t i = 0; i < length; i++) {
        int a = tolower_l((unsigned char)left[i], locale);
        int b = tolower_l((unsigned char)right[i], locale);
        if (a != b || a == 0)
            return a - b;
    }
    return 0;
}

int strcasecmp_l(const char *left, const char *right, locale_t locale)
{
    return strncasecmp_l(left, right, SIZE_MAX, locale);
}

int strcoll_l(const char *left, const char *right, locale_t locale)
{
    return _strcoll_l(left, right, inner_of(locale, LC_COLLATE_MASK));
}

size_t strxfrm_l(char *to, const char *from, size_t size, locale_t locale)
{
    return _strxfrm_l(to, from, size, inner_of(locale, LC_COLLATE_MASK));
}

char *strerror_l(int code, locale_t locale)
{
    (void)locale;
    return strerror(code);
}

size_t strftime_l(char *text, size_t size, const char *format, const struct tm *parts,
                  locale_t locale)
{
    (void)locale;
    return strftime(text, size, format, parts);
}

/* What the C locale answers does not take a change of the C library's. */
char *nl_langinfo_l(nl_item item, locale_t locale)
{
    static char nothing[] = "", point[] = ".", ascii[] = "ANSI_X3.4-1968";
    if (locale->users == 0 && (item == CODESET || item == RADIXCHAR || item == THOUSEP))
        return item == CODESET ? ascii : item == RADIXCHAR ? point : nothing;
    if (locale->users == 0)
        return nl_langinfo(item);
    locale_t before = uselocale(locale);
    char *text = nl_langinfo(item);
    (void)uselocale(before);
    return text;
}

/* --- wide characters ------------------------------------------------------------------------ */

#define WIDE(name)                                                                                 \
    int name##_l(wint_t wide, locale_t locale)                                                     \
    {                                                                                              \
        (void)locale;                                                                              \
        return name(wide);                                                                         \
    }
WIDE(iswalnum)
WIDE(iswalpha)
WIDE(iswblank)
WIDE(iswcntrl)
WIDE(iswdigit)
WIDE(iswgraph)
WIDE(iswlower)
WIDE(iswprint)
WIDE(iswpunct)
WIDE(iswspace)
WIDE(iswupper)
WIDE(iswxdigit)

wint_t towlower_l(wint_t wide, locale_t locale)
{
    (void)locale;
    return towlower(wide);
}

wint_t towupper_l(wint_t wide, locale_t locale)
{
    (void)locale;
    return towupper(wide);
}

wctype_t wctype_l(const char *name, locale_t locale)
{
    (void)locale;
    return wctype(name);
}

int iswctype_l(wint_t wide, wctype_t class, locale_t locale)
{
    (void)locale;
    return iswctype(wide, class);
}

wctrans_t wctrans_l(const char *name, locale_t locale)
{
    (void)locale;
    return wctrans(name);
}

wint_t towctrans_l(wint_t wide, wctrans_t how, locale_t locale)
{
    (void)locale;
    return towctrans(wide, how);
}

int wcscasecmp_l(const wchar_t *left, const wchar_t *right, locale_t locale)
{
    (void)locale;
    return wcscasecmp(left, right);
}

int wcsncasecmp_l(const wchar_t *left, const wchar_t *right, size_t length, locale_t locale)
{
    (void)locale;
    return wcsncasecmp(left, right, length);
}

int wcscoll_l(const wchar_t *left, const wchar_t *right, locale_t locale)
{
    return _wcscoll_l(left, right, inner_of(locale, LC_COLLATE_MASK));
}

size_t wcsxfrm_l(wchar_t *to, const wchar_t *from, size_t size, locale_t locale)
{
    return _wcsxfrm_l(to, from, size, inner_of(locale, LC_COLLATE_MASK));
}
