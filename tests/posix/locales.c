/* tests/posix/locales.c - locales as objects, and the functions that are given one. */
#include "check.h"

#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

static locale_t plain;

static void making(void)
{
    section("newlocale and its kin");
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    TRUE(plain != (locale_t)0);
    locale_t other = newlocale(LC_NUMERIC_MASK | LC_CTYPE_MASK, "POSIX", (locale_t)0);
    TRUE(other != (locale_t)0 && other != plain);
    freelocale(other);
    other = duplocale(plain);
    TRUE(other != (locale_t)0);
    TRUE(newlocale(LC_TIME_MASK, "C", other) != (locale_t)0);
    freelocale(other);
    other = duplocale(LC_GLOBAL_LOCALE);
    TRUE(other != (locale_t)0);
    freelocale(other);
    errno = 0;
    TRUE(newlocale(LC_ALL_MASK, "no locale of this name", (locale_t)0) == (locale_t)0 &&
         errno == ENOENT);
    errno = 0;
    TRUE(newlocale(1 << 30, "C", (locale_t)0) == (locale_t)0 && errno == EINVAL);
    (void)setenv("LC_ALL", "C", 1);
    other = newlocale(LC_ALL_MASK, "", (locale_t)0);
    TRUE(other != (locale_t)0);
    check_text(nl_langinfo_l(CODESET, other), "ANSI_X3.4-1968", "the code set");
    freelocale(other);
    (void)unsetenv("LC_ALL");
}

static void *own_locale(void *unused)
{
    static long is_global;
    is_global = uselocale((locale_t)0) == LC_GLOBAL_LOCALE;
    (void)unused;
    return &is_global;
}

