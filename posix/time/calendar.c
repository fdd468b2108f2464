/* posix/time/calendar.c - times as seconds and as years, months and days, in UTC and in the zone.
 *
 * This file speaks POSIX only, by the headers of programs. What the C library has of this differs:
 * it knows nothing before 1970 or after 3000, and TZ only as "CET-1CEST", with the dates of the
 * United States.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "posix/time/zone.h"

enum {
    DAYS_BEFORE_1970 = 719162, /* From the start of the year 1. */
    DAYS_IN_400_YEARS = 146097,
    DAYS_IN_100_YEARS = 36524,
    DAYS_IN_4_YEARS = 1461
};

/* Of asctime_r(), by POSIX; and what five members that are of any value may take. */
enum { TEXT_SIZE = 26, TEXT_SIZE_MAX = 80 };

int64_t plx__floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

bool plx__year_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int plx__month_start(int64_t year, int month)
{
    static const int starts[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return starts[month] + (month > 1 && plx__year_is_leap(year));
}

int64_t plx__year_start(int64_t year)
{
    int64_t before = year - 1;
    return before * 365 + plx__floor_divide(before, 4) - plx__floor_divide(before, 100) +
           plx__floor_divide(before, 400) - DAYS_BEFORE_1970;
}

int64_t plx__year_of(int64_t day)
{
    day += DAYS_BEFORE_1970;
    int64_t cycles = plx__floor_divide(day, DAYS_IN_400_YEARS);
    day -= cycles * DAYS_IN_400_YEARS;
    /* The last of four centuries, and of four years, is a day longer. */
    int64_t centuries = day / DAYS_IN_100_YEARS;
    if (centuries > 3)
        centuries = 3;
    day -= centuries * DAYS_IN_100_YEARS;
    int64_t fours = day / DAYS_IN_4_YEARS;
    day -= fours * DAYS_IN_4_YEARS;
    int64_t ones = day / 365;
    if (ones > 3)
        ones = 3;
    return cycles * 400 + centuries * 100 + fours * 4 + ones + 1;
}

int plx__weekday_of(int64_t day)
{
    int64_t days = day + 4; /* 1970 began on a Thursday. */
    return (int)(days - plx__floor_divide(days, 7) * 7);
}

/* What clocks show that are so far east. `parts` is as it was when that is out of its range. */
static struct tm *parts_fill(time_t time, const plx__zone_moment *moment, struct tm *parts)
{
    int64_t seconds = time + moment->offset;
    int64_t day = plx__floor_divide(seconds, PLX__DAY_SECONDS);
    int64_t year = plx__year_of(day);
    if (year - 1900 > INT_MAX || year - 1900 < INT_MIN) {
        errno = EOVERFLOW;
        return NULL;
    }
    int rest = (int)(seconds - day * PLX__DAY_SECONDS);
    int month = 0;
    parts->tm_yday = (int)(day - plx__year_start(year));
    while (parts->tm_yday >= plx__month_start(year, month + 1))
        month++;
    parts->tm_sec = rest % 60;
    parts->tm_min = rest / 60 % 60;
    parts->tm_hour = rest / 3600;
    parts->tm_mday = parts->tm_yday - plx__month_start(year, month) + 1;
    parts->tm_mon = month;
    parts->tm_year = (int)(year - 1900);
    parts->tm_wday = plx__weekday_of(day);
    parts->tm_isdst = moment->is_dst;
    parts->tm_gmtoff = moment->offset;
    parts->tm_zone = moment->name;
    return parts;
}

/* Whether there are no years for it that an int could count. */
static bool is_beyond(time_t time)
{
    const int64_t most = INT64_C(1) << 58;
    if (time < most && time > -most)
        return false;
    errno = EOVERFLOW;
    return true;
}

static const plx__zone_moment utc = {.offset = 0, .is_dst = false, .name = "GMT"};
static _Thread_local struct tm answer;

struct tm *gmtime_r(const time_t *time, struct tm *parts)
{
    return !is_beyond(*time) ? parts_fill(*time, &utc, parts) : NULL;
}

struct tm *gmtime(const time_t *time)
{
    return gmtime_r(time, &answer);
}

struct tm *localtime_r(const time_t *time, struct tm *parts)
{
    if (is_beyond(*time))
        return NULL;
    plx__zone_moment moment = plx__zone_at(*time);
    return parts_fill(*time, &moment, parts);
}

struct tm *localtime(const time_t *time)
{
    return localtime_r(time, &answer);
}

/* As if it were UTC. Members may be of any value. */
static int64_t seconds_of(const struct tm *parts, int64_t *year_out)
{
    int64_t years = plx__floor_divide(parts->tm_mon, 12);
    int month = (int)(parts->tm_mon - years * 12);
    int64_t year = INT64_C(1900) + parts->tm_year + years;
    int64_t day = plx__year_start(year) + plx__month_start(year, month) + parts->tm_mday - 1;
    *year_out = year;
    return day * PLX__DAY_SECONDS + parts->tm_hour * INT64_C(3600) + parts->tm_min * INT64_C(60) +
           parts->tm_sec;
}

time_t timegm(struct tm *parts)
{
    int64_t year;
    time_t time = seconds_of(parts, &year);
    return parts_fill(time, &utc, parts) != NULL ? time : -1;
}

/* What tm_isdst leaves open: a time that the clocks show twice is standard time, and one that they
 * leave out is as if they had not changed yet; as with the GNU C library. */
time_t mktime(struct tm *parts)
{
    int64_t year;
    int32_t offsets[2];
    int64_t seconds = seconds_of(parts, &year);
    plx__zone_offsets(year, offsets);
    time_t time = seconds - offsets[parts->tm_isdst > 0];
    plx__zone_moment moment = plx__zone_at(time);
    if (parts->tm_isdst < 0 && moment.is_dst) {
        plx__zone_moment other = plx__zone_at(seconds - offsets[1]);
        if (other.is_dst) {
            time = seconds - offsets[1];
            moment = other;
        }
    }
    return parts_fill(time, &moment, parts) != NULL ? time : -1;
}

time_t timelocal(struct tm *parts)
{
    return mktime(parts);
}

/* C11's, which only the newer C library of Windows has. */
int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

/* --- as text -------------------------------------------------------------------------------- */

static int text_write(const struct tm *parts, char text[TEXT_SIZE_MAX])
{
    bool has_day = parts->tm_wday >= 0 && parts->tm_wday < 7;
    bool has_month = parts->tm_mon >= 0 && parts->tm_mon < 12;
    return snprintf(text, TEXT_SIZE_MAX, "%.3s %.3s%3d %.2d:%.2d:%.2d %lld\n",
                    has_day ? plx__day_names[parts->tm_wday] : "???",
                    has_month ? plx__month_names[parts->tm_mon] : "???", parts->tm_mday,
                    parts->tm_hour, parts->tm_min, parts->tm_sec, 1900LL + parts->tm_year);
}

char *asctime(const struct tm *parts)
{
    static _Thread_local char text[TEXT_SIZE_MAX];
    (void)text_write(parts, text);
    return text;
}

char *asctime_r(const struct tm *parts, char *text)
{
    char made[TEXT_SIZE_MAX];
    int length = text_write(parts, made);
    if (length >= TEXT_SIZE) {
        errno = EOVERFLOW;
        return NULL;
    }
    return memcpy(text, made, (size_t)length + 1);
}

char *ctime(const time_t *time)
{
    const struct tm *parts = localtime(time);
    return parts != NULL ? asctime(parts) : NULL;
}

char *ctime_r(const time_t *time, char *text)
{
    struct tm parts;
    return localtime_r(time, &parts) != NULL ? asctime_r(&parts, text) : NULL;
}
