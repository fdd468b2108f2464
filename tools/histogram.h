/* tools/histogram.h - counts values in buckets whose width is a bounded part of the value.
 *
 * Log-linear, after Gil Tene's HdrHistogram: up to 255 each value has a bucket of its own, and
 * every octave above is cut into 128. So what it says of a value is at most 1/128 above it, over
 * the whole range of 64 bits, and recording takes constant time and no memory.
 */
#ifndef TOOLS_HISTOGRAM_H
#define TOOLS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7u
#define HISTOGRAM_STEPS     (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_BUCKETS   ((64u - HISTOGRAM_STEP_BITS + 1u) * HISTOGRAM_STEPS)

/* All zero is empty. */
typedef struct histogram {
    uint64_t count;
    uint64_t largest;
    double sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram;

void histogram_record(histogram *h, uint64_t value);
/* Adds all that the other one has counted. */
void histogram_add(histogram *sum, const histogram *other);
/* The least value that is not exceeded by `per_100000` of the values: 50,000 asks for the median,
 * 99,900 for p99.9. 0 when it is empty. */
uint64_t histogram_quantile(const histogram *h, uint32_t per_100000);
double histogram_mean(const histogram *h);

#endif
