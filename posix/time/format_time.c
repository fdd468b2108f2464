/* posix/time/format_time.c - strftime(): times as text, in the words of the C locale.
 *
 * This file speaks POSIX only, by the headers of programs. The C library's own knows C89's
 * conversions alone, has a zone's name for %z, and stops at what it does not know. As with the GNU
 * C library a conversion may have flags (_ - 0 ^ #) and a width; what is no conversion is copied.
 */
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "posix/time/zone.h"

/* Counts what does not fit, and writes what does; nothing without `bytes`. */
typedef struct output {
    char *bytes;
    size_t size;
    size_t length;
} output;

typedef struct conversion {
    const char *text; /* Its '%'. */
    size_t length;
    int width;
    char padding; /* '_', '-', '0', or 0 for the conversion's own. */
    char modifier;
    char kind;
    bool is_upper;
    bool is_swapped;
} conversion;

typedef struct number {
    int64_t value;
    int digits;
    char padding;
} number;

const char *const plx__day_names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
const char *const plx__month_names[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

static void format_write(output *out, const char *format, const struct tm *parts, bool is_upper);

static void byte_put(output *out, char byte)
{
    if (out->bytes != NULL && out->length < out->size)
        out->bytes[out->length] = byte;
    out->length++;
}

static void padding_put(output *out, char byte, ptrdiff_t count)
{
    /* More than there is room for need not be counted. */
    while (count-- > 0 && out->length <= out->size)
        byte_put(out, byte);
}

static void fill_put(output *out, const conversion *how, size_t length)
{
    padding_put(out, how->padding == '0' ? '0' : ' ', how->width - (ptrdiff_t)length);
}

static void text_put(output *out, const conversion *how, const char *text, size_t length)
{
    fill_put(out, how, length);
    for (size_t i = 0; i < length; i++)
        byte_put(out, how->is_upper ? (char)toupper((unsigned char)text[i]) : text[i]);
}

static void lower_put(output *out, const conversion *how, const char *text)
{
    fill_put(out, how, strlen(text));
    for (; *text != '\0'; text++)
        byte_put(out, (char)tolower((unsigned char)*text));
}

static void number_put(output *out, const conversion *how, number what)
{
    char digits[24];
    int count = 0;
    bool is_negative = what.value < 0;
    uint64_t left = is_negative ? 0 - (uint64_t)what.value : (uint64_t)what.value;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    char padding = how->padding != 0 ? how->padding : what.padding;
    int wanted = padding != '-' && how->width < what.digits ? what.digits : how->width;
    int fill = wanted - count - is_negative;
    if (padding != '0')
        padding_put(out, ' ', fill);
    if (is_negative)
        byte_put(out, '-');
    if (padding == '0')
        padding_put(out, '0', fill);
    while (count > 0)
        byte_put(out, digits[--count]);
}

/* --- what the conversions tell -------------------------------------------------------------- */

static int64_t year_of(const struct tm *parts)
{
    return INT64_C(1900) + parts->tm_year;
}

/* 0 to 99, also before the year 0. */
static int in_century(int64_t year)
{
    return (int)(year - plx__floor_divide(year, 100) * 100);
}

static int from_monday(const struct tm *parts)
{
    return (parts->tm_wday + 6) % 7;
}

/* ISO 8601: a week is in the year that its Thursday is in. */
static int iso_week(const struct tm *parts, int64_t *year_out)
{
    int64_t year = year_of(parts);
    int thursday = parts->tm_yday - from_monday(parts) + 3;
    int days = plx__month_start(year, 12);
    if (thursday < 0) {
        year--;
        thursday += plx__month_start(year, 12);
    } else if (thursday >= days) {
        year++;
        thursday -= days;
    }
    *year_out = year;
    return thursday / 7 + 1;
}

static int hour_of_12(const struct tm *parts)
{
    if (parts->tm_hour == 0)
        return 12;
    return parts->tm_hour > 12 ? parts->tm_hour - 12 : parts->tm_hour;
}

static int64_t seconds_of(const struct tm *parts)
{
    struct tm copy = *parts;
    return mktime(&copy);
}

static bool week_number(char kind, const struct tm *parts, number *what)
{
    int64_t year;
    int week = iso_week(parts, &year);
    *what = (number){week, 2, '0'};
    switch (kind) {
    case 'V':
        return true;
    case 'G':
        *what = (number){year, 1, '0'};
        return true;
    case 'g':
        what->value = in_century(year);
        return true;
    case 'U':
        what->value = (parts->tm_yday - parts->tm_wday + 7) / 7;
        return true;
    case 'W':
        what->value = (parts->tm_yday - from_monday(parts) + 7) / 7;
        return true;
    case 'u':
        *what = (number){from_monday(parts) + 1, 1, '0'};
        return true;
    case 'w':
        *what = (number){parts->tm_wday, 1, '0'};
        return true;
    default:
        return false;
    }
}

static bool number_find(char kind, const struct tm *parts, number *what)
{
    *what = (number){0, 2, kind == 'e' || kind == 'k' || kind == 'l' ? '_' : '0'};
    switch (kind) {
    case 'd':
    case 'e':
        what->value = parts->tm_mday;
        return true;
    case 'H':
    case 'k':
        what->value = parts->tm_hour;
        return true;
    case 'I':
    case 'l':
        what->value = hour_of_12(parts);
        return true;
    case 'M':
        what->value = parts->tm_min;
        return true;
    case 'S':
        what->value = parts->tm_sec;
        return true;
    case 'm':
        what->value = INT64_C(1) + parts->tm_mon;
        return true;
    case 'y':
        what->value = in_century(year_of(parts));
        return true;
    case 'j':
        *what = (number){INT64_C(1) + parts->tm_yday, 3, '0'};
        return true;
    case 'Y':
        *what = (number){year_of(parts), 1, '0'};
        return true;
    case 'C':
        *what = (number){plx__floor_divide(year_of(parts), 100), 1, '0'};
        return true;
    case 's':
        *what = (number){seconds_of(parts), 1, '_'};
        return true;
    default:
        return week_number(kind, parts, what);
    }
}

/* The name of a day or month, or NULL. */
static const char *name_find(char kind, const struct tm *parts)
{
    bool is_day = kind == 'a' || kind == 'A';
    bool is_month = kind == 'b' || kind == 'B' || kind == 'h';
    int which = is_day ? parts->tm_wday : parts->tm_mon;
    if (!is_day && !is_month)
        return NULL;
    if (which < 0 || which >= (is_day ? 7 : 12))
        return "?";
    return is_day ? plx__day_names[which] : plx__month_names[which];
}

const char *plx__time_format(char kind)
{
    switch (kind) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}

/* --- writing them --------------------------------------------------------------------------- */

static void offset_put(output *out, const conversion *how, const struct tm *parts)
{
    conversion rest = *how;
    int64_t minutes = (parts->tm_gmtoff < 0 ? -(int64_t)parts->tm_gmtoff : parts->tm_gmtoff) / 60;
    if (parts->tm_isdst < 0)
        return;
    rest.width--;
    byte_put(out, parts->tm_gmtoff < 0 ? '-' : '+');
    number_put(out, &rest, (number){minutes / 60 * 100 + minutes % 60, 4, '0'});
}

static void zone_put(output *out, const conversion *how, const struct tm *parts)
{
    const char *name = "";
    if (parts->tm_isdst >= 0)
        name = parts->tm_zone != NULL ? parts->tm_zone : plx__zone_name(parts->tm_isdst > 0);
    if (how->is_swapped)
        lower_put(out, how, name);
    else
        text_put(out, how, name, strlen(name));
}

static void name_put(output *out, conversion how, const char *name)
{
    bool is_short = how.kind != 'A' && how.kind != 'B';
    size_t length = strlen(name);
    how.is_upper = how.is_upper || how.is_swapped;
    text_put(out, &how, name, is_short && length > 3 ? 3 : length);
}

static void conversion_put(output *out, const conversion *how, const struct tm *parts)
{
    number what;
    const char *name = name_find(how->kind, parts);
    const char *format = plx__time_format(how->kind);
    if (format != NULL) {
        output measured = {NULL, SIZE_MAX, 0};
        format_write(&measured, format, parts, false);
        fill_put(out, how, measured.length);
        format_write(out, format, parts, how->is_upper);
    } else if (name != NULL) {
        name_put(out, *how, name);
    } else if (how->kind == 'p' || how->kind == 'P') {
        name = parts->tm_hour > 11 ? "PM" : "AM";
        if (how->kind == 'P' || how->is_swapped)
            lower_put(out, how, name);
        else
            text_put(out, how, name, 2);
    } else if (how->kind == 'z') {
        offset_put(out, how, parts);
    } else if (how->kind == 'Z') {
        zone_put(out, how, parts);
    } else if (how->kind == '%' || how->kind == 'n' || how->kind == 't') {
        text_put(out, how, how->kind == '%' ? "%" : how->kind == 'n' ? "\n" : "\t", 1);
    } else if (number_find(how->kind, parts, &what)) {
        number_put(out, how, what);
    } else {
        text_put(out, how, how->text, how->length);
    }
}

/* What stands at a '%'. Without a meaning its kind is 0. */
static conversion conversion_read(const char *text)
{
    conversion how = {.text = text, .padding = 0, .modifier = 0, .kind = 0};
    for (text++; *text != '\0' && strchr("_-0^#", *text) != NULL; text++) {
        if (*text == '^')
            how.is_upper = true;
        else if (*text == '#')
            how.is_swapped = true;
        else
            how.padding = *text;
    }
    for (; isdigit((unsigned char)*text); text++) {
        int digit = *text - '0';
        how.width = how.width > (INT_MAX - digit) / 10 ? INT_MAX : how.width * 10 + digit;
    }
    if (*text == 'E' || *text == 'O')
        how.modifier = *text++;
    /* The C locale has no other eras, and no other digits. */
    bool is_plain = how.modifier == 0 || *text == '\0';
    if (is_plain || (how.modifier == 'E' && strchr("CcXxYy%nptPrRsTuzZ", *text) != NULL) ||
        (how.modifier == 'O' && strchr("AaDFcXxY", *text) == NULL))
        how.kind = *text;
    how.length = (size_t)(text - how.text) + (*text != '\0');
    return how;
}

static void format_write(output *out, const char *format, const struct tm *parts, bool is_upper)
{
    while (*format != '\0') {
        if (*format != '%') {
            byte_put(out, *format++);
            continue;
        }
        conversion how = conversion_read(format);
        how.is_upper = how.is_upper || is_upper;
        conversion_put(out, &how, parts);
        format += how.length;
    }
}

size_t strftime(char *text, size_t size, const char *format, const struct tm *parts)
{
    output out = {text, size, 0};
    format_write(&out, format, parts, false);
    if (out.length >= size)
        return 0;
    text[out.length] = '\0';
    return out.length;
}
