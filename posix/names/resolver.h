/* posix/names/resolver.h - what asking name servers is made of (resolver.c). */
#ifndef PLX__POSIX_RESOLVER_H
#define PLX__POSIX_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

enum { PLX__SERVERS_MAX = 3, PLX__DOMAINS_MAX = 6 }; /* MAXNS and MAXDNSRCH of resolv.h. */

typedef struct plx__name_server {
    int is_ipv6;
    uint32_t scope;
    unsigned char bytes[16]; /* The address. */
} plx__name_server;

/* What the system is set up with. */
typedef struct plx__name_setup {
    size_t servers_count;
    plx__name_server servers[PLX__SERVERS_MAX];
    size_t domains_count;
    char domains[PLX__DOMAINS_MAX][256]; /* Those that are searched, the host's own first. */
} plx__name_setup;

/* Asks the system (name_servers.c). */
void plx__name_setup_get(plx__name_setup *setup_out);
/* The system is to choose a port for this socket that nobody can guess, if it can (RFC 5452, 9.2).
 */
void plx__port_scatter(int fd);

struct __res_state;
/* What res_ninit() does, unless it or the program has (resolver.c). */
void plx__resolver_start(struct __res_state *state);
/* Adds to a question that an answer may be longer than 512 bytes, and whether signatures are to
 * come with it (RFC 6891, 6.1): the new length, or -1 without room (dns_message.c). */
int plx__question_extend(unsigned char *message, int length, int size, int answer_size,
                         int wants_proof);

#endif
