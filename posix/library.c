/* posix/library.c - functions that the C library has, and that differ from POSIX's.
 *
 * What of it differs still is in docs/posix.md, "The C library".
 */
#include "posix/layer.h"

#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/facts.h"

int plx_posix_close(int fd);
FILE *plx_posix_fdopen(int fd, const char *mode);
int plx_posix_fileno(FILE *stream);
int plx_posix_mkstemp(char *name);
int plx_posix_unlink(const char *path);

enum { LOCALE_MESSAGES = 1729 }; /* As plx_posix/locale.h has it. */

/* --- numbers -------------------------------------------------------------------------------- */

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

/* --- streams -------------------------------------------------------------------------------- */

static bool is_read_only(FILE *stream)
{
    plx__file *file = plx__fd_get(plx_posix_fileno(stream));
    if (file == NULL)
        return false;
    bool is = (plx__atomic_load(&file->flags) & PLX__O_ACCMODE) == PLX__O_RDONLY;
    (void)plx__file_put(file);
    return is;
}

/* The C library takes _IOLBF for _IOFBF, so lines would be written at the end only: they are
 * written at once instead. And it wants a size, also for a buffer of its own. */
PLX__CALL int plx_posix_setvbuf(FILE *stream, char *buffer, int mode, size_t size)
{
    if (mode == _IOLBF)
        mode = is_read_only(stream) ? _IOFBF : _IONBF;
    if (mode == _IONBF)
        return setvbuf(stream, NULL, _IONBF, 0);
    if (mode != _IOFBF)
        return -1;
    bool is_large = size >= 2 && size <= INT_MAX;
    return setvbuf(stream, is_large ? buffer : NULL, _IOFBF, is_large ? size : BUFSIZ);
}

PLX__CALL void plx_posix_setbuffer(FILE *stream, char *buffer, size_t size)
{
    (void)plx_posix_setvbuf(stream, buffer, buffer != NULL ? _IOFBF : _IONBF, size);
}

PLX__CALL void plx_posix_setlinebuf(FILE *stream)
{
    (void)plx_posix_setvbuf(stream, NULL, _IOLBF, 0);
}

PLX__CALL int plx_posix_getc_unlocked(FILE *stream)
{
    return _getc_nolock(stream);
}

PLX__CALL int plx_posix_getchar_unlocked(void)
{
    return _getc_nolock(stdin);
}

PLX__CALL int plx_posix_putc_unlocked(int byte, FILE *stream)
{
    return _putc_nolock(byte, stream);
}

PLX__CALL int plx_posix_putchar_unlocked(int byte)
{
    return _putc_nolock(byte, stdout);
}

/* The C library's own wants to write to the root of the drive. */
PLX__CALL FILE *plx_posix_tmpfile(void)
{
    char name[] = "/tmp/tmpfileXXXXXX";
    int fd = plx_posix_mkstemp(name);
    if (fd < 0)
        return NULL;
    FILE *stream = plx_posix_unlink(name) == 0 ? plx_posix_fdopen(fd, "w+") : NULL;
    if (stream == NULL)
        (void)plx_posix_close(fd);
    return stream;
}

/* --- locales -------------------------------------------------------------------------------- */

static bool is_plain(const char *name)
{
    return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

/* The first of POSIX's variables that is set, which the C library does not look at; or "". */
static const char *locale_wanted(int category)
{
    static const char *const names[] = {"LC_ALL",      "LC_COLLATE", "LC_CTYPE",
                                        "LC_MONETARY", "LC_NUMERIC", "LC_TIME"};
    const char *own = category > 0 && category < 6 ? getenv(names[category]) : NULL;
    const char *all = getenv(names[0]);
    const char *language = getenv("LANG");
    return all != NULL ? all : own != NULL ? own : language != NULL ? language : "";
}

int plx__locale_is_plain(int category)
{
    return category == LOCALE_MESSAGES || is_plain(locale_wanted(category));
}

PLX__CALL char *plx_posix_setlocale(int category, const char *name)
{
    static char plain[] = "C";
    if (category == LOCALE_MESSAGES) /* There are no others. */
        return name == NULL || *name == '\0' || is_plain(name) ? plain : NULL;
    if (name != NULL && *name == '\0')
        name = is_plain(locale_wanted(category)) ? plain : "";
    if (name != NULL && is_plain(name))
        name = plain;
    return setlocale(category, name);
}

/* msvcrt.dll has one locale for all threads. While any of them has one by uselocale(), that of
 * setlocale() waits here. */
static SRWLOCK borrowing = SRWLOCK_INIT;
static int borrowers;
static char waiting[1024];

void plx__locale_borrow(void)
{
    AcquireSRWLockExclusive(&borrowing);
    const char *now = borrowers++ == 0 ? setlocale(LC_ALL, NULL) : NULL;
    if (now != NULL)
        (void)snprintf(waiting, sizeof waiting, "%s", now);
    ReleaseSRWLockExclusive(&borrowing);
}

void plx__locale_return(void)
{
    AcquireSRWLockExclusive(&borrowing);
    if (--borrowers == 0)
        (void)setlocale(LC_ALL, waiting);
    ReleaseSRWLockExclusive(&borrowing);
}

/* As struct lconv of plx_posix/locale.h. */
typedef struct conventions {
    char *texts[10];
    char plain[8];
    char of_abroad[6]; /* Of an amount with the international name of its currency. */
} conventions;

/* The C library's own has no say in where that name is put: as the other has it. */
PLX__CALL conventions *plx_posix_localeconv(void)
{
    static _Thread_local conventions now;
    const struct lconv *own = localeconv();
    memcpy(&now, own, offsetof(conventions, of_abroad));
    memcpy(now.of_abroad, &own->p_cs_precedes, sizeof now.of_abroad);
    return &now;
}

/* --- time ----------------------------------------------------------------------------------- */

/* The C library's own counts the time that passes, not the processor's. */
PLX__CALL int64_t plx_posix_clock(void)
{
    FILETIME start;
    FILETIME end;
    FILETIME kernel;
    FILETIME user;
    if (!GetProcessTimes(GetCurrentProcess(), &start, &end, &kernel, &user))
        return -1;
    uint64_t hundreds = ((uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
                        ((uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime);
    return (int64_t)(hundreds / 10);
}
