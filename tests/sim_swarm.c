/* tests/sim_swarm.c - which faults a run has, and how often.
 *
 * Each is off, rare or frequent: what comes often would hide what comes with it (swarm testing:
 * A. Groce and others, ISSTA 2012).
 */
#include <string.h>

#include "tests/chance.h"
#include "tests/sim_work.h"

plx_sim_faults sim_swarm(uint32_t allowed)
{
    static const uint32_t rates[] = {0, 0, 1000, 30000, 300000};
    uint32_t values[SIM_FAULTS];
    plx_sim_faults faults;
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        values[i] = rates[chance_below(sizeof rates / sizeof rates[0])];
        if ((allowed & 1u << i) == 0)
            values[i] = 0;
    }
    memcpy(&faults, values, sizeof faults);
    faults.slow_steps /= 100; /* Each takes up to 100 ms. */
    faults.losses /= 4;
    faults.resets /= 30;
    faults.no_memory /= 30;
    return faults;
}
