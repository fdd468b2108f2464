/* ulimit.h - the older form of <sys/resource.h>. */
#ifndef PLX_POSIX_ULIMIT_H
#define PLX_POSIX_ULIMIT_H

#include <plx_posix/base.h>

#define UL_GETFSIZE 1
#define UL_SETFSIZE 2

PLX_POSIX_BEGIN

long ulimit(int command, ...) PLX_POSIX_NEW(ulimit);

PLX_POSIX_END
#endif
