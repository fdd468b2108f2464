/* tools/histogram.c - buckets and their bounds. */
#include "tools/histogram.h"

/* The position of the highest bit that is set; `value` is not 0. */
static uint32_t highest_bit(uint64_t value)
{
    uint32_t bit = 0;
    for (uint32_t step = 32; step > 0; step /= 2) {
        if (value >> step != 0) {
            value >>= step;
            bit += step;
        }
    }
    return bit;
}

static size_t bucket_of(uint64_t value)
{
    if (value < 2 * HISTOGRAM_STEPS)
        return (size_t)value;
    uint32_t shift = highest_bit(value) - HISTOGRAM_STEP_BITS;
    return (size_t)shift * HISTOGRAM_STEPS + (size_t)(value >> shift);
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_last(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = (uint32_t)(bucket / HISTOGRAM_STEPS) - 1;
    uint64_t first = (uint64_t)(bucket - (size_t)shift * HISTOGRAM_STEPS) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void histogram_record(histogram *h, uint64_t value)
{
    h->count++;
    h->sum += (double)value;
    if (value > h->largest)
        h->largest = value;
    h->buckets[bucket_of(value)]++;
}

void histogram_add(histogram *sum, const histogram *other)
{
    sum->count += other->count;
    sum->sum += other->sum;
    if (other->largest > sum->largest)
        sum->largest = other->largest;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->buckets[i] += other->buckets[i];
}

/* `count` times `per_100000`, divided by that and rounded up, without overflow. */
static uint64_t rank_of(uint64_t count, uint32_t per_100000)
{
    uint64_t rest = count % 100000 * per_100000;
    return count / 100000 * per_100000 + rest / 100000 + (rest % 100000 != 0);
}

uint64_t histogram_quantile(const histogram *h, uint32_t per_100000)
{
    uint64_t rank = rank_of(h->count, per_100000);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank && seen > 0) {
            uint64_t last = bucket_last(i);
            return last < h->largest ? last : h->largest;
        }
    }
    return 0;
}

double histogram_mean(const histogram *h)
{
    return h->count > 0 ? h->sum / (double)h->count : 0.0;
}
