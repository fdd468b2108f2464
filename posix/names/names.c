/* posix/names/names.c - getaddrinfo and its family: Winsock's answers in POSIX's layouts. */
#include "posix/names/names.h"
#include "posix/fd/fd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_BADFLAGS = -1,
    NAMES_NONAME = -2,
    NAMES_AGAIN = -3,
    NAMES_FAIL = -4,
    NAMES_NODATA = -5,
    NAMES_FAMILY = -6,
    NAMES_SOCKTYPE = -7,
    NAMES_SERVICE = -8,
    NAMES_MEMORY = -10,
    NAMES_SYSTEM = -11,
    NAMES_OVERFLOW = -12
};

#define FLAGS_KNOWN                                                                                \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_ALL | AI_ADDRCONFIG |        \
     AI_V4MAPPED)

static int code_of(int os_code)
{
    switch (os_code) {
    case 0:
        return 0;
    case WSAEINVAL:
        return NAMES_BADFLAGS;
    case WSAHOST_NOT_FOUND:
    case WSANO_DATA:
        return NAMES_NONAME;
    case WSATRY_AGAIN:
        return NAMES_AGAIN;
    case WSANO_RECOVERY:
        return NAMES_FAIL;
    case WSAEAFNOSUPPORT:
        return NAMES_FAMILY;
    case WSAESOCKTNOSUPPORT:
        return NAMES_SOCKTYPE;
    case WSATYPE_NOT_FOUND:
        return NAMES_SERVICE;
    case WSA_NOT_ENOUGH_MEMORY:
        return NAMES_MEMORY;
    default:
        errno = -plx__errno_of(os_code);
        return NAMES_SYSTEM;
    }
}

/* One piece of memory for each entry, as freeaddrinfo() wants it. */
static plx__addrinfo *entry_make(const struct addrinfo *from, int socktype, int protocol,
                                 const char *canonical)
{
    size_t name = canonical != NULL ? strlen(canonical) + 1 : 0;
    plx__addrinfo *made = calloc(1, sizeof *made + from->ai_addrlen + name);
    if (made == NULL)
        return NULL;
    made->flags = from->ai_flags;
    made->family = from->ai_family;
    made->socktype = socktype;
    made->protocol = protocol;
    made->address_length = (plx__socklen)from->ai_addrlen;
    made->address = made + 1;
    memcpy(made->address, from->ai_addr, from->ai_addrlen);
    if (canonical != NULL) {
        made->canonical_name = (char *)made->address + from->ai_addrlen;
        memcpy(made->canonical_name, canonical, name);
    }
    return made;
}

PLX__CALL void plx_posix_freeaddrinfo(plx__addrinfo *list)
{
    while (list != NULL) {
        plx__addrinfo *next = list->next;
        free(list);
        list = next;
    }
}

typedef struct sort {
    int socktype;
    int protocol; /* 0: any. */
} sort;

static const sort sorts[] = {
    {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, IPPROTO_IP}};

enum { SORTS = sizeof sorts / sizeof *sorts };

/* Which of the sorts to list, as Linux does: each, if hints ask for none; else the first that fits.
 * Raw sockets have no services. */
static int sorts_choose(const struct addrinfo *hints, const char *service, size_t *first_out,
                        size_t *end_out)
{
    *first_out = 0;
    *end_out = SORTS;
    if (hints->ai_socktype == 0 && hints->ai_protocol == 0)
        return 0;
    for (size_t i = 0; i < SORTS; i++) {
        if ((hints->ai_socktype != 0 && hints->ai_socktype != sorts[i].socktype) ||
            (hints->ai_protocol != 0 && sorts[i].protocol != 0 &&
             hints->ai_protocol != sorts[i].protocol))
            continue;
        *first_out = i;
        *end_out = i + 1;
        return service != NULL && sorts[i].socktype == SOCK_RAW ? NAMES_SERVICE : 0;
    }
    return NAMES_SOCKTYPE;
}

/* Entries of the sorts from `first_sort` to before `end`; Winsock leaves a type that was not asked
 * for at 0. */
