/* tests/unit_core.c - the small parts of core: slots, queues, options, sockets, codes. */
#include <string.h>

#include "core/loop.h"
#include "core/post_queue.h"
#include "core/shared_options.h"
#include "core/slab.h"
#include "core/socket_map.h"
#include "core/wait.h"
#include "tests/harness.h"

extern const test_case unit_core_cases[];

/* --- slab --------------------------------------------------------------------------------------
 */

typedef struct thing {
    plx__object object;
    uint64_t value;
} thing;

/* Slots of many chunks: each found by its own handle, at an address that never changes. */
static void slab_finds_what_it_gave(world *w)
{
    enum { MANY = 3000 };
    static plx__object *objects[MANY];
    plx__slab slab;
    (void)w;
    plx__slab_init(&slab, PLX__KIND_TIMER, sizeof(thing), 24, 7, 5000);
    for (size_t i = 0; i < MANY; i++) {
        ck_ok(plx__slab_take(&slab, &objects[i]));
        ((thing *)(void *)objects[i])->value = i;
        ck_assert_uint_eq((uintptr_t)objects[i] % 16, 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        uint64_t token = objects[i]->endpoint.token;
        ck_assert_ptr_eq(plx__slab_find(&slab, token), objects[i]);
        ck_assert_uint_eq(((thing *)(void *)objects[i])->value, i);
        ck_assert_int_eq(plx__object_kind(objects[i]), PLX__KIND_TIMER);
        ck_assert(objects[i]->endpoint.socket == PLX_SOCKET_NONE);
    }
    for (size_t i = 0; i < MANY; i++)
        plx__slab_give(&slab, objects[i]);
    plx__slab_close(&slab);
}

/* A handle of a slot that is not there yet, right behind the last of a full chunk. */
static void slab_finds_nothing_behind_its_end(world *w)
{
    plx__object *objects[PLX__SLAB_CHUNK_SLOTS];
    plx__slab slab;
    (void)w;
    plx__slab_init(&slab, PLX__KIND_TIMER, sizeof(thing), 0, 7, 5000);
    ck_assert_ptr_null(plx__slab_find(&slab, 0));
    for (size_t i = 0; i < PLX__SLAB_CHUNK_SLOTS; i++)
        ck_ok(plx__slab_take(&slab, &objects[i]));
    uint64_t first = objects[0]->endpoint.token;
    ck_assert_ptr_eq(plx__slab_find(&slab, first), objects[0]);
    ck_assert_ptr_null(plx__slab_find(&slab, first + PLX__SLAB_CHUNK_SLOTS));
    ck_assert_ptr_null(plx__slab_find(&slab, first + PLX__SLAB_MAX - 1));
    for (size_t i = 0; i < PLX__SLAB_CHUNK_SLOTS; i++)
        plx__slab_give(&slab, objects[i]);
    plx__slab_close(&slab);
}

/* Objects and what is in front of them have their bytes to themselves, and begin at multiples of
 * 16, whatever their sizes are. */
static void slab_keeps_its_slots_apart(world *w)
{
    enum { MANY = 130, SIZES = 18 };
    plx__object *objects[MANY];
    size_t wrong = 0; /* One assertion: each costs a write to a file. */
    (void)w;
    for (size_t size = 0; size < (size_t)SIZES * SIZES; size++) {
        size_t front = size % SIZES;
        size_t bytes = sizeof(plx__object) + size / SIZES;
        plx__slab slab;
        plx__slab_init(&slab, PLX__KIND_TIMER, bytes, front, 7, MANY);
        for (size_t i = 0; i < MANY; i++) {
            if (plx__slab_take(&slab, &objects[i]) != 0)
                ck_abort_msg("no slot");
            wrong += (uintptr_t)objects[i] % 16 != 0;
            memset((unsigned char *)objects[i] - front, (int)i, front);
            memset((unsigned char *)objects[i] + sizeof(plx__object), (int)i, size / SIZES);
        }
        for (size_t i = 0; i < MANY; i++) {
            const unsigned char *object = (const unsigned char *)objects[i];
            for (size_t n = 0; n < front; n++)
                wrong += *(object - front + n) != (unsigned char)i;
            for (size_t n = sizeof(plx__object); n < bytes; n++)
                wrong += object[n] != (unsigned char)i;
            plx__slab_give(&slab, objects[i]);
        }
        plx__slab_close(&slab);
    }
    ck_assert_uint_eq(wrong, 0);
}

/* A slot that is used again has another handle each time; the old ones find nothing. */
static void slab_generations_never_repeat(world *w)
{
    plx__slab slab;
    plx__object *object;
    uint64_t last = 0;
    (void)w;
    plx__slab_init(&slab, PLX__KIND_CONN, sizeof(thing), 0, UINT32_MAX - 50, 10);
    for (int i = 0; i < 100; i++) {
        ck_ok(plx__slab_take(&slab, &object));
        uint64_t token = object->endpoint.token;
        ck_assert_uint_ne(token, last);
        ck_assert_ptr_null(plx__slab_find(&slab, last));
        ck_assert_ptr_eq(plx__slab_find(&slab, token), object);
        object->state = PLX__CLOSING;
        ck_assert_ptr_null(plx__slab_find(&slab, token));
        plx__slab_give(&slab, object);
        ck_assert_ptr_null(plx__slab_find(&slab, token));
        last = token;
    }
    plx__slab_close(&slab);
}

/* At its limit it refuses; a slot given back can be taken again, and what is in front of it is
 * zero.
 */
static void slab_has_a_limit(world *w)
{
    plx__slab slab;
    plx__object *objects[3];
    plx__object *more = NULL;
    (void)w;
    plx__slab_init(&slab, PLX__KIND_CONN, sizeof(thing), 8, 1, 3);
    for (int i = 0; i < 3; i++)
        ck_ok(plx__slab_take(&slab, &objects[i]));
    ck_assert_int_eq(plx__slab_take(&slab, &more), PLX_ELIMIT);
    ck_assert_ptr_null(more);
    memset((unsigned char *)objects[1] - slab.front_bytes, 0xff, 8);
    plx__slab_give(&slab, objects[1]);
    ck_ok(plx__slab_take(&slab, &more));
    ck_assert_uint_eq(*((unsigned char *)more - slab.front_bytes), 0);
    plx__slab_give(&slab, objects[0]);
    plx__slab_give(&slab, objects[2]);
    plx__slab_give(&slab, more);
    plx__slab_close(&slab);
}

/* --- post queue --------------------------------------------------------------------------------
 */

static void unused_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
}

