/* sys/errno.h - the old name of <errno.h>. */
#ifndef PLX_POSIX_SYS_ERRNO_H
#define PLX_POSIX_SYS_ERRNO_H

#include <errno.h>

#endif
