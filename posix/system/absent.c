/* posix/system/absent.c - what Windows has nothing of: catalogues of messages, records of logins,
 * and a limit on the size of files.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <limits.h>
#include <nl_types.h>
#include <stdint.h>
#include <ulimit.h>
#include <utmpx.h>

nl_catd catopen(const char *name, int flag)
{
    (void)name;
    (void)flag;
    errno = ENOENT;
    return (nl_catd)-1;
}

char *catgets(nl_catd catalogue, int set, int number, const char *text)
{
    (void)catalogue;
    (void)set;
    (void)number;
    return (char *)(uintptr_t)text;
}

int catclose(nl_catd catalogue)
{
    (void)catalogue;
    errno = EBADF;
    return -1;
}

/* --- logins --------------------------------------------------------------------------------- */

void setutxent(void)
{
}

void endutxent(void)
{
}

struct utmpx *getutxent(void)
{
    return NULL;
}

struct utmpx *getutxid(const struct utmpx *wanted)
{
    (void)wanted;
    errno = ESRCH;
    return NULL;
}

struct utmpx *getutxline(const struct utmpx *wanted)
{
    (void)wanted;
    errno = ESRCH;
    return NULL;
}

struct utmpx *pututxline(const struct utmpx *entry)
{
    (void)entry;
    errno = EPERM;
    return NULL;
}

/* --- limits --------------------------------------------------------------------------------- */

/* In blocks of 512 bytes: there is none, and none can be set. */
long ulimit(int command, ...)
{
    if (command == UL_GETFSIZE)
        return LONG_MAX;
    errno = command == UL_SETFSIZE ? EPERM : EINVAL;
    return -1;
}
