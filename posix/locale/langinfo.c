/* posix/locale/langinfo.c - nl_langinfo(): the words and formats of the C locale, and which code
 * page there is.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "posix/time/zone.h"

static const char short_days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char short_months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The C library has a locale's code page behind the point of its name: "German_Germany.1252". */
static const char *codeset(void)
{
    static _Thread_local char name[24];
    const char *locale = setlocale(LC_CTYPE, NULL);
    const char *page = locale != NULL ? strrchr(locale, '.') : NULL;
    if (page == NULL)
        return "ANSI_X3.4-1968"; /* ASCII, by the name that the GNU C library has for it. */
    if (strcmp(page, ".65001") == 0 || strcmp(page, ".utf8") == 0)
        return "UTF-8";
    (void)snprintf(name, sizeof name, "CP%s", page + 1);
    return name;
}

static const char *find(nl_item item)
{
    if (item >= DAY_1 && item <= DAY_7)
        return plx__day_names[item - DAY_1];
    if (item >= ABDAY_1 && item <= ABDAY_7)
        return short_days[item - ABDAY_1];
    if (item >= MON_1 && item <= MON_12)
        return plx__month_names[item - MON_1];
    if (item >= ABMON_1 && item <= ABMON_12)
        return short_months[item - ABMON_1];
    switch (item) {
    case CODESET:
        return codeset();
    case RADIXCHAR:
        return localeconv()->decimal_point;
    case THOUSEP:
        return localeconv()->thousands_sep;
    case D_T_FMT:
        return plx__time_format('c');
    case D_FMT:
        return plx__time_format('x');
    case T_FMT:
        return plx__time_format('X');
    case T_FMT_AMPM:
        return plx__time_format('r');
    case AM_STR:
        return "AM";
    case PM_STR:
        return "PM";
    case YESEXPR:
        return "^[yY]";
    case NOEXPR:
        return "^[nN]";
    case CRNCYSTR:
        return "-";
    default:
        return "";
    }
}

char *nl_langinfo(nl_item item)
{
    return (char *)(uintptr_t)find(item);
}
