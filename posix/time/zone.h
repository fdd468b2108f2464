/* posix/time/zone.h - the calendar, its words, and time zones, for the functions of <time.h>.
 *
 * Seconds are counted from the start of 1970, days too; offsets are seconds east of UTC. Years are
 * those of the calendar: 1970, not 70. Months count from 0, days of a month from 1.
 */
#ifndef PLX__POSIX_ZONE_H
#define PLX__POSIX_ZONE_H

#include <stdbool.h>
#include <stdint.h>

enum { PLX__DAY_SECONDS = 86400, PLX__ZONE_NAME_SIZE = 64 };

/* --- the calendar (calendar.c) -------------------------------------------------------------- */

/* Rounds towards smaller numbers. */
int64_t plx__floor_divide(int64_t value, int64_t by);
bool plx__year_is_leap(int64_t year);
/* The day of the year, from 0, at which the month starts; month 12 is the end. */
int plx__month_start(int64_t year, int month);
int64_t plx__year_start(int64_t year);
/* The year that the day is in. */
int64_t plx__year_of(int64_t day);
/* From 0, which is Sunday. */
int plx__weekday_of(int64_t day);

/* --- the C locale's words (format_time.c) ---------------------------------------------------- */

extern const char *const plx__day_names[7];
extern const char *const plx__month_names[12];
/* What %c and its like are short for; NULL: it is none of these. */
const char *plx__time_format(char kind);

/* --- what a zone's clocks do (zone_rule.c) -------------------------------------------------- */

typedef enum plx__zone_date_kind {
    PLX__ZONE_JULIAN, /* Day 1 to 365; February 29 is never counted. */
    PLX__ZONE_DAY,    /* Day 0 to 365. */
    PLX__ZONE_WEEK    /* The first to fifth (or last) of that weekday in the month. */
} plx__zone_date_kind;

/* When the clocks change, in any year. */
typedef struct plx__zone_date {
    plx__zone_date_kind kind;
    int month;
    int week;
    int day;
    int32_t seconds; /* What the clocks show then: below 0 is the day before. */
} plx__zone_date;

/* Of each two the first is for standard time, the second for daylight-saving time. */
typedef struct plx__zone {
    char names[2][PLX__ZONE_NAME_SIZE];
    int32_t offsets[2];
    bool has_dst;
    plx__zone_date starts[2];
} plx__zone;

/* Reads what POSIX lets TZ be (and UTC and GMT alone); false if the text is something else. */
bool plx__zone_parse(const char *text, plx__zone *zone_out);
bool plx__zone_is_dst(const plx__zone *zone, int64_t seconds);

/* --- the zone of this process (zone.c) ------------------------------------------------------ */

typedef struct plx__zone_moment {
    int32_t offset;
    bool is_dst;
    const char *name; /* Stays. */
} plx__zone_moment;

/* What is so in the zone at that moment. */
plx__zone_moment plx__zone_at(int64_t seconds);
/* The two offsets of a year. Without daylight-saving time, the second is what it would be. */
void plx__zone_offsets(int64_t year, int32_t offsets_out[2]);
/* The name for now of standard or of daylight-saving time. It stays. */
const char *plx__zone_name(bool is_dst);

#endif
