/* netinet/in.h - addresses and options of the Internet protocols, laid out as in Winsock. */
#ifndef PLX_POSIX_NETINET_IN_H
#define PLX_POSIX_NETINET_IN_H

#include <plx_posix/base.h>
#include <sys/socket.h>

typedef uint32_t in_addr_t;
typedef uint16_t in_port_t;

struct in_addr {
    in_addr_t s_addr;
};

struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

struct in6_addr {
    union {
        uint8_t plx_posix_8[16];
        uint16_t plx_posix_16[8];
        uint32_t plx_posix_32[4];
    } plx_posix_in6;
#define s6_addr   plx_posix_in6.plx_posix_8
#define s6_addr16 plx_posix_in6.plx_posix_16
#define s6_addr32 plx_posix_in6.plx_posix_32
};

struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};

struct ip_mreq {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
};

struct ip_mreqn {
    struct in_addr imr_multiaddr;
    struct in_addr imr_address;
    int imr_ifindex;
};

struct ipv6_mreq {
    struct in6_addr ipv6mr_multiaddr;
    unsigned int ipv6mr_interface;
};

struct in_pktinfo {
    unsigned int ipi_ifindex;
    struct in_addr ipi_spec_dst;
    struct in_addr ipi_addr;
};

struct in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned int ipi6_ifindex;
};

#define IPPROTO_IP       0
#define IPPROTO_HOPOPTS  0
#define IPPROTO_ICMP     1
#define IPPROTO_IGMP     2
#define IPPROTO_IPIP     4
#define IPPROTO_TCP      6
#define IPPROTO_EGP      8
#define IPPROTO_PUP      12
#define IPPROTO_UDP      17
#define IPPROTO_IDP      22
#define IPPROTO_TP       29
#define IPPROTO_DCCP     33
#define IPPROTO_IPV6     41
#define IPPROTO_ROUTING  43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_RSVP     46
#define IPPROTO_GRE      47
#define IPPROTO_ESP      50
#define IPPROTO_AH       51
#define IPPROTO_ICMPV6   58
#define IPPROTO_NONE     59
#define IPPROTO_DSTOPTS  60
#define IPPROTO_ENCAP    98
#define IPPROTO_PIM      103
#define IPPROTO_COMP     108
#define IPPROTO_SCTP     132
#define IPPROTO_UDPLITE  136
#define IPPROTO_RAW      255
#define IPPROTO_MAX      256
#define SOL_IP           IPPROTO_IP
#define SOL_IPV6         IPPROTO_IPV6

#define IP_OPTIONS         1
#define IP_HDRINCL         2
#define IP_TOS             3
#define IP_TTL             4
#define IP_MULTICAST_IF    9
#define IP_MULTICAST_TTL   10
#define IP_MULTICAST_LOOP  11
#define IP_ADD_MEMBERSHIP  12
#define IP_DROP_MEMBERSHIP 13
#define IP_PKTINFO         19
#define IP_RECVTTL         21
#define IP_RECVTOS         40

#define IPV6_UNICAST_HOPS    4
#define IPV6_MULTICAST_IF    9
#define IPV6_MULTICAST_HOPS  10
#define IPV6_MULTICAST_LOOP  11
#define IPV6_JOIN_GROUP      12
#define IPV6_LEAVE_GROUP     13
#define IPV6_ADD_MEMBERSHIP  IPV6_JOIN_GROUP
#define IPV6_DROP_MEMBERSHIP IPV6_LEAVE_GROUP
#define IPV6_PKTINFO         19
#define IPV6_HOPLIMIT        21
#define IPV6_V6ONLY          27
#define IPV6_TCLASS          39
#define IPV6_RECVTCLASS      40
#define IPV6_RECVPKTINFO     0x2013
#define IPV6_RECVHOPLIMIT    0x2014

#define INADDR_ANY             ((in_addr_t)0x00000000)
#define INADDR_LOOPBACK        ((in_addr_t)0x7f000001)
#define INADDR_BROADCAST       ((in_addr_t)0xffffffff)
#define INADDR_NONE            ((in_addr_t)0xffffffff)
#define INADDR_UNSPEC_GROUP    ((in_addr_t)0xe0000000)
#define INADDR_ALLHOSTS_GROUP  ((in_addr_t)0xe0000001)
#define INADDR_MAX_LOCAL_GROUP ((in_addr_t)0xe00000ff)
#define IN_LOOPBACKNET         127
#define INET_ADDRSTRLEN        16
#define INET6_ADDRSTRLEN       46
#define IPPORT_RESERVED        1024
#define IPPORT_USERRESERVED    5000
#define IPPORT_ECHO            7
#define IPPORT_DISCARD         9
#define IPPORT_FTP             21
#define IPPORT_TELNET          23
#define IPPORT_SMTP            25
#define IPPORT_TFTP            69

