/* tests/posix/zones.c - TZ, the changes of clocks, mktime() and its kin, and times far away. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static void zone_set(const char *zone)
{
    (void)setenv("TZ", zone, 1);
    tzset();
}

static void shows(int64_t seconds, const char *wanted)
{
    char text[80] = "NULL";
    char what[32];
    struct tm parts;
    time_t when = seconds;
    if (localtime_r(&when, &parts) != NULL)
        (void)snprintf(text, sizeof text, "%lld-%02d-%02d %02d:%02d:%02d %d %ld %s",
                       1900LL + parts.tm_year, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                       parts.tm_min, parts.tm_sec, parts.tm_isdst, (long)parts.tm_gmtoff,
                       parts.tm_zone);
    (void)snprintf(what, sizeof what, "%lld", (long long)seconds);
    check_text(text, wanted, what);
}

static void names_are(const char *zone, const char *standard, const char *other, long west,
                      int has_dst)
{
    section(zone);
    zone_set(zone);
    check_text(tzname[0], standard, "tzname[0]");
    check_text(tzname[1], other, "tzname[1]");
    IS(timezone, west);
    IS(daylight, has_dst);
}

static void zones(void)
{
    names_are(berlin, "CET", "CEST", -3600, 1);
    shows(1711846799, "2024-03-31 01:59:59 0 3600 CET");
    shows(1711846800, "2024-03-31 03:00:00 1 7200 CEST");
    shows(1729990799, "2024-10-27 02:59:59 1 7200 CEST");
    shows(1729990800, "2024-10-27 02:00:00 0 3600 CET");
    names_are("EST5EDT,M3.2.0,M11.1.0", "EST", "EDT", 18000, 1);
    shows(1710053999, "2024-03-10 01:59:59 0 -18000 EST");
    shows(1710054000, "2024-03-10 03:00:00 1 -14400 EDT");
    shows(1730613599, "2024-11-03 01:59:59 1 -14400 EDT");
    shows(1730613600, "2024-11-03 01:00:00 0 -18000 EST");
    names_are("NZST-12NZDT,M9.5.0,M4.1.0/3", "NZST", "NZDT", -43200, 1);
    shows(1712411999, "2024-04-07 02:59:59 1 46800 NZDT");
    shows(1712412000, "2024-04-07 02:00:00 0 43200 NZST");
    shows(1727531999, "2024-09-29 01:59:59 0 43200 NZST");
    shows(1727532000, "2024-09-29 03:00:00 1 46800 NZDT");
    shows(1735689600, "2025-01-01 13:00:00 1 46800 NZDT");
    names_are("LHST-10:30LHDT-11,M10.1.0,M4.1.0", "LHST", "LHDT", -37800, 1);
    shows(1712415599, "2024-04-07 01:59:59 1 39600 LHDT");
    shows(1712415600, "2024-04-07 01:30:00 0 37800 LHST");
    names_are("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "-03", "-02", 10800, 1);
    shows(1711846799, "2024-03-30 21:59:59 0 -10800 -03");
    shows(1711846800, "2024-03-30 23:00:00 1 -7200 -02");
    names_are("IST-1GMT0,M10.5.0,M3.5.0/1", "IST", "GMT", -3600, 1);
    shows(1720000000, "2024-07-03 10:46:40 0 3600 IST");
    shows(1735000000, "2024-12-24 00:26:40 1 0 GMT");
    names_are("ABC3DEF,J60/0,J300/1", "ABC", "DEF", 10800, 1);
    shows(1709261999, "2024-02-29 23:59:59 0 -10800 ABC");
    shows(1709262000, "2024-03-01 01:00:00 1 -7200 DEF");
    names_are("ABC-5DEF,59/23:59:59,300/-3", "ABC", "DEF", -18000, 1);
    shows(1709233198, "2024-02-29 23:59:58 0 18000 ABC");
    shows(1709233199, "2024-03-01 00:59:59 1 21600 DEF");
    names_are("AAA0BBB,M2.5.0/0,M11.1.0/0", "AAA", "BBB", 0, 1); /* No fifth Sunday in 2026. */
    shows(1771718399, "2026-02-21 23:59:59 0 0 AAA");
    shows(1771718400, "2026-02-22 01:00:00 1 3600 BBB");
    names_are("<+0330>-3:30", "+0330", "+0330", -12600, 0);
    shows(0, "1970-01-01 03:30:00 0 12600 +0330");
    shows(-12601, "1969-12-31 23:59:59 0 12600 +0330");
    names_are("XYZ+12:34:56", "XYZ", "XYZ", 45296, 0);
    shows(0, "1969-12-31 11:25:04 0 -45296 XYZ");
    names_are("UTC", "UTC", "UTC", 0, 0);
    names_are(":UTC", "UTC", "UTC", 0, 0);
    names_are("GMT0", "GMT", "GMT", 0, 0);
}

