/* strings.h - bcopy, bzero, ffs, strcasecmp. */
#ifndef PLX_POSIX_STRINGS_H
#define PLX_POSIX_STRINGS_H

#include <string.h>

#endif
