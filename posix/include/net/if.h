/* net/if.h - names and numbers of network interfaces, and what ioctl() tells of them. */
#ifndef PLX_POSIX_NET_IF_H
#define PLX_POSIX_NET_IF_H

#include <sys/socket.h>

#define IF_NAMESIZE     256
#define IFNAMSIZ        IF_NAMESIZE
#define IFF_UP          0x1
#define IFF_BROADCAST   0x2
#define IFF_LOOPBACK    0x8
#define IFF_POINTOPOINT 0x10
#define IFF_RUNNING     0x40
#define IFF_MULTICAST   0x1000

struct if_nameindex {
    unsigned int if_index;
    char *if_name;
};

/* For the SIOC requests of sys/ioctl.h. */
struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr ifru_addr;
        struct sockaddr ifru_broadaddr;
        struct sockaddr ifru_netmask;
        struct sockaddr ifru_hwaddr;
        short ifru_flags;
        int ifru_ivalue;
        int ifru_mtu;
        char *ifru_data;
    } ifr_ifru;
};

#define ifr_addr      ifr_ifru.ifru_addr
#define ifr_broadaddr ifr_ifru.ifru_broadaddr
#define ifr_netmask   ifr_ifru.ifru_netmask
#define ifr_hwaddr    ifr_ifru.ifru_hwaddr
#define ifr_flags     ifr_ifru.ifru_flags
#define ifr_ifindex   ifr_ifru.ifru_ivalue
#define ifr_mtu       ifr_ifru.ifru_mtu
#define ifr_data      ifr_ifru.ifru_data

struct ifconf {
    int ifc_len;
    union {
        char *ifcu_buf;
        struct ifreq *ifcu_req;
    } ifc_ifcu;
};

#define ifc_buf ifc_ifcu.ifcu_buf
#define ifc_req ifc_ifcu.ifcu_req

PLX_POSIX_BEGIN

struct if_nameindex *if_nameindex(void) PLX_POSIX_NEW(if_nameindex);
void if_freenameindex(struct if_nameindex *list) PLX_POSIX_NEW(if_freenameindex);
unsigned int if_nametoindex(const char *name) PLX_POSIX_CALL(if_nametoindex);
char *if_indextoname(unsigned int index, char *name) PLX_POSIX_CALL(if_indextoname);

PLX_POSIX_END
#endif
