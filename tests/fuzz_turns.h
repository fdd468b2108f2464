/* tests/fuzz_turns.h - the ways in which a loop can be run. */
#ifndef FUZZ_TURNS_H
#define FUZZ_TURNS_H

#include <pollux/pollux.h>

/* New loops: nothing has been done to them. */
void fuzz_turns_open(void);
/* Runs the loop in one of them: for one turn, or until it is stopped; on this thread, or on one
 * that ends then. */
void fuzz_turns_run(plx_loop *loop);
/* Runs it for one turn, which may wait for a moment. */
void fuzz_turns_quiet(plx_loop *loop);

typedef struct fuzz_turns_counts {
    uint64_t stopped, elsewhere, rings_lost;
} fuzz_turns_counts;
extern fuzz_turns_counts fuzz_turns_count;

#endif
