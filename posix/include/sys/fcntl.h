/* sys/fcntl.h - the old name of <fcntl.h>. */
#ifndef PLX_POSIX_SYS_FCNTL_H
#define PLX_POSIX_SYS_FCNTL_H

#include <fcntl.h>

#endif
