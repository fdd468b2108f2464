/* tests/posix/accounts.c - lists of users, groups, hosts, networks, protocols and services; and
 * small things of threads and addresses.
 */
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void users(void)
{
    struct passwd user;
    struct passwd *found = NULL;
    char text[4096];
    char small[2];
    section("users");
    IS(getpwuid_r(getuid(), &user, text, sizeof text, &found), 0);
    TRUE(found == &user && user.pw_uid == getuid() && user.pw_name[0] != '\0');
    TRUE(user.pw_name >= text && user.pw_dir < text + sizeof text);
    char name[256];
    (void)snprintf(name, sizeof name, "%s", user.pw_name);
    found = NULL;
    IS(getpwnam_r(name, &user, text, sizeof text, &found), 0);
    TRUE(found == &user && user.pw_uid == getuid());
    IS(getpwnam_r(name, &user, small, sizeof small, &found), ERANGE);
    TRUE(found == NULL);
    IS(getpwnam_r("nobody of this name", &user, text, sizeof text, &found), 0);
    TRUE(found == NULL);
    setpwent();
    const struct passwd *first = getpwent();
    TRUE(first != NULL);
    (void)snprintf(name, sizeof name, "%s", first->pw_name);
    int count = 1;
    while (getpwent() != NULL)
        count++;
    TRUE(count >= 1);
    TRUE(getpwent() == NULL);
    setpwent();
    first = getpwent();
    TRUE(first != NULL && strcmp(first->pw_name, name) == 0);
    endpwent();
}

static void groups(void)
{
    struct group group;
    struct group *found = NULL;
    char text[4096];
    section("groups");
    IS(getgrgid_r(getgid(), &group, text + 1, sizeof text - 1, &found), 0);
    TRUE(found == &group && group.gr_gid == getgid() && group.gr_mem != NULL);
    char name[256];
    (void)snprintf(name, sizeof name, "%s", group.gr_name);
    found = NULL;
    IS(getgrnam_r(name, &group, text, sizeof text, &found), 0);
    TRUE(found == &group && group.gr_gid == getgid());
    IS(getgrgid_r(getgid(), &group, text, 1, &found), ERANGE);
    IS(getgrnam_r("no group of this name", &group, text, sizeof text, &found), 0);
    TRUE(found == NULL);
    setgrent();
    TRUE(getgrent() != NULL);
    while (getgrent() != NULL)
        ;
    TRUE(getgrent() == NULL);
    setgrent();
    TRUE(getgrent() != NULL);
    endgrent();
}

static void directories(void)
{
    struct dirent entry;
    struct dirent *found = &entry;
    int count = 0;
    int dots = 0;
    section("readdir_r");
    DIR *directory = opendir("/tmp");
    TRUE(directory != NULL);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    while (readdir_r(directory, &entry, &found) == 0 && found != NULL) {
        count++;
        dots += strcmp(entry.d_name, ".") == 0 || strcmp(entry.d_name, "..") == 0;
    }
    TRUE(found == NULL && count >= dots);
    IS(dots, 2);
    TRUE(readdir_r(directory, &entry, &found) == 0 && found == NULL);
#pragma GCC diagnostic pop
    IS(closedir(directory), 0);
}

/* What a machine has of them differs; and it may have none. */
static void *service_first(void *data)
{
    setservent(1);
    return getservent() != NULL ? data : NULL;
}

/* A thread that ends in the middle of a list leaves nothing open; here at least, for the GNU C
 * library has one list for all threads. */
static void lists_of_threads(void)
{
    int before = dup(0);
    section("lists of threads");
    (void)close(before);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, service_first, NULL) == 0)
            (void)pthread_join(thread, NULL);
    }
    endservent();
    int after = dup(0);
    (void)close(after);
    TRUE(after - before <= 1);
}

static void names(void)
{
    char name[128];
    section("lists of the network");
    setservent(1);
    const struct servent *service = getservent();
    TRUE(service == NULL || (service->s_name[0] != '\0' && service->s_proto[0] != '\0'));
    (void)snprintf(name, sizeof name, "%s", service != NULL ? service->s_name : "");
    while ((service = getservent()) != NULL)
        ;
    setservent(0);
    service = getservent();
    TRUE(service == NULL || strcmp(service->s_name, name) == 0);
    endservent();
    setprotoent(0);
    const struct protoent *protocol = getprotoent();
    TRUE(protocol == NULL || (protocol->p_name[0] != '\0' && protocol->p_aliases != NULL));
    while (protocol != NULL && protocol->p_proto != 6)
        protocol = getprotoent();
    TRUE(protocol == NULL || strcmp(protocol->p_name, "tcp") == 0);
    endprotoent();
    sethostent(0);
    const struct hostent *host = gethostent();
    TRUE(host == NULL || (host->h_name[0] != '\0' && host->h_addr_list[0] != NULL));
    TRUE(host == NULL || host->h_length == (host->h_addrtype == AF_INET ? 4 : 16));
    endhostent();
    setnetent(0);
    const struct netent *network = getnetent();
    TRUE(network == NULL || network->n_addrtype == AF_INET);
    endnetent();
    network = getnetbyname("loopback");
    TRUE(network == NULL || network->n_net == 0x7f000000);
    network = getnetbyaddr(0x7f000000, AF_INET);
    TRUE(network == NULL || strcmp(network->n_name, "loopback") == 0);
    TRUE(getnetbyname("no network of this name") == NULL);
}

