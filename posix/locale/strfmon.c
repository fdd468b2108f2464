/* posix/locale/strfmon.c - strfmon(): amounts of money as the C locale has them, which knows no
 * currency.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <monetary.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct conversion {
    char fill;
    bool has_parentheses;
    bool is_left;
    int width;
    int before; /* Digits before the point; -1: as many as there are. */
    int after;
} conversion;

/* The text so far; what does not fit is an error. */
typedef struct output {
    char *at;
    size_t room; /* Without the NUL. */
} output;

static bool bytes_put(output *to, const char *bytes, size_t count)
{
    if (count > to->room)
        return false;
    memcpy(to->at, bytes, count);
    to->at += count;
    to->room -= count;
    return true;
}

static bool fill_put(output *to, char byte, size_t count)
{
    if (count > to->room)
        return false;
    memset(to->at, byte, count);
    to->at += count;
    to->room -= count;
    return true;
}

/* At most four digits: more could be no text's. */
static int number_read(const char **format)
{
    int number = 0;
    for (; isdigit((unsigned char)**format); (*format)++)
        number = number < 1000 ? 10 * number + **format - '0' : number;
    return number;
}

/* What is behind a %, up to its letter: where that is, or NULL. */
static const char *conversion_read(const char *format, conversion *one)
{
    bool has_sign = false;
    *one = (conversion){.fill = ' ', .before = -1, .after = 2};
    for (; *format != '\0' && strchr("=^+(!-", *format) != NULL; format++) {
        if (*format == '=' && format[1] != '\0')
            one->fill = *++format;
        has_sign |= *format == '+';
        one->has_parentheses |= *format == '(';
        one->is_left |= *format == '-';
    }
    one->width = number_read(&format);
    if (*format == '#') {
        format++;
        one->before = number_read(&format);
    }
    if (*format == '.') {
        format++;
        one->after = number_read(&format);
    }
    return strchr("in", *format) != NULL && *format != '\0' && !(has_sign && one->has_parentheses)
               ? format
               : NULL;
}

static bool amount_put(output *to, const conversion *one, double amount)
{
    char digits[1500];
    bool is_negative = __builtin_signbit(amount) != 0;
    int length = snprintf(digits, sizeof digits, "%.*f", one->after, fabs(amount));
    if (length < 0 || (size_t)length >= sizeof digits)
        return false;
    size_t whole = strcspn(digits, ".");
    size_t padding = one->before > (int)whole ? (size_t)one->before - whole : 0;
    const char *first = is_negative ? (one->has_parentheses ? "(" : "-") : "";
    const char *last = is_negative && one->has_parentheses ? ")" : "";
    if (!is_negative && one->before >= 0)
        first = " "; /* In line with the others. */
    size_t all = strlen(first) + padding + (size_t)length + strlen(last);
    size_t space = one->width > 0 && (size_t)one->width > all ? (size_t)one->width - all : 0;
    return (one->is_left || fill_put(to, ' ', space)) && bytes_put(to, first, strlen(first)) &&
           fill_put(to, one->fill, padding) && bytes_put(to, digits, (size_t)length) &&
           bytes_put(to, last, strlen(last)) && (!one->is_left || fill_put(to, ' ', space));
}

static ssize_t print(char *text, size_t size, const char *format, va_list from)
{
    output to = {text, size > 0 ? size - 1 : 0};
    bool fits = size > 0;
    while (fits && *format != '\0') {
        conversion one;
        if (*format != '%' || format[1] == '%') {
            fits = bytes_put(&to, format, 1);
            format += *format == '%' ? 2 : 1;
            continue;
        }
        format = conversion_read(format + 1, &one);
        if (format == NULL) {
            errno = EINVAL;
            return -1;
        }
        fits = amount_put(&to, &one, va_arg(from, double));
        format++;
    }
    if (!fits) {
        errno = E2BIG;
        return -1;
    }
    *to.at = '\0';
    return to.at - text;
}

ssize_t strfmon(char *text, size_t size, const char *format, ...)
{
    va_list from;
    va_start(from, format);
    ssize_t length = print(text, size, format, from);
    va_end(from);
    return length;
}

ssize_t strfmon_l(char *text, size_t size, locale_t locale, const char *format, ...)
{
    va_list from;
    (void)locale;
    va_start(from, format);
    ssize_t length = print(text, size, format, from);
    va_end(from);
    return length;
}
