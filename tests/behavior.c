/* tests/behavior.c - the suite that every backend must pass, unchanged. */
#include "tests/harness.h"

extern const test_case behavior_accept_cases[];
extern const test_case behavior_data_cases[];

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        behavior_accept_cases,
        behavior_data_cases,
        NULL,
    };
    return suite_main(argc, argv, groups, true);
}