static void using(void)
{
    pthread_t thread;
    void *result = NULL;
    section("uselocale");
    TRUE(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    TRUE(uselocale(plain) == LC_GLOBAL_LOCALE);
    TRUE(uselocale((locale_t)0) == plain);
    TRUE(strtod("1.5", NULL) == 1.5);
    IS(pthread_create(&thread, NULL, own_locale, NULL), 0);
    IS(pthread_join(thread, &result), 0);
    IS(*(long *)result, 1);
    TRUE(uselocale(LC_GLOBAL_LOCALE) == plain);
    TRUE(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    /* What a thread has of its own does not change with the locale of all. */
    TRUE(uselocale(plain) == LC_GLOBAL_LOCALE);
    char text[16];
    IS(snprintf(text, sizeof text, "%.1f", 2.5), 3);
    check_text(text, "2.5", "printf");
    check_text(nl_langinfo(RADIXCHAR), ".", "RADIXCHAR");
    TRUE(uselocale(LC_GLOBAL_LOCALE) == plain);
    check_text(setlocale(LC_ALL, NULL), "C", "setlocale(LC_ALL, NULL)");
}

static const char *half(void)
{
    static char text[16];
    snprintf(text, sizeof text, "%.1f", 0.5);
    return text;
}

/* Its checks are its creator's to print, so that they come in one order. */
static void *use_for_a_while(void *locale)
{
    static bool is_good;
    locale_t before = uselocale((locale_t)locale);
    is_good = before == LC_GLOBAL_LOCALE && uselocale(before) == (locale_t)locale;
    return &is_good;
}

static void other_thread_uses(void)
{
    pthread_t thread;
    void *is_good = NULL;
    IS(pthread_create(&thread, NULL, use_for_a_while, plain), 0);
    IS(pthread_join(thread, &is_good), 0);
    TRUE(*(bool *)is_good);
}

/* That of setlocale() comes back when nobody has another one, and a question changes nothing. */
static void coming_back(void)
{
    char before[16];
    section("the locale of all");
    /* Natively what there is beside C depends on the machine. */
    TRUE(setlocale(LC_ALL, IS_WINDOWS ? "German_Germany.1252" : "C") != NULL);
    snprintf(before, sizeof before, "%s", half());
    TRUE(strcmp(before, IS_WINDOWS ? "0,5" : "0.5") == 0);
    check_text(nl_langinfo_l(RADIXCHAR, plain), ".", "RADIXCHAR");
    TRUE(strcmp(half(), before) == 0);
    TRUE(uselocale(plain) == LC_GLOBAL_LOCALE);
    check_text(half(), "0.5", "printf");
    other_thread_uses();
    check_text(half(), "0.5", "printf");
    TRUE(uselocale(LC_GLOBAL_LOCALE) == plain);
    TRUE(strcmp(half(), before) == 0);
    other_thread_uses();
    TRUE(strcmp(half(), before) == 0);
    TRUE(setlocale(LC_ALL, "C") != NULL);
}

static void bytes(void)
{
    int wrong = 0;
    section("ctype.h");
    for (int i = -1; i < 128; i++) {
        wrong += !isalnum_l(i, plain) != !isalnum(i);
        wrong += !isalpha_l(i, plain) != !isalpha(i);
        wrong += !isblank_l(i, plain) != !isblank(i);
        wrong += !iscntrl_l(i, plain) != !iscntrl(i);
        wrong += !isdigit_l(i, plain) != !isdigit(i);
        wrong += !isgraph_l(i, plain) != !isgraph(i);
        wrong += !islower_l(i, plain) != !islower(i);
        wrong += !isprint_l(i, plain) != !isprint(i);
        wrong += !ispunct_l(i, plain) != !ispunct(i);
        wrong += !isspace_l(i, plain) != !isspace(i);
        wrong += !isupper_l(i, plain) != !isupper(i);
        wrong += !isxdigit_l(i, plain) != !isxdigit(i);
        wrong += tolower_l(i, plain) != tolower(i);
        wrong += toupper_l(i, plain) != toupper(i);
    }
    IS(wrong, 0);
    IS(tolower_l('Q', plain), 'q');
    IS(isalpha_l(0xe4, plain), 0);
    IS(toupper_l(0xe4, plain), 0xe4);
}

static void wides(void)
{
    int wrong = 0;
    section("wctype.h");
    for (wint_t i = 0; i < 128; i++) {
        wrong += !iswalnum_l(i, plain) != !iswalnum(i);
        wrong += !iswalpha_l(i, plain) != !iswalpha(i);
        wrong += !iswblank_l(i, plain) != !iswblank(i);
        wrong += !iswcntrl_l(i, plain) != !iswcntrl(i);
        wrong += !iswdigit_l(i, plain) != !iswdigit(i);
        wrong += !iswgraph_l(i, plain) != !iswgraph(i);
        wrong += !iswlower_l(i, plain) != !iswlower(i);
        wrong += !iswprint_l(i, plain) != !iswprint(i);
        wrong += !iswpunct_l(i, plain) != !iswpunct(i);
        wrong += !iswspace_l(i, plain) != !iswspace(i);
        wrong += !iswupper_l(i, plain) != !iswupper(i);
        wrong += !iswxdigit_l(i, plain) != !iswxdigit(i);
        wrong += towlower_l(i, plain) != towlower(i);
        wrong += towupper_l(i, plain) != towupper(i);
    }
    IS(wrong, 0);
    TRUE(iswctype_l(L'x', wctype_l("alpha", plain), plain) != 0);
    TRUE(iswctype_l(L'7', wctype_l("alpha", plain), plain) == 0);
    IS(towctrans_l(L'x', wctrans_l("toupper", plain), plain), L'X');
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void texts(void)
{
    char text[32];
    wchar_t wide[32];
    struct tm parts = {.tm_year = 117, .tm_mon = 2, .tm_mday = 4, .tm_wday = 6};
    section("texts");
    IS(strcasecmp_l("Straight", "sTRAIGHT", plain), 0);
    IS(sign(strcasecmp_l("a", "B", plain)), -1);
    IS(strncasecmp_l("abX", "ABY", 2, plain), 0);
    IS(sign(strncasecmp_l("abX", "ABY", 3, plain)), -1);
    IS(sign(strcoll_l("B", "a", plain)), -1);
    IS(sign(strcoll_l("b", "a", plain)), 1);
    IS(strxfrm_l(text, "abc", sizeof text, plain), 3);
    check_text(text, "abc", "strxfrm_l");
    check_text(strerror_l(ENOENT, plain), "No such file or directory", "strerror_l");
    IS(strftime_l(text, sizeof text, "%A %d %B", &parts, plain), 17);
    check_text(text, "Saturday 04 March", "strftime_l");
    check_text(nl_langinfo_l(DAY_1, plain), "Sunday", "DAY_1");
    check_text(nl_langinfo_l(RADIXCHAR, plain), ".", "RADIXCHAR");
    IS(wcscasecmp_l(L"Ab", L"aB", plain), 0);
    IS(wcsncasecmp_l(L"AbX", L"aBY", 2, plain), 0);
    IS(sign(wcscoll_l(L"B", L"a", plain)), -1);
    IS(wcsxfrm_l(wide, L"abc", 32, plain), 3);
    TRUE(wcscmp(wide, L"abc") == 0);
}

int main(void)
{
    making();
    using();
    bytes();
    wides();
    texts();
    freelocale(plain);
    coming_back(); /* Wine's tolower(EOF) is not EOF after it. */
    return check_end();
}