/* Filled and emptied again and again: order kept, bounds kept. Its stamps begin anew on the way. */
static void post_queue_keeps_order_and_bounds(world *w)
{
    plx__post_queue queue;
    plx__post post;
    uintptr_t in = 1;
    uintptr_t out = 1;
    uint32_t last;
    (void)w;
    ck_ok(plx__post_queue_init(&queue, 3));
    last = queue.stamps[0] = queue.stamps[1] = UINT32_MAX - 5;
    for (int round = 0; round < 20; round++) {
        ck_assert(plx__post_queue_is_empty(&queue));
        if (round > 0) /* One of the next round, and never 0, which cells have that nobody used. */
            ck_assert_uint_eq(queue.stamps[0], last == UINT32_MAX ? 1 : last + 1);
        /* What a cell holds from before they began anew does not make it ready. */
        for (int i = 0; i < 3 && last == UINT32_MAX; i++)
            ck_assert_uint_eq(plx__atomic_load(&queue.arrays[0][i].stamp), 0);
        last = queue.stamps[0];
        for (int i = 0; i < 3; i++)
            ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)in++}));
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(plx__post_queue_push(&queue, (plx__post){unused_post, NULL}),
                             PLX_ENOBUFS);
        ck_assert(!plx__post_queue_pop(&queue, &post));
        plx__post_queue_take(&queue);
        for (int i = 0; i < 3; i++) {
            ck_assert(!plx__post_queue_is_empty(&queue));
            ck_assert(plx__post_queue_pop(&queue, &post));
            ck_assert_uint_eq((uintptr_t)post.data, out++);
            if (i == 0) /* Behind those that the consumer has begun with. */
                ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)(in + 2)}));
        }
        ck_assert(!plx__post_queue_pop(&queue, &post));
        ck_assert(!plx__post_queue_is_empty(&queue));
        plx__post_queue_take(&queue);
        ck_assert(plx__post_queue_pop(&queue, &post));
        ck_assert_uint_eq((uintptr_t)post.data, in + 2);
        ck_assert(!plx__post_queue_pop(&queue, &post));
    }
    ck_assert_uint_lt(queue.stamps[0], 30); /* They did begin anew, and without 0. */
    ck_assert_uint_gt(queue.stamps[0], 0);
    plx__post_queue_close(&queue);
    ck_assert_int_eq(plx__post_queue_init(&queue, UINT32_MAX), PLX_EINVAL);
    ck_assert_int_eq(plx__post_queue_init(&queue, (1u << 30) + 1), PLX_EINVAL);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, 2); /* As much as it may have is more than there is. */
    ck_assert_int_eq(plx__post_queue_init(&queue, 1u << 30), PLX_ENOMEM);
    (void)plx__fault_disarm(PLX__FAULT_MEMORY);
}

