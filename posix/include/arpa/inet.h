/* arpa/inet.h - addresses as text. */
#ifndef PLX_POSIX_ARPA_INET_H
#define PLX_POSIX_ARPA_INET_H

#include <netinet/in.h>

PLX_POSIX_BEGIN

int inet_pton(int family, const char *text, void *address) PLX_POSIX_CALL(inet_pton);
const char *inet_ntop(int family, const void *address, char *text, socklen_t size)
    PLX_POSIX_CALL(inet_ntop);
in_addr_t inet_addr(const char *text) PLX_POSIX_CALL(inet_addr);
int inet_aton(const char *text, struct in_addr *address) PLX_POSIX_NEW(inet_aton);
char *inet_ntoa(struct in_addr address) PLX_POSIX_CALL(inet_ntoa);
in_addr_t inet_network(const char *text) PLX_POSIX_NEW(inet_network);
in_addr_t inet_lnaof(struct in_addr address) PLX_POSIX_NEW(inet_lnaof);
in_addr_t inet_netof(struct in_addr address) PLX_POSIX_NEW(inet_netof);
struct in_addr inet_makeaddr(in_addr_t network, in_addr_t host) PLX_POSIX_NEW(inet_makeaddr);

PLX_POSIX_END
#endif
