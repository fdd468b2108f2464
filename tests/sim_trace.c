/* tests/sim_trace.c - a seed decides everything, and a trace tells it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_trace_cases[];

enum { TEXT_MAX = 1 << 20, CLIENTS = 6 };

/* FNV-1a, of 64 bits (RFC 9923). */
#define FNV_OFFSET UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME  UINT64_C(0x00000100000001B3)

typedef struct story {
    char text[TEXT_MAX];
    size_t length;
} story;

static story stories[2];

static void on_record(void *data, const plx_sim_record *record)
{
    story *into = data;
    int length =
        plx_sim_record_text(record, into->text + into->length, sizeof into->text - into->length);
    ck_assert_int_gt(length, 0);
    into->length += (size_t)length;
}

static void on_nothing(void *data, const plx_sim_record *record)
{
    (void)data;
    (void)record;
}

static uint64_t story_sum(const story *of)
{
    uint64_t sum = FNV_OFFSET;
    for (size_t i = 0; i < of->length; i++)
        sum = (sum ^ (unsigned char)of->text[i]) * FNV_PRIME;
    return sum;
}

/* Sends back what comes; after so much it ends the stream. */
static size_t echo_a_while(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                           size_t length)
{
    if (p->received > 20000)
        (void)plx_conn_shutdown(loop, conn);
    else if (plx_conn_write(loop, conn, bytes, length) != 0)
        (void)plx_conn_reset(loop, conn);
    return length;
}

static void begin(plx_loop *loop, plx_conn conn, probe *p)
{
    static const unsigned char bytes[3000];
    (void)p;
    if (plx_conn_write(loop, conn, bytes, sizeof bytes) != 0)
        (void)plx_conn_reset(loop, conn);
}

static void on_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    (void)data;
    (void)status;
}

static void post_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    const stage *s = data;
    (void)loop;
    (void)timer;
    int status = plx_post(s->server, on_post, NULL);
    ck_assert(status == 0 || status == PLX_ENOMEM);
}

/* Clients that talk with a server on another loop and wake it, with faults of every kind. */
static void story_write(story *into, uint64_t seed)
{
    const plx_sim_faults faults = {
        .short_sends = 100000,
        .short_receives = 100000,
        .deferred_sends = 200000,
        .late_detaches = 300000,
        .late_wakes = 300000,
        .slow_steps = 1000,
        .losses = 10000,
        .resets = 1000,
        .refusals = 100000,
        .black_holes = 50000,
        .no_descriptors = 10000,
        .no_buffers = 10000,
        .no_memory = 1000,
    };
    const plx_sim_options options = {
        .seed = seed,
        .bytes_per_second = 10000000,
        .buffer_bytes = 5000,
        .faults = &faults,
        .on_record = on_record,
        .data = into,
    };
    stage s;
    plx_timer timer;
    size_t connects = 0;
    into->length = 0;
    stage_open(&s, options);
    s.served.then_data = s.made.then_data = echo_a_while;
    s.made.then_open = begin;
    if (stage_listen_try(&s, "tcp://127.0.0.1:0") == 0) {
        const plx_conn_options conn = probe_options(&s.made);
        for (int i = 0; i < CLIENTS; i++)
            connects += plx_connect(s.client, NULL, s.address, &conn) == 0;
    }
    ck_ok(plx_timer_start(s.client, &timer, PLX_SECOND, PLX_SECOND, post_on_fire, &s));
    stage_run(&s, 60 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, connects);
    stage_close(&s);
}

static bool is_same(const story *left, const story *right)
{
    return left->length == right->length && memcmp(left->text, right->text, left->length) == 0;
}

/* Byte for byte, though nothing else of the process is as it was. */
static void same_seed_makes_the_same_trace(world *w)
{
    (void)w;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        story_write(&stories[0], seed);
        story_write(&stories[1], seed);
        ck_assert_msg(is_same(&stories[0], &stories[1]), "seed %" PRIu64, seed);
    }
    ck_assert_uint_gt(stories[0].length, 1000);
}

static void other_seed_makes_another_trace(world *w)
{
    (void)w;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        story_write(&stories[0], seed);
        story_write(&stories[1], seed + 1);
        ck_assert_msg(!is_same(&stories[0], &stories[1]), "seed %" PRIu64, seed);
    }
}

/* FNV-1a sums of five traces, on Linux, on Windows and on any other machine. A change of the
 * simulation, or of what core asks of it, may change them: the message has the new ones. A machine
 * or a compiler must not. */
static void trace_is_the_same_on_every_system(world *w)
{
    static const uint64_t seeds[] = {0, 1, 2, 4711, UINT64_MAX};
    char sums[128];
    size_t length = 0;
    (void)w;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        story_write(&stories[0], seeds[i]);
        length += (size_t)snprintf(sums + length, sizeof sums - length, "%016" PRIx64 " ",
                                   story_sum(&stories[0]));
    }
    ck_assert_str_eq(
        sums,
        "28c75af5c3ccdec9 856b54b0b895cda9 bb3fd98b196ea05d 78bfaa865f4f4512 d9aefed734135868 ");
}

