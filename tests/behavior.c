/* tests/behavior.c - the suite that every backend must pass, unchanged. */
#include "tests/harness.h"

/* The files of this suite: tests/behavior_NAME.c has the cases of NAME. */
#define GROUPS(X)                                                                                  \
    X(accept)                                                                                      \
    X(accept_first)                                                                                \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(daemon)                                                                                      \
    X(data)                                                                                        \
    X(events)                                                                                      \
    X(failure)                                                                                     \
    X(fork)                                                                                        \
    X(fork_callback)                                                                               \
    X(fresh)                                                                                       \
    X(idle)                                                                                        \
    X(idle_watch)                                                                                  \
    X(late)                                                                                        \
    X(limits)                                                                                      \
    X(loop)                                                                                        \
    X(lost)                                                                                        \
    X(path)                                                                                        \
    X(post)                                                                                        \
    X(rest)                                                                                        \
    X(resume)                                                                                      \
    X(send)                                                                                        \
    X(setting)                                                                                     \
    X(slow)                                                                                        \
    X(stats)                                                                                       \
    X(stop)                                                                                        \
    X(takeover)                                                                                    \
    X(threads)                                                                                     \
    X(timer)                                                                                       \
    X(transfer)                                                                                    \
    X(wake)                                                                                        \
    X(watch)

#define GROUP_DECLARE(name) extern const test_case behavior_##name##_cases[];
GROUPS(GROUP_DECLARE)

int main(int argc, char **argv)
{
#define GROUP_NAME(name) behavior_##name##_cases,
    static const test_case *const groups[] = {GROUPS(GROUP_NAME) NULL};
    return suite_main(argc, argv, groups, true);
}
