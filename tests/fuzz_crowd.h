/* tests/fuzz_crowd.h - more connections that are ready at once than one system call tells of. */
#ifndef FUZZ_CROWD_H
#define FUZZ_CROWD_H

#include <pollux/pollux.h>

/* The life of a loop of its own with the options, which echoes what some hundred peers send. */
void fuzz_crowd_round(plx_loop_options options, uint64_t calls);

typedef struct fuzz_crowd_counts {
    uint64_t members, dropped;
} fuzz_crowd_counts;
extern fuzz_crowd_counts fuzz_crowd_count;

#endif
