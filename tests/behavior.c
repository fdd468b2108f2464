/* tests/behavior.c - the suite that every backend must pass, unchanged. */
#include "tests/harness.h"

/* The files of this suite: tests/behavior_NAME.c has the cases of NAME. */
#define GROUPS(X)                                                                                  \
    X(accept)                                                                                      \
    X(accept_first)                                                                                \
    X(admission)                                                                                   \
    X(background)                                                                                  \
    X(become)                                                                                      \
    X(cancel)                                                                                      \
    X(children)                                                                                    \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(cork)                                                                                        \
    X(daemon)                                                                                      \
    X(data)                                                                                        \
    X(drain)                                                                                       \
    X(events)                                                                                      \
    X(each)                                                                                        \
    X(failure)                                                                                     \
    X(finish)                                                                                      \
    X(fork)                                                                                        \
    X(fork_callback)                                                                               \
    X(fresh)                                                                                       \
    X(full)                                                                                        \
    X(gone)                                                                                        \
    X(handler)                                                                                     \
    X(handover)                                                                                    \
    X(idle)                                                                                        \
    X(idle_watch)                                                                                  \
    X(inherit)                                                                                     \
    X(late)                                                                                        \
    X(limits)                                                                                      \
    X(loop)                                                                                        \
    X(lost)                                                                                        \
    X(marks)                                                                                       \
    X(misuse)                                                                                      \
    X(offer)                                                                                       \
    X(option)                                                                                      \
    X(pace)                                                                                        \
    X(path)                                                                                        \
    X(post)                                                                                        \
    X(prefork)                                                                                     \
    X(proxy)                                                                                       \
    X(proxy_options)                                                                               \
    X(rest)                                                                                        \
    X(resume)                                                                                      \
    X(room)                                                                                        \
    X(send)                                                                                        \
    X(server)                                                                                      \
    X(setting)                                                                                     \
    X(slices)                                                                                      \
    X(slow)                                                                                        \
    X(stats)                                                                                       \
    X(stop)                                                                                        \
    X(suspend)                                                                                     \
    X(takeover)                                                                                    \
    X(takeover_answer)                                                                             \
    X(takeover_offer)                                                                              \
    X(takeover_process)                                                                            \
    X(threads)                                                                                     \
    X(timeout)                                                                                     \
    X(timer)                                                                                       \
    X(transfer)                                                                                    \
    X(wait)                                                                                        \
    X(wake)                                                                                        \
    X(watch)                                                                                       \
    X(watch_end)

#define GROUP_DECLARE(name) extern const test_case behavior_##name##_cases[];
GROUPS(GROUP_DECLARE)

int main(int argc, char **argv)
{
#define GROUP_NAME(name) behavior_##name##_cases,
    static const test_case *const groups[] = {GROUPS(GROUP_NAME) NULL};
    return suite_main(argc, argv, groups, true);
}
