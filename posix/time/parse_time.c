/* posix/time/parse_time.c - strptime(): text as times, in the words of the C locale.
 *
 * This file speaks POSIX only, by the headers of programs. What POSIX leaves open is as in the GNU
 * C library: members that the text does not tell stay as they were, but for the day of the week and
 * of the year, which follow from a date; %z sets tm_gmtoff; a time may be seconds (%s).
 */
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "posix/time/zone.h"

enum { NONE = -1 };

typedef struct reader {
    const char *at;
    struct tm *parts;
    int century;
    int week;
    bool has_year_of_century;
    bool is_week_from_monday;
    bool is_afternoon;
    bool has_hour_of_12;
    bool has_date; /* Or a part of one: a year, a month, a day. */
    bool has_month;
    bool has_day;
    bool has_weekday;
    bool has_day_of_year;
} reader;

/* Numbers that are members, but for what is taken away from them. */
static const struct {
    char kind;
    int lowest;
    int highest;
    int digits;
    size_t member;
    int less;
} members[] = {
    {'d', 1, 31, 2, offsetof(struct tm, tm_mday), 0},
    {'e', 1, 31, 2, offsetof(struct tm, tm_mday), 0},
    {'H', 0, 23, 2, offsetof(struct tm, tm_hour), 0},
    {'k', 0, 23, 2, offsetof(struct tm, tm_hour), 0},
    {'j', 1, 366, 3, offsetof(struct tm, tm_yday), 1},
    {'m', 1, 12, 2, offsetof(struct tm, tm_mon), 1},
    {'M', 0, 59, 2, offsetof(struct tm, tm_min), 0},
    {'S', 0, 61, 2, offsetof(struct tm, tm_sec), 0},
    {'w', 0, 6, 1, offsetof(struct tm, tm_wday), 0},
};

static bool format_read(reader *in, const char *format);

static void spaces_skip(reader *in)
{
    while (isspace((unsigned char)*in->at))
        in->at++;
}

static bool byte_read(reader *in, char byte)
{
    if (*in->at != byte)
        return false;
    in->at++;
    return true;
}

/* A digit that makes it too large is not its own, if there were no digit that would do. */
static bool number_read(reader *in, int lowest, int highest, int digits, int *number_out)
{
    int number = 0;
    spaces_skip(in);
    if (!isdigit((unsigned char)*in->at))
        return false;
    while (digits-- > 0 && isdigit((unsigned char)*in->at) && number * 10 <= highest)
        number = number * 10 + (*in->at++ - '0');
    *number_out = number;
    return number >= lowest && number <= highest;
}

static bool name_read(reader *in, const char *const *names, int count, int *which_out)
{
    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(in->at, names[i], length) != 0)
            length = 3;
        if (strncasecmp(in->at, names[i], length) == 0) {
            in->at += length;
            *which_out = i;
            return true;
        }
    }
    return false;
}

static bool half_read(reader *in)
{
    in->is_afternoon = strncasecmp(in->at, "PM", 2) == 0;
    if (!in->is_afternoon && strncasecmp(in->at, "AM", 2) != 0)
        return false;
    in->at += 2;
    return true;
}

static bool two_digits_read(reader *in, int *number_out)
{
    if (!isdigit((unsigned char)in->at[0]) || !isdigit((unsigned char)in->at[1]))
        return false;
    *number_out = (in->at[0] - '0') * 10 + (in->at[1] - '0');
    in->at += 2;
    return true;
}

/* Z, +hh, +hhmm or +hh:mm. */
static bool offset_read(reader *in)
{
    int hours = 0;
    int minutes = 0;
    spaces_skip(in);
    char sign = *in->at++;
    if (sign == 'Z') {
        in->parts->tm_gmtoff = 0;
        return true;
    }
    if ((sign != '+' && sign != '-') || !two_digits_read(in, &hours))
        return false;
    if (*in->at == ':' && isdigit((unsigned char)in->at[1]))
        in->at++;
    if (isdigit((unsigned char)*in->at) && !two_digits_read(in, &minutes))
        return false;
    int seconds = hours * 3600 + minutes * 60;
    in->parts->tm_gmtoff = sign == '-' ? -seconds : seconds;
    return minutes < 60;
}

static bool seconds_read(reader *in)
{
    time_t seconds = 0;
    if (!isdigit((unsigned char)*in->at))
        return false;
    for (; isdigit((unsigned char)*in->at); in->at++) {
        if (seconds > (INT64_MAX - 9) / 10)
            return false;
        seconds = seconds * 10 + (*in->at - '0');
    }
    return localtime_r(&seconds, in->parts) != NULL;
}

static bool year_read(reader *in, char kind)
{
    int year;
    in->has_date = true;
    if (kind == 'C')
        return number_read(in, 0, 99, 2, &in->century);
    in->has_year_of_century = kind == 'y';
    if (kind == 'y') {
        if (!number_read(in, 0, 99, 2, &year))
            return false;
        in->parts->tm_year = year < 69 ? year + 100 : year;
        return true;
    }
    if (!number_read(in, 0, 9999, 4, &year))
        return false;
    in->parts->tm_year = year - 1900;
    in->century = NONE;
    return true;
}

/* Of the year that weeks are counted in nothing is made, as in the GNU C library. */
static bool week_read(reader *in, char kind)
{
    int ignored;
    if (kind == 'g')
        return number_read(in, 0, 99, 2, &ignored);
    if (kind == 'V')
        return number_read(in, 0, 53, 2, &ignored);
    if (kind == 'G') {
        if (!isdigit((unsigned char)*in->at))
            return false;
        while (isdigit((unsigned char)*in->at))
            in->at++;
        return true;
    }
    in->is_week_from_monday = kind == 'W';
    return number_read(in, 0, 53, 2, &in->week);
}

