/* tests/sim_pattern.c - owns one pattern, which each stream begins elsewhere. */
#include "tests/sim_pattern.h"

#define PERIOD 65521u /* A prime: lost bytes change the pattern. */

static unsigned char pattern[PERIOD + SIM_PATTERN_MAX];

static void pattern_make(void)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < sizeof pattern; i++) {
        state = state * 1664525u + 1013904223u;
        pattern[i] = i < PERIOD ? (unsigned char)(state >> 24) : pattern[i - PERIOD];
    }
}

const unsigned char *sim_pattern_at(size_t stream, uint64_t position)
{
    if (pattern[1] == 0)
        pattern_make();
    return pattern + (position + stream * 4099) % PERIOD;
}
