/* tests/sim_server.h - a server of several loops in a simulation, while its promises are checked.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "tests/sim_work.h"

/* What runs did, added up. */
typedef struct sim_server_counts {
    uint64_t clients, answered, ended, drains, stops, lost, handed_on, refused, cut;
    uint64_t over, slow, paused; /* By limits. */
} sim_server_counts;

extern sim_server_counts sim_server_count;

/* Runs one seed. A promise that is broken ends the process by abort(), with a line that says which
 * one. Of the limits, `streams` is how many clients there are at the most, and `bytes` has no
 * effect. */
void sim_server_run(uint64_t seed, const sim_limits *limits);

#endif
