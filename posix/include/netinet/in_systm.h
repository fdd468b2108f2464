/* netinet/in_systm.h - types in network order, as old programs want them. */
#ifndef PLX_POSIX_NETINET_IN_SYSTM_H
#define PLX_POSIX_NETINET_IN_SYSTM_H

#include <plx_posix/base.h>

typedef uint16_t n_short;
typedef uint32_t n_long;
typedef uint32_t n_time;

#endif