static struct in6_addr parsed(const char *text)
{
    struct in6_addr address = {0};
    (void)inet_pton(AF_INET6, text, &address);
    return address;
}

static void addresses(void)
{
    struct in_addr address = {htonl(0x0a0b0c0d)};
    section("addresses");
    IS(inet_lnaof(address), 0x0b0c0d);
    IS(inet_netof(address), 0x0a);
    IS(ntohl(inet_makeaddr(10, 0x0b0c0d).s_addr), 0x0a0b0c0d);
    address.s_addr = htonl(0x80010203);
    IS(inet_lnaof(address), 0x0203);
    IS(inet_netof(address), 0x8001);
    IS(ntohl(inet_makeaddr(0x8001, 0x0203).s_addr) == 0x80010203, 1);
    address.s_addr = htonl(0xc0a80105);
    IS(inet_lnaof(address), 5);
    IS(inet_netof(address), 0xc0a801);
    IS(ntohl(inet_makeaddr(0xc0a801, 5).s_addr) == 0xc0a80105, 1);
    IS(ntohl(inet_makeaddr(0xc0a80000, 5).s_addr) == 0xc0a80005, 1);
    struct in6_addr node = parsed("ff01::1");
    struct in6_addr link = parsed("ff12::1");
    struct in6_addr site = parsed("ff05::1");
    struct in6_addr organisation = parsed("ff08::1");
    struct in6_addr global = parsed("ff0e::1");
    struct in6_addr unicast = parsed("fe05::1");
    TRUE(IN6_IS_ADDR_MC_NODELOCAL(&node) && !IN6_IS_ADDR_MC_NODELOCAL(&link));
    TRUE(IN6_IS_ADDR_MC_LINKLOCAL(&link) && !IN6_IS_ADDR_MC_LINKLOCAL(&node));
    TRUE(IN6_IS_ADDR_MC_SITELOCAL(&site) && !IN6_IS_ADDR_MC_SITELOCAL(&unicast));
    TRUE(IN6_IS_ADDR_MC_ORGLOCAL(&organisation) && !IN6_IS_ADDR_MC_ORGLOCAL(&global));
    TRUE(IN6_IS_ADDR_MC_GLOBAL(&global) && !IN6_IS_ADDR_MC_GLOBAL(&site));
}

static void threads(void)
{
    struct sched_param parameters = {.sched_priority = 7};
    pthread_mutexattr_t attributes;
    pthread_attr_t thread;
    int robust = 7;
    section("scheduling, attributes");
    IS(sched_getparam(0, &parameters), 0);
    IS(parameters.sched_priority, 0);
    IS(sched_setparam(getpid(), &parameters), 0);
    parameters.sched_priority = 1;
    FAILS(sched_setparam(0, &parameters), EINVAL);
    FAILS(sched_getparam(-1, &parameters), EINVAL);
    IS(pthread_attr_init(&thread), 0);
    IS(pthread_attr_setguardsize(&thread, 4096), 0);
    IS(pthread_attr_destroy(&thread), 0);
    IS(pthread_mutexattr_init(&attributes), 0);
    IS(pthread_mutexattr_getrobust(&attributes, &robust), 0);
    IS(robust, PTHREAD_MUTEX_STALLED);
    IS(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_STALLED), 0);
    IS(pthread_mutexattr_setrobust(&attributes, 99), EINVAL);
    int code = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    TRUE(code == (IS_WINDOWS ? ENOTSUP : 0));
    IS(pthread_mutexattr_destroy(&attributes), 0);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    IS(pthread_mutex_consistent(&mutex), EINVAL);
    FAILS(getpriority(77, 0), EINVAL);
    IS(getpriority(PRIO_USER, 0) >= -20, 1);
    IS(getpriority(PRIO_PGRP, 0) >= -20, 1);
}

int main(void)
{
    users();
    groups();
    directories();
    names();
    lists_of_threads();
    addresses();
    threads();
    return check_end();
}
