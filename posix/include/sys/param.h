/* sys/param.h - limits and small macros of old. */
#ifndef PLX_POSIX_SYS_PARAM_H
#define PLX_POSIX_SYS_PARAM_H

#include <limits.h>

#include <plx_posix/base.h>

#ifndef MAXPATHLEN
#define MAXPATHLEN 4096
#endif
#ifndef MAXHOSTNAMELEN
#define MAXHOSTNAMELEN 64
#endif
#define NOFILE  16384
#define NGROUPS NGROUPS_MAX
#define NCARGS  32767
#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define howmany(count, per) (((count) + ((per)-1)) / (per))
#define roundup(value, to)  ((((value) + ((to)-1)) / (to)) * (to))
#define LITTLE_ENDIAN       1234
#define BIG_ENDIAN          4321
#define BYTE_ORDER          LITTLE_ENDIAN

#endif
