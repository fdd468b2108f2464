/* tests/tool_histogram.c - histograms and tallies. */
#include <string.h>

#include "tests/harness.h"
#include "tools/histogram.h"
#include "tools/tally.h"

extern const test_case tool_histogram_cases[];

static histogram first, second;

static void histogram_of_nothing(world *w)
{
    (void)w;
    ck_assert_uint_eq(histogram_quantile(&first, 50000), 0);
    ck_assert_uint_eq(histogram_quantile(&first, 100000), 0);
    ck_assert(histogram_mean(&first) < 0.5);
}

/* Small values have buckets of their own. */
static void histogram_is_exact_up_to_255(world *w)
{
    (void)w;
    for (uint64_t value = 0; value < 256; value++) {
        memset(&first, 0, sizeof first);
        histogram_record(&first, value);
        histogram_record(&first, UINT64_MAX);
        ck_assert_uint_eq(histogram_quantile(&first, 50000), value);
    }
}

/* What it says of a value is never less, and never more than 1/128 above, at and around every power
 * of two. */
static void histogram_error_is_bounded(world *w)
{
    (void)w;
    for (uint32_t bit = 1; bit < 64; bit++) {
        for (uint64_t offset = 0; offset < 5; offset++) {
            uint64_t value = (UINT64_C(1) << bit) + offset - 2;
            memset(&first, 0, sizeof first);
            histogram_record(&first, value);
            histogram_record(&first, UINT64_MAX);
            uint64_t said = histogram_quantile(&first, 50000);
            ck_assert_uint_ge(said, value);
            ck_assert_uint_le(said - value, value / 128);
        }
    }
}

static void histogram_quantiles_of_a_known_run(world *w)
{
    static const uint32_t per_100000[] = {1, 50000, 90000, 99000, 99900, 100000};
    (void)w;
    memset(&first, 0, sizeof first);
    for (uint64_t value = 100000; value > 0; value--)
        histogram_record(&first, value);
    for (size_t i = 0; i < sizeof per_100000 / sizeof per_100000[0]; i++) {
        uint64_t said = histogram_quantile(&first, per_100000[i]);
        ck_assert_uint_ge(said, per_100000[i]);
        ck_assert_uint_le(said - per_100000[i], per_100000[i] / 128);
    }
    ck_assert_uint_eq(histogram_quantile(&first, 100000), 100000);
    ck_assert(histogram_mean(&first) > 50000.4 && histogram_mean(&first) < 50000.6);
}

/* One value among many is seen by the quantile that it takes to see it, and no other. */
static void histogram_quantile_rounds_up(world *w)
{
    (void)w;
    memset(&first, 0, sizeof first);
    for (int i = 0; i < 999; i++)
        histogram_record(&first, 10);
    histogram_record(&first, 200);
    ck_assert_uint_eq(histogram_quantile(&first, 99900), 10);
    ck_assert_uint_eq(histogram_quantile(&first, 99901), 200);
}

static void histogram_add_is_like_recording_all(world *w)
{
    static histogram both;
    (void)w;
    memset(&first, 0, sizeof first);
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t value = i * i * i;
        histogram_record(i % 3 == 0 ? &first : &second, value);
        histogram_record(&both, value);
    }
    histogram_add(&first, &second);
    ck_assert_uint_eq(first.count, both.count);
    ck_assert_uint_eq(first.largest, both.largest);
    ck_assert_mem_eq(first.buckets, both.buckets, sizeof both.buckets);
}

static void tally_counts_by_kind_and_code(world *w)
{
    tally t = {0};
    char text[TALLY_TEXT_MAX];
    (void)w;
    tally_add(&t, TALLY_STATUS, 404, 2);
    tally_add(&t, TALLY_CONNECT, PLX_ECONNREFUSED, 1);
    tally_add(&t, TALLY_STATUS, 503, 1);
    tally_add(&t, TALLY_STATUS, 404, 3);
    ck_assert_uint_eq(t.total, 7);
    ck_assert_uint_eq(t.entries_count, 3);
    ck_assert_uint_eq(t.entries[0].count, 5);
    tally_text(&t.entries[0], text, sizeof text);
    ck_assert_str_eq(text, "HTTP status 404");
    tally_text(&t.entries[1], text, sizeof text);
    ck_assert_str_eq(text, "connecting: connection refused");
    for (int status = 0; status < 100; status++)
        tally_add(&t, TALLY_STATUS, 1000 + status, 1);
    ck_assert_uint_eq(t.entries_count, TALLY_ENTRIES_MAX);
    ck_assert_uint_eq(t.total, 107);
    ck_assert_uint_eq(t.others, 107 - 7 - (TALLY_ENTRIES_MAX - 3));
}

const test_case tool_histogram_cases[] = {
    CASE(histogram_of_nothing),          CASE(histogram_is_exact_up_to_255),
    CASE(histogram_error_is_bounded),    CASE(histogram_quantiles_of_a_known_run),
    CASE(histogram_quantile_rounds_up),  CASE(histogram_add_is_like_recording_all),
    CASE(tally_counts_by_kind_and_code), CASES_END,
};
