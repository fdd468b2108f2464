/* sys/unistd.h - the old name of <unistd.h>. */
#ifndef PLX_POSIX_SYS_UNISTD_H
#define PLX_POSIX_SYS_UNISTD_H

#include <unistd.h>

#endif
