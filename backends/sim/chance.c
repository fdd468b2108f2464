/* backends/sim/chance.c - owns what is left open: everything that chance decides is asked here. */
#include "backends/sim/sim.h"

#define MILLION 1000000u

static uint64_t rotate(uint64_t bits, unsigned count)
{
    return bits << count | bits >> (64 - count);
}

/* xoshiro256** (D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
 * 2018). */
static uint64_t chance_next(uint64_t *state)
{
    const uint64_t result = rotate(state[1] * 5, 7) * 9;
    const uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

/* SplitMix64, as they recommend: any seed will do, 0 too. */
void plx__sim_chance_seed(plx_sim *sim)
{
    uint64_t seed = sim->options.seed;
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t mixed = (seed ^ seed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
        sim->chance[i] = mixed ^ mixed >> 31;
    }
}

/* The remainder favours small numbers by less than one in 2^32, for the bounds there are. */
uint64_t plx__sim_chance(plx_sim *sim, uint64_t bound)
{
    return chance_next(sim->chance) % bound;
}

bool plx__sim_happens(plx_sim *sim, uint32_t rate)
{
    return rate != 0 && plx__sim_chance(sim, MILLION) < rate;
}

uint64_t plx__sim_latency(plx_sim *sim)
{
    uint64_t latency = sim->options.latency_ns;
    latency += plx__sim_chance(sim, sim->options.jitter_ns + 1);
    if (plx__sim_happens(sim, sim->faults.losses))
        latency += PLX__SIM_RESEND_NS << plx__sim_chance(sim, 4); /* It doubles each time. */
    return latency;
}