/* A cell that is claimed and not ready yet holds up what stands behind it, and nothing is lost;
 * nor is it taken for ready for what it held in the batches before. */
static void post_queue_waits_for_a_slow_producer(world *w)
{
    plx__post_queue queue;
    plx__post post;
    (void)w;
    ck_ok(plx__post_queue_init(&queue, 4));
    for (int batch = 0; batch < 4; batch++) {
        ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, NULL}));
        plx__post_queue_take(&queue);
        ck_assert(plx__post_queue_pop(&queue, &post));
    }
    uint32_t claimed = plx__atomic_add(&queue.filling, 1); /* As a producer that is cut short. */
    ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)(uintptr_t)2}));
    ck_assert(!plx__post_queue_is_empty(&queue));
    plx__post_queue_take(&queue);
    ck_assert(!plx__post_queue_pop(&queue, &post));
    ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)(uintptr_t)3}));
    plx__post_queue_take(&queue);
    ck_assert(!plx__post_queue_pop(&queue, &post));
    ck_assert(!plx__post_queue_is_empty(&queue));
    queue.arrays[0][claimed].post = (plx__post){unused_post, (void *)(uintptr_t)1};
    plx__atomic_store_release(&queue.arrays[0][claimed].stamp, queue.stamps[0]);
    for (uintptr_t i = 1; i <= 3; i++) {
        plx__post_queue_take(&queue);
        ck_assert(plx__post_queue_pop(&queue, &post));
        ck_assert_uint_eq((uintptr_t)post.data, i);
    }
    ck_assert(plx__post_queue_is_empty(&queue));
    plx__post_queue_close(&queue);
}

/* An ended queue refuses, and hands out what it had accepted: what the consumer had taken, what it
 * had not, and what a slow producer is yet to fill in; from either array. */
static void post_queue_ends(world *w)
{
    (void)w;
    for (uintptr_t before = 0; before < 2; before++) {
        plx__post_queue queue;
        plx__post post;
        ck_ok(plx__post_queue_init(&queue, 3));
        for (uintptr_t i = 0; i < 2 + before; i++)
            ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)(i + 1)}));
        plx__post_queue_take(&queue);
        for (uintptr_t i = 0; i < 1 + before; i++)
            ck_assert(plx__post_queue_pop(&queue, &post));
        uint32_t claimed = plx__atomic_add(&queue.filling, 1); /* A producer that is cut short. */
        ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, (void *)(uintptr_t)11}));
        plx__post_queue_end(&queue);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(plx__post_queue_push(&queue, (plx__post){unused_post, NULL}),
                             PLX_ECANCELED);
        ck_assert(!plx__post_queue_is_empty(&queue));
        plx__post_queue_take(&queue);
        ck_assert(plx__post_queue_pop(&queue, &post));
        ck_assert_uint_eq((uintptr_t)post.data, 2 + before);
        ck_assert(!plx__post_queue_pop(&queue, &post));
        ck_assert(!plx__post_queue_is_empty(&queue));
        plx__post_queue_take(&queue);
        ck_assert(!plx__post_queue_pop(&queue, &post));
        ck_assert(!plx__post_queue_is_empty(&queue));
        uint32_t array = claimed >> 31;
        plx__post_cell *cell = &queue.arrays[array][claimed & PLX__POST_QUEUE_COUNT];
        cell->post = (plx__post){unused_post, (void *)(uintptr_t)10};
        plx__atomic_store_release(&cell->stamp, queue.stamps[array]);
        for (uintptr_t i = 10; i <= 11; i++) {
            ck_assert(plx__post_queue_pop(&queue, &post));
            ck_assert_uint_eq((uintptr_t)post.data, i);
        }
        ck_assert(plx__post_queue_is_empty(&queue));
        plx__post_queue_take(&queue);
        ck_assert(!plx__post_queue_pop(&queue, &post));
        ck_assert_int_eq(plx__post_queue_push(&queue, (plx__post){unused_post, NULL}),
                         PLX_ECANCELED);
        ck_assert(plx__post_queue_is_empty(&queue));
        plx__post_queue_close(&queue);
    }
}

