/* posix/stdio/print.c - the printf family with arguments by position ("%2$s %1$d"), which
 * mingw-w64's lacks.
 *
 * mingw-w64's functions print the single conversions, and all formats without positions.
 */
#include "posix/base/base.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define ARGUMENTS_MAX 64 /* NL_ARGMAX of the programs' limits.h. */

/* What va_arg() has to be asked for. */
typedef enum argument_kind {
    ARGUMENT_UNUSED,
    ARGUMENT_INT,
    ARGUMENT_LONG_LONG,
    ARGUMENT_DOUBLE,
    ARGUMENT_LONG_DOUBLE,
    ARGUMENT_POINTER
} argument_kind;

typedef union argument {
    int number;
    long long wide;
    double real;
    long double long_real;
    void *pointer;
} argument;

/* Arguments count from 1; 0 is none. */
typedef struct conversion {
    int index;
    int width_index;
    int precision_index;
    int width;
    int precision; /* -1: none. */
    char flags[8];
    char length[3];
    char letter;
} conversion;

typedef struct arguments {
    int count;
    argument_kind kinds[ARGUMENTS_MAX + 1];
    argument values[ARGUMENTS_MAX + 1];
} arguments;

typedef struct output {
    char *bytes;
    size_t length;
    size_t room;
} output;

/* Without its attribute: the formats here are made, and no compiler can check them. */
static int (*const print_plain)(char *, size_t, const char *, ...) = __mingw_snprintf;

/* After the number; -EOVERFLOW in `*number` where it is none that an int counts. */
static const char *number_read(const char *at, int *number)
{
    long long sum = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (sum <= INT_MAX)
            sum = sum * 10 + (*at - '0');
    }
    *number = sum <= INT_MAX ? (int)sum : -EOVERFLOW;
    return at;
}

/* A position with its '$', or NULL. */
static const char *position_read(const char *at, int *index)
{
    const char *end = number_read(at, index);
    return *index > 0 && *index <= ARGUMENTS_MAX && *end == '$' ? end + 1 : NULL;
}

/* Whether a conversion of the format names its argument. */
static bool has_positions(const char *format)
{
    if (strchr(format, '$') == NULL)
        return false;
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        at++;
        if (at[strspn(at, "0123456789")] == '$')
            return true;
        if (*at == '%')
            at++;
    }
    return false;
}

/* A width or a precision: a number or "*n$". After it; NULL if it is malformed or too large. */
static const char *size_read(const char *at, int *number, int *index)
{
    if (*at == '*')
        return position_read(at + 1, index);
    at = number_read(at, number);
    return *number >= 0 ? at : NULL;
}

/* From after the '%' on; its end, or NULL. */
static const char *conversion_read(const char *at, conversion *out)
{
    *out = (conversion){.precision = -1};
    at = position_read(at, &out->index);
    if (at == NULL)
        return NULL;
    size_t count = strspn(at, "-+ #0'");
    if (count >= sizeof out->flags)
        return NULL;
    memcpy(out->flags, at, count);
    at = size_read(at + count, &out->width, &out->width_index);
    if (at != NULL && *at == '.')
        at = size_read(at + 1, &out->precision, &out->precision_index);
    if (at == NULL)
        return NULL;
    count = strspn(at, "hljztL");
    if (count >= sizeof out->length)
        return NULL;
    memcpy(out->length, at, count);
    out->letter = at[count];
    return out->letter != '\0' ? at + count + 1 : NULL;
}

static argument_kind kind_of(const conversion *one)
{
    const char *length = one->length;
    if (strchr("sSpn", one->letter) != NULL)
        return ARGUMENT_POINTER;
    if (strchr("aAeEfFgG", one->letter) != NULL)
        return *length == 'L' ? ARGUMENT_LONG_DOUBLE : ARGUMENT_DOUBLE;
    if (strchr("cC", one->letter) != NULL)
        return ARGUMENT_INT;
    if (strchr("diouxX", one->letter) == NULL)
        return ARGUMENT_UNUSED;
    size_t size = strcmp(length, "l") == 0                      ? sizeof(long)
                  : strcmp(length, "ll") == 0 || *length == 'j' ? sizeof(long long)
                  : *length == 'z' || *length == 't'            ? sizeof(size_t)
                                                                : sizeof(int);
    return size > sizeof(int) ? ARGUMENT_LONG_LONG : ARGUMENT_INT;
}

