/* tests/posix/formats.c - strftime(): each conversion, flags and widths, sizes, and what is none.
 */
#include "check.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT_ONE "%a|%A|%b|%B|%c|%C|%d|%D|%e|%F|%g|%G|%h|%H|%I|%j|%k|%l|%m|%M"
#define FORMAT_TWO "%p|%P|%r|%R|%s|%S|%T|%u|%U|%V|%w|%W|%x|%X|%y|%Y|%z|%Z|%%|%n|%t|"

typedef struct sample {
    const char *zone;
    int64_t time;
    const char *one;
    const char *two;
} sample;

static const sample samples[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C(0),
     "Thu|Thursday|Jan|January|Thu Jan  1 01:00:00 1970|19|01|01/01/70| "
     "1|1970-01-01|70|1970|Jan|01|01|001| 1| 1|01|00",
     "AM|am|01:00:00 "
     "AM|01:00|0|00|01:00:00|4|00|01|4|00|01/01/70|01:00:00|70|1970|+0100|CET|%|\n|\t|"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C(1711846799),
     "Sun|Sunday|Mar|March|Sun Mar 31 01:59:59 "
     "2024|20|31|03/31/24|31|2024-03-31|24|2024|Mar|01|01|091| 1| 1|03|59",
     "AM|am|01:59:59 "
     "AM|01:59|1711846799|59|01:59:59|7|13|13|0|13|03/31/24|01:59:59|24|2024|+0100|CET|%|\n|\t|"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C(1711846800),
     "Sun|Sunday|Mar|March|Sun Mar 31 03:00:00 "
     "2024|20|31|03/31/24|31|2024-03-31|24|2024|Mar|03|03|091| 3| 3|03|00",
     "AM|am|03:00:00 "
     "AM|03:00|1711846800|00|03:00:00|7|13|13|0|13|03/31/24|03:00:00|24|2024|+0200|CEST|%|\n|\t|"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C(1729990799),
     "Sun|Sunday|Oct|October|Sun Oct 27 02:59:59 "
     "2024|20|27|10/27/24|27|2024-10-27|24|2024|Oct|02|02|301| 2| 2|10|59",
     "AM|am|02:59:59 "
     "AM|02:59|1729990799|59|02:59:59|7|43|43|0|43|10/27/24|02:59:59|24|2024|+0200|CEST|%|\n|\t|"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C(1729990800),
     "Sun|Sunday|Oct|October|Sun Oct 27 02:00:00 "
     "2024|20|27|10/27/24|27|2024-10-27|24|2024|Oct|02|02|301| 2| 2|10|00",
     "AM|am|02:00:00 "
     "AM|02:00|1729990800|00|02:00:00|7|43|43|0|43|10/27/24|02:00:00|24|2024|+0100|CET|%|\n|\t|"},
    {"UTC", INT64_C(1230508800),
     "Mon|Monday|Dec|December|Mon Dec 29 00:00:00 "
     "2008|20|29|12/29/08|29|2008-12-29|09|2009|Dec|00|12|364| 0|12|12|00",
     "AM|am|12:00:00 "
     "AM|00:00|1230508800|00|00:00:00|1|52|01|1|52|12/29/08|00:00:00|08|2008|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(1230767999),
     "Wed|Wednesday|Dec|December|Wed Dec 31 23:59:59 "
     "2008|20|31|12/31/08|31|2008-12-31|09|2009|Dec|23|11|366|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|1230767999|59|23:59:59|3|52|01|3|52|12/31/08|23:59:59|08|2008|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(1230768000),
     "Thu|Thursday|Jan|January|Thu Jan  1 00:00:00 2009|20|01|01/01/09| "
     "1|2009-01-01|09|2009|Jan|00|12|001| 0|12|01|00",
     "AM|am|12:00:00 "
     "AM|00:00|1230768000|00|00:00:00|4|00|01|4|00|01/01/09|00:00:00|09|2009|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(1293839999),
     "Fri|Friday|Dec|December|Fri Dec 31 23:59:59 "
     "2010|20|31|12/31/10|31|2010-12-31|10|2010|Dec|23|11|365|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|1293839999|59|23:59:59|5|52|52|5|52|12/31/10|23:59:59|10|2010|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(1325462399),
     "Sun|Sunday|Jan|January|Sun Jan  1 23:59:59 2012|20|01|01/01/12| "
     "1|2012-01-01|11|2011|Jan|23|11|001|23|11|01|59",
     "PM|pm|11:59:59 "
     "PM|23:59|1325462399|59|23:59:59|7|01|52|0|00|01/01/12|23:59:59|12|2012|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(951782400),
     "Tue|Tuesday|Feb|February|Tue Feb 29 00:00:00 "
     "2000|20|29|02/29/00|29|2000-02-29|00|2000|Feb|00|12|060| 0|12|02|00",
     "AM|am|12:00:00 "
     "AM|00:00|951782400|00|00:00:00|2|09|09|2|09|02/29/00|00:00:00|00|2000|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(-1),
     "Wed|Wednesday|Dec|December|Wed Dec 31 23:59:59 "
     "1969|19|31|12/31/69|31|1969-12-31|70|1970|Dec|23|11|365|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|-1|59|23:59:59|3|52|01|3|52|12/31/69|23:59:59|69|1969|+0000|UTC|%|\n|\t|"},
    {"<-0330>3:30", INT64_C(-2203891200),
     "Wed|Wednesday|Feb|February|Wed Feb 28 20:30:00 "
     "1900|19|28|02/28/00|28|1900-02-28|00|1900|Feb|20|08|059|20| 8|02|30",
     "PM|pm|08:30:00 "
     "PM|20:30|-2203891200|00|20:30:00|3|08|09|3|09|02/28/"
     "00|20:30:00|00|1900|-0330|-0330|%|\n|\t|"},
    {"UTC", INT64_C(-30610224001),
     "Tue|Tuesday|Dec|December|Tue Dec 31 23:59:59 "
     "999|9|31|12/31/99|31|999-12-31|00|1000|Dec|23|11|365|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|-30610224001|59|23:59:59|2|52|01|2|52|12/31/99|23:59:59|99|999|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(-62135596801),
     "Sun|Sunday|Dec|December|Sun Dec 31 23:59:59 "
     "0|0|31|12/31/00|31|0-12-31|00|0|Dec|23|11|366|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|-62135596801|59|23:59:59|7|53|52|0|52|12/31/00|23:59:59|00|0|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(-62198755200),
     "Fri|Friday|Jan|January|Fri Jan  1 00:00:00 -1|-1|01|01/01/99| "
     "1|-1-01-01|98|-2|Jan|00|12|001| 0|12|01|00",
     "AM|am|12:00:00 "
     "AM|00:00|-62198755200|00|00:00:00|5|00|53|5|00|01/01/99|00:00:00|99|-1|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(253402300799),
     "Fri|Friday|Dec|December|Fri Dec 31 23:59:59 "
     "9999|99|31|12/31/99|31|9999-12-31|99|9999|Dec|23|11|365|23|11|12|59",
     "PM|pm|11:59:59 "
     "PM|23:59|253402300799|59|23:59:59|5|52|52|5|52|12/31/99|23:59:59|99|9999|+0000|UTC|%|\n|\t|"},
    {"UTC", INT64_C(253402300800),
     "Sat|Saturday|Jan|January|Sat Jan  1 00:00:00 10000|100|01|01/01/00| "
     "1|10000-01-01|99|9999|Jan|00|12|001| 0|12|01|00",
     "AM|am|12:00:00 "
     "AM|00:00|253402300800|00|00:00:00|6|00|52|6|00|01/01/"
     "00|00:00:00|00|10000|+0000|UTC|%|\n|\t|"},
    {"EST5EDT,M3.2.0,M11.1.0", INT64_C(4102444799),
     "Thu|Thursday|Dec|December|Thu Dec 31 18:59:59 "
     "2099|20|31|12/31/99|31|2099-12-31|99|2099|Dec|18|06|365|18| 6|12|59",
     "PM|pm|06:59:59 "
     "PM|18:59|4102444799|59|18:59:59|4|52|53|4|52|12/31/99|18:59:59|99|2099|-0500|EST|%|\n|\t|"},
    {"<+14>-14", INT64_C(67767976232668799),
     "Sun|Sunday|Dec|December|Sun Dec 22 13:59:59 "
     "2147483647|21474836|22|12/22/47|22|2147483647-12-22|47|2147483647|Dec|13|01|356|13| 1|12|59",
     "PM|pm|01:59:59 "
     "PM|13:59|67767976232668799|59|13:59:59|7|51|51|0|50|12/22/"
     "47|13:59:59|47|2147483647|+1400|+14|%|\n|\t|"},
};