static plx__addrinfo *list_make(const struct addrinfo *from, const struct addrinfo *hints,
                                size_t first_sort, size_t end)
{
    plx__addrinfo *first = NULL;
    plx__addrinfo **last = &first;
    for (; from != NULL; from = from->ai_next) {
        if (from->ai_family != AF_INET && from->ai_family != AF_INET6)
            continue;
        for (size_t i = first_sort; i < end; i++) {
            const char *canonical =
                first == NULL && (hints->ai_flags & AI_CANONNAME) != 0 ? from->ai_canonname : NULL;
            *last = entry_make(from, sorts[i].socktype,
                               sorts[i].protocol != 0 ? sorts[i].protocol : hints->ai_protocol,
                               canonical);
            if (*last == NULL) {
                plx_posix_freeaddrinfo(first);
                return NULL;
            }
            last = &(*last)->next;
        }
    }
    return first;
}

static int hints_check(const plx__addrinfo *given, const char *host, const char *service)
{
    if (host == NULL && service == NULL)
        return NAMES_NONAME;
    if (given == NULL)
        return 0;
    if ((given->flags & ~FLAGS_KNOWN) != 0 || ((given->flags & AI_CANONNAME) != 0 && host == NULL))
        return NAMES_BADFLAGS;
    if (given->family != AF_UNSPEC && given->family != AF_INET && given->family != AF_INET6)
        return NAMES_FAMILY;
    if (given->socktype < 0 || given->socktype > SOCK_RAW)
        return NAMES_SOCKTYPE;
    return 0;
}

static bool is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

PLX__CALL int plx_posix_getaddrinfo(const char *host, const char *service,
                                    const plx__addrinfo *given, plx__addrinfo **list_out)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    size_t first;
    size_t end;
    plx__start();
    int code = hints_check(given, host, service);
    if (code != 0)
        return code;
    memset(&hints, 0, sizeof hints);
    if (given != NULL) {
        hints.ai_flags = given->flags;
        hints.ai_family = given->family;
        hints.ai_socktype = given->socktype;
        hints.ai_protocol = given->protocol;
    }
    code = sorts_choose(&hints, service, &first, &end);
    if (code != 0)
        return code;
    if (service != NULL && is_number(service)) {
        if (strtoul(service, NULL, 10) > 65535)
            return NAMES_SERVICE;
    } else if (service != NULL && (hints.ai_flags & AI_NUMERICSERV) != 0) {
        return NAMES_NONAME;
    }
    code = code_of(getaddrinfo(host, service, &hints, &found));
    if (code == NAMES_NONAME && service != NULL && !is_number(service) && host == NULL)
        code = NAMES_SERVICE;
    if (code != 0)
        return code;
    *list_out = list_make(found, &hints, first, end);
    freeaddrinfo(found);
    return *list_out != NULL ? 0 : NAMES_MEMORY;
}

PLX__CALL const char *plx_posix_gai_strerror(int code)
{
    switch (code) {
    case 0:
        return "Success";
    case NAMES_BADFLAGS:
        return "Bad value for ai_flags";
    case NAMES_NONAME:
        return "Name or service not known";
    case NAMES_AGAIN:
        return "Temporary failure in name resolution";
    case NAMES_FAIL:
        return "Non-recoverable failure in name resolution";
    case NAMES_NODATA:
        return "No address associated with hostname";
    case NAMES_FAMILY:
        return "ai_family not supported";
    case NAMES_SOCKTYPE:
        return "ai_socktype not supported";
    case NAMES_SERVICE:
        return "Servname not supported for ai_socktype";
    case -9:
        return "Address family for hostname not supported";
    case NAMES_MEMORY:
        return "Memory allocation failure";
    case NAMES_SYSTEM:
        return "System error";
    case NAMES_OVERFLOW:
        return "Argument buffer overflow";
    default:
        return "Unknown error";
    }
}