/* When a talk between two loops is over. */
static uint64_t talk_end_ns(plx_sim_trace_fn looks_on)
{
    const plx_sim_options options = {
        .seed = 77, .bytes_per_second = 1000000, .on_record = looks_on};
    probe served = {.then_data = echo_a_while}, made = {.then_data = echo_a_while};
    const plx_conn_options accepted = probe_options(&served), connected = probe_options(&made);
    const plx_listen_options listen = {.conn = &accepted};
    plx_loop *loops[2];
    plx_sim *sim;
    made.then_open = begin;
    ck_ok(plx_sim_open(&sim, &options));
    for (int i = 0; i < 2; i++)
        ck_ok(plx_loop_open(&loops[i], NULL));
    ck_ok(plx_sim_add(sim, loops[0]));
    ck_ok(plx_listen(loops[0], NULL, "tcp://127.0.0.1:80", &listen));
    ck_ok(plx_connect(loops[1], NULL, "tcp://127.0.0.1:80", &connected));
    ck_ok(plx_loop_run(loops[1]));
    ck_assert_uint_eq(made.closed, 1);
    const uint64_t end_ns = plx_sim_now(sim);
    ck_ok(plx_loop_close(loops[1]));
    ck_ok(plx_loop_close(loops[0]));
    ck_ok(plx_sim_close(sim));
    return end_ns;
}

/* Whoever looks on has no influence. */
static void run_is_the_same_without_a_trace(world *w)
{
    (void)w;
    ck_assert_uint_eq(talk_end_ns(NULL), talk_end_ns(on_nothing));
}

/* Records are in the order of time, and name loops and ends as they were made. */
static void records_are_in_order(world *w)
{
    stage s;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.seed = 5});
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    stage_until(&s, &s.served.received, 5);
    for (size_t i = 1; i < s.records; i++)
        ck_assert_uint_le(stage_records[i - 1].time_ns, stage_records[i].time_ns);
    const plx_sim_record *listen = stage_record(&s, "listen", 0);
    const plx_sim_record *send = stage_record(&s, "send", 0);
    const plx_sim_record *arrive = stage_record(&s, "arrive", 0);
    const plx_sim_record *receive = stage_record(&s, "receive", 0);
    ck_assert_uint_eq(send->loop, 2);
    ck_assert_uint_eq(arrive->loop, 1);
    ck_assert_uint_eq(receive->loop, 1);
    ck_assert_int_eq(send->value, 5);
    ck_assert_int_eq(arrive->value, 5);
    ck_assert_int_eq(receive->value, 5);
    ck_assert_uint_eq(arrive->endpoint, receive->endpoint);
    ck_assert_uint_eq(send->endpoint, stage_record(&s, "connect", 0)->endpoint);
    ck_assert_uint_eq(arrive->endpoint, stage_record(&s, "accept", 0)->endpoint);
    ck_assert_uint_lt(listen->endpoint, send->endpoint);
    ck_assert_uint_lt(send->endpoint, arrive->endpoint);
    stage_close(&s);
}

/* Texts, and where they must not be written. */
static void record_is_a_line(world *w)
{
    static const char wanted[] = "12.000000345 loop 2 end 7 send -37\n";
    const plx_sim_record record = {12 * PLX_SECOND + 345, "send", 2, 7, -37};
    char text[128];
    (void)w;
    ck_assert_int_eq(plx_sim_record_text(&record, text, sizeof text), (int)sizeof wanted - 1);
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(plx_sim_record_text(&record, text, sizeof wanted), (int)sizeof wanted - 1);
    memset(text, '#', sizeof text);
    ck_assert_int_eq(plx_sim_record_text(&record, text, sizeof wanted - 1), PLX_EINVAL);
    ck_assert_int_eq(text[sizeof wanted - 1], '#');
    ck_assert_int_eq(plx_sim_record_text(&record, text, 0), PLX_EINVAL);
}

static void record_is_a_trace_event(world *w)
{
    static const char wanted[] =
        "{\"name\":\"arrive\",\"ph\":\"i\",\"s\":\"t\",\"ts\":12000000.345,\"pid\":1,\"tid\":2,"
        "\"args\":{\"end\":7,\"value\":65536}}";
    const plx_sim_record record = {12 * PLX_SECOND + 345, "arrive", 2, 7, 65536};
    char text[192];
    (void)w;
    ck_assert_int_eq(plx_sim_record_json(&record, text, sizeof text), (int)sizeof wanted - 1);
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(plx_sim_record_json(&record, text, sizeof wanted - 1), PLX_EINVAL);
    ck_assert_int_eq(plx_sim_record_json(&record, text, 0), PLX_EINVAL);
}

/* The largest of everything: 128 and 192 bytes suffice, as the header says. */
static void longest_record_has_room(world *w)
{
    const plx_sim_record record = {UINT64_MAX, "established", UINT32_MAX, UINT32_MAX, INT64_MIN};
    char text[192];
    (void)w;
    ck_assert_int_gt(plx_sim_record_text(&record, text, 128), 0);
    ck_assert_str_eq(text, "18446744073.709551615 loop 4294967295 end 4294967295 established "
                           "-9223372036854775808\n");
    ck_assert_int_gt(plx_sim_record_json(&record, text, 192), 0);
}

const test_case sim_trace_cases[] = {
    CASE(same_seed_makes_the_same_trace),
    CASE(other_seed_makes_another_trace),
    CASE(trace_is_the_same_on_every_system),
    CASE(run_is_the_same_without_a_trace),
    CASE(records_are_in_order),
    CASE(record_is_a_line),
    CASE(record_is_a_trace_event),
    CASE(longest_record_has_room),
    CASES_END,
};
