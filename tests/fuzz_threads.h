/* tests/fuzz_threads.h - what other threads and signals may do to a loop at any time. */
#ifndef FUZZ_THREADS_H
#define FUZZ_THREADS_H

#include <pollux/pollux.h>

#include <stdbool.h>

enum { FUZZ_THREADS_MAX = 3 };

/* Starts a few threads that post to the loops, stop them and send this process signals, which the
 * loops subscribe to. False when there is none to be had: then nothing has begun. */
bool fuzz_threads_begin(plx_loop *const *loops, size_t count);
/* Joins them. After this, and before the loops close, nobody posts any more. */
void fuzz_threads_end(void);
/* In place of that in a forked child, where there are none: in whatever they were they ended. */
void fuzz_threads_lose(void);
/* After the loops have closed: each post that was taken has run, once. */
void fuzz_threads_check(void);

typedef struct fuzz_threads_counts {
    uint64_t posts, signals;
} fuzz_threads_counts;
extern fuzz_threads_counts fuzz_threads_count;

#endif
