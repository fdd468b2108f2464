/* tests/unit.c - the suite of the parts, without a loop. */
#include "tests/harness.h"

extern const test_case unit_core_cases[];
extern const test_case unit_fork_cases[];
extern const test_case unit_path_cases[];
extern const test_case unit_platform_cases[];
extern const test_case unit_poll_cases[];
extern const test_case unit_seam_cases[];
extern const test_case unit_wheel_cases[];

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        unit_core_cases, unit_fork_cases, unit_path_cases,  unit_platform_cases,
        unit_poll_cases, unit_seam_cases, unit_wheel_cases, NULL,
    };
    return suite_main(argc, argv, groups, false);
}
