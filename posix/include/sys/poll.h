/* sys/poll.h - the old name of <poll.h>. */
#ifndef PLX_POSIX_SYS_POLL_H
#define PLX_POSIX_SYS_POLL_H

#include <poll.h>

#endif
