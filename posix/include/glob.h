/* glob.h - the paths that there are of a pattern. */
#ifndef PLX_POSIX_GLOB_H
#define PLX_POSIX_GLOB_H

#include <plx_posix/base.h>

#define GLOB_ERR      (1 << 0)
#define GLOB_MARK     (1 << 1)
#define GLOB_NOSORT   (1 << 2)
#define GLOB_DOOFFS   (1 << 3)
#define GLOB_NOCHECK  (1 << 4)
#define GLOB_APPEND   (1 << 5)
#define GLOB_NOESCAPE (1 << 6)
#define GLOB_PERIOD   (1 << 7)
#define GLOB_NOMAGIC  (1 << 11)
#define GLOB_ONLYDIR  (1 << 13)

#define GLOB_NOSPACE 1
#define GLOB_ABORTED 2
#define GLOB_NOMATCH 3

typedef struct glob_t {
    size_t gl_pathc;
    char **gl_pathv;
    size_t gl_offs;
    int gl_flags;
} glob_t;

PLX_POSIX_BEGIN

int glob(const char *pattern, int flags, int (*on_error)(const char *path, int code), glob_t *out)
    PLX_POSIX_NEW(glob);
void globfree(glob_t *of) PLX_POSIX_NEW(globfree);

PLX_POSIX_END
#endif
