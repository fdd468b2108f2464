/* posix/locale/wide.c - functions over wide text that mingw-w64's C library lacks.
 *
 * A wchar_t has 16 bits: what is beyond them are two. This file speaks POSIX only, by the headers
 * of programs.
 */
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "posix/locale/locale.h"

wchar_t *wcpcpy(wchar_t *to, const wchar_t *from)
{
    size_t length = wcslen(from);
    (void)wmemcpy(to, from, length + 1);
    return to + length;
}

wchar_t *wcpncpy(wchar_t *to, const wchar_t *from, size_t size)
{
    size_t length = wcsnlen(from, size);
    (void)wmemcpy(to, from, length);
    (void)wmemset(to + length, L'\0', size - length);
    return to + length;
}

int wcsncasecmp(const wchar_t *left, const wchar_t *right, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        wint_t a = towlower(left[i]);
        wint_t b = towlower(right[i]);
        if (a != b || a == 0)
            return (int)a - (int)b;
    }
    return 0;
}

int wcscasecmp(const wchar_t *left, const wchar_t *right)
{
    return wcsncasecmp(left, right, SIZE_MAX);
}

/* --- widths --------------------------------------------------------------------------------- */

/* Of Unicode's East_Asian_Width, W and F (EastAsianWidth.txt), where whole blocks are. */
static bool is_wide(wchar_t one)
{
    static const wchar_t ranges[][2] = {
        {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97c},
        {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (one >= ranges[i][0] && one <= ranges[i][1])
            return true;
    }
    return false;
}

/* The C locale has ASCII only. Each half of a pair counts one: what is beyond 16 bits and in use is
 * wide, as a rule. */
int wcwidth(wchar_t one)
{
    if (one == L'\0')
        return 0;
    if (one < 0x80)
        return one >= 0x20 && one < 0x7f ? 1 : -1;
    const char *locale = setlocale(LC_CTYPE, NULL);
    if (one < 0xa0 || locale == NULL || strcmp(locale, "C") == 0)
        return -1;
    return plx__wide_is_mark(one) ? 0 : is_wide(one) ? 2 : 1;
}

int wcswidth(const wchar_t *text, size_t length)
{
    int sum = 0;
    for (size_t i = 0; i < length && text[i] != L'\0'; i++) {
        int width = wcwidth(text[i]);
        if (width < 0)
            return -1;
        sum += width;
    }
    return sum;
}

/* --- conversions ---------------------------------------------------------------------------- */

size_t mbsnrtowcs(wchar_t *to, const char **from, size_t bytes, size_t room, mbstate_t *state)
{
    static mbstate_t own;
    mbstate_t scratch;
    const char *at = *from;
    const char *end = at + bytes;
    size_t count = 0;
    if (state == NULL)
        state = &own;
    if (to == NULL) { /* Only the length is asked for. */
        scratch = *state;
        state = &scratch;
    }
    while (at != end && (to == NULL || count < room)) {
        wchar_t one;
        size_t used = mbrtowc(&one, at, (size_t)(end - at), state);
        if (used == (size_t)-2) {
            at = end;
            break;
        }
        if (used == (size_t)-1) {
            if (to != NULL)
                *from = at;
            return used;
        }
        if (to != NULL)
            to[count] = one;
        if (used == 0) {
            at = NULL;
            break;
        }
        at += used;
        count++;
    }
    if (to != NULL)
        *from = at;
    return count;
}

size_t wcsnrtombs(char *to, const wchar_t **from, size_t wides, size_t room, mbstate_t *state)
{
    static mbstate_t own;
    mbstate_t scratch;
    char bytes[16];
    const wchar_t *at = *from;
    size_t count = 0;
    if (state == NULL)
        state = &own;
    if (to == NULL) {
        scratch = *state;
        state = &scratch;
    }
    for (; wides > 0; wides--, at++) {
        size_t length = wcrtomb(bytes, *at, state);
        if (length == (size_t)-1) {
            if (to != NULL)
                *from = at;
            return length;
        }
        if (to != NULL && length > room - count)
            break;
        if (to != NULL)
            memcpy(to + count, bytes, length);
        if (*at == L'\0') {
            count += length - 1;
            at = NULL;
            break;
        }
        count += length;
    }
    if (to != NULL)
        *from = at;
    return count;
}
