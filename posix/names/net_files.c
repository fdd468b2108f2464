/* posix/names/net_files.c - the lists of hosts, networks, protocols and services: Windows' files of
 * drivers\etc, which are those of Unix by other names.
 *
 * What a call returns is the thread's, until its next call for the same list. This file speaks
 * POSIX only, by the headers of programs.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/system/facts.h"

enum { WORDS_MAX = 34, LINE_SIZE = 1024 };

/* A list that is being read, and the line of it that was told last. The file is open during a call
 * only, for a thread may end in the middle of a list. */
typedef struct list {
    long offset; /* Of the next line. */
    char line[LINE_SIZE];
    char *words[WORDS_MAX + 1]; /* Ends with NULL. */
} list;

enum { HOSTS, NETWORKS, PROTOCOLS, SERVICES };
static _Thread_local list lists[4];

static void list_end(int which)
{
    lists[which].offset = 0;
}

static FILE *list_open(int which)
{
    static const char *const names[] = {"hosts", "networks", "protocol", "services"};
    char path[LINE_SIZE];
    size_t length = plx__system_directory(path, sizeof path - 32);
    (void)snprintf(path + length, sizeof path - length, "/drivers/etc/%s", names[which]);
    return fopen(path, "re");
}

/* Splits the line at blanks, up to a comment; how many words there are. */
static size_t line_split(list *of)
{
    char *rest = NULL;
    size_t count = 0;
    of->line[strcspn(of->line, "#")] = '\0';
    for (char *word = strtok_r(of->line, " \t\r\n", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \t\r\n", &rest))
        of->words[count++] = word;
    of->words[count] = NULL;
    return count;
}

/* The words of the next line that has two at least; NULL at the end. */
static char **line_next(int which)
{
    list *of = &lists[which];
    size_t count = 0;
    FILE *stream = list_open(which);
    if (stream == NULL)
        return NULL;
    if (fseek(stream, of->offset, SEEK_SET) == 0) {
        while (count < 2 && fgets(of->line, LINE_SIZE, stream) != NULL)
            count = line_split(of);
        of->offset = ftell(stream);
    }
    (void)fclose(stream);
    return count >= 2 ? of->words : NULL;
}

/* --- hosts ---------------------------------------------------------------------------------- */

void sethostent(int stays_open)
{
    (void)stays_open;
    list_end(HOSTS);
}

void endhostent(void)
{
    list_end(HOSTS);
}

struct hostent *gethostent(void)
{
    static _Thread_local struct hostent host;
    static _Thread_local unsigned char address[16];
    static _Thread_local char *addresses[2];
    for (char **words; (words = line_next(HOSTS)) != NULL;) {
        host.h_addrtype = strchr(words[0], ':') != NULL ? AF_INET6 : AF_INET;
        if (inet_pton(host.h_addrtype, words[0], address) != 1)
            continue;
        addresses[0] = (char *)address;
        host.h_length = host.h_addrtype == AF_INET6 ? 16 : 4;
        host.h_addr_list = addresses;
        host.h_name = words[1];
        host.h_aliases = words + 2;
        return &host;
    }
    return NULL;
}

/* --- networks ------------------------------------------------------------------------------- */

void setnetent(int stays_open)
{
    (void)stays_open;
    list_end(NETWORKS);
}

void endnetent(void)
{
    list_end(NETWORKS);
}

/* Windows' file leaves zeros at the end away, 127 is 127.0.0.0; and its loopback is always there.
 */
static struct netent *network_of(char **words)
{
    static _Thread_local struct netent network;
    unsigned parts[4] = {0, 0, 0, 0};
    if (sscanf(words[1], "%3u.%3u.%3u.%3u", &parts[0], &parts[1], &parts[2], &parts[3]) < 1)
        return NULL;
    network.n_name = words[0];
    network.n_aliases = words + 2;
    network.n_addrtype = AF_INET;
    network.n_net = parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3];
    return &network;
}

struct netent *getnetent(void)
{
    for (char **words; (words = line_next(NETWORKS)) != NULL;) {
        struct netent *network = network_of(words);
        if (network != NULL)
            return network;
    }
    return NULL;
}

static bool has_name(const char *name, char *const *aliases, const char *wanted)
{
    if (strcmp(name, wanted) == 0)
        return true;
    for (; *aliases != NULL; aliases++) {
        if (strcmp(*aliases, wanted) == 0)
            return true;
    }
    return false;
}

struct netent *getnetbyname(const char *name)
{
    struct netent *found;
    setnetent(0);
    do {
        found = getnetent();
    } while (found != NULL && !has_name(found->n_name, found->n_aliases, name));
    endnetent();
    return found;
}

struct netent *getnetbyaddr(uint32_t number, int family)
{
    struct netent *found;
    setnetent(0);
    do {
        found = getnetent();
    } while (found != NULL && (found->n_addrtype != family || found->n_net != number));
    endnetent();
    return found;
}

/* --- protocols and services ----------------------------------------------------------------- */

void setprotoent(int stays_open)
{
    (void)stays_open;
    list_end(PROTOCOLS);
}

void endprotoent(void)
{
    list_end(PROTOCOLS);
}

struct protoent *getprotoent(void)
{
    static _Thread_local struct protoent protocol;
    char **words = line_next(PROTOCOLS);
    if (words == NULL)
        return NULL;
    protocol.p_name = words[0];
    protocol.p_proto = atoi(words[1]);
    protocol.p_aliases = words + 2;
    return &protocol;
}

void setservent(int stays_open)
{
    (void)stays_open;
    list_end(SERVICES);
}

void endservent(void)
{
    list_end(SERVICES);
}

struct servent *getservent(void)
{
    static _Thread_local struct servent service;
    for (char **words; (words = line_next(SERVICES)) != NULL;) {
        char *protocol = strchr(words[1], '/');
        if (protocol == NULL)
            continue;
        service.s_name = words[0];
        service.s_port = htons((uint16_t)atoi(words[1]));
        service.s_proto = protocol + 1;
        service.s_aliases = words + 2;
        return &service;
    }
    return NULL;
}

/* --- addresses by class --------------------------------------------------------------------- */

static unsigned host_bits(uint32_t address)
{
    return IN_CLASSA(address) ? 24 : IN_CLASSB(address) ? 16 : 8;
}

in_addr_t inet_lnaof(struct in_addr address)
{
    uint32_t number = ntohl(address.s_addr);
    return number & ((UINT32_C(1) << host_bits(number)) - 1);
}

in_addr_t inet_netof(struct in_addr address)
{
    uint32_t number = ntohl(address.s_addr);
    return number >> host_bits(number);
}

struct in_addr inet_makeaddr(in_addr_t network, in_addr_t host)
{
    unsigned bits = network < 128 ? 24 : network < 65536 ? 16 : network < 0x1000000 ? 8 : 0;
    uint32_t mask = bits != 0 ? (UINT32_C(1) << bits) - 1 : UINT32_MAX; /* An address as it is. */
    struct in_addr address = {htonl(network << bits | (host & mask))};
    return address;
}
