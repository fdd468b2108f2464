/* tests/sim_time.c - the virtual clock, and how long things take by it. No case reads another. */
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_time_cases[];

#define HOUR_NS (3600 * PLX_SECOND)

/* What the wait and the choice of who runs next may add to something. */
#define SLOP_NS (10 * PLX_MICROSECOND)

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* The watchdog would end a case that waits for an hour. */
static void hour_passes_at_once(world *w)
{
    plx_loop *loop;
    plx_sim *sim;
    size_t fired = 0;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_timer_start(loop, NULL, HOUR_NS, 0, on_fire, &fired));
    ck_assert_uint_lt(plx_sim_now(sim), SLOP_NS);
    ck_ok(plx_loop_run(loop));
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_ge(plx_sim_now(sim), HOUR_NS);
    ck_assert_uint_lt(plx_sim_now(sim), HOUR_NS + 2 * PLX_MILLISECOND); /* Timers are coarse. */
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

/* What a program does between waits takes no time. */
static void clock_stands_while_nobody_waits(world *w)
{
    stage s;
    static const unsigned char bytes[10000];
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.seed = 3});
    const uint64_t before_ns = plx_sim_now(s.sim);
    for (int i = 0; i < 100; i++) {
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes, sizeof bytes));
        (void)stage_connect(&s);
    }
    ck_assert_uint_eq(plx_sim_now(s.sim), before_ns);
    stage_run(&s, 123456789);
    ck_assert_uint_eq(plx_sim_now(s.sim), before_ns + 123456789);
    stage_close(&s);
}

/* A timeout of run_once is virtual, too, and neither shorter nor longer than it says. */
static void wait_lasts_as_long_as_it_is_told(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_loop_run_once(loop, 0));
    ck_assert_uint_lt(plx_sim_now(sim), SLOP_NS);
    const uint64_t before_ns = plx_sim_now(sim);
    ck_ok(plx_loop_run_once(loop, 30 * PLX_SECOND));
    ck_assert_uint_ge(plx_sim_now(sim) - before_ns, 30 * PLX_SECOND);
    ck_assert_uint_lt(plx_sim_now(sim) - before_ns, 30 * PLX_SECOND + SLOP_NS);
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

/* A connection is made in one round trip: there and back, each with the latency. */
static void latency_is_what_it_is_set_to(world *w)
{
    stage s;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.latency_ns = 7 * PLX_MILLISECOND, .jitter_ns = 1});
    uint64_t connect_ns = stage_record(&s, "connect", 0)->time_ns;
    uint64_t syn_ns = stage_record(&s, "syn", 0)->time_ns;
    uint64_t established_ns = stage_record(&s, "established", 0)->time_ns;
    ck_assert_uint_ge(syn_ns - connect_ns, 7 * PLX_MILLISECOND);
    ck_assert_uint_le(syn_ns - connect_ns, 7 * PLX_MILLISECOND + SLOP_NS);
    ck_assert_uint_ge(established_ns - syn_ns, 7 * PLX_MILLISECOND);
    ck_assert_uint_le(established_ns - syn_ns, 7 * PLX_MILLISECOND + SLOP_NS);
    ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
    uint64_t sent_ns = plx_sim_now(s.sim);
    stage_until(&s, &s.served.received, 1);
    uint64_t arrived_ns = stage_record(&s, "arrive", 0)->time_ns;
    ck_assert_uint_ge(arrived_ns - sent_ns, 7 * PLX_MILLISECOND);
    ck_assert_uint_le(arrived_ns - sent_ns, 7 * PLX_MILLISECOND + SLOP_NS);
    stage_close(&s);
}

/* The jitter is anything up to its bound, and never more. */
static void jitter_has_a_bound(world *w)
{
    enum { SENDS = 300 };
    const uint64_t latency_ns = PLX_MILLISECOND, jitter_ns = 4 * PLX_MILLISECOND;
    uint64_t least_ns = UINT64_MAX, most_ns = 0;
    stage s;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.latency_ns = latency_ns, .jitter_ns = jitter_ns});
    for (size_t i = 0; i < SENDS; i++) {
        ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
        uint64_t sent_ns = plx_sim_now(s.sim);
        stage_run(&s, 20 * PLX_MILLISECOND);
        uint64_t took_ns = stage_record(&s, "arrive", i)->time_ns - sent_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
        most_ns = took_ns > most_ns ? took_ns : most_ns;
    }
    ck_assert_uint_ge(least_ns, latency_ns);
    ck_assert_uint_lt(least_ns, latency_ns + jitter_ns / 20);
    ck_assert_uint_gt(most_ns, latency_ns + jitter_ns - jitter_ns / 20);
    ck_assert_uint_le(most_ns, latency_ns + jitter_ns + SLOP_NS);
    stage_close(&s);
}