/* With the compiler's knowledge of formats out of the way, for most of these are none it knows. */
static size_t (*const format)(char *, size_t, const char *, const struct tm *) = strftime;

static void zone_set(const char *zone)
{
    (void)setenv("TZ", zone, 1);
    tzset();
}

static void conversions(void)
{
    section("each conversion");
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char what[64];
        char text[400];
        struct tm parts;
        time_t when = samples[i].time;
        zone_set(samples[i].zone);
        (void)snprintf(what, sizeof what, "%s %lld", samples[i].zone, (long long)when);
        TRUE(localtime_r(&when, &parts) == &parts);
        IS(format(text, sizeof text, FORMAT_ONE, &parts), strlen(samples[i].one));
        check_text(text, samples[i].one, what);
        IS(format(text, sizeof text, FORMAT_TWO, &parts), strlen(samples[i].two));
        check_text(text, samples[i].two, what);
    }
}

/* All that follows is about this one: Sunday, 4 January 1970, 02:01:01 in Central Europe. */
static struct tm sunday(void)
{
    const time_t when = 3 * 86400 + 3661;
    struct tm parts;
    zone_set("CET-1CEST,M3.5.0,M10.5.0/3");
    TRUE(localtime_r(&when, &parts) == &parts);
    return parts;
}

