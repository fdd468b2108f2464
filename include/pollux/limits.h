/**
 * @file limits.h
 * Limits of a server: who may connect, how many, how often, and how fast they must send.
 *
 *     static const char *const deny[] = {"192.0.2.0/24", "2001:db8::/32"};
 *     const plx_server_limits limits = {
 *         .deny = deny, .deny_count = 2, .client_open_max = 100, .open_max = 10000};
 *     status = plx_server_set_limits(server, &limits, NULL);
 *
 * A client is an address, or a block of addresses: those that have their first `ipv4_bits` or
 * `ipv6_bits` in common. An IPv4 address that a listener on [::] sees as "::ffff:192.0.2.1" is an
 * IPv4 address. Peers of Unix-domain sockets have no address: the lists and the limits of clients
 * do not apply to them; the limits of the whole server and the receive rate do.
 *
 * A connection that is accepted passes the lists, then the limits of its client, then those of the
 * server, then plx_server_options.on_admit. The first that objects refuses it with a reset, and
 * plx_server_stats counts it by its kind. What is refused uses up nothing of the later limits, but
 * what on_admit refuses has used up its part of the rates.
 *
 * With PLX_DISPATCH_PREFORK each child counts for itself: a client may have so many connections
 * with each. With PLX_DISPATCH_THREAD and PLX_DISPATCH_FORK the receive rate has no effect: set the
 * read timeout.
 *
 * The address is that of the socket's peer. Behind a proxy that is the proxy: limit clients there.
 *
 * Rates are token buckets on the loops' clock: up to `burst` connections at once, and then as many
 * a second as the rate says.
 *
 * Memory: the server remembers each client that has connections, and up to 65,536 whose connections
 * have closed but whose bucket is not full yet, less than 128 bytes each. When there are more of
 * those, it forgets the one whose last connection closed first, whose bucket is full then.
 */
#ifndef POLLUX_LIMITS_H
#define POLLUX_LIMITS_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A server: pollux/server.h. */
typedef struct plx_server plx_server;

/** What becomes of connections beyond a limit of the whole server. */
enum plx_limit_action {
    /** Accepting pauses, and clients wait in the system's queue, whose length is
     * plx_listen_options.backlog. Those that a loop has accepted already, one or a few, wait in the
     * server. */
    PLX_LIMIT_WAIT = 0,
    PLX_LIMIT_REFUSE = 1 /**< They are reset. */
};

/** The limits of a server. All zero: none. */
typedef struct plx_server_limits {
    /** Blocks of addresses: "10.0.0.0/8", "2001:db8::/32", or one address; 4,096 at the most. If
     * there are any, all others are refused. Each connection is compared with one after another. */
    const char *const *allow;
    size_t allow_count;       /**< How many `allow` has. */
    const char *const *deny;  /**< Those are refused, also if they are in `allow`. */
    size_t deny_count;        /**< How many `deny` has. */
    uint32_t ipv4_bits;       /**< What a client is: so many bits of an IPv4 address; 0 means 32. */
    uint32_t ipv6_bits;       /**< The same for IPv6; 0 means 64: what one network often has. */
    uint32_t client_open_max; /**< Open connections of each client; 0 means no limit. */
    uint32_t client_rate;     /**< Connections of each client in a second; 0 means no limit. */
    uint32_t client_burst;    /**< So many of them at once; 0 means as many as in a second. */
    uint32_t server_open_max; /**< Open connections of all clients; 0 means no limit. */
    uint32_t server_rate;     /**< Connections of all clients in a second; 0 means no limit. */
    uint32_t server_burst;    /**< So many of them at once; 0 means as many as in a second. */
    uint32_t open_max_action; /**< One of plx_limit_action, for `server_open_max`, */
    uint32_t rate_action;     /**< and for `server_rate`. */
    /** plx_conn_set_receive_rate() for each connection: bytes a second while a message arrives. For
     * clients that speak first; an on_data that consumes messages piece by piece calls
     * plx_conn_set_in_message(). 0 means no limit. */
    uint64_t receive_rate;
    uint64_t receive_grace_ns; /**< How far a peer may fall behind that; 0 means 10 s. */
} plx_server_limits;

/** What plx_server_set_limits() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_server_set_limits_sized(plx_server *server,
                                                      const plx_server_limits *limits,
                                                      size_t limits_bytes, const char **wrong_out);

/**
 * Sets the limits of a server, instead of those that it has. The first call comes before
 * plx_server_listen(); later ones may come at any time before plx_server_close(), from any thread,
 * for instance to deny more addresses under an attack. They close no connection: what is open
 * counts for the new limits, and a receive rate applies to connections that are accepted later.
 * With PLX_DISPATCH_PREFORK they hold for children that start later; a child may set its own.
 *
 * `limits` and what it points to are read during the call only; NULL means none. If an entry of
 * `allow` or `deny` is not a block of addresses, `*wrong_out` is that entry, and otherwise NULL;
 * `wrong_out` may be NULL.
 *
 * Returns 0; PLX_EINVAL for a wrong entry, a value beyond its bounds (rates: 1,000,000,000) or a
 * burst without a rate; PLX_EBUSY for a first call after plx_server_listen(); or PLX_ENOMEM. On
 * failure nothing has changed.
 */
PLX_NODISCARD static inline int plx_server_set_limits(plx_server *server,
                                                      const plx_server_limits *limits,
                                                      const char **wrong_out)
{
    return plx_server_set_limits_sized(server, limits, sizeof *limits, wrong_out);
}

/**
 * Whether `text` is a block of addresses, as the lists above have them, or one address: 0 or
 * PLX_EINVAL. The bits behind the prefix must be 0: "10.0.0.1/8" is none. Any thread.
 */
PLX_NODISCARD PLX_API int plx_address_block_check(const char *text);

#ifdef __cplusplus
}
#endif
#endif
