/* bench/compute.h - a handler that computes: the same number of steps for each request, so that one
 * server's requests cost what another's do, whatever the clock says. */
#ifndef BENCH_COMPUTE_H
#define BENCH_COMPUTE_H

#include <stdint.h>

/* Computes for so many steps, in registers alone. */
void bench_compute(uint64_t steps);

/* Prints how many steps take so long on this processor, as JSON. */
void bench_calibrate(uint64_t microseconds);

#endif
