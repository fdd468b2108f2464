/* tests/sim_shrink.h - the smallest run of a seed that still fails. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "tests/sim_work.h"

/* Takes away streams, bytes and faults as long as the seed still fails, each time in a process of
 * its own: the program at that path, with `--seed N --quiet` and the limits. Returns 0, with what
 * is left in `*limits`; 1 when it does not fail at all; or a code of Pollux when no process can be
 * started. `on_smaller` is called for each success. */
int sim_shrink(const char *program, uint64_t seed, sim_limits *limits,
               void (*on_smaller)(const sim_limits *limits));

#endif
