/* tests/behavior.c - the suite that every backend must pass, unchanged. */
#include "tests/harness.h"

extern const test_case behavior_accept_cases[];
extern const test_case behavior_accept_first_cases[];
extern const test_case behavior_close_cases[];
extern const test_case behavior_cold_cases[];
extern const test_case behavior_connect_cases[];
extern const test_case behavior_data_cases[];
extern const test_case behavior_loop_cases[];
extern const test_case behavior_post_cases[];
extern const test_case behavior_send_cases[];
extern const test_case behavior_slow_cases[];
extern const test_case behavior_thread_cases[];
extern const test_case behavior_timer_cases[];
extern const test_case behavior_transfer_cases[];
extern const test_case behavior_wake_cases[];
extern const test_case behavior_watch_cases[];

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        behavior_accept_cases,   behavior_accept_first_cases,
        behavior_close_cases,    behavior_cold_cases,
        behavior_connect_cases,  behavior_data_cases,
        behavior_loop_cases,     behavior_post_cases,
        behavior_send_cases,     behavior_slow_cases,
        behavior_thread_cases,   behavior_timer_cases,
        behavior_transfer_cases, behavior_wake_cases,
        behavior_watch_cases,    NULL,
    };
    return suite_main(argc, argv, groups, true);
}
