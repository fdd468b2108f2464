/* netdb.h - names of hosts, services and protocols. */
#ifndef PLX_POSIX_NETDB_H
#define PLX_POSIX_NETDB_H

#include <netinet/in.h>

#define AI_PASSIVE     0x0001
#define AI_CANONNAME   0x0002
#define AI_NUMERICHOST 0x0004
#define AI_NUMERICSERV 0x0008
#define AI_ALL         0x0100
#define AI_ADDRCONFIG  0x0400
#define AI_V4MAPPED    0x0800

#define NI_NOFQDN      0x01
#define NI_NUMERICHOST 0x02
#define NI_NAMEREQD    0x04
#define NI_NUMERICSERV 0x08
#define NI_DGRAM       0x10
#define NI_MAXHOST     1025
#define NI_MAXSERV     32

#define EAI_BADFLAGS   (-1)
#define EAI_NONAME     (-2)
#define EAI_AGAIN      (-3)
#define EAI_FAIL       (-4)
#define EAI_NODATA     (-5)
#define EAI_FAMILY     (-6)
#define EAI_SOCKTYPE   (-7)
#define EAI_SERVICE    (-8)
#define EAI_ADDRFAMILY (-9)
#define EAI_MEMORY     (-10)
#define EAI_SYSTEM     (-11)
#define EAI_OVERFLOW   (-12)

#define HOST_NOT_FOUND 1
#define TRY_AGAIN      2
#define NO_RECOVERY    3
#define NO_DATA        4
#define NO_ADDRESS     NO_DATA
#define NETDB_SUCCESS  0
#define NETDB_INTERNAL (-1)

struct addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
    struct addrinfo *ai_next;
};

struct hostent {
    char *h_name;
    char **h_aliases;
    int h_addrtype;
    int h_length;
    char **h_addr_list;
#define h_addr h_addr_list[0]
};

struct servent {
    char *s_name;
    char **s_aliases;
    int s_port;
    char *s_proto;
};

struct netent {
    char *n_name;
    char **n_aliases;
    int n_addrtype;
    uint32_t n_net;
};

struct protoent {
    char *p_name;
    char **p_aliases;
    int p_proto;
};

PLX_POSIX_BEGIN

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list) PLX_POSIX_CALL(getaddrinfo);
void freeaddrinfo(struct addrinfo *list) PLX_POSIX_CALL(freeaddrinfo);
const char *gai_strerror(int code) PLX_POSIX_NEW(gai_strerror);
int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags) PLX_POSIX_CALL(getnameinfo);
struct hostent *gethostbyname(const char *name) PLX_POSIX_CALL(gethostbyname);
struct hostent *gethostbyname2(const char *name, int family) PLX_POSIX_NEW(gethostbyname2);
struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
    PLX_POSIX_CALL(gethostbyaddr);
int gethostbyname_r(const char *name, struct hostent *entry, char *buffer, size_t size,
                    struct hostent **result, int *error) PLX_POSIX_NEW(gethostbyname_r);
int gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer, size_t size,
                     struct hostent **result, int *error) PLX_POSIX_NEW(gethostbyname2_r);
int gethostbyaddr_r(const void *address, socklen_t length, int family, struct hostent *entry,
                    char *buffer, size_t size, struct hostent **result, int *error)
    PLX_POSIX_NEW(gethostbyaddr_r);
struct servent *getservbyname(const char *name, const char *protocol) PLX_POSIX_CALL(getservbyname);
struct servent *getservbyport(int port, const char *protocol) PLX_POSIX_CALL(getservbyport);
struct protoent *getprotobyname(const char *name) PLX_POSIX_CALL(getprotobyname);
struct protoent *getprotobynumber(int number) PLX_POSIX_CALL(getprotobynumber);
void sethostent(int stays_open) PLX_POSIX_NEW(sethostent);
void endhostent(void) PLX_POSIX_NEW(endhostent);
struct hostent *gethostent(void) PLX_POSIX_NEW(gethostent);
void setnetent(int stays_open) PLX_POSIX_NEW(setnetent);
void endnetent(void) PLX_POSIX_NEW(endnetent);
struct netent *getnetent(void) PLX_POSIX_NEW(getnetent);
struct netent *getnetbyname(const char *name) PLX_POSIX_NEW(getnetbyname);
struct netent *getnetbyaddr(uint32_t network, int family) PLX_POSIX_NEW(getnetbyaddr);
void setprotoent(int stays_open) PLX_POSIX_NEW(setprotoent);
void endprotoent(void) PLX_POSIX_NEW(endprotoent);
struct protoent *getprotoent(void) PLX_POSIX_NEW(getprotoent);
void setservent(int stays_open) PLX_POSIX_NEW(setservent);
void endservent(void) PLX_POSIX_NEW(endservent);
struct servent *getservent(void) PLX_POSIX_NEW(getservent);
int *plx_posix_h_errno(void);
#define h_errno (*plx_posix_h_errno())
const char *hstrerror(int code) PLX_POSIX_NEW(hstrerror);
void herror(const char *text) PLX_POSIX_NEW(herror);

PLX_POSIX_END
#endif
