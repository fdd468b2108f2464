/* posix/data/text.c - functions over text that mingw-w64's C library lacks.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

int strncasecmp(const char *left, const char *right, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int a = tolower((unsigned char)left[i]);
        int b = tolower((unsigned char)right[i]);
        if (a != b || a == 0)
            return a - b;
    }
    return 0;
}

int strcasecmp(const char *left, const char *right)
{
    return strncasecmp(left, right, SIZE_MAX);
}

char *strndup(const char *text, size_t length)
{
    length = strnlen(text, length);
    char *made = malloc(length + 1);
    if (made == NULL)
        return NULL;
    memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

char *strdup(const char *text)
{
    return strndup(text, SIZE_MAX);
}

void *reallocarray(void *memory, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, count * size);
}

char *strsep(char **text, const char *ends)
{
    char *first = *text;
    if (first == NULL)
        return NULL;
    char *end = first + strcspn(first, ends);
    *text = *end != '\0' ? end + 1 : NULL;
    *end = '\0';
    return first;
}

int getsubopt(char **options, char *const *names, char **value)
{
    char *option = *options;
    if (*option == '\0')
        return -1;
    char *end = option + strcspn(option, ",");
    *options = end;
    if (*end != '\0') {
        *end = '\0';
        *options = end + 1;
    }
    size_t length = strcspn(option, "=");
    for (int i = 0; names[i] != NULL; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], option, length) == 0) {
            *value = option[length] == '=' ? option + length + 1 : NULL;
            return i;
        }
    }
    *value = option;
    return -1;
}

char *strtok_r(char *text, const char *ends, char **rest)
{
    if (text == NULL)
        text = *rest;
    if (text == NULL)
        return NULL;
    text += strspn(text, ends);
    if (*text == '\0') {
        *rest = NULL;
        return NULL;
    }
    *rest = text;
    return strsep(rest, ends);
}

char *stpcpy(char *to, const char *from)
{
    size_t length = strlen(from);
    memcpy(to, from, length + 1);
    return to + length;
}

char *stpncpy(char *to, const char *from, size_t size)
{
    size_t length = strnlen(from, size);
    memcpy(to, from, length);
    memset(to + length, 0, size - length);
    return to + length;
}

char *index(const char *text, int byte)
{
    return strchr(text, byte);
}

char *rindex(const char *text, int byte)
{
    return strrchr(text, byte);
}

char *strchrnul(const char *text, int byte)
{
    while (*text != '\0' && *text != (char)byte)
        text++;
    return (char *)(uintptr_t)text;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size > 0) {
        size_t given = length < size ? length : size - 1;
        memcpy(to, from, given);
        to[given] = '\0';
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t length = strnlen(to, size);
    return length + strlcpy(to + length, from, size - length);
}

void *memrchr(const void *bytes, int byte, size_t size)
{
    const unsigned char *first = bytes;
    while (size-- > 0) {
        if (first[size] == (unsigned char)byte)
            return (void *)(uintptr_t)(first + size);
    }
    return NULL;
}

void explicit_bzero(void *bytes, size_t size)
{
    volatile unsigned char *at = bytes;
    while (size-- > 0)
        *at++ = 0;
}

int ffs(int bits)
{
    return __builtin_ffs(bits);
}

int ffsl(long bits)
{
    return __builtin_ffsl(bits);
}

int ffsll(long long bits)
{
    return __builtin_ffsll(bits);
}

void *rawmemchr(const void *bytes, int byte)
{
    const unsigned char *at = bytes;
    while (*at != (unsigned char)byte)
        at++;
    return (void *)(uintptr_t)at;
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

/* Numbers in names count as numbers; those that begin with 0 as what follows a decimal point, so
 * that "000" < "00" < "01" < "010" < "09" < "0" < "1" < "9" < "10". */
int strverscmp(const char *left, const char *right)
{
    static const char digits[] = "0123456789";
    size_t same = 0;
    size_t start = 0; /* Of the digits in which they differ, or that end there. */
    for (; left[same] == right[same]; same++) {
        if (left[same] == '\0')
            return 0;
        if (!is_digit(left[same]))
            start = same + 1;
    }
    int order = (unsigned char)left[same] - (unsigned char)right[same];
    bool is_left = is_digit(left[same]);
    bool is_right = is_digit(right[same]);
    if (is_digit(left[start]) && is_digit(right[start]) && left[start] != '0' &&
        right[start] != '0') {
        size_t left_length = strspn(left + same, digits);
        size_t right_length = strspn(right + same, digits);
        return left_length == right_length ? order : left_length > right_length ? 1 : -1;
    }
    bool is_zeros = same > start && strspn(left + start, "0") >= same - start;
    if (is_zeros && is_left != is_right)
        return is_left ? -1 : 1;
    return order;
}

wchar_t *wcstok(wchar_t *text, const wchar_t *ends, wchar_t **rest)
{
    wchar_t *first = text != NULL ? text : *rest;
    if (first != NULL)
        first += wcsspn(first, ends);
    if (first == NULL || *first == L'\0') {
        *rest = NULL;
        return NULL;
    }
    wchar_t *end = first + wcscspn(first, ends);
    *rest = *end != L'\0' ? end + 1 : NULL;
    *end = L'\0';
    return first;
}
