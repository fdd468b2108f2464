/* ifaddrs.h - the addresses of this machine. */
#ifndef PLX_POSIX_IFADDRS_H
#define PLX_POSIX_IFADDRS_H

#include <sys/socket.h>

struct ifaddrs {
    struct ifaddrs *ifa_next;
    char *ifa_name;
    unsigned int ifa_flags;
    struct sockaddr *ifa_addr;
    struct sockaddr *ifa_netmask;
    struct sockaddr *ifa_broadaddr;
    void *ifa_data;
};
#define ifa_dstaddr ifa_broadaddr

PLX_POSIX_BEGIN

int getifaddrs(struct ifaddrs **list) PLX_POSIX_NEW(getifaddrs);
void freeifaddrs(struct ifaddrs *list) PLX_POSIX_NEW(freeifaddrs);

PLX_POSIX_END
#endif
