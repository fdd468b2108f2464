/* posix/data/numbers.c - numbers as text, and sorting: what the C library has of them differs from
 * POSIX (docs/posix.md, "The C library").
 */
#include "posix/base/base.h"

#include <stdlib.h>
#include <string.h>

/* The C library's own knows no hexadecimal, no infinity, and takes "1d5". */
PLX__CALL double plx_posix_atof(const char *text)
{
    return strtod(text, NULL);
}

/* Where a number ends: "0x" without a digit is a 0, and no number to the C library. */
static void end_give(const char *text, char *end, int base, char **end_out)
{
    if (end_out == NULL)
        return;
    *end_out = end;
    if (end != text || (base != 0 && base != 16))
        return;
    text += strspn(text, " \t\n\v\f\r");
    if (*text == '+' || *text == '-')
        text++;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        *end_out = (char *)(uintptr_t)(text + 1);
}

PLX__CALL long plx_posix_strtol(const char *text, char **end_out, int base)
{
    char *end = NULL;
    long number = strtol(text, &end, base);
    end_give(text, end, base, end_out);
    return number;
}

PLX__CALL unsigned long plx_posix_strtoul(const char *text, char **end_out, int base)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, base);
    end_give(text, end, base, end_out);
    return number;
}

PLX__CALL long long plx_posix_strtoll(const char *text, char **end_out, int base)
{
    char *end = NULL;
    long long number = _strtoi64(text, &end, base);
    end_give(text, end, base, end_out);
    return number;
}

PLX__CALL unsigned long long plx_posix_strtoull(const char *text, char **end_out, int base)
{
    char *end = NULL;
    unsigned long long number = _strtoui64(text, &end, base);
    end_give(text, end, base, end_out);
    return number;
}

PLX__CALL intmax_t plx_posix_strtoimax(const char *text, char **end_out, int base)
{
    return plx_posix_strtoll(text, end_out, base);
}

PLX__CALL uintmax_t plx_posix_strtoumax(const char *text, char **end_out, int base)
{
    return plx_posix_strtoull(text, end_out, base);
}

typedef struct comparison {
    int (*compare)(const void *left, const void *right, void *data);
    void *data;
} comparison;

static int compare_call(void *context, const void *left, const void *right)
{
    const comparison *how = context;
    return how->compare(left, right, how->data);
}

PLX__CALL void plx_posix_qsort_r(void *first, size_t count, size_t size,
                                 int (*compare)(const void *, const void *, void *), void *data)
{
    comparison how = {.compare = compare, .data = data};
    if (count > 1)
        qsort_s(first, count, size, compare_call, &how);
}
