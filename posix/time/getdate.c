/* posix/time/getdate.c - getdate(): a date in one of the forms that the file of DATEMSK lists.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int getdate_err;

/* What of getdate_err can happen here. */
enum { NO_VARIABLE = 1, NO_FILE = 2, NO_STATUS = 3, NO_REGULAR_FILE = 4, NO_LINE = 7, NO_DATE = 8 };

enum { UNSET = INT_MIN };

static const struct tm nothing = {.tm_sec = UNSET,
                                  .tm_min = UNSET,
                                  .tm_hour = UNSET,
                                  .tm_mday = UNSET,
                                  .tm_mon = UNSET,
                                  .tm_year = UNSET,
                                  .tm_wday = UNSET,
                                  .tm_yday = UNSET,
                                  .tm_isdst = -1};

/* The first form that the whole text has. */
static bool line_find(FILE *forms, const char *text, struct tm *parts)
{
    char form[512];
    while (fgets(form, sizeof form, forms) != NULL) {
        form[strcspn(form, "\r\n")] = '\0';
        *parts = nothing;
        const char *end = strptime(text, form, parts);
        if (form[0] != '\0' && end != NULL && end[strspn(end, " \t")] == '\0')
            return true;
    }
    return false;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || (year + 1900) % 400 == 0;
    return days[month] + (month == 1 && is_leap);
}

/* Whether the month has such a day. */
static bool is_valid(const struct tm *parts)
{
    return parts->tm_mday >= 1 && parts->tm_mday <= days_of(parts->tm_year, parts->tm_mon);
}

/* Of a month and its year; or the first of that weekday, if there is one. */
static int first_day(const struct tm *parts)
{
    struct tm first = {.tm_year = parts->tm_year, .tm_mon = parts->tm_mon, .tm_mday = 1};
    if (parts->tm_wday == UNSET || timegm(&first) == (time_t)-1)
        return 1;
    return 1 + (parts->tm_wday - first.tm_wday + 7) % 7;
}

/* What the text does not say, by POSIX's rules: a weekday alone is the next one, a month alone the
 * next of its name, a time alone the next one. */
static void rest_fill(struct tm *parts, const struct tm *now)
{
    bool has_date = parts->tm_mon != UNSET || parts->tm_mday != UNSET || parts->tm_year != UNSET;
    bool has_time = parts->tm_hour != UNSET || parts->tm_min != UNSET || parts->tm_sec != UNSET;
    int later = 0; /* Days. */
    if (!has_date && parts->tm_wday != UNSET)
        later = (parts->tm_wday - now->tm_wday + 7) % 7;
    else if (!has_date && has_time && parts->tm_hour < now->tm_hour)
        later = 1;
    if (parts->tm_mon != UNSET && parts->tm_mday == UNSET) {
        if (parts->tm_year == UNSET)
            parts->tm_year = now->tm_year + (parts->tm_mon < now->tm_mon);
        parts->tm_mday = first_day(parts);
    }
    if (parts->tm_year == UNSET)
        parts->tm_year = now->tm_year;
    if (parts->tm_mon == UNSET)
        parts->tm_mon = now->tm_mon;
    if (parts->tm_mday == UNSET)
        parts->tm_mday = now->tm_mday + later;
    if (!has_time) {
        parts->tm_hour = now->tm_hour;
        parts->tm_min = now->tm_min;
        parts->tm_sec = now->tm_sec;
    }
    parts->tm_hour = parts->tm_hour != UNSET ? parts->tm_hour : 0;
    parts->tm_min = parts->tm_min != UNSET ? parts->tm_min : 0;
    parts->tm_sec = parts->tm_sec != UNSET ? parts->tm_sec : 0;
}

static int form_find(const char *text, struct tm *parts)
{
    struct stat about;
    const char *path = getenv("DATEMSK");
    if (path == NULL || *path == '\0')
        return NO_VARIABLE;
    if (stat(path, &about) != 0)
        return NO_STATUS;
    if (!S_ISREG(about.st_mode))
        return NO_REGULAR_FILE;
    FILE *forms = fopen(path, "re");
    if (forms == NULL)
        return NO_FILE;
    bool is_found = line_find(forms, text + strspn(text, " \t\n"), parts);
    (void)fclose(forms);
    return is_found ? 0 : NO_LINE;
}

struct tm *getdate(const char *text)
{
    static struct tm parts;
    struct tm now;
    time_t time_now = time(NULL);
    getdate_err = form_find(text, &parts);
    if (getdate_err != 0)
        return NULL;
    (void)localtime_r(&time_now, &now);
    bool says_day = parts.tm_mday != UNSET;
    rest_fill(&parts, &now);
    if ((says_day && !is_valid(&parts)) || mktime(&parts) == (time_t)-1) {
        getdate_err = NO_DATE;
        return NULL;
    }
    return &parts;
}
