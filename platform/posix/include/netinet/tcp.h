/* netinet/tcp.h - options of TCP. */
#ifndef PLX_POSIX_NETINET_TCP_H
#define PLX_POSIX_NETINET_TCP_H

#include <plx_posix/base.h>

#define TCP_NODELAY      1
#define TCP_KEEPIDLE     3
#define TCP_MAXSEG       4
#define TCP_KEEPCNT      16
#define TCP_KEEPINTVL    17
#define TCP_CORK         0x101
#define TCP_QUICKACK     0x102
#define TCP_USER_TIMEOUT 0x103
#define TCP_DEFER_ACCEPT 0x104
#define SOL_TCP          6

#endif
