/* posix/time/zone.c - the zone of this process: what TZ says, else Windows' own.
 *
 * TZ is looked at with every call, so that a change counts at once. Of Windows' zone each year is
 * asked for when it is first needed, and kept until tzset().
 */
#include "posix/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "posix/time/zone.h"

enum { YEARS_KEPT = 16 };

/* A name that a program may have got: never freed, never another. */
typedef struct zone_name {
    struct zone_name *next;
    char text[PLX__ZONE_NAME_SIZE];
} zone_name;

static SRWLOCK lock = SRWLOCK_INIT; /* Over all that follows. */
static bool is_read;
static char *setting; /* What TZ was then; NULL: unset. */
static bool is_windows;
static plx__zone stated; /* Otherwise. */
static struct {
    int64_t year;
    plx__zone zone;
} years[YEARS_KEPT]; /* By the year, modulo; 0: none. */
static zone_name *zone_names;

static const char *name_keep(const char *text)
{
    for (const zone_name *name = zone_names; name != NULL; name = name->next) {
        if (strcmp(name->text, text) == 0)
            return name->text;
    }
    zone_name *name = calloc(1, sizeof *name);
    if (name == NULL)
        return "";
    (void)snprintf(name->text, sizeof name->text, "%s", text);
    name->next = zone_names;
    zone_names = name;
    return name->text;
}

/* Windows has no abbreviations, and its names are in the user's language. Where a zone has no
 * abbreviation, the world's database of zones (RFC 6557) has the offset instead: "+03", "-0330". */
static void offset_name(int32_t offset, char *name)
{
    int minutes = abs(offset) / 60;
    int length =
        snprintf(name, PLX__ZONE_NAME_SIZE, "%c%02d", offset < 0 ? '-' : '+', minutes / 60);
    if (minutes % 60 != 0)
        (void)snprintf(name + length, PLX__ZONE_NAME_SIZE - (size_t)length, "%02d", minutes % 60);
}

static plx__zone_date date_of(const SYSTEMTIME *when)
{
    plx__zone_date date = {
        .kind = PLX__ZONE_WEEK,
        .month = when->wMonth - 1,
        .week = when->wDay,
        .day = when->wDayOfWeek,
        .seconds = when->wHour * 3600 + when->wMinute * 60 + when->wSecond,
    };
    if (when->wMilliseconds >= 500) /* 23:59:59.999 means the end of the day. */
        date.seconds++;
    if (when->wYear != 0) { /* A date of that year, instead of one of each. */
        date.kind = PLX__ZONE_DAY;
        date.day = plx__month_start(when->wYear, date.month) + when->wDay - 1;
    }
    return date;
}

static void windows_read(int64_t year, plx__zone *zone)
{
    TIME_ZONE_INFORMATION about;
    int64_t asked = year < 1601 ? 1601 : year > 30827 ? 30827 : year;
    memset(zone, 0, sizeof *zone);
    if (!GetTimeZoneInformationForYear((USHORT)asked, NULL, &about))
        memset(&about, 0, sizeof about);
    zone->offsets[0] = (int32_t)(-60 * (about.Bias + about.StandardBias));
    zone->offsets[1] = (int32_t)(-60 * (about.Bias + about.DaylightBias));
    zone->has_dst = about.StandardDate.wMonth != 0 && about.DaylightDate.wMonth != 0;
    if (zone->has_dst) {
        zone->starts[0] = date_of(&about.StandardDate);
        zone->starts[1] = date_of(&about.DaylightDate);
    }
    offset_name(zone->offsets[0], zone->names[0]);
    offset_name(zone->offsets[1], zone->names[1]);
    if (!zone->has_dst && zone->offsets[0] == 0)
        memcpy(zone->names[0], "UTC", sizeof "UTC");
}

static const plx__zone *zone_of(int64_t year)
{
    if (!is_windows)
        return &stated;
    size_t slot = (size_t)(uint64_t)year % YEARS_KEPT;
    if (years[slot].year != year || year == 0) {
        windows_read(year, &years[slot].zone);
        years[slot].year = year;
    }
    return &years[slot].zone;
}

static const plx__zone *zone_for(int64_t seconds)
{
    int64_t year = plx__year_of(plx__floor_divide(seconds, PLX__DAY_SECONDS));
    int32_t offset = zone_of(year)->offsets[0];
    return zone_of(plx__year_of(plx__floor_divide(seconds + offset, PLX__DAY_SECONDS)));
}

/* POSIX's variables are the C library's. It may write to where its names are, 64 bytes as it is;
 * so they get memory of their own. */
static void variables_set(const plx__zone *zone)
{
    static char names[2][2 * PLX__ZONE_NAME_SIZE];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s", zone->names[zone->has_dst ? i : 0]);
        _tzname[i] = names[i];
    }
    _timezone = -zone->offsets[0];
    _daylight = zone->has_dst;
}

static void zone_read(const char *text)
{
    free(setting);
    setting = text != NULL ? _strdup(text) : NULL;
    is_read = text == NULL || setting != NULL;
    memset(years, 0, sizeof years);
    /* A colon comes before a name that the system knows; so do names that are nothing else. */
    if (text != NULL && *text == ':')
        text++;
    if (text != NULL && *text == '\0')
        text = "UTC";
    is_windows = text == NULL || !plx__zone_parse(text, &stated);
    variables_set(zone_for(time(NULL)));
}

/* With the lock taken: what is known is of TZ as it is. */
static void zone_refresh(void)
{
    const char *text = getenv("TZ");
    bool is_same =
        (text == NULL) == (setting == NULL) && (text == NULL || strcmp(text, setting) == 0);
    if (!is_read || !is_same)
        zone_read(text);
}

plx__zone_moment plx__zone_at(int64_t seconds)
{
    AcquireSRWLockExclusive(&lock);
    zone_refresh();
    const plx__zone *zone = zone_for(seconds);
    plx__zone_moment moment = {.is_dst = plx__zone_is_dst(zone, seconds)};
    moment.offset = zone->offsets[moment.is_dst];
    moment.name = name_keep(zone->names[moment.is_dst]);
    ReleaseSRWLockExclusive(&lock);
    return moment;
}

void plx__zone_offsets(int64_t year, int32_t offsets_out[2])
{
    AcquireSRWLockExclusive(&lock);
    zone_refresh();
    const plx__zone *zone = zone_of(year);
    offsets_out[0] = zone->offsets[0];
    offsets_out[1] = zone->has_dst ? zone->offsets[1] : zone->offsets[0] + 3600;
    ReleaseSRWLockExclusive(&lock);
}

const char *plx__zone_name(bool is_dst)
{
    AcquireSRWLockExclusive(&lock);
    zone_refresh();
    const char *name = name_keep(_tzname[is_dst]);
    ReleaseSRWLockExclusive(&lock);
    return name;
}

PLX__CALL void plx_posix_tzset(void)
{
    AcquireSRWLockExclusive(&lock);
    zone_read(getenv("TZ"));
    ReleaseSRWLockExclusive(&lock);
}
