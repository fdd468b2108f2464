/* tests/child.h - cases that fork.
 *
 * A child goes on in its copy of the case, and reports when it is through: a check that fails there
 * ends the child with the message, and the case, which waits for a report. A child of a child
 * reports to the case too.
 */
#ifndef CHILD_H
#define CHILD_H

#include <string.h>

#include "platform/rehearsal.h"
#include "tests/harness.h"

enum { CHILD_IS_GOOD = 42, CHILD_WAS_STRUCK = 43 };

#if defined(__SANITIZE_THREAD__)
#define CHILD_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_HAS_TSAN 1
#endif
#endif

/* Whether threads may run at a fork, and start in the child. Not with ThreadSanitizer: its runtime
 * refuses new threads in the child of a process with threads (die_after_fork), and its own locks
 * stay locked there if a thread had them (seen in the one of DenseSlabAlloc, gcc 12). */
static inline bool child_may_have_threads(void)
{
#ifdef CHILD_HAS_TSAN
    return false;
#else
    return true;
#endif
}

/* Whether the case can be run at all. */
static inline bool child_is_possible(const world *w)
{
#ifdef _WIN32
    (void)w;
    return false;
#else
    return child_may_have_threads() || strcmp(w->configuration, "poll-two-tier") != 0;
#endif
}

/* Forks. True in the child. */
#define child_fork() (child_forked() == 0)

static inline int child_forked(void)
{
    int forked = plx__rehearse_fork();
    ck_assert_int_ge(forked, 0);
    return forked;
}

/* In the case: waits for the child's report. */
static inline void child_join(void)
{
    ck_assert_int_eq(plx__rehearse_fork_join(), CHILD_IS_GOOD);
}

/* What the case holds, memory and descriptors. */
typedef struct holdings {
    uint32_t memory, descriptors;
} holdings;

static inline holdings holdings_now(void)
{
    return (holdings){plx__fault_held(PLX__FAULT_MEMORY), plx__fault_held(PLX__FAULT_DESCRIPTOR)};
}

#endif
