/* tests/fuzz_lost.h - descriptors of a loop's that somebody else closes, by mistake. */
#ifndef FUZZ_LOST_H
#define FUZZ_LOST_H

#include <pollux/pollux.h>

#include <stdbool.h>

/* Whether the system gives out the lowest free number, without which nobody knows what to close. */
bool fuzz_lost_is_possible(void);
/* The life of a loop of its own with the options, while no other opens anything. */
void fuzz_lost_round(const plx_loop_options *options, uint64_t calls);

extern uint64_t fuzz_lost_count; /* Descriptors that were closed. */

#endif
