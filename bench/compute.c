/* bench/compute.c - see bench/compute.h. */
#include "bench/compute.h"

#include <stdio.h>

#include "bench/contestant.h"

#define TRIES       20
#define STEPS_TRIED 200000 /* Some hundred microseconds: an interrupt spoils few of the tries. */

/* Each step needs the one before (G. Marsaglia, "Xorshift RNGs", 2003), and none leads to 0. So the
 * check costs nothing, and the compiler cannot leave the steps out. */
void bench_compute(uint64_t steps)
{
    uint64_t state = steps + 1;
    for (uint64_t i = 0; i < steps; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    if (state == 0)
        bench_fail("the steps went wrong");
}

void bench_calibrate(uint64_t microseconds)
{
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t start_ns = bench_cpu_ns();
        bench_compute(STEPS_TRIED);
        uint64_t taken_ns = bench_cpu_ns() - start_ns;
        least_ns = taken_ns < least_ns ? taken_ns : least_ns;
    }
    printf("{\"steps\": %.0f}\n", (double)microseconds * 1e3 * STEPS_TRIED / (double)least_ns);
}
