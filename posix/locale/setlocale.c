/* posix/locale/setlocale.c - the locale of the process, its conventions, and which characters
 * combine: the part of this folder that asks the C library and the system.
 */
#include "posix/base/base.h"

#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/locale/locale.h"

enum { LOCALE_MESSAGES = 1729 }; /* As plx_posix/locale.h has it. */

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

int plx__wide_is_mark(wchar_t one)
{
    WORD kind = 0;
    return GetStringTypeW(CT_CTYPE3, &one, 1, &kind) && (kind & C3_NONSPACING) != 0 &&
           (kind & C3_ALPHA) == 0;
}