/* A change of TZ counts at once, and names that were told stay. */
static void changes(void)
{
    const time_t when = 1720000000;
    struct tm parts;
    section("changes of TZ");
    zone_set(berlin);
    TRUE(localtime_r(&when, &parts) == &parts);
    const char *name = parts.tm_zone;
    (void)setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
    const struct tm *now = localtime(&when);
    IS(now->tm_hour, 5);
    check_text(now->tm_zone, "EDT", "tm_zone");
    check_text(tzname[1], "EDT", "tzname[1]");
    check_text(name, "CEST", "the one before");
    (void)setenv("TZ", "UTC0", 1);
    check_text(ctime(&when), "Wed Jul  3 09:46:40 2024\n", "ctime");
}

static void makes(int year, int month, int day, int hour, int is_dst, long wanted, int got_dst)
{
    char what[64];
    struct tm parts = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = 30,
                       .tm_isdst = is_dst,
                       .tm_wday = -1};
    time_t when = mktime(&parts);
    (void)snprintf(what, sizeof what, "%d-%d-%d %d:30 %d", year, month, day, hour, is_dst);
    check_is((long)when, wanted, what);
    IS(parts.tm_isdst, got_dst);
    struct tm again;
    TRUE(localtime_r(&when, &again) != NULL && again.tm_hour == parts.tm_hour &&
         again.tm_mday == parts.tm_mday && again.tm_mon == parts.tm_mon &&
         again.tm_wday == parts.tm_wday && again.tm_yday == parts.tm_yday);
}

static void mktimes(void)
{
    section("mktime");
    zone_set(berlin);
    makes(2024, 1, 1, 12, -1, 1704108600, 0);
    makes(2024, 1, 1, 12, 0, 1704108600, 0);
    makes(2024, 1, 1, 12, 1, 1704105000, 0);
    makes(2024, 7, 1, 12, -1, 1719829800, 1);
    makes(2024, 7, 1, 12, 0, 1719833400, 1);
    makes(2024, 7, 1, 12, 1, 1719829800, 1);
    /* The hour that is twice. */
    makes(2024, 10, 27, 2, 0, 1729992600, 0);
    makes(2024, 10, 27, 2, 1, 1729989000, 1);
    /* The hour that is not. */
    makes(2024, 3, 31, 2, -1, 1711848600, 1);
    makes(2024, 3, 31, 2, 0, 1711848600, 1);
    makes(2024, 3, 31, 2, 1, 1711845000, 0);
    /* What is beyond its range is carried. */
    makes(2024, 14, -3, 25, -1, 1738110600, 0);
    makes(2023, 25, 366, -24, -1, 1767137400, 0);
    zone_set("EST5EDT,M3.2.0,M11.1.0");
    makes(2024, 3, 10, 1, -1, 1710052200, 0);
    makes(2024, 3, 10, 3, -1, 1710055800, 1);
    makes(2024, 11, 3, 0, -1, 1730608200, 1);
    makes(2024, 11, 3, 2, -1, 1730619000, 0);
    zone_set("UTC");
    makes(1969, 12, 31, 23, -1, -1800, 0);
    struct tm parts = {.tm_year = 69,
                       .tm_mon = 11,
                       .tm_mday = 31,
                       .tm_hour = 23,
                       .tm_min = 59,
                       .tm_sec = 59,
                       .tm_yday = -1};
    IS(mktime(&parts), -1); /* A time as any other. */
    IS(parts.tm_yday, 364);
    parts = (struct tm){.tm_year = INT_MAX, .tm_mon = 12, .tm_mday = 1};
    errno = 0;
    TRUE(mktime(&parts) == -1 && errno == EOVERFLOW);
    errno = 0;
    TRUE(timegm(&parts) == -1 && errno == EOVERFLOW);
    IS(parts.tm_mon, 12);
}

