/* tests/sim.c - the suite of the simulation itself (pollux/sim.h). */
#include "tests/harness.h"

extern const test_case sim_cut_cases[];
extern const test_case sim_drain_cases[];
extern const test_case sim_faults_cases[];
extern const test_case sim_guard_cases[];
extern const test_case sim_loops_cases[];
extern const test_case sim_memory_cases[];
extern const test_case sim_network_cases[];
extern const test_case sim_limits_cases[];
extern const test_case sim_pace_cases[];
extern const test_case sim_run_cases[];
extern const test_case sim_time_cases[];
extern const test_case sim_trace_cases[];

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {
        sim_cut_cases,
        sim_drain_cases,
        sim_faults_cases,
        sim_guard_cases,
        sim_loops_cases,
        sim_memory_cases,
        sim_network_cases,
        sim_limits_cases,
        sim_pace_cases,
        sim_run_cases,
        sim_time_cases,
        sim_trace_cases,
        NULL,
    };
    return suite_main(argc, argv, groups, false);
}
