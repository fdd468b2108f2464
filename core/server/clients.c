/* core/server/clients.c - a tree of bits, and a list of the clients that have no connection. */
#include "core/server/clients.h"

#include <string.h>

#include "core/assert.h"

typedef struct branch {
    plx__clients_node node; /* First. */
    plx__clients_node *below[2];
} branch;

/* --- keys ------------------------------------------------------------------------------------- */

/* IPv4 addresses are where IPv6 has them (RFC 4291, 2.5.5.2). */
plx__client_key plx__client_key_of(const plx__ip *ip, uint32_t ipv4_bits, uint32_t ipv6_bits)
{
    plx__client_key key = {{0}};
    plx__ip own = *ip;
    plx__ip_unmap(&own);
    uint32_t bits = own.length == PLX__IPV4_BYTES ? 96 + ipv4_bits : ipv6_bits;
    if (own.length == PLX__IPV4_BYTES) {
        memset(key.bytes + 10, 0xff, 2);
        memcpy(key.bytes + 12, own.bytes, PLX__IPV4_BYTES);
    } else {
        memcpy(key.bytes, own.bytes, PLX__IPV6_BYTES);
    }
    for (uint32_t i = 0; i < PLX__CLIENT_KEY_BYTES; i++) {
        uint32_t left = bits > 8 * i ? bits - 8 * i : 0;
        if (left < 8)
            key.bytes[i] &= (unsigned char)(0xff00u >> left);
    }
    return key;
}

static uint32_t bit_at(const plx__client_key *key, uint32_t bit)
{
    return (uint32_t)key->bytes[bit / 8] >> (7 - bit % 8) & 1u;
}

/* The first bit in which they differ, or PLX__CLIENT_KEY_BITS. */
static uint32_t first_difference(const plx__client_key *left, const plx__client_key *right)
{
    uint32_t bit = 0;
    while (bit < PLX__CLIENT_KEY_BITS && bit_at(left, bit) == bit_at(right, bit))
        bit++;
    return bit;
}

/* --- the tree --------------------------------------------------------------------------------- */

static bool is_client(const plx__clients_node *node)
{
    return node->bit == PLX__CLIENT_KEY_BITS;
}

static branch *branch_of(plx__clients_node *node)
{
    return (branch *)(void *)node;
}

static plx__client *client_of(plx__clients_node *node)
{
    return (plx__client *)(void *)node;
}

/* The client at the end of the key's path, whose key may be another one; not for an empty tree. */
static plx__client *path_end(const plx__clients *clients, const plx__client_key *key)
{
    plx__clients_node *node = clients->root;
    while (!is_client(node))
        node = branch_of(node)->below[bit_at(key, node->bit)];
    return client_of(node);
}

/* The link on the key's path that leads to `end`, or to the first node whose bit is not before
 * `bit`. */
static plx__clients_node **path_link(plx__clients *clients, const plx__client_key *key,
                                     uint32_t bit, const plx__clients_node *end)
{
    plx__clients_node **link = &clients->root;
    while (*link != end && (*link)->bit < bit)
        link = &branch_of(*link)->below[bit_at(key, (*link)->bit)];
    return link;
}

plx__client *plx__clients_find(const plx__clients *clients, const plx__client_key *key)
{
    if (clients->root == NULL)
        return NULL;
    plx__client *client = path_end(clients, key);
    return memcmp(&client->key, key, sizeof *key) == 0 ? client : NULL;
}

/* Puts a branch where the keys part. False for want of memory. */
static bool client_link(plx__clients *clients, plx__client *client)
{
    if (clients->root == NULL) {
        clients->root = &client->node;
        return true;
    }
    branch *parting = plx__allocate(sizeof *parting);
    if (parting == NULL)
        return false;
    const plx__client *near = path_end(clients, &client->key);
    uint32_t bit = first_difference(&near->key, &client->key);
    PLX_ASSERT(bit < PLX__CLIENT_KEY_BITS);
    plx__clients_node **link = path_link(clients, &client->key, bit, NULL);
    uint32_t side = bit_at(&client->key, bit);
    parting->node.bit = bit;
    parting->below[side] = &client->node;
    parting->below[1 - side] = *link;
    *link = &parting->node;
    return true;
}

plx__client *plx__clients_add(plx__clients *clients, const plx__client_key *key)
{
    plx__client *client = plx__allocate_zeroed(1, sizeof *client);
    if (client == NULL)
        return NULL;
    client->node.bit = PLX__CLIENT_KEY_BITS;
    client->key = *key;
    if (!client_link(clients, client)) {
        plx__free(client);
        return NULL;
    }
    clients->count++;
    return client;
}

/* With the branch above it, whose other side is put there instead. */
static void client_unlink(plx__clients *clients, plx__client *client)
{
    plx__clients_node *above = clients->root;
    if (above == &client->node) {
        clients->root = NULL;
        return;
    }
    while (branch_of(above)->below[bit_at(&client->key, above->bit)] != &client->node)
        above = branch_of(above)->below[bit_at(&client->key, above->bit)];
    uint32_t other = 1 - bit_at(&client->key, above->bit);
    *path_link(clients, &client->key, PLX__CLIENT_KEY_BITS, above) = branch_of(above)->below[other];
    plx__free(above);
}

/* --- those without connections ---------------------------------------------------------------- */

static bool is_idle(const plx__clients *clients, const plx__client *client)
{
    return client->older != NULL || clients->oldest == client;
}

void plx__clients_take(plx__clients *clients, plx__client *client)
{
    if (!is_idle(clients, client))
        return;
    *(client->older != NULL ? &client->older->newer : &clients->oldest) = client->newer;
    *(client->newer != NULL ? &client->newer->older : &clients->newest) = client->older;
    client->older = client->newer = NULL;
    clients->idle_count--;
}

void plx__clients_rest(plx__clients *clients, plx__client *client)
{
    PLX_ASSERT(client->open == 0 && !is_idle(clients, client));
    client->older = clients->newest;
    *(client->older != NULL ? &client->older->newer : &clients->oldest) = client;
    clients->newest = client;
    if (++clients->idle_count > PLX__CLIENTS_IDLE_MAX)
        plx__clients_forget(clients, clients->oldest);
}

void plx__clients_forget(plx__clients *clients, plx__client *client)
{
    plx__clients_take(clients, client);
    client_unlink(clients, client);
    clients->count--;
    plx__free(client);
}

void plx__clients_close(plx__clients *clients)
{
    while (clients->root != NULL) {
        plx__clients_node *node = clients->root;
        while (!is_client(node))
            node = branch_of(node)->below[0];
        plx__clients_forget(clients, client_of(node));
    }
}
