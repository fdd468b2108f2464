/* sys/signal.h - the old name of <signal.h>. */
#ifndef PLX_POSIX_SYS_SIGNAL_H
#define PLX_POSIX_SYS_SIGNAL_H

#include <signal.h>

#endif
