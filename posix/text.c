/* posix/text.c - functions over text that mingw-w64's C library lacks.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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

/* --- printing ------------------------------------------------------------------------------- */

int vasprintf(char **text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (*text == NULL)
        return -1;
    return vsnprintf(*text, (size_t)length + 1, format, arguments);
}

int asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

int vdprintf(int fd, const char *format, va_list arguments)
{
    char *text;
    int length = vasprintf(&text, format, arguments);
    if (length < 0)
        return -1;
    ssize_t written = write(fd, text, (size_t)length);
    free(text);
    return (int)written;
}

int dprintf(int fd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vdprintf(fd, format, arguments);
    va_end(arguments);
    return length;
}

/* --- numbers -------------------------------------------------------------------------------- */

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016). */
static uint64_t random_state = UINT64_C(88172645463325252);

long random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (long)((random_state * UINT64_C(2685821657736338717)) >> 33);
}

void srandom(unsigned int seed)
{
    random_state = seed * UINT64_C(2862933555777941757) + UINT64_C(3037000493);
}

/* The C library's own has 15 bits. */
int rand(void)
{
    return (int)random();
}

void srand(unsigned int seed)
{
    srandom(seed);
}

/* The finalizer of MurmurHash3 (Appleby, public domain) over a counter. */
int rand_r(unsigned int *state)
{
    uint32_t bits = *state += UINT32_C(0x9e3779b9);
    bits = (bits ^ bits >> 16) * UINT32_C(0x85ebca6b);
    bits = (bits ^ bits >> 13) * UINT32_C(0xc2b2ae35);
    return (int)((bits ^ bits >> 16) >> 1);
}

long lrand48(void)
{
    return random();
}

double drand48(void)
{
    return (double)random() / 2147483648.0;
}

void srand48(long seed)
{
    srandom((unsigned int)seed);
}
