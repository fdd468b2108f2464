/* fnmatch.h - whether a text is as a pattern of the shell says. */
#ifndef PLX_POSIX_FNMATCH_H
#define PLX_POSIX_FNMATCH_H

#include <plx_posix/base.h>

#define FNM_NOMATCH     1
#define FNM_PATHNAME    (1 << 0)
#define FNM_NOESCAPE    (1 << 1)
#define FNM_PERIOD      (1 << 2)
#define FNM_LEADING_DIR (1 << 3)
#define FNM_CASEFOLD    (1 << 4)
#define FNM_FILE_NAME   FNM_PATHNAME
#define FNM_IGNORECASE  FNM_CASEFOLD

PLX_POSIX_BEGIN

/* 0 or FNM_NOMATCH. Bytes, as in the C locale. */
int fnmatch(const char *pattern, const char *text, int flags) PLX_POSIX_NEW(fnmatch);

PLX_POSIX_END
#endif
