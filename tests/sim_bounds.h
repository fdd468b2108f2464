/* tests/sim_bounds.h - the limits of a server in a simulation, which change, and what has held. */
#ifndef SIM_BOUNDS_H
#define SIM_BOUNDS_H

#include <pollux/pollux.h>

#include <stdbool.h>

/* All zero at first. */
typedef struct sim_bounds {
    plx_server_limits now;
    plx_server_limits ever; /* What has been limited at any time: not 0. */
    uint32_t client_most; /* The most open connections that were allowed to a client at any time, */
    uint32_t server_most; /* and to all; 0: any number. */
    uint32_t changes;
    uint64_t changed_ns; /* When they changed for the last time; 0: they never did. */
} sim_bounds;

/* Gives the server other limits, or its first. If nothing befalls it, clients may have to wait for
 * them, but are not refused. Returns 0 or PLX_ENOMEM. */
int sim_bounds_set(sim_bounds *bounds, plx_server *server, bool is_calm, uint64_t now_ns);

#endif
