/* tests/fuzz_calls.h - random calls, in any order, with handles of every sort. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include <pollux/pollux.h>

/* For the loops of one round, each of which gets a listener; `loops` stays valid until
 * fuzz_calls_close(). A loop that has been closed is NULL there. */
void fuzz_calls_open(plx_loop *const *loops, size_t count);
/* After all loops are closed: each connection has closed or was released once, and each buffer that
 * was lent has come back once. */
void fuzz_calls_close(void);
/* Makes one random call on the loop. From inside a callback only on its own loop. */
void fuzz_calls_call(plx_loop *loop);

typedef struct fuzz_calls_counts {
    uint64_t calls, opened, lent, released;
} fuzz_calls_counts;
extern fuzz_calls_counts fuzz_calls_count;

#endif