static int text_give(const char *text, char *to, plx__socklen size)
{
    if (to == NULL || size == 0)
        return 0;
    if (strlen(text) >= size)
        return NAMES_OVERFLOW;
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

PLX__CALL int plx_posix_getnameinfo(const struct sockaddr *address, plx__socklen length, char *host,
                                    plx__socklen host_size, char *service,
                                    plx__socklen service_size, int flags)
{
    plx__start();
    if ((flags & ~(NI_NOFQDN | NI_NUMERICHOST | NI_NAMEREQD | NI_NUMERICSERV | NI_DGRAM)) != 0)
        return NAMES_BADFLAGS;
    if (address == NULL || length < sizeof address->sa_family)
        return NAMES_FAMILY;
    if (address->sa_family == AF_UNIX) {
        if (host != NULL && host_size > 0)
            (void)snprintf(host, host_size, "localhost");
        if (service != NULL && service_size > 0)
            (void)snprintf(service, service_size, "%s", address->sa_data);
        return 0;
    }
    if ((address->sa_family != AF_INET && address->sa_family != AF_INET6) ||
        length < (address->sa_family == AF_INET ? 16u : 24u))
        return NAMES_FAMILY;
    if ((host == NULL || host_size == 0) && (service == NULL || service_size == 0))
        return NAMES_NONAME;
    char whole_host[1025];
    char whole_service[64];
    int code = code_of(getnameinfo(address, (socklen_t)length, whole_host, sizeof whole_host,
                                   whole_service, sizeof whole_service, flags));
    if (code == 0)
        code = text_give(whole_host, host, host_size);
    return code != 0 ? code : text_give(whole_service, service, service_size);
}

/* --- the old calls, whose answers live with the thread -------------------------------------- */

#define ADDRESSES_MAX 16

typedef struct host_answer {
    plx__hostent entry;
    char name[256];
    char *aliases[1];
    char *addresses[ADDRESSES_MAX + 1];
    unsigned char bytes[ADDRESSES_MAX][16];
} host_answer;

static _Thread_local host_answer host;
static _Thread_local int host_error;

int *plx_posix_h_errno(void)
{
    return &host_error;
}

static plx__hostent *host_failed(int code)
{
    host_error = code == NAMES_AGAIN ? 2 : code == NAMES_NONAME ? 1 : 3;
    return NULL;
}

static void host_start(int family)
{
    memset(&host, 0, sizeof host);
    host.entry.name = host.name;
    host.entry.aliases = host.aliases;
    host.entry.family = family;
    host.entry.length = family == AF_INET6 ? 16 : 4;
    host.entry.addresses = host.addresses;
}

static const void *bytes_of(const plx__addrinfo *from)
{
    if (from->family == AF_INET6)
        return &((const struct sockaddr_in6 *)from->address)->sin6_addr;
    return &((const struct sockaddr_in *)from->address)->sin_addr;
}

PLX__CALL plx__hostent *plx_posix_gethostbyname2(const char *name, int family)
{
    plx__addrinfo hints;
    plx__addrinfo *list;
    memset(&hints, 0, sizeof hints);
    hints.family = family;
    hints.socktype = SOCK_STREAM;
    hints.flags = AI_CANONNAME;
    int code = plx_posix_getaddrinfo(name, NULL, &hints, &list);
    if (code != 0)
        return host_failed(code);
    host_start(family);
    (void)snprintf(host.name, sizeof host.name, "%s",
                   list->canonical_name != NULL ? list->canonical_name : name);
    int count = 0;
    for (const plx__addrinfo *at = list; at != NULL && count < ADDRESSES_MAX; at = at->next) {
        memcpy(host.bytes[count], bytes_of(at), (size_t)host.entry.length);
        host.addresses[count] = (char *)host.bytes[count];
        count++;
    }
    plx_posix_freeaddrinfo(list);
    return &host.entry;
}

PLX__CALL plx__hostent *plx_posix_gethostbyname(const char *name)
{
    return plx_posix_gethostbyname2(name, AF_INET);
}

PLX__CALL plx__hostent *plx_posix_gethostbyaddr(const void *address, plx__socklen length,
                                                int family)
{
    struct sockaddr_in6 whole;
    memset(&whole, 0, sizeof whole);
    if ((family != AF_INET || length != 4) && (family != AF_INET6 || length != 16))
        return host_failed(NAMES_FAMILY);
    whole.sin6_family = (short)family;
    if (family == AF_INET6)
        memcpy(&whole.sin6_addr, address, 16);
    else
        memcpy(&((struct sockaddr_in *)&whole)->sin_addr, address, 4);
    host_start(family);
    int code = plx_posix_getnameinfo((struct sockaddr *)&whole,
                                     family == AF_INET6 ? sizeof whole : sizeof(struct sockaddr_in),
                                     host.name, sizeof host.name, NULL, 0, NI_NAMEREQD);
    if (code != 0)
        return host_failed(code);
    memcpy(host.bytes[0], address, length);
    host.addresses[0] = (char *)host.bytes[0];
    return &host.entry;
}

PLX__CALL const char *plx_posix_hstrerror(int code)
{
    static const char *const texts[] = {"Resolver Error 0 (no error)", "Unknown host",
                                        "Host name lookup failure", "Unknown server error",
                                        "No address associated with name"};
    return code == -1               ? "Resolver internal error"
           : code >= 0 && code <= 4 ? texts[code]
                                    : "Unknown resolver error";
}

PLX__CALL void plx_posix_herror(const char *text)
{
    fprintf(stderr, "%s%s%s\n", text != NULL ? text : "", text != NULL && *text ? ": " : "",
            plx_posix_hstrerror(host_error));
}

static _Thread_local plx__servent service_answer;
static _Thread_local plx__protoent protocol_answer;

static plx__servent *service_of(const struct servent *from)
{
    if (from == NULL)
        return NULL;
    service_answer.name = from->s_name;
    service_answer.aliases = from->s_aliases;
    service_answer.port = (unsigned short)from->s_port;
    service_answer.protocol = from->s_proto;
    return &service_answer;
}

PLX__CALL plx__servent *plx_posix_getservbyname(const char *name, const char *protocol)
{
    plx__start();
    return service_of(getservbyname(name, protocol));
}

PLX__CALL plx__servent *plx_posix_getservbyport(int port, const char *protocol)
{
    plx__start();
    return service_of(getservbyport(port, protocol));
}

static plx__protoent *protocol_of(const struct protoent *from)
{
    if (from == NULL)
        return NULL;
    protocol_answer.name = from->p_name;
    protocol_answer.aliases = from->p_aliases;
    protocol_answer.number = from->p_proto;
    return &protocol_answer;
}

PLX__CALL plx__protoent *plx_posix_getprotobyname(const char *name)
{
    plx__start();
    return protocol_of(getprotobyname(name));
}

PLX__CALL plx__protoent *plx_posix_getprotobynumber(int number)
{
    plx__start();
    return protocol_of(getprotobynumber(number));
}

/* --- addresses as text ---------------------------------------------------------------------- */

PLX__CALL uint32_t plx_posix_htonl(uint32_t value)
{
    return __builtin_bswap32(value);
}

PLX__CALL uint16_t plx_posix_htons(uint16_t value)
{
    return __builtin_bswap16(value);
}

PLX__CALL uint32_t plx_posix_ntohl(uint32_t value)
{
    return __builtin_bswap32(value);
}

PLX__CALL uint16_t plx_posix_ntohs(uint16_t value)
{
    return __builtin_bswap16(value);
}

PLX__CALL int plx_posix_inet_pton(int family, const char *text, void *address)
{
    if (family != AF_INET && family != AF_INET6)
        return plx__answer_int(-EAFNOSUPPORT);
    plx__start();
    /* Winsock takes a scope ("%1") and a trailing port; POSIX does not. */
    if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
        return 0;
    return inet_pton(family, text, address) == 1;
}

PLX__CALL const char *plx_posix_inet_ntop(int family, const void *address, char *text,
                                          plx__socklen size)
{
    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    char whole[64];
    plx__start();
    if (inet_ntop(family, (void *)(uintptr_t)address, whole, sizeof whole) == NULL ||
        strlen(whole) >= size) {
        errno = ENOSPC;
        return NULL;
    }
    memcpy(text, whole, strlen(whole) + 1);
    return text;
}

/* "a.b.c.d", "a.b.c", "a.b" or "a", each number decimal, octal or hexadecimal. */
PLX__CALL int plx_posix_inet_aton(const char *text, struct in_addr *address)
{
    unsigned long parts[4];
    int count = 0;
    for (;;) {
        char *end;
        if (*text < '0' || *text > '9' || count == 4)
            return 0;
        parts[count++] = strtoul(text, &end, 0);
        text = end;
        if (*text != '.')
            break;
        text++;
    }
    if (*text != '\0' && strchr(" \t\r\n", *text) == NULL)
        return 0;
    static const unsigned long most[] = {0xFFFFFFFF, 0xFFFFFF, 0xFFFF, 0xFF};
    unsigned long whole = parts[count - 1];
    if (whole > most[count - 1])
        return 0;
    for (int i = 0; i + 1 < count; i++) {
        if (parts[i] > 255)
            return 0;
        whole |= parts[i] << (24 - 8 * i);
    }
    if (address != NULL)
        address->s_addr = plx_posix_htonl((uint32_t)whole);
    return 1;
}

PLX__CALL uint32_t plx_posix_inet_addr(const char *text)
{
    struct in_addr address;
    return plx_posix_inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

PLX__CALL uint32_t plx_posix_inet_network(const char *text)
{
    return plx_posix_ntohl(plx_posix_inet_addr(text));
}

PLX__CALL char *plx_posix_inet_ntoa(struct in_addr address)
{
    static _Thread_local char text[16];
    const unsigned char *bytes = (const unsigned char *)&address;
    (void)snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    return text;
}
