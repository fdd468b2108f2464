/* net/if.h - names and numbers of network interfaces. */
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

PLX_POSIX_BEGIN

struct if_nameindex *if_nameindex(void) PLX_POSIX_NEW(if_nameindex);
void if_freenameindex(struct if_nameindex *list) PLX_POSIX_NEW(if_freenameindex);
unsigned int if_nametoindex(const char *name) PLX_POSIX_CALL(if_nametoindex);
char *if_indextoname(unsigned int index, char *name) PLX_POSIX_CALL(if_indextoname);

PLX_POSIX_END
#endif
