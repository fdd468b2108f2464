/* tests/unit_bytes.c - segments of send queues, and unconsumed bytes. */
#include <string.h>

#include "core/segment.h"
#include "core/unconsumed.h"
#include "tests/harness.h"

extern const test_case unit_bytes_cases[];

static void segments_are_pooled(world *w)
{
    plx__segment_pool pool = {{{NULL, 0}}};
    plx__segment *taken[PLX__SEGMENTS_POOL_MAX + 8];
    (void)w;
    for (size_t i = 0; i < PLX__SEGMENTS_POOL_MAX + 8; i++) {
        taken[i] = plx__segment_take(&pool);
        ck_assert_ptr_nonnull(taken[i]);
    }
    ck_assert_uint_eq(plx__segment_fill(taken[0], "abc", 3), 3);
    ck_assert_uint_eq(plx__segment_fill(taken[0], "def", 3), 3);
    ck_assert_mem_eq(taken[0]->bytes, "abcdef", 6);
    ck_assert_uint_eq(taken[0]->room, PLX__SEGMENT_BYTES - 6);
    for (size_t i = 0; i < PLX__SEGMENTS_POOL_MAX + 8; i++)
        plx__segment_give(&pool, taken[i]);
    /* The others were freed. */
    ck_assert_uint_eq(pool.shelves[false].count, PLX__SEGMENTS_POOL_MAX);
    plx__segment *again = plx__segment_take(&pool);
    ck_assert_uint_eq(again->length, 0);
    ck_assert_uint_eq(again->room, PLX__SEGMENT_BYTES);
    plx__segment_give(&pool, again);
    plx__segment *lent = plx__segment_lend(&pool, "abc", 3, NULL, NULL);
    ck_assert_uint_eq(lent->length, 3);
    ck_assert_uint_eq(plx__segment_fill(lent, "def", 3), 0);
    plx__segment_give(&pool, lent);
    ck_assert_ptr_eq(plx__segment_lend(&pool, "x", 1, NULL, NULL), lent); /* Not a copy's. */
    plx__segment_give(&pool, lent);
    plx__segment_pool_close(&pool);
}

/* Bytes go in at the end and out at the front, in all sizes; what remains is always what it was. */
static void kept_bytes_keep_their_order(world *w)
{
    plx__unconsumed *unconsumed = NULL;
    plx__unconsumed *spare = NULL;
    unsigned char bytes[700];
    size_t in = 0;
    size_t out = 0;
    (void)w;
    for (size_t round = 1; round < 400; round++) {
        size_t adds = round * 37 % sizeof bytes + 1;
        pattern_fill(bytes, adds, in);
        ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, adds));
        in += adds;
        pattern_check(unconsumed->bytes + unconsumed->start, unconsumed->length, out);
        size_t takes = round % 5 == 0 ? in - out : (in - out) * (round % 3) / 3;
        plx__unconsumed_consume(&unconsumed, &spare, takes);
        out += takes;
        ck_assert_int_eq(unconsumed == NULL, in == out);
    }
    if (unconsumed != NULL)
        plx__unconsumed_consume(&unconsumed, &spare, in - out);
    plx__free(spare);
}

/* Where the bytes stand, and how much room they take: they are moved, or get more room, only when
 * there is none behind them. */
static void kept_bytes_stay_where_there_is_room(world *w)
{
    static const unsigned char bytes[65536];
    plx__unconsumed *unconsumed = NULL;
    plx__unconsumed *spare = NULL;
    (void)w;
    ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 1000));
    size_t room = unconsumed->room;
    plx__unconsumed_consume(&unconsumed, &spare, 100);
    ck_ok(
        plx__unconsumed_append(&unconsumed, &spare, bytes, room - 1000)); /* Up to the very end. */
    ck_assert_uint_eq(unconsumed->start, 100);
    ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 100)); /* All the room there is. */
    ck_assert_uint_eq(unconsumed->start, 0);
    ck_assert_uint_eq(unconsumed->room, room);
    ck_assert_int_eq(plx__unconsumed_append(&unconsumed, &spare, bytes, SIZE_MAX), PLX_ENOMEM);
    ck_assert_int_eq(plx__unconsumed_append(&unconsumed, &spare, bytes, SIZE_MAX / 2), PLX_ENOMEM);
    ck_assert_uint_eq(unconsumed->length, room);
    ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 1));
    ck_assert_uint_gt(unconsumed->room, room);
    plx__unconsumed_consume(&unconsumed, &spare, room + 1);
    ck_assert_ptr_null(unconsumed);
    ck_assert_ptr_nonnull(spare);
    plx__free(spare);
}

/* A buffer that nobody uses becomes the spare one, unless it is large or there is one. */
static void kept_bytes_leave_one_spare_buffer(world *w)
{
    static const unsigned char bytes[65537];
    plx__unconsumed *unconsumed = NULL;
    plx__unconsumed *other = NULL;
    plx__unconsumed *spare = NULL;
    (void)w;
    ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 65536));
    ck_assert_uint_eq(unconsumed->room, 65536);
    plx__unconsumed_consume(&unconsumed, &spare, 65536);
    ck_assert_uint_eq(spare->room, 65536);
    const plx__unconsumed *first = spare;
    ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 1));
    ck_assert_ptr_eq(unconsumed, first);
    ck_assert_ptr_null(spare);
    ck_ok(plx__unconsumed_append(&other, &spare, bytes, 65537));
    plx__unconsumed_consume(&other, &spare, 65537);
    ck_assert_ptr_null(spare);
    ck_ok(plx__unconsumed_append(&other, &spare, bytes, 1));
    plx__unconsumed_consume(&unconsumed, &spare, 1);
    plx__unconsumed_consume(&other, &spare, 1);
    ck_assert_ptr_eq(spare, first);
    plx__free(spare);
}

/* An append that fails for want of memory leaves what was there: nothing, or the earlier bytes. */
static void unconsumed_bytes_survive_want(world *w)
{
    static const unsigned char bytes[5000];
    plx__unconsumed *unconsumed = NULL;
    plx__unconsumed *spare = NULL;
    (void)w;
    for (uint32_t before = 0; before < 2; before++) {
        plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
        ck_assert_int_eq(plx__unconsumed_append(&unconsumed, &spare, bytes, 5000), PLX_ENOMEM);
        (void)plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_uint_eq(unconsumed != NULL ? unconsumed->length : 0, before);
        ck_assert((unconsumed != NULL) == (before != 0));
        ck_ok(plx__unconsumed_append(&unconsumed, &spare, bytes, 1));
    }
    plx__unconsumed_consume(&unconsumed, &spare, 2);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 1); /* The spare buffer is too small. */
    ck_assert_int_eq(plx__unconsumed_append(&unconsumed, &spare, bytes, 5000), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_assert_ptr_null(unconsumed);
    plx__free(spare);
}

const test_case unit_bytes_cases[] = {
    CASE(segments_are_pooled),
    CASE(kept_bytes_keep_their_order),
    CASE(kept_bytes_stay_where_there_is_room),
    CASE(kept_bytes_leave_one_spare_buffer),
    CASE(unconsumed_bytes_survive_want),
    CASES_END,
};