/* A full one, of which more were refused than it holds, has no more than it accepted. */
static void post_queue_ends_when_full(world *w)
{
    plx__post_queue queue;
    plx__post post;
    (void)w;
    ck_ok(plx__post_queue_init(&queue, 2));
    for (int i = 0; i < 2; i++)
        ck_ok(plx__post_queue_push(&queue, (plx__post){unused_post, NULL}));
    plx__atomic_add(&queue.filling, 3); /* As those do who are refused at the same moment. */
    plx__post_queue_end(&queue);
    plx__post_queue_take(&queue);
    for (int i = 0; i < 2; i++)
        ck_assert(plx__post_queue_pop(&queue, &post));
    ck_assert(!plx__post_queue_pop(&queue, &post));
    ck_assert(plx__post_queue_is_empty(&queue));
    plx__post_queue_close(&queue);
}

/* --- options and codes -------------------------------------------------------------------------
 */

static void shared_options_have_defaults(world *w)
{
    plx__shared_options *shared;
    (void)w;
    ck_ok(plx__shared_options_open(&shared, &(plx_conn_options){0}));
    ck_assert_uint_eq(shared->options.send_high, 262144);
    ck_assert_uint_eq(shared->options.send_low, 65536);
    ck_assert_uint_eq(shared->options.send_max, 1048576);
    ck_assert_uint_eq(shared->options.receive_limit, 1048576);
    ck_assert_uint_eq(shared->options.connect_timeout_ns, 30 * PLX_SECOND);
    ck_assert_uint_eq(shared->options.idle_timeout_ns, PLX_FOREVER);
    ck_assert_uint_eq(shared->quiet_max_ns, PLX_FOREVER);
    plx__shared_options_release(shared);
    ck_ok(plx__shared_options_open(&shared, &(plx_conn_options){.send_high = 1000}));
    ck_assert_uint_eq(shared->options.send_low, 250);
    ck_assert_uint_eq(shared->options.send_max, 4000);
    plx__shared_options_release(shared);
    ck_ok(plx__shared_options_open(&shared, &(plx_conn_options){.send_high = SIZE_MAX / 4}));
    ck_assert_uint_eq(shared->options.send_max, SIZE_MAX / 4 * 4);
    plx__shared_options_release(shared);
    ck_ok(plx__shared_options_open(&shared, &(plx_conn_options){.send_high = SIZE_MAX / 4 + 1}));
    ck_assert_uint_eq(shared->options.send_max, SIZE_MAX);
    plx__shared_options_release(shared);
}

/* --- sockets -----------------------------------------------------------------------------------
 */

#ifdef _WIN32
enum { NUMBER_STEP = 4 };
#else
enum { NUMBER_STEP = 1 };
#endif

/* Numbers within the map, at its end, behind it and beyond all room: whose a socket is can be asked
 * of each, and taking away what is not there changes nothing. */
static void socket_map_knows_its_bounds(world *w)
{
    plx__socket_map map = {.owners = NULL};
    plx__slab slab;
    plx__object *objects[2];
    (void)w;
    plx__slab_init(&slab, PLX__KIND_CONN, sizeof(thing), 0, 1, 8);
    for (int i = 0; i < 2; i++)
        ck_ok(plx__slab_take(&slab, &objects[i]));
    objects[0]->endpoint.socket = 3 * NUMBER_STEP;
    ck_assert(plx__socket_map_remove(&map, objects[0])); /* It has no room at all yet. */
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[0]->endpoint.socket), 0);
    ck_ok(plx__socket_map_set(&map, objects[0]));
    ck_assert_uint_gt(map.room, 3);
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[0]->endpoint.socket),
                      plx__socket_map_entry(objects[0]));
    objects[1]->endpoint.socket = objects[0]->endpoint.socket;
    ck_assert(plx__socket_map_remove(&map, objects[1])); /* The number is the other's. */
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[0]->endpoint.socket),
                      plx__socket_map_entry(objects[0]));
    for (uint32_t behind = 0; behind < 2; behind++) {
        objects[1]->endpoint.socket = (plx_socket)((map.room + behind) * NUMBER_STEP);
        plx__socket_map_take(&map, objects[1]->endpoint.socket);
        ck_assert(plx__socket_map_remove(&map, objects[1]));
        ck_assert_uint_eq(plx__socket_map_get(&map, objects[1]->endpoint.socket), 0);
    }
    const uint32_t room = map.room;
    objects[1]->endpoint.socket = (plx_socket)(PLX__SOCKET_MAP_MAX * NUMBER_STEP);
    ck_ok(plx__socket_map_set(&map, objects[1])); /* Beyond all room nothing is noted. */
    ck_assert_uint_eq(map.room, room);
    objects[1]->endpoint.socket = (plx_socket)(map.room * NUMBER_STEP);
    ck_ok(plx__socket_map_set(&map, objects[1]));
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[1]->endpoint.socket),
                      plx__socket_map_entry(objects[1]));
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[0]->endpoint.socket),
                      plx__socket_map_entry(objects[0]));
    ck_assert(plx__socket_map_remove(&map, objects[0]));
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[0]->endpoint.socket), 0);
    plx__socket_map_take(&map, objects[1]->endpoint.socket); /* The loop has it for itself now. */
    ck_assert(!plx__socket_map_remove(&map, objects[1]));
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[1]->endpoint.socket), 0);
    plx__socket_map_take(&map, objects[1]->endpoint.socket); /* It was nobody's. */
    ck_assert_uint_eq(plx__socket_map_get(&map, objects[1]->endpoint.socket), 0);
    plx__socket_map_close(&map);
    for (int i = 0; i < 2; i++)
        plx__slab_give(&slab, objects[i]);
    plx__slab_close(&slab);
}

