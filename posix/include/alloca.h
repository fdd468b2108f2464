/* alloca.h - alloca(). */
#ifndef PLX_POSIX_ALLOCA_H
#define PLX_POSIX_ALLOCA_H

#undef alloca
#define alloca(size) __builtin_alloca(size)

#endif