static void is_text(const struct tm *parts, const char *how, const char *wanted)
{
    char text[200];
    size_t length = format(text, sizeof text, how, parts);
    check_text(length > 0 || *wanted == '\0' ? text : "(0)", wanted, how);
}

static void flags(void)
{
    static const struct {
        const char *format;
        const char *wanted;
    } rows[] = {
        {"%_d %-d %0e %_H %-H %-j %_j", " 4 4 04  2 2 4   4"},
        {"%_m %-m %-M %-S %-I %_I %-k %-l", " 1 1 1 1 2  2 2 2"},
        {"%_y %-y %5y %_5y %05d %5e %3d", "70 70 00070    70 00004     4 004"},
        {"%6Y %_6Y %06Y %4C %_4C %1d", "001970   1970 001970 0019   19 04"},
        {"%10s %010s %3u %_3w %4U %6V", "    262861 0000262861 007   0 0001 000001"},
        {"%^a %^A %#a %^b %#B %^h", "SUN SUNDAY SUN JAN JANUARY JAN"},
        {"%10a|%010A|%5b|%05h", "       Sun|0000Sunday|  Jan|00Jan"},
        {"%#p %^p %4p %P %^P", "am AM   AM am am"},
        {"%#Z %^Z %6Z %06Z", "cet CET    CET 000CET"},
        {"%^c|%12D|%012F|%10R|%014r", "SUN JAN  4 02:01:01 1970|    01/04/70|001970-01-04|"
                                      "     02:01|00002:01:01 AM"},
        {"%30c|%9T|%09X|%_9x", "      Sun Jan  4 02:01:01 1970| 02:01:01|002:01:01| 01/04/70"},
        {"%Ec|%EC|%Ex|%EX|%Ey|%EY", "Sun Jan  4 02:01:01 1970|19|01/04/70|02:01:01|70|1970"},
        {"%Od|%Oe|%OH|%OI|%Om|%OM|%OS", "04| 4|02|02|01|01|01"},
        {"%Ou|%OU|%OV|%Ow|%OW|%Oy|%_Od", "7|01|01|0|00|70| 4"},
        {"%3n|%3t|%3%|%03%", "  \n|  \t|  %|00%"},
        {"%_-0d|%-_d|%^#a", "04| 4|SUN"},
    };
    struct tm parts = sunday();
    section("flags, widths, modifiers");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_text(&parts, rows[i].format, rows[i].wanted);
}