static bool member_read(reader *in, char kind)
{
    size_t i = 0;
    int number;
    while (i < sizeof members / sizeof members[0] && members[i].kind != kind)
        i++;
    if (i == sizeof members / sizeof members[0] ||
        !number_read(in, members[i].lowest, members[i].highest, members[i].digits, &number))
        return false;
    number -= members[i].less;
    memcpy((char *)in->parts + members[i].member, &number, sizeof number);
    switch (kind) {
    case 'd':
    case 'e':
        in->has_day = true;
        in->has_date = true;
        break;
    case 'm':
        in->has_month = true;
        in->has_date = true;
        break;
    case 'H':
    case 'k':
        in->has_hour_of_12 = false;
        break;
    case 'j':
        in->has_day_of_year = true;
        break;
    case 'w':
        in->has_weekday = true;
        break;
    default:
        break;
    }
    return true;
}

static bool conversion_read(reader *in, char kind)
{
    const char *format = plx__time_format(kind);
    if (format != NULL)
        return format_read(in, format);
    switch (kind) {
    case 'a':
    case 'A':
        in->has_weekday = true;
        return name_read(in, plx__day_names, 7, &in->parts->tm_wday);
    case 'b':
    case 'B':
    case 'h':
        in->has_month = true;
        in->has_date = true;
        return name_read(in, plx__month_names, 12, &in->parts->tm_mon);
    case 'C':
    case 'y':
    case 'Y':
        return year_read(in, kind);
    case 'g':
    case 'G':
    case 'U':
    case 'V':
    case 'W':
        return week_read(in, kind);
    case 'I':
    case 'l':
        in->has_hour_of_12 = number_read(in, 1, 12, 2, &in->parts->tm_hour);
        in->parts->tm_hour %= 12;
        return in->has_hour_of_12;
    case 'n':
    case 't':
        spaces_skip(in);
        return true;
    case 'p':
    case 'P':
        return half_read(in);
    case 's':
        return seconds_read(in);
    case 'u':
        in->has_weekday = number_read(in, 1, 7, 1, &in->parts->tm_wday);
        in->parts->tm_wday %= 7;
        return in->has_weekday;
    case 'z':
        return offset_read(in);
    case 'Z': /* Which zone a name means depends on where it was written. */
        spaces_skip(in);
        while (*in->at != '\0' && !isspace((unsigned char)*in->at))
            in->at++;
        return true;
    case '%':
        return byte_read(in, '%');
    default:
        return member_read(in, kind);
    }
}

static bool format_read(reader *in, const char *format)
{
    for (; *format != '\0'; format++) {
        if (isspace((unsigned char)*format)) {
            spaces_skip(in);
            continue;
        }
        if (*format != '%') {
            if (!byte_read(in, *format))
                return false;
            continue;
        }
        format++;
        format += strspn(format, "_-0^#");
        format += strspn(format, "0123456789");
        bool is_known = true;
        if (*format == 'E')
            is_known = format[1] != '\0' && strchr("CcXxYy", *++format) != NULL;
        else if (*format == 'O')
            is_known = format[1] != '\0' && strchr("bBdehHImMSUVwWy", *++format) != NULL;
        if (!is_known || !conversion_read(in, *format))
            return false;
    }
    return true;
}

/* --- what follows from the rest ------------------------------------------------------------- */

static void day_of_year_apply(reader *in, int day)
{
    int64_t year = INT64_C(1900) + in->parts->tm_year;
    int month = 0;
    while (month < 11 && day >= plx__month_start(year, month + 1))
        month++;
    if (!in->has_month)
        in->parts->tm_mon = month;
    if (!in->has_day)
        in->parts->tm_mday = day - plx__month_start(year, month) + 1;
}

static void week_apply(reader *in)
{
    struct tm *parts = in->parts;
    int shift = in->is_week_from_monday ? 6 : 0;
    int first = plx__weekday_of(plx__year_start(INT64_C(1900) + parts->tm_year));
    int day = (7 - (first + shift) % 7) % 7 + (in->week - 1) * 7 + (parts->tm_wday + shift) % 7;
    if (!in->has_day_of_year)
        parts->tm_yday = day;
    day_of_year_apply(in, parts->tm_yday);
}

static void date_finish(reader *in)
{
    struct tm *parts = in->parts;
    int64_t year = INT64_C(1900) + parts->tm_year;
    if (in->has_date && in->has_day_of_year && !(in->has_month && in->has_day))
        day_of_year_apply(in, parts->tm_yday);
    /* The month may be what was in there before, and anything. */
    if (in->has_date && parts->tm_mon >= 0 && parts->tm_mon < 12) {
        int64_t day = INT64_C(-1) + plx__month_start(year, parts->tm_mon) + parts->tm_mday;
        if (!in->has_weekday)
            parts->tm_wday = plx__weekday_of(plx__year_start(year) + day);
        if (!in->has_day_of_year)
            parts->tm_yday = (int)day;
    }
    if (in->week != NONE && in->has_weekday)
        week_apply(in);
}

char *strptime(const char *text, const char *format, struct tm *parts)
{
    reader in = {.at = text, .parts = parts, .century = NONE, .week = NONE};
    if (!format_read(&in, format))
        return NULL;
    if (in.has_hour_of_12 && in.is_afternoon)
        parts->tm_hour += 12;
    if (in.century != NONE)
        parts->tm_year =
            (in.century - 19) * 100 + (in.has_year_of_century ? parts->tm_year % 100 : 0);
    date_finish(&in);
    return (char *)(uintptr_t)in.at;
}