/* An argument may be named more than once, but as one type. */
static bool argument_note(arguments *list, int index, argument_kind kind)
{
    if (index == 0)
        return true;
    if (list->kinds[index] != ARGUMENT_UNUSED && list->kinds[index] != kind)
        return false;
    list->kinds[index] = kind;
    if (index > list->count)
        list->count = index;
    return true;
}

/* Which arguments there are and of what types: 0, or a negative errno. */
static int arguments_find(const char *format, arguments *list)
{
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        conversion one;
        if (at[1] == '%') {
            at += 2;
            continue;
        }
        at = conversion_read(at + 1, &one);
        if (at == NULL)
            return -EINVAL;
        argument_kind kind = kind_of(&one);
        if (kind == ARGUMENT_UNUSED || !argument_note(list, one.index, kind) ||
            !argument_note(list, one.width_index, ARGUMENT_INT) ||
            !argument_note(list, one.precision_index, ARGUMENT_INT))
            return -EINVAL;
    }
    return 0;
}

/* One that is never named takes the room of an int, as with the GNU C library. */
static void arguments_take(arguments *list, va_list from)
{
    for (int i = 1; i <= list->count; i++) {
        argument *value = &list->values[i];
        switch (list->kinds[i]) {
        case ARGUMENT_LONG_LONG:
            value->wide = va_arg(from, long long);
            break;
        case ARGUMENT_DOUBLE:
            value->real = va_arg(from, double);
            break;
        case ARGUMENT_LONG_DOUBLE:
            value->long_real = va_arg(from, long double);
            break;
        case ARGUMENT_POINTER:
            value->pointer = va_arg(from, void *);
            break;
        case ARGUMENT_INT:
        case ARGUMENT_UNUSED:
            value->number = va_arg(from, int);
            break;
        }
    }
}

/* So many more bytes and a NUL. */
static int output_reserve(output *out, size_t more)
{
    if (more >= (size_t)INT_MAX - out->length)
        return -EOVERFLOW;
    if (out->length + more < out->room)
        return 0;
    size_t room = 2 * (out->length + more) + 64;
    char *grown = realloc(out->bytes, room);
    if (grown == NULL)
        return -ENOMEM;
    out->bytes = grown;
    out->room = room;
    return 0;
}

static int output_bytes(output *out, const char *bytes, size_t count)
{
    int status = output_reserve(out, count);
    if (status != 0)
        return status;
    memcpy(out->bytes + out->length, bytes, count);
    out->length += count;
    return 0;
}

static int value_print(char *to, size_t room, const char *format, argument_kind kind,
                       const argument *value)
{
    switch (kind) {
    case ARGUMENT_LONG_LONG:
        return print_plain(to, room, format, value->wide);
    case ARGUMENT_DOUBLE:
        return print_plain(to, room, format, value->real);
    case ARGUMENT_LONG_DOUBLE:
        return print_plain(to, room, format, value->long_real);
    case ARGUMENT_POINTER:
        return print_plain(to, room, format, value->pointer);
    case ARGUMENT_INT:
    case ARGUMENT_UNUSED:
        break;
    }
    return print_plain(to, room, format, value->number);
}

/* %n: how much there is so far. */
static void count_give(const conversion *one, void *to, size_t count)
{
    const char *length = one->length;
    if (strcmp(length, "hh") == 0)
        *(signed char *)to = (signed char)count;
    else if (*length == 'h')
        *(short *)to = (short)count;
    else if (strcmp(length, "ll") == 0 || *length == 'j')
        *(long long *)to = (long long)count;
    else if (*length == 'l')
        *(long *)to = (long)count;
    else if (*length == 'z' || *length == 't')
        *(size_t *)to = count;
    else
        *(int *)to = (int)count;
}

