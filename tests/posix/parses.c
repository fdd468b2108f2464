/* tests/posix/parses.c - strptime(): each conversion, what follows from a date, and garbage. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *text;
    const char *format;
    const char *wanted;
} rows[] = {
    {"2024-02-29", "%Y-%m-%d", "2024-02-29 00:00:00 w4 j59 0 []"},
    {"2024-02-29", "%F", "2024-02-29 00:00:00 w4 j59 0 []"},
    {"02/29/24", "%D", "2024-02-29 00:00:00 w4 j59 0 []"},
    {"  7", "%d", "1900-01-07 00:00:00 w0 j6 0 []"},
    {"\t7", "%e", "1900-01-07 00:00:00 w0 j6 0 []"},
    {"123", "%H", "1900-01-00 12:00:00 w0 j0 0 [3]"},
    {"24", "%H", "NULL"},
    {"9 30", "%k %M", "1900-01-00 09:30:00 w0 j0 0 []"},
    {"12 AM", "%I %p", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"12 pm", "%I %p", "1900-01-00 12:00:00 w0 j0 0 []"},
    {"PM 3", "%p %I", "1900-01-00 15:00:00 w0 j0 0 []"},
    {"8 pm", "%l %p", "1900-01-00 20:00:00 w0 j0 0 []"},
    {"13", "%I", "NULL"},
    {"0", "%I", "NULL"},
    {"pm", "%p", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"8 pm", "%H %p", "1900-01-00 08:00:00 w0 j0 0 []"},
    {"12 pm 13", "%I %p %H", "1900-01-00 13:00:00 w0 j0 0 []"},
    {"13 12 pm", "%H %I %p", "1900-01-00 12:00:00 w0 j0 0 []"},
    {"xm", "%p", "NULL"},
    {"60", "%S", "1900-01-00 00:00:60 w0 j0 0 []"},
    {"61", "%S", "1900-01-00 00:00:61 w0 j0 0 []"},
    {"62", "%S", "NULL"},
    {"60", "%M", "1900-01-00 00:06:00 w0 j0 0 [0]"},
    {"366", "%j", "1900-01-00 00:00:00 w0 j365 0 []"},
    {"0", "%j", "NULL"},
    {"367", "%j", "NULL"},
    {"0012", "%j", "1900-01-00 00:00:00 w0 j0 0 [2]"},
    {"2024 060", "%Y %j", "2024-02-29 00:00:00 w4 j59 0 []"},
    {"2023 365", "%Y %j", "2023-12-31 00:00:00 w0 j364 0 []"},
    {"2024 60 5", "%Y %j %m", "2024-05-29 00:00:00 w3 j59 0 []"},
    {"69", "%y", "1969-01-00 00:00:00 w2 j-1 0 []"},
    {"68", "%y", "2068-01-00 00:00:00 w6 j-1 0 []"},
    {"20 24", "%C %y", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"24 20", "%y %C", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"20", "%C", "2000-01-00 00:00:00 w5 j-1 0 []"},
    {"1999 05", "%Y %y", "2005-01-00 00:00:00 w5 j-1 0 []"},
    {"Mon", "%a", "1900-01-00 00:00:00 w1 j0 0 []"},
    {"MONDAY", "%a", "1900-01-00 00:00:00 w1 j0 0 []"},
    {"mond", "%a", "1900-01-00 00:00:00 w1 j0 0 [d]"},
    {"Mond", "%A", "1900-01-00 00:00:00 w1 j0 0 [d]"},
    {"Thur", "%a", "1900-01-00 00:00:00 w4 j0 0 [r]"},
    {"Friday", "%a", "1900-01-00 00:00:00 w5 j0 0 []"},
    {"xyz", "%a", "NULL"},
    {"jan", "%b", "1900-01-00 00:00:00 w0 j-1 0 []"},
    {"January 5", "%h %d", "1900-01-05 00:00:00 w5 j4 0 []"},
    {"5 MAY", "%d %B", "1900-05-05 00:00:00 w6 j124 0 []"},
    {"Sept", "%b", "1900-09-00 00:00:00 w5 j242 0 [t]"},
    {"juni", "%B", "1900-06-00 00:00:00 w4 j150 0 [i]"},
    {"0", "%w", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"7", "%u", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"7", "%w", "NULL"},
    {"0", "%u", "NULL"},
    {"1 10 2024", "%w %U %Y", "2024-03-11 00:00:00 w1 j70 0 []"},
    {"1 10 2024", "%w %W %Y", "2024-03-04 00:00:00 w1 j63 0 []"},
    {"Mon 10 2024", "%a %W %Y", "2024-03-04 00:00:00 w1 j63 0 []"},
    {"10 2024", "%W %Y", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"2024 10", "%G %V", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"24", "%g", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"54", "%U", "NULL"},
    {"+0130", "%z", "1900-01-00 00:00:00 w0 j0 5400 []"},
    {"-01:30", "%z", "1900-01-00 00:00:00 w0 j0 -5400 []"},
    {"Z", "%z", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"z", "%z", "NULL"},
    {"+01", "%z", "1900-01-00 00:00:00 w0 j0 3600 []"},
    {"+1", "%z", "NULL"},
    {"+013", "%z", "NULL"},
    {"+0160", "%z", "NULL"},
    {"+9959", "%z", "1900-01-00 00:00:00 w0 j0 359940 []"},
    {"UTC", "%z", "NULL"},
    {" +0100", "%z", "1900-01-00 00:00:00 w0 j0 3600 []"},
    {"+01300", "%z", "1900-01-00 00:00:00 w0 j0 5400 [0]"},
    {"+01:", "%z", "1900-01-00 00:00:00 w0 j0 3600 [:]"},
    {"CET", "%Z", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"UTC x", "%Z x", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"", "%Z", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"FOO123 x", "%Z", "1900-01-00 00:00:00 w0 j0 0 [ x]"},
    {"1711846800", "%s", "2024-03-31 03:00:00 w0 j90 7200 []"},
    {"-5", "%s", "NULL"},
    {"x", "%s", "NULL"},
    {"99999999999999999999", "%s", "NULL"},
    {"10:11:12", "%T", "1900-01-00 10:11:12 w0 j0 0 []"},
    {"10:11", "%R", "1900-01-00 10:11:00 w0 j0 0 []"},
    {"10:11:12 pm", "%r", "1900-01-00 22:11:12 w0 j0 0 []"},
    {"Sun Jan  4 02:01:01 1970", "%c", "1970-01-04 02:01:01 w0 j3 0 []"},
    {"01/04/70", "%x", "1970-01-04 00:00:00 w0 j3 0 []"},
    {"02:01:01", "%X", "1900-01-00 02:01:01 w0 j0 0 []"},
    {"  x", "x", "NULL"},
    {"x", "  x", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"a b", "a%nb", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"ab", "a%tb", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"a   b", "a b", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"5%", "%d%%", "1900-01-05 00:00:00 w5 j4 0 []"},
    {"2024", "%EY", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"20", "%EC", "2000-01-00 00:00:00 w5 j-1 0 []"},
    {"05", "%Od", "1900-01-05 00:00:00 w5 j4 0 []"},
    {"05", "%Ed", "NULL"},
    {"05", "%OY", "NULL"},
    {"x", "%Q", "NULL"},
    {"5", "%", "NULL"},
    {"2024", "%4Y", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"5", "%_d", "1900-01-05 00:00:00 w5 j4 0 []"},
    {"5", "%-d", "1900-01-05 00:00:00 w5 j4 0 []"},
    {"Jan", "%^b", "1900-01-00 00:00:00 w0 j-1 0 []"},
    {"-5", "%Y", "NULL"},
    {"+5", "%Y", "NULL"},
    {"5", "%Y", "5-01-00 00:00:00 w5 j-1 0 []"},
    {"12345", "%Y", "1234-01-00 00:00:00 w6 j-1 0 [5]"},
    {"0099", "%Y", "99-01-00 00:00:00 w3 j-1 0 []"},
    {"3 5", "%m %d", "1900-03-05 00:00:00 w1 j63 0 []"},
    {"2024 3", "%Y %m", "2024-03-00 00:00:00 w4 j59 0 []"},
    {"13", "%m", "NULL"},
    {"0", "%m", "NULL"},
    {"32", "%d", "NULL"},
    {"0", "%d", "NULL"},
    {"30 2 2023", "%d %m %Y", "2023-02-30 00:00:00 w4 j60 0 []"},
    {"", "%d", "NULL"},
    {"", "", "1900-01-00 00:00:00 w0 j0 0 []"},
    {"x", "", "1900-01-00 00:00:00 w0 j0 0 [x]"},
    {"2024W", "%YW", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"Mon 2024-01-02", "%a %F", "2024-01-02 00:00:00 w1 j1 0 []"},
    {"20240229T101112Z", "%Y%m%dT%H%M%S%z", "2024-02-29 10:11:12 w4 j59 0 []"},
    {"2024-1-2", "%F", "2024-01-02 00:00:00 w2 j1 0 []"},
    {" 2024-1-2", " %F", "2024-01-02 00:00:00 w2 j1 0 []"},
    {"2024 - 1", "%Y-%m", "NULL"},
    {"2024- 1", "%Y-%m", "2024-01-00 00:00:00 w0 j-1 0 []"},
    {"Sun, 06 Nov 1994 08:49:37 GMT", "%a, %d %b %Y %H:%M:%S GMT",
     "1994-11-06 08:49:37 w0 j309 0 []"},
    {"Sunday, 06-Nov-94 08:49:37 GMT", "%A, %d-%b-%y %H:%M:%S %Z",
     "1994-11-06 08:49:37 w0 j309 0 []"},
    {"02/Jan/1970:00:00:00 +0000", "%d/%b/%Y:%H:%M:%S %z", "1970-01-02 00:00:00 w5 j1 0 []"},
    {"12:5:", "%T", "NULL"},
};

static void each(void)
{
    section("each conversion");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char what[80];
        char got[160] = "NULL";
        struct tm parts;
        memset(&parts, 0, sizeof parts);
        const char *end = strptime(rows[i].text, rows[i].format, &parts);
        if (end != NULL)
            (void)snprintf(got, sizeof got, "%d-%02d-%02d %02d:%02d:%02d w%d j%d %ld [%s]",
                           parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                           parts.tm_min, parts.tm_sec, parts.tm_wday, parts.tm_yday,
                           (long)parts.tm_gmtoff, end);
        (void)snprintf(what, sizeof what, "{%s} as {%s}", rows[i].text, rows[i].format);
        check_text(got, rows[i].wanted, what);
    }
}

/* What the text does not tell stays. */
static void untouched(void)
{
    struct tm parts;
    section("what is not told");
    memset(&parts, 0x55, sizeof parts);
    struct tm before = parts;
    TRUE(strptime("17:30", "%H:%M", &parts) != NULL);
    IS(parts.tm_hour, 17);
    IS(parts.tm_min, 30);
    parts.tm_hour = before.tm_hour;
    parts.tm_min = before.tm_min;
    IS(memcmp(&parts, &before, sizeof parts), 0);
    TRUE(strptime("2024 17", "%Y %d", &parts) != NULL);
    IS(parts.tm_mon, before.tm_mon);
    IS(parts.tm_wday, before.tm_wday);
    IS(parts.tm_yday, before.tm_yday);
    parts.tm_year = before.tm_year;
    parts.tm_mday = before.tm_mday;
    IS(memcmp(&parts, &before, sizeof parts), 0);
    parts.tm_mon = 12;
    TRUE(strptime("5", "%d", &parts) != NULL);
    IS(parts.tm_yday, before.tm_yday);
    parts.tm_mon = 11;
    parts.tm_year = 124;
    TRUE(strptime("5", "%d", &parts) != NULL);
    IS(parts.tm_yday, 339);
    IS(parts.tm_wday, 4);
}

/* What strftime() writes is read again. */
static void round_trips(void)
{
    static const char *const formats[] = {
        "%F %T",          "%c", "%a, %d %b %Y %H:%M:%S", "%D %r",       "%Y-%j %R:%S",
        "%A %e %B %Y %X", "%s", "%C%y%m%dT%H%M%S",       "%U %w %Y %T", "%Y %W %u %k %M %S",
        "%l:%M:%S %p %x",
    };
    section("round trips");
    (void)setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        int good = 0;
        int count = 0;
        for (time_t when = 1; when < 2000000000; when += 7654321) {
            char text[100];
            struct tm written;
            struct tm parts;
            memset(&parts, 0, sizeof parts);
            count++;
            if (gmtime_r(&when, &written) == NULL ||
                strftime(text, sizeof text, formats[i], &written) == 0)
                continue;
            const char *end = strptime(text, formats[i], &parts);
            good += end != NULL && *end == '\0' && timegm(&parts) == when &&
                    parts.tm_wday == written.tm_wday && parts.tm_yday == written.tm_yday;
        }
        check_is(good, count, formats[i]);
    }
}

int main(void)
{
    (void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    each();
    untouched();
    round_trips();
    return check_end();
}
