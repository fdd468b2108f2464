/* tests/child.h - cases that fork.
 *
 * A child goes on in its copy of the case, and reports when it is through: a check that fails there
 * ends the child with the message, and the case, which waits for a report. A child of a child
 * reports to the case too.
 */
#ifndef CHILD_H
#define CHILD_H

#include <string.h>

#include "platform/test_system.h"
#include "tests/child_threads.h"
#include "tests/harness.h"

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
    int forked = plx__test_fork();
    ck_assert_int_ge(forked, 0);
    return forked;
}

/* In the case: waits for the child's report. */
static inline void child_join(void)
{
    ck_assert_int_eq(plx__test_fork_join(), CHILD_IS_GOOD);
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
