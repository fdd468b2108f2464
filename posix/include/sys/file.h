/* sys/file.h - locks over whole files. */
#ifndef PLX_POSIX_SYS_FILE_H
#define PLX_POSIX_SYS_FILE_H

#include <fcntl.h>

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

PLX_POSIX_BEGIN

int flock(int fd, int operation) PLX_POSIX_NEW(flock);

PLX_POSIX_END
#endif