static int conversion_print(output *out, const conversion *one, const arguments *list)
{
    char format[64];
    char precision[16] = "";
    const argument *value = &list->values[one->index];
    if (one->letter == 'n') {
        count_give(one, value->pointer, out->length);
        return 0;
    }
    int width = one->width_index != 0 ? list->values[one->width_index].number : one->width;
    int digits =
        one->precision_index != 0 ? list->values[one->precision_index].number : one->precision;
    if (width == INT_MIN)
        return -EOVERFLOW;
    if (digits >= 0)
        (void)print_plain(precision, sizeof precision, ".%d", digits);
    (void)print_plain(format, sizeof format, "%%%s%s", width < 0 ? "-" : "", one->flags);
    if (width != 0)
        (void)print_plain(format + strlen(format), 16, "%d", width < 0 ? -width : width);
    (void)print_plain(format + strlen(format), 24, "%s%s%c", precision, one->length, one->letter);
    int length = value_print(NULL, 0, format, kind_of(one), value);
    if (length < 0)
        return -EILSEQ;
    int status = output_reserve(out, (size_t)length);
    if (status != 0)
        return status;
    (void)value_print(out->bytes + out->length, (size_t)length + 1, format, kind_of(one), value);
    out->length += (size_t)length;
    return 0;
}

/* The whole text, to be freed with free(), with a NUL. 0, or a negative errno and nothing. */
static int text_make(output *out, const char *format, va_list from)
{
    arguments list = {0};
    *out = (output){0};
    int status = arguments_find(format, &list);
    if (status == 0)
        arguments_take(&list, from);
    while (status == 0 && *format != '\0') {
        size_t count = strcspn(format, "%");
        status = output_bytes(out, format, count);
        format += count;
        if (status != 0 || *format == '\0')
            break;
        conversion one;
        if (format[1] == '%') {
            status = output_bytes(out, format, 1);
            format += 2;
        } else {
            format = conversion_read(format + 1, &one); /* It has been read before. */
            status = conversion_print(out, &one, &list);
        }
    }
    if (status == 0)
        status = output_reserve(out, 0);
    if (status == 0)
        out->bytes[out->length] = '\0';
    else
        free(out->bytes);
    return status;
}

PLX__CALL int plx_posix_vfprintf(FILE *stream, const char *format, va_list from)
{
    output out;
    if (!has_positions(format))
        return __mingw_vfprintf(stream, format, from);
    int status = text_make(&out, format, from);
    if (status != 0)
        return plx__answer_int(status);
    int length = (int)out.length;
    if (fwrite(out.bytes, 1, out.length, stream) != out.length)
        length = -1;
    free(out.bytes);
    return length;
}

PLX__CALL int plx_posix_vsnprintf(char *to, size_t room, const char *format, va_list from)
{
    output out;
    if (!has_positions(format))
        return __mingw_vsnprintf(to, room, format, from);
    int status = text_make(&out, format, from);
    if (status != 0)
        return plx__answer_int(status);
    size_t count = out.length < room ? out.length : room - 1;
    if (room > 0) {
        memcpy(to, out.bytes, count);
        to[count] = '\0';
    }
    free(out.bytes);
    return (int)out.length;
}

PLX__CALL int plx_posix_vsprintf(char *to, const char *format, va_list from)
{
    if (!has_positions(format))
        return __mingw_vsprintf(to, format, from);
    return plx_posix_vsnprintf(to, INT_MAX, format, from);
}

PLX__CALL int plx_posix_snprintf(char *to, size_t room, const char *format, ...)
{
    va_list from;
    va_start(from, format);
    int length = plx_posix_vsnprintf(to, room, format, from);
    va_end(from);
    return length;
}

PLX__CALL int plx_posix_sprintf(char *to, const char *format, ...)
{
    va_list from;
    va_start(from, format);
    int length = plx_posix_vsprintf(to, format, from);
    va_end(from);
    return length;
}
