/* core/address_prefix.h - blocks of IP addresses, as "10.0.0.0/8", and whose address is in one.
 *
 * Pure: nothing is looked up or allocated. An IPv4 address that is mapped into IPv6, as a listener
 * on [::] sees IPv4 peers, counts as the IPv4 address: it is in 0.0.0.0/0, and not in ::/0.
 */
#ifndef PLX__ADDRESS_PREFIX_H
#define PLX__ADDRESS_PREFIX_H

#include "platform/platform.h"

typedef struct plx__address_prefix {
    plx__ip ip; /* The bits behind the prefix are 0. */
    uint32_t bits;
} plx__address_prefix;

/* Parses "10.0.0.0/8", "2001:db8::/32", or one address without a length, "10.0.0.1" or "::1". 0, or
 * PLX_EINVAL: for bits behind the prefix that are not 0, too, which are a mistake more often than
 * not. `text` may be NULL, which is none. */
int plx__address_prefix_parse(plx__address_prefix *prefix_out, const char *text);

/* Whether the address is in the block. None, of a Unix-domain socket, is in no block. */
bool plx__address_prefix_has(const plx__address_prefix *prefix, const plx__ip *ip);

/* The IP address in text of plx_conn_peer()'s form, "tcp://10.0.0.1:80"; none for "unix:/path". 0,
 * or as plx__address_parse(). */
int plx__address_ip(plx__ip *ip_out, const char *address);

/* That of the peer of a socket, without text; none for a Unix-domain one. 0, or as
 * plx_socket_peer(). */
int plx__socket_peer_ip(plx__ip *ip_out, plx_socket socket);

#endif
