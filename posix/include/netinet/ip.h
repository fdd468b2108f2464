/* netinet/ip.h - the types of service; the header of an IPv4 packet. */
#ifndef PLX_POSIX_NETINET_IP_H
#define PLX_POSIX_NETINET_IP_H

#include <netinet/in.h>

#define IPTOS_LOWDELAY             0x10
#define IPTOS_THROUGHPUT           0x08
#define IPTOS_RELIABILITY          0x04
#define IPTOS_LOWCOST              0x02
#define IPTOS_MINCOST              IPTOS_LOWCOST
#define IPTOS_DSCP_AF11            0x28
#define IPTOS_DSCP_AF12            0x30
#define IPTOS_DSCP_AF13            0x38
#define IPTOS_DSCP_AF21            0x48
#define IPTOS_DSCP_AF22            0x50
#define IPTOS_DSCP_AF23            0x58
#define IPTOS_DSCP_AF31            0x68
#define IPTOS_DSCP_AF32            0x70
#define IPTOS_DSCP_AF33            0x78
#define IPTOS_DSCP_AF41            0x88
#define IPTOS_DSCP_AF42            0x90
#define IPTOS_DSCP_AF43            0x98
#define IPTOS_DSCP_EF              0xb8
#define IPTOS_CLASS_CS0            0x00
#define IPTOS_CLASS_CS1            0x20
#define IPTOS_CLASS_CS2            0x40
#define IPTOS_CLASS_CS3            0x60
#define IPTOS_CLASS_CS4            0x80
#define IPTOS_CLASS_CS5            0xa0
#define IPTOS_CLASS_CS6            0xc0
#define IPTOS_CLASS_CS7            0xe0
#define IPTOS_PREC_INTERNETCONTROL 0xc0
#define IPTOS_PREC_NETCONTROL      0xe0
#define IPOPT_EOL                  0
#define IPOPT_NOP                  1
#define IPOPT_LSRR                 131
#define IPOPT_SSRR                 137
#define IPOPT_OPTVAL               0
#define IPOPT_OLEN                 1
#define IPOPT_OFFSET               2
#define IPOPT_MINOFF               4
#define MAX_IPOPTLEN               40
#define IPVERSION                  4
#define IP_MAXPACKET               65535
#define IPDEFTTL                   64

struct ip {
    uint8_t ip_hl : 4;
    uint8_t ip_v : 4;
    uint8_t ip_tos;
    uint16_t ip_len;
    uint16_t ip_id;
    uint16_t ip_off;
    uint8_t ip_ttl;
    uint8_t ip_p;
    uint16_t ip_sum;
    struct in_addr ip_src;
    struct in_addr ip_dst;
};

#endif
