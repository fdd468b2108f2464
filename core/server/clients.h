/* core/server/clients.h - the clients that the limits of a server remember.
 *
 * A client is found by its key, in a tree of bits (a crit-bit tree, D. J. Bernstein): as deep as a
 * key has bits at the most, whichever keys come. So nobody can choose addresses that make it slow,
 * as with a table of hashes, and it needs no secret. It knows no lock.
 */
#ifndef PLX__CLIENTS_H
#define PLX__CLIENTS_H

#include "platform/platform.h"

#define PLX__CLIENT_KEY_BYTES 16u
#define PLX__CLIENT_KEY_BITS  128u
/* Of those that have no connection, so many are remembered. */
#define PLX__CLIENTS_IDLE_MAX 65536u

typedef struct plx__client_key {
    unsigned char bytes[PLX__CLIENT_KEY_BYTES];
} plx__client_key;

/* A branch or, at the end of each path, a client. */
typedef struct plx__clients_node {
    uint32_t bit; /* The first in which what is below differs; of a client: the key's length. */
} plx__clients_node;

typedef struct plx__client {
    plx__clients_node node; /* First. */
    plx__client_key key;
    uint32_t open;   /* Its connections. */
    uint64_t due_ns; /* Of its bucket: core/server/limits.c. */
    struct plx__limits *limits;
    struct plx__client *older, *newer; /* While it has none: by when its last one closed. */
} plx__client;

/* All zero: an empty one. */
typedef struct plx__clients {
    plx__clients_node *root;
    uint32_t count;
    uint32_t idle_count;
    plx__client *oldest, *newest; /* Of those without connections. */
} plx__clients;

/* The first `ipv4_bits` or `ipv6_bits` of the address, which is not none. */
plx__client_key plx__client_key_of(const plx__ip *ip, uint32_t ipv4_bits, uint32_t ipv6_bits);
/* NULL if it is not remembered. */
plx__client *plx__clients_find(const plx__clients *clients, const plx__client_key *key);
/* One that is not remembered yet. It has no connection, and is not among the idle ones. NULL for
 * want of memory. */
plx__client *plx__clients_add(plx__clients *clients, const plx__client_key *key);
/* It has a connection: it is not idle any more. */
void plx__clients_take(plx__clients *clients, plx__client *client);
/* Its last connection has closed. If that makes too many idle ones, the oldest is forgotten. */
void plx__clients_rest(plx__clients *clients, plx__client *client);
/* Forgets one that has no connection, idle or not. */
void plx__clients_forget(plx__clients *clients, plx__client *client);
/* Forgets all. */
void plx__clients_close(plx__clients *clients);

#endif
