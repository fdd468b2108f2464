/* tests/child_threads.h - whether a forked child may have threads, and its parent at the fork. */
#ifndef CHILD_THREADS_H
#define CHILD_THREADS_H

#include <stdbool.h>

#if defined(__SANITIZE_THREAD__)
#define CHILD_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_HAS_TSAN 1
#endif
#endif

/* Not with ThreadSanitizer: its runtime refuses new threads in the child of a process with threads
 * (die_after_fork), and its own locks stay locked there if a thread had them (seen in the one of
 * DenseSlabAlloc, gcc 12). */
static inline bool child_may_have_threads(void)
{
#ifdef CHILD_HAS_TSAN
    return false;
#else
    return true;
#endif
}

enum { CHILD_IS_GOOD = 42, CHILD_WAS_STRUCK = 43 };

#endif
