/* core/server/limits.h - who may connect, how many, how often, and how fast they must send.
 *
 * Several loops may accept, and connections close on all of them: everything here takes the lock of
 * the limits, and calls nobody meanwhile.
 */
#ifndef PLX__LIMITS_H
#define PLX__LIMITS_H

#include <pollux/limits.h>
#include <pollux/server.h>

#include "core/server/address_list.h"
#include "core/server/clients.h"

/* What applies to those that connect now. */
typedef struct plx__limit_rules {
    plx_server_limits numbers; /* Defaults filled in; the lists are below. */
    plx__address_list allow, deny;
} plx__limit_rules;

typedef struct plx__limits {
    plx_server *server;
    plx__mutex mutex;
    /* Under the mutex: */
    plx__limit_rules rules;
    plx__clients clients;
    plx__client nobody; /* All that have no address. */
    uint32_t open;      /* Connections, and those on their way to a loop. */
    uint64_t due_ns;    /* Of the server's bucket. */
    uint64_t now_ns;    /* The latest time that a loop has told. */
} plx__limits;

/* Whether a connection is let in now, at the time `now_ns`. 0: it counts for `*client_out`, until
 * plx__limits_leave(). PLX_EACCES: it is refused, and has been counted. PLX_ENOBUFS: it has to
 * wait, for `*wait_ns_out`, or if that is 0 until another one closes. */
int plx__limits_enter(plx__limits *limits, plx_socket socket, uint64_t now_ns,
                      plx__client **client_out, uint64_t *wait_ns_out);
/* It is gone, or will not be one. */
void plx__limits_leave(plx__client *client, uint64_t now_ns);
/* It is a connection of the loop by now: leaves when that is gone, and has its peer watched. A
 * connection for which that cannot be done is reset. */
void plx__limits_follow(plx_loop *loop, plx_conn conn, plx__client *client);
/* Adds what the limits of a forked child have counted. */
void plx__limits_stats_add(plx_server_stats *total, const plx_server_stats *child);
/* How many clients are remembered. */
uint32_t plx__limits_clients(plx__limits *limits);
/* The server closes. NULL is allowed. */
void plx__limits_close(plx__limits *limits);

#endif
