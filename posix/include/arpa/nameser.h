/* arpa/nameser.h - numbers of the domain name system (RFC 1035). */
#ifndef PLX_POSIX_ARPA_NAMESER_H
#define PLX_POSIX_ARPA_NAMESER_H

#include <plx_posix/base.h>

#define NAMESERVER_PORT 53
#define NS_MAXDNAME     1025
#define MAXDNAME        NS_MAXDNAME
#define NS_PACKETSZ     512
#define PACKETSZ        NS_PACKETSZ
#define C_IN            1
#define T_A             1
#define T_NS            2
#define T_CNAME         5
#define T_SOA           6
#define T_PTR           12
#define T_MX            15
#define T_TXT           16
#define T_AAAA          28
#define T_SRV           33

#endif