static void gmtimes(void)
{
    section("gmtime, timegm");
    zone_set(berlin);
    struct tm parts = {.tm_year = 124, .tm_mon = 6, .tm_mday = 1, .tm_hour = 12, .tm_isdst = 1};
    IS(timegm(&parts), 1719835200);
    IS(parts.tm_isdst, 0);
    IS(parts.tm_wday, 1);
    IS(parts.tm_yday, 182);
    IS(parts.tm_gmtoff, 0);
    time_t when = 951868800;
    TRUE(gmtime_r(&when, &parts) == &parts);
    check_text(parts.tm_zone, "GMT", "tm_zone");
    IS(parts.tm_mon, 2);
    IS(parts.tm_mday, 1);
    IS(parts.tm_yday, 60);
    when = -1;
    TRUE(gmtime(&when)->tm_sec == 59 && gmtime(&when)->tm_year == 69);
    when = (time_t)INT64_C(67768036191676799);
    IS(gmtime(&when)->tm_year, INT_MAX);
    when++;
    errno = 0;
    TRUE(gmtime(&when) == NULL);
    TRUE(errno == EOVERFLOW);
    when = (time_t)INT64_C(-67768040609740800);
    IS(gmtime(&when)->tm_year, INT_MIN);
    when--;
    TRUE(gmtime(&when) == NULL);
    when = (time_t)INT64_MAX;
    TRUE(gmtime(&when) == NULL && localtime(&when) == NULL && ctime(&when) == NULL);
    when = (time_t)INT64_MIN;
    TRUE(gmtime_r(&when, &parts) == NULL && localtime_r(&when, &parts) == NULL);
    TRUE(difftime(10, 20) == -10.0);
}

static void texts(void)
{
    char text[26];
    time_t when = INT64_C(253402300799);
    section("asctime, ctime");
    zone_set("UTC");
    TRUE(ctime_r(&when, text) == text);
    check_text(text, "Fri Dec 31 23:59:59 9999\n", "ctime_r");
    when++;
    TRUE(ctime_r(&when, text) == NULL);
    TRUE(errno == EOVERFLOW);
    check_text(ctime(&when), "Sat Jan  1 00:00:00 10000\n", "ctime");
    struct tm parts = {.tm_wday = 9, .tm_mon = -1, .tm_mday = 31, .tm_year = 99};
    check_text(asctime(&parts), "??? ??? 31 00:00:00 1999\n", "asctime");
    parts = (struct tm){.tm_wday = 7, .tm_mon = 12};
    check_text(asctime(&parts), "??? ???  0 00:00:00 1900\n", "asctime");
    parts = (struct tm){.tm_wday = 1, .tm_mon = 1, .tm_mday = 1000, .tm_hour = -5};
    check_text(asctime(&parts), "Mon Feb1000 -05:00:00 1900\n", "asctime");
    TRUE(asctime_r(&parts, text) == NULL);
    wchar_t wide[8];
    IS(wcsftime(wide, 8, L"%Y-%d", &(struct tm){.tm_year = 124, .tm_mday = 7}), 7);
    TRUE(wcscmp(wide, L"2024-07") == 0);
}

/* Whatever it is here: its times can be made back, and its names are there. */
static void the_systems(void)
{
    int good = 0;
    section("the system's zone");
    (void)unsetenv("TZ");
    tzset();
    for (time_t when = 0; when < 2000000000; when += 20000000) {
        struct tm parts;
        if (localtime_r(&when, &parts) == NULL || *parts.tm_zone == '\0')
            continue;
        struct tm local = parts;
        good += mktime(&parts) == when && timegm(&local) - when == parts.tm_gmtoff;
    }
    IS(good, 100);
    TRUE(*tzname[0] != '\0' && *tzname[1] != '\0');
}

/* Threads have an answer each. */
static void *answers_look(void *data)
{
    long *wrong = data;
    for (int i = 0; i < 2000; i++) {
        const time_t when = 1720000000 + i * 100000;
        struct tm parts;
        tzset();
        if (localtime_r(&when, &parts) == NULL ||
            (long)(when + parts.tm_gmtoff) % 86400 / 3600 != parts.tm_hour ||
            strcmp(parts.tm_zone, parts.tm_isdst > 0 ? "CEST" : "CET") != 0)
            (*wrong)++;
    }
    return NULL;
}

static void threads(void)
{
    pthread_t others[2];
    long wrong[2] = {0, 0};
    section("threads");
    zone_set(berlin);
    for (int i = 0; i < 2; i++)
        IS(pthread_create(&others[i], NULL, answers_look, &wrong[i]), 0);
    for (int i = 0; i < 2; i++)
        IS(pthread_join(others[i], NULL), 0);
    IS(wrong[0] + wrong[1], 0);
}

int main(void)
{
    zones();
    changes();
    mktimes();
    gmtimes();
    texts();
    the_systems();
    threads();
    return check_end();
}
