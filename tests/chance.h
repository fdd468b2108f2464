/* tests/chance.h - numbers that look random, and are the same for the same seed: xorshift64* (Vigna
 * 2016). One sequence for the program.
 */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The seed; never 0. Who has main() defines it. */
extern uint64_t chance_state;

static inline uint64_t chance_next(void)
{
    chance_state ^= chance_state >> 12;
    chance_state ^= chance_state << 25;
    chance_state ^= chance_state >> 27;
    return chance_state * UINT64_C(2685821657736338717);
}

static inline size_t chance_below(size_t bound)
{
    return (size_t)(chance_next() >> 16) % bound;
}

static inline bool one_in(size_t many)
{
    return chance_below(many) == 0;
}

#endif
