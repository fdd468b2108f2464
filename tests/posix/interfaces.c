/* tests/posix/interfaces.c - network interfaces: their names, addresses and flags, by all ways to
 * ask for them. Which there are is the machine's affair; that the answers agree is not.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOME = 64 };

static void names(void)
{
    char name[IF_NAMESIZE];
    size_t wrong = 0;
    size_t count = 0;
    section("if_nameindex");
    struct if_nameindex *list = if_nameindex();
    TRUE(list != NULL);
    for (; list != NULL && list[count].if_index != 0; count++) {
        wrong += if_nametoindex(list[count].if_name) != list[count].if_index;
        wrong += if_indextoname(list[count].if_index, name) == NULL ||
                 strcmp(name, list[count].if_name) != 0;
    }
    TRUE(count > 0 && list[count].if_name == NULL);
    IS(wrong, 0);
    if_freenameindex(list);
    errno = 0;
    IS(if_nametoindex("no interface"), 0);
    IS(errno, ENODEV);
}

static in_addr_t ipv4_of(const struct sockaddr *address)
{
    struct sockaddr_in copy;
    memcpy(&copy, address, sizeof copy);
    return copy.sin_addr.s_addr;
}

/* The request, for an interface of this name; errno is the result. */
static struct ifreq asked(int fd, unsigned long request, const char *name)
{
    struct ifreq one;
    memset(&one, 0, sizeof one);
    strncpy(one.ifr_name, name, sizeof one.ifr_name - 1);
    errno = 0;
    if (ioctl(fd, request, &one) == 0)
        errno = 0;
    return one;
}

/* What is told of an IPv4 address by getifaddrs() and by ioctl() is the same. */
static size_t differences(int fd, const struct ifaddrs *one)
{
    struct ifreq flags = asked(fd, SIOCGIFFLAGS, one->ifa_name);
    struct ifreq mask = asked(fd, SIOCGIFNETMASK, one->ifa_name);
    struct ifreq index = asked(fd, SIOCGIFINDEX, one->ifa_name);
    struct ifreq mtu = asked(fd, SIOCGIFMTU, one->ifa_name);
    const unsigned told = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_BROADCAST;
    size_t wrong = ((unsigned short)flags.ifr_flags & told) != (one->ifa_flags & told);
    wrong += ipv4_of(&mask.ifr_netmask) != ipv4_of(one->ifa_netmask);
    wrong += (unsigned)index.ifr_ifindex != if_nametoindex(one->ifa_name);
    wrong += mtu.ifr_mtu == 0;
    struct ifreq name;
    memset(&name, 0, sizeof name);
    name.ifr_ifindex = index.ifr_ifindex;
    wrong += ioctl(fd, SIOCGIFNAME, &name) != 0 || strcmp(name.ifr_name, one->ifa_name) != 0;
    if ((one->ifa_flags & IFF_BROADCAST) != 0 && one->ifa_broadaddr != NULL) {
        struct ifreq broadcast = asked(fd, SIOCGIFBRDADDR, one->ifa_name);
        wrong += ipv4_of(&broadcast.ifr_broadaddr) != ipv4_of(one->ifa_broadaddr);
        wrong += (ipv4_of(one->ifa_broadaddr) & ipv4_of(one->ifa_netmask)) !=
                 (ipv4_of(one->ifa_addr) & ipv4_of(one->ifa_netmask));
    }
    return wrong;
}

static bool is_ipv4(const struct ifaddrs *one)
{
    return one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET;
}

/* How many addresses of `list` SIOCGIFCONF has, with their names. */
static size_t count_listed(const struct ifconf *all, const struct ifaddrs *list)
{
    size_t found = 0;
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        for (size_t i = 0; is_ipv4(one) && i < (size_t)all->ifc_len / sizeof *all->ifc_req; i++) {
            found += ipv4_of(&all->ifc_req[i].ifr_addr) == ipv4_of(one->ifa_addr) &&
                     strcmp(all->ifc_req[i].ifr_name, one->ifa_name) == 0;
        }
    }
    return found;
}

static void addresses(int fd)
{
    static struct ifreq room[SOME];
    struct ifconf all = {.ifc_len = 0};
    struct ifaddrs *list = NULL;
    size_t count = 0, wrong = 0, loopbacks = 0;
    section("getifaddrs");
    IS(getifaddrs(&list), 0);
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        wrong += if_nametoindex(one->ifa_name) == 0;
        if (!is_ipv4(one))
            continue;
        count++;
        wrong += differences(fd, one);
        loopbacks += (one->ifa_flags & IFF_LOOPBACK) != 0 &&
                     ipv4_of(one->ifa_addr) == htonl(INADDR_LOOPBACK) &&
                     ipv4_of(one->ifa_netmask) == htonl(0xff000000);
    }
    IS(wrong, 0);
    IS(loopbacks, 1);
    section("SIOCGIFCONF");
    IS(ioctl(fd, SIOCGIFCONF, &all), 0); /* How much room it takes. */
    TRUE((size_t)all.ifc_len == count * sizeof(struct ifreq));
    all = (struct ifconf){.ifc_len = sizeof room};
    all.ifc_req = room;
    IS(ioctl(fd, SIOCGIFCONF, &all), 0);
    TRUE((size_t)all.ifc_len == count * sizeof(struct ifreq));
    TRUE(count_listed(&all, list) == count);
    all.ifc_len = (int)sizeof(struct ifreq) + 1; /* Room for one. */
    IS(ioctl(fd, SIOCGIFCONF, &all), 0);
    IS((size_t)all.ifc_len / sizeof(struct ifreq), 1);
    freeifaddrs(list);
}

static void requests(int fd)
{
    char name[IF_NAMESIZE] = "";
    struct ifaddrs *list = NULL;
    section("ioctl");
    IS(getifaddrs(&list), 0);
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        if (is_ipv4(one) && (one->ifa_flags & IFF_LOOPBACK) != 0)
            strncpy(name, one->ifa_name, sizeof name - 1);
    }
    freeifaddrs(list);
    struct ifreq loopback = asked(fd, SIOCGIFADDR, name);
    IS(errno, 0);
    TRUE(ipv4_of(&loopback.ifr_addr) == htonl(INADDR_LOOPBACK));
    struct ifreq hardware = asked(fd, SIOCGIFHWADDR, name);
    IS(errno, 0);
    IS(hardware.ifr_hwaddr.sa_family, 772); /* ARPHRD_LOOPBACK */
    (void)asked(fd, SIOCGIFFLAGS, "no interface");
    IS(errno, ENODEV);
    (void)asked(fd, SIOCGIFADDR, "no interface");
    IS(errno, ENODEV);
    struct ifreq none;
    memset(&none, 0, sizeof none);
    none.ifr_ifindex = 99999;
    FAILS(ioctl(fd, SIOCGIFNAME, &none), ENODEV);
    int pipe_ends[2];
    IS(pipe(pipe_ends), 0);
    FAILS(ioctl(pipe_ends[0], SIOCGIFADDR, &none), ENOTTY);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* Remembered, and without an effect here: two listeners cannot have one port. */
static void sharing(void)
{
    int on = 1, is_on = 0;
    socklen_t size = sizeof is_on;
    section("SO_REUSEPORT");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    IS(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_on, &size), 0);
    IS(is_on, 0);
    IS(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    IS(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_on, &size), 0);
    IS(is_on, 1);
    IS(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &is_on, &size), 0);
    IS(is_on, 0);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    IS(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    IS(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_on, &size), 0);
    IS(is_on, 1);
    close(fd);
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    names();
    addresses(fd);
    requests(fd);
    sharing();
    close(fd);
    return check_end();
}
