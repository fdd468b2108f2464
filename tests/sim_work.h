/* tests/sim_work.h - what loops do in a simulation while their promises are checked.
 *
 * Several loops on one simulated network: one serves, the others connect to it, and both ends of
 * each stream write, read, pause, hand over and end as chance has it, while other threads post to
 * the loops and stop them at any step. The numbers come from the seed, so a run is the same each
 * time.
 */
#ifndef SIM_WORK_H
#define SIM_WORK_H

#include <stdbool.h>

#include <pollux/sim.h>

/* What a run may contain. Shrinking takes away. */
typedef struct sim_limits {
    uint32_t streams;       /* At the most. */
    uint32_t bytes;         /* Of one direction, at the most. */
    uint32_t faults;        /* Bit N: the Nth of plx_sim_faults may happen. */
    uint32_t wrong_byte;    /* This one of all that arrive counts as wrong; 0: none. */
    bool serves;            /* The work is tests/sim_server.h's, not this one. */
    plx_sim_trace_fn trace; /* May be NULL. */
    void *trace_data;
} sim_limits;

/* Everything. */
extern const sim_limits sim_limits_all;

/* How many faults there are to choose from. */
enum { SIM_FAULTS = sizeof(plx_sim_faults) / sizeof(uint32_t) };

/* Chooses the faults of a run from those whose bits are set. */
plx_sim_faults sim_swarm(uint32_t allowed);

/* What a run did, added up over runs. */
typedef struct sim_work_counts {
    uint64_t streams, bytes, ended, reset, timed_out, handed_over, refused, acts, records;
} sim_work_counts;

extern sim_work_counts sim_work_count;

/* Runs one seed. A promise that is broken ends the process by abort(), with a line that says which
 * one. */
void sim_work_run(uint64_t seed, const sim_limits *limits);

#endif
