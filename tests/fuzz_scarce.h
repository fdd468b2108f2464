/* tests/fuzz_scarce.h - listeners that cannot accept for a while. */
#ifndef FUZZ_SCARCE_H
#define FUZZ_SCARCE_H

#include <pollux/pollux.h>

/* The life of a loop of its own with the options, whose process or loop runs out of something while
 * peers wait to be accepted. */
void fuzz_scarce_round(plx_loop_options options, uint64_t calls);

typedef struct fuzz_scarce_counts {
    uint64_t pauses, rejected;
} fuzz_scarce_counts;
extern fuzz_scarce_counts fuzz_scarce_count;

#endif
