/* sys/random.h - random numbers of the system. */
#ifndef PLX_POSIX_SYS_RANDOM_H
#define PLX_POSIX_SYS_RANDOM_H

#include <unistd.h>

/* Neither makes a difference: the system's numbers are always there. */
#define GRND_NONBLOCK 1
#define GRND_RANDOM   2

PLX_POSIX_BEGIN

ssize_t getrandom(void *bytes, size_t size, unsigned int flags) PLX_POSIX_NEW(getrandom);

PLX_POSIX_END
#endif
