/* sys/syslog.h - the old name of <syslog.h>. */
#ifndef PLX_POSIX_SYS_SYSLOG_H
#define PLX_POSIX_SYS_SYSLOG_H

#include <syslog.h>

#endif
