/* tests/fuzz_forks.h - children that drop their parent's loops, or go on with them. */
#ifndef FUZZ_FORKS_H
#define FUZZ_FORKS_H

#include <pollux/pollux.h>

#include <stdbool.h>

/* Whether this build and system can fork while threads run. */
bool fuzz_forks_are_possible(void);
/* Between two turns: a child finds that everything is refused, drops its copies of the loops, and
 * has nothing left. It must say so. */
void fuzz_forks_abandon(plx_loop *const *loops, size_t count);
/* A child of a process that has no loop runs this, and calls fuzz_forks_continue() in it. The
 * second child ends here, and must have got this far. */
void fuzz_forks_daemon(void (*run)(void));
/* In that child: returns in a child of its own, as soon as it has ended, with the loops taken over.
 */
void fuzz_forks_continue(plx_loop *const *loops, size_t count);

typedef struct fuzz_forks_counts {
    uint64_t abandoned, daemons;
} fuzz_forks_counts;
extern fuzz_forks_counts fuzz_forks_count;

#endif