#define IN_CLASSA(address)       (((in_addr_t)(address)&0x80000000u) == 0)
#define IN_CLASSB(address)       (((in_addr_t)(address)&0xc0000000u) == 0x80000000u)
#define IN_CLASSC(address)       (((in_addr_t)(address)&0xe0000000u) == 0xc0000000u)
#define IN_CLASSD(address)       (((in_addr_t)(address)&0xf0000000u) == 0xe0000000u)
#define IN_MULTICAST(address)    IN_CLASSD(address)
#define IN_EXPERIMENTAL(address) (((in_addr_t)(address)&0xe0000000u) == 0xe0000000u)
#define IN_BADCLASS(address)     (((in_addr_t)(address)&0xf0000000u) == 0xf0000000u)
#define IN_CLASSA_NET            0xff000000u
#define IN_CLASSA_HOST           0x00ffffffu
#define IN_CLASSB_NET            0xffff0000u
#define IN_CLASSB_HOST           0x0000ffffu
#define IN_CLASSC_NET            0xffffff00u
#define IN_CLASSC_HOST           0x000000ffu

#define IN6ADDR_ANY_INIT                                                                           \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                     \
            }                                                                                      \
        }                                                                                          \
    }
#define IN6ADDR_LOOPBACK_INIT                                                                      \
    {                                                                                              \
        {                                                                                          \
            {                                                                                      \
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1                                     \
            }                                                                                      \
        }                                                                                          \
    }

/* The four words of an address, as the network has them, and its bytes. */
#define PLX_POSIX_IN6(address, i)  (((const struct in6_addr *)(address))->s6_addr32[i])
#define PLX_POSIX_IN6B(address, i) (((const struct in6_addr *)(address))->s6_addr[i])
#define IN6_IS_ADDR_UNSPECIFIED(a)                                                                 \
    (PLX_POSIX_IN6(a, 0) == 0 && PLX_POSIX_IN6(a, 1) == 0 && PLX_POSIX_IN6(a, 2) == 0 &&           \
     PLX_POSIX_IN6(a, 3) == 0)
#define IN6_IS_ADDR_LOOPBACK(a)                                                                    \
    (PLX_POSIX_IN6(a, 0) == 0 && PLX_POSIX_IN6(a, 1) == 0 && PLX_POSIX_IN6(a, 2) == 0 &&           \
     PLX_POSIX_IN6(a, 3) == 0x01000000u)
#define IN6_IS_ADDR_MULTICAST(a) (PLX_POSIX_IN6B(a, 0) == 0xff)
#define PLX_POSIX_IN6_SCOPE(a, scope)                                                              \
    (IN6_IS_ADDR_MULTICAST(a) && (PLX_POSIX_IN6B(a, 1) & 0x0f) == (scope))
#define IN6_IS_ADDR_MC_NODELOCAL(a) PLX_POSIX_IN6_SCOPE(a, 0x1)
#define IN6_IS_ADDR_MC_LINKLOCAL(a) PLX_POSIX_IN6_SCOPE(a, 0x2)
#define IN6_IS_ADDR_MC_SITELOCAL(a) PLX_POSIX_IN6_SCOPE(a, 0x5)
#define IN6_IS_ADDR_MC_ORGLOCAL(a)  PLX_POSIX_IN6_SCOPE(a, 0x8)
#define IN6_IS_ADDR_MC_GLOBAL(a)    PLX_POSIX_IN6_SCOPE(a, 0xe)
#define IN6_IS_ADDR_LINKLOCAL(a)                                                                   \
    (PLX_POSIX_IN6B(a, 0) == 0xfe && (PLX_POSIX_IN6B(a, 1) & 0xc0) == 0x80)
#define IN6_IS_ADDR_SITELOCAL(a)                                                                   \
    (PLX_POSIX_IN6B(a, 0) == 0xfe && (PLX_POSIX_IN6B(a, 1) & 0xc0) == 0xc0)
#define IN6_IS_ADDR_V4MAPPED(a)                                                                    \
    (PLX_POSIX_IN6(a, 0) == 0 && PLX_POSIX_IN6(a, 1) == 0 && PLX_POSIX_IN6(a, 2) == 0xffff0000u)
#define IN6_IS_ADDR_V4COMPAT(a)                                                                    \
    (PLX_POSIX_IN6(a, 0) == 0 && PLX_POSIX_IN6(a, 1) == 0 && PLX_POSIX_IN6(a, 2) == 0 &&           \
     PLX_POSIX_IN6(a, 3) != 0 && PLX_POSIX_IN6(a, 3) != 0x01000000u)
#define IN6_ARE_ADDR_EQUAL(a, b)                                                                   \
    (PLX_POSIX_IN6(a, 0) == PLX_POSIX_IN6(b, 0) && PLX_POSIX_IN6(a, 1) == PLX_POSIX_IN6(b, 1) &&   \
     PLX_POSIX_IN6(a, 2) == PLX_POSIX_IN6(b, 2) && PLX_POSIX_IN6(a, 3) == PLX_POSIX_IN6(b, 3))

PLX_POSIX_BEGIN

extern const struct in6_addr in6addr_any PLX_POSIX_CALL(in6addr_any);
extern const struct in6_addr in6addr_loopback PLX_POSIX_CALL(in6addr_loopback);

uint32_t htonl(uint32_t value) PLX_POSIX_CALL(htonl);
uint16_t htons(uint16_t value) PLX_POSIX_CALL(htons);
uint32_t ntohl(uint32_t value) PLX_POSIX_CALL(ntohl);
uint16_t ntohs(uint16_t value) PLX_POSIX_CALL(ntohs);

PLX_POSIX_END
#endif
