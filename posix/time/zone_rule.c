/* posix/time/zone_rule.c - zones that TZ spells out: their names, offsets, and when their clocks
 * change.
 *
 * The form of TZ is that of POSIX.1-2017, "Other Environment Variables". As in POSIX.1-2024, a
 * change may be up to 167 hours before or after the start of its day.
 */
#include "posix/time/zone.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* What POSIX leaves open, when daylight-saving time has a name and no dates: the dates of the
 * United States since 2007, as in the GNU C library. */
#define DATES_OF_NONE "M3.2.0,M11.1.0"

/* These return what follows, or NULL if the text is something else. */
static const char *name_read(const char *text, char *name_out)
{
    bool is_quoted = *text == '<';
    if (is_quoted)
        text++;
    size_t length = 0;
    while (isalpha((unsigned char)text[length]) ||
           (is_quoted && text[length] != '\0' && strchr("0123456789+-", text[length]) != NULL))
        length++;
    if (length < 3 || length >= PLX__ZONE_NAME_SIZE)
        return NULL;
    memcpy(name_out, text, length);
    name_out[length] = '\0';
    text += length;
    if (!is_quoted)
        return text;
    return *text == '>' ? text + 1 : NULL;
}

static const char *number_read(const char *text, int lowest, int highest, int *number_out)
{
    int number = 0;
    if (!isdigit((unsigned char)*text))
        return NULL;
    for (; isdigit((unsigned char)*text); text++) {
        number = number * 10 + (*text - '0');
        if (number > highest)
            return NULL;
    }
    *number_out = number;
    return number >= lowest ? text : NULL;
}

/* [+-]hh[:mm[:ss]] */
static const char *time_read(const char *text, int hours_max, int32_t *seconds_out)
{
    int fields[3] = {0, 0, 0};
    bool is_negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    text = number_read(text, 0, hours_max, &fields[0]);
    for (int i = 1; i < 3 && text != NULL && *text == ':'; i++)
        text = number_read(text + 1, 0, 59, &fields[i]);
    int32_t seconds = (int32_t)(fields[0] * 3600 + fields[1] * 60 + fields[2]);
    *seconds_out = is_negative ? -seconds : seconds;
    return text;
}

static const char *week_read(const char *text, plx__zone_date *date)
{
    text = number_read(text, 1, 12, &date->month);
    date->month--;
    if (text == NULL || *text != '.')
        return NULL;
    text = number_read(text + 1, 1, 5, &date->week);
    if (text == NULL || *text != '.')
        return NULL;
    return number_read(text + 1, 0, 6, &date->day);
}

static const char *date_read(const char *text, plx__zone_date *date)
{
    memset(date, 0, sizeof *date);
    date->seconds = 2 * 3600;
    if (*text == 'M') {
        date->kind = PLX__ZONE_WEEK;
        text = week_read(text + 1, date);
    } else if (*text == 'J') {
        date->kind = PLX__ZONE_JULIAN;
        text = number_read(text + 1, 1, 365, &date->day);
    } else {
        date->kind = PLX__ZONE_DAY;
        text = number_read(text, 0, 365, &date->day);
    }
    if (text != NULL && *text == '/')
        text = time_read(text + 1, 167, &date->seconds);
    return text;
}

/* Its two dates, from the first on; POSIX has the start of daylight-saving time first. */
static bool dates_read(const char *text, plx__zone *zone)
{
    text = date_read(text, &zone->starts[1]);
    if (text == NULL || *text != ',')
        return false;
    text = date_read(text + 1, &zone->starts[0]);
    return text != NULL && *text == '\0';
}

bool plx__zone_parse(const char *text, plx__zone *zone_out)
{
    memset(zone_out, 0, sizeof *zone_out);
    const char *rest = name_read(text, zone_out->names[0]);
    if (rest == NULL)
        return false;
    if (*rest == '\0' && (strcmp(text, "UTC") == 0 || strcmp(text, "GMT") == 0))
        return true;
    /* TZ counts the hours west. */
    rest = time_read(rest, 24, &zone_out->offsets[0]);
    zone_out->offsets[0] = -zone_out->offsets[0];
    if (rest == NULL || *rest == '\0')
        return rest != NULL;
    zone_out->has_dst = true;
    zone_out->offsets[1] = zone_out->offsets[0] + 3600;
    rest = name_read(rest, zone_out->names[1]);
    if (rest != NULL && *rest != '\0' && *rest != ',') {
        rest = time_read(rest, 24, &zone_out->offsets[1]);
        zone_out->offsets[1] = -zone_out->offsets[1];
    }
    if (rest == NULL)
        return false;
    if (*rest == '\0')
        return dates_read(DATES_OF_NONE, zone_out);
    return *rest == ',' && dates_read(rest + 1, zone_out);
}

/* What the clocks show, in seconds, when they change in that year. */
static int64_t date_in(const plx__zone_date *date, int64_t year)
{
    int64_t day = plx__year_start(year);
    if (date->kind == PLX__ZONE_WEEK) {
        int64_t first = day + plx__month_start(year, date->month);
        int64_t end = day + plx__month_start(year, date->month + 1);
        day = first + (date->day - plx__weekday_of(first) + 7) % 7 + (date->week - 1) * 7;
        if (day >= end)
            day -= 7;
    } else if (date->kind == PLX__ZONE_DAY) {
        day += date->day;
    } else {
        day += date->day - 1;
        if (date->day >= 60 && plx__year_is_leap(year))
            day++;
    }
    return day * PLX__DAY_SECONDS + date->seconds;
}

bool plx__zone_is_dst(const plx__zone *zone, int64_t seconds)
{
    if (!zone->has_dst)
        return false;
    int64_t year = plx__year_of(plx__floor_divide(seconds + zone->offsets[0], PLX__DAY_SECONDS));
    /* Each date is what the clocks show before they change. */
    int64_t starts = date_in(&zone->starts[1], year) - zone->offsets[0];
    int64_t ends = date_in(&zone->starts[0], year) - zone->offsets[1];
    if (starts < ends)
        return seconds >= starts && seconds < ends;
    return seconds >= starts || seconds < ends;
}