/* A second's worth of bytes takes a second, in each direction by itself. */
static void bandwidth_is_of_each_direction(world *w)
{
    static const unsigned char bytes[50000];
    stage s;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){
                            .latency_ns = PLX_MILLISECOND,
                            .jitter_ns = 1,
                            .bytes_per_second = 50000,
                        });
    uint64_t before_ns = plx_sim_now(s.sim);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, sizeof bytes));
    ck_ok(plx_conn_write(s.server, s.served.conn, bytes, sizeof bytes));
    stage_until(&s, &s.served.received, sizeof bytes);
    stage_until(&s, &s.made.received, sizeof bytes);
    ck_assert_uint_eq(stage_count(&s, "arrive"), 2);
    for (size_t i = 0; i < 2; i++) {
        uint64_t took_ns = stage_record(&s, "arrive", i)->time_ns - before_ns;
        ck_assert_uint_ge(took_ns, PLX_SECOND + PLX_MILLISECOND);
        ck_assert_uint_le(took_ns, PLX_SECOND + PLX_MILLISECOND + SLOP_NS);
    }
    stage_close(&s);
}

/* The second of two sends waits for the first to be through. */
static void bandwidth_is_shared_by_sends(world *w)
{
    static const unsigned char bytes[50000];
    stage s;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){
                            .latency_ns = PLX_MILLISECOND,
                            .jitter_ns = 1,
                            .bytes_per_second = 50000,
                        });
    uint64_t before_ns = plx_sim_now(s.sim);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 25000));
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 25000));
    stage_until(&s, &s.served.received, sizeof bytes);
    uint64_t first_ns = stage_record(&s, "arrive", 0)->time_ns - before_ns;
    uint64_t second_ns = stage_record(&s, "arrive", 1)->time_ns - before_ns;
    ck_assert_uint_ge(first_ns, PLX_SECOND / 2);
    ck_assert_uint_le(first_ns, PLX_SECOND / 2 + PLX_MILLISECOND + SLOP_NS);
    ck_assert_uint_ge(second_ns, PLX_SECOND);
    ck_assert_uint_le(second_ns, PLX_SECOND + PLX_MILLISECOND + SLOP_NS);
    stage_close(&s);
}

/* Idle for five virtual seconds, and not for four. */
static void timeouts_count_virtual_time(world *w)
{
    stage s;
    plx_conn conn;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    plx_conn_options options = probe_options(&s.made);
    options.idle_timeout_ns = 5 * PLX_SECOND;
    ck_ok(plx_connect(s.client, &conn, s.address, &options));
    stage_until(&s, &s.made.opened, 1);
    stage_run(&s, 4 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 0);
    ck_ok(plx_conn_write(s.server, s.served.conn, "x", 1));
    stage_run(&s, 4 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 0);
    stage_run(&s, 2 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ETIMEDOUT);
    stage_close(&s);
}

/* The peer does not read, and the link takes all bytes, or all but one. When a timeout closes the
 * connection, a lost byte becomes a reset: the peer must not take what it has for the whole stream.
 */
static void timeout_that_loses_one_byte_resets(world *w)
{
    enum { LINK_BYTES = 1000 };
    static unsigned char bytes[LINK_BYTES + 1];
    stage s;
    for (size_t left = 0; left < 2; left++) {
        (void)w;
        stage_open_pair(&s, (plx_sim_options){.seed = 1, .buffer_bytes = LINK_BYTES});
        ck_ok(plx_conn_pause(s.server, s.served.conn));
        ck_ok(plx_conn_set_timeout(s.client, s.made.conn, PLX_TIMEOUT_IDLE, PLX_SECOND));
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes, LINK_BYTES + left));
        ck_assert_uint_eq(plx_conn_queued(s.client, s.made.conn), left);
        stage_until(&s, &s.made.closed, 1);
        ck_assert_int_eq(s.made.reason, PLX_ETIMEDOUT);
        ck_ok(plx_conn_resume(s.server, s.served.conn));
        stage_until(&s, &s.served.closed, 1);
        ck_assert_int_eq(s.served.reason, left == 0 ? 0 : PLX_ECONNRESET);
        stage_close(&s);
    }
}

const test_case sim_time_cases[] = {
    CASE(hour_passes_at_once),
    CASE(clock_stands_while_nobody_waits),
    CASE(wait_lasts_as_long_as_it_is_told),
    CASE(latency_is_what_it_is_set_to),
    CASE(jitter_has_a_bound),
    CASE(bandwidth_is_of_each_direction),
    CASE(bandwidth_is_shared_by_sends),
    CASE(timeouts_count_virtual_time),
    CASE(timeout_that_loses_one_byte_resets),
    CASES_END,
};