/* Every code has a name, a number and a sentence of its own. */
static void codes_are_distinct(world *w)
{
    static const struct {
        const char *name;
        int number;
    } codes[] = {
#define ENTRY(name, number, text) {"PLX_" #name, number},
        PLX_ERROR_MAP(ENTRY)
#undef ENTRY
    };
    const size_t count = sizeof codes / sizeof codes[0];
    (void)w;
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(plx_error_name(codes[i].number), codes[i].name);
        ck_assert_int_lt(codes[i].number, 0);
        for (size_t n = i + 1; n < count; n++) {
            ck_assert_int_ne(codes[i].number, codes[n].number);
            ck_assert_str_ne(plx_error_text(codes[i].number), plx_error_text(codes[n].number));
        }
    }
    ck_assert_str_eq(plx_error_name(0), "PLX_OK");
    ck_assert_str_eq(plx_error_name(-9999), "PLX_?");
    ck_assert_str_eq(plx_error_text(1), "not a code of Pollux");
}

/* What comes of a wait that fails in this turn, so long after the case began. */
static int wait_fails_at(plx_loop *loop, uint64_t turn, uint64_t after_ns)
{
    loop->stats.ticks = turn;
    loop->now_ns = PLX_SECOND + after_ns;
    return plx__wait_failed(loop, PLX_ENOMEM, 0);
}

/* Failing waits last when there were 5 s of them in turns that follow each other: one turn with a
 * wait that succeeded is a break. Who goes on nevertheless has as long again. */
static void failing_waits_last_without_a_break(world *w)
{
    plx_loop *loop = world_loop_open(w);
    ck_ok(wait_fails_at(loop, 1, 5 * PLX_SECOND)); /* The first turn there is. */
    ck_ok(wait_fails_at(loop, 10, 0));
    ck_ok(wait_fails_at(loop, 11, 4 * PLX_SECOND));
    ck_assert_int_eq(wait_fails_at(loop, 12, 5 * PLX_SECOND), PLX_ENOMEM);
    ck_ok(wait_fails_at(loop, 13, 6 * PLX_SECOND));
    ck_ok(wait_fails_at(loop, 14, 10 * PLX_SECOND));
    ck_assert_int_eq(wait_fails_at(loop, 15, 11 * PLX_SECOND), PLX_ENOMEM);
    ck_ok(wait_fails_at(loop, 20, 20 * PLX_SECOND));
    ck_ok(wait_fails_at(loop, 22, 26 * PLX_SECOND));
    ck_ok(wait_fails_at(loop, 23, 30 * PLX_SECOND));
    ck_assert_int_eq(wait_fails_at(loop, 24, 31 * PLX_SECOND), PLX_ENOMEM);
    ck_assert_uint_eq(loop->stats.wait_failures, 11);
    ck_ok(plx_loop_close(loop));
}

const test_case unit_core_cases[] = {
    CASE(slab_finds_what_it_gave),
    CASE(slab_finds_nothing_behind_its_end),
    CASE(slab_keeps_its_slots_apart),
    CASE(slab_generations_never_repeat),
    CASE(slab_has_a_limit),
    CASE(post_queue_keeps_order_and_bounds),
    CASE(post_queue_waits_for_a_slow_producer),
    CASE(post_queue_ends),
    CASE(post_queue_ends_when_full),
    CASE(shared_options_have_defaults),
    CASE(socket_map_knows_its_bounds),
    CASE(codes_are_distinct),
    CASE(failing_waits_last_without_a_break),
    CASES_END,
};