static void garbage(void)
{
    static const struct {
        const char *format;
        const char *wanted;
    } rows[] = {
        {"%", "%"},
        {"100%", "100%"},
        {"%5", "   %5"},
        {"%E", "%E"},
        {"%-", "%-"},
        {"%Q", "%Q"},
        {"%^q", "%^Q"},
        {"%5Q|", "  %5Q|"},
        {"%Ed|%EH", "%Ed|%EH"},
        {"%OY|%Oc", "%OY|%Oc"},
        {"%EEy", "%EEy"},
        {"%.3S", "%.3S"},
        {"%:z", "%:z"},
        {"\xc3\xa9%d\xff", "\xc3\xa9"
                           "04\xff"},
        {"", ""},
    };
    struct tm parts = sunday();
    section("what is no conversion");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_text(&parts, rows[i].format, rows[i].wanted);
    section("what is no time");
    memset(&parts, 0, sizeof parts);
    is_text(&parts, "%c %Z %z", "Sun Jan  0 00:00:00 1900 CET +0000");
    parts.tm_isdst = 1;
    is_text(&parts, "%Z", "CEST");
    parts.tm_isdst = -1;
    is_text(&parts, "[%Z|%z]", "[|]");
    parts = (struct tm){.tm_sec = 60, .tm_hour = 25, .tm_mon = 12, .tm_wday = 7, .tm_mday = 99};
    is_text(&parts, "%a %A %b %B %p %I %H %S %d %m", "? ? ? ? PM 13 25 60 99 13");
    parts = (struct tm){.tm_sec = -1, .tm_hour = -3, .tm_mon = -1, .tm_wday = -1, .tm_yday = 400};
    is_text(&parts, "%a %b %p %I %H %S %m %j %U %W %V %G %u %w",
            "? ? AM -3 -3 -1 00 401 58 57 05 1901 6 -1");
    parts.tm_year = -2500;
    is_text(&parts, "%Y %C %y %6Y %4C", "-600 -6 00 -00600 -006");
    parts.tm_gmtoff = -5400;
    parts.tm_zone = "XyZ";
    is_text(&parts, "%z %Z %#Z", "-0130 XyZ xyz");
    parts.tm_gmtoff = -40;
    is_text(&parts, "%z", "-0000");
}

static void sizes(void)
{
    char text[40];
    struct tm parts = sunday();
    section("sizes");
    for (size_t size = 24; size < 27; size++)
        IS(format(text, size, "%c", &parts), size < 25 ? 0 : 24);
    IS(format(text, 11, "%Y-%m-%d", &parts), 10);
    IS(format(text, 10, "%Y-%m-%d", &parts), 0);
    IS(format(text, 5, "%4d", &parts), 4);
    IS(format(text, 4, "%4d", &parts), 0);
    IS(format(text, sizeof text, "%2000000000d", &parts), 0);
    IS(format(text, sizeof text, "%99999999999999999999Y", &parts), 0);
    IS(format(text, sizeof text, "%500c", &parts), 0);
    text[0] = 'x';
    IS(format(text, 1, "", &parts), 0);
    IS(text[0], 0);
    IS(format(NULL, 0, "", &parts), 0);
    IS(format(NULL, 0, "%Y", &parts), 0);
    memset(text, 'x', sizeof text);
    IS(format(text, 5, "%F", &parts), 0);
    IS(text[5], 'x');
}

/* FNV-1a, of what would be too much to print. */
static uint64_t hash_add(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static void all_days(void)
{
    section("all days of four centuries");
    char text[80];
    uint64_t hash = UINT64_C(14695981039346656037);
    zone_set("UTC");
    for (int64_t day = -170000; day < 40000; day++) {
        time_t when = day * 86400 + day * 7919 % 86400;
        struct tm parts;
        if (gmtime_r(&when, &parts) == NULL)
            continue;
        (void)format(text, sizeof text, "%c %C %d %F %g %G %j %u %U %V %w %W %I %p", &parts);
        hash = hash_add(hash, text);
    }
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    check_text(text, "df2b21ee30031156", "hash");
}

int main(void)
{
    conversions();
    flags();
    garbage();
    sizes();
    all_days();
    return check_end();
}
