/* tests/sim_faults.c - each fault does what pollux/sim.h says, and nothing else. */
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_faults_cases[];

#define ALWAYS  1000000u
#define SLOP_NS (10 * PLX_MICROSECOND)

static stage s;
static unsigned char bytes[10000];

static void pair_open(plx_sim_faults faults)
{
    stage_open_pair(&s, (plx_sim_options){.seed = 1, .faults = &faults});
    pattern_fill(bytes, sizeof bytes, 0);
}

/* All of it arrives in order, and nobody is closed. */
static void bytes_send(size_t length)
{
    ck_assert_uint_le(length, sizeof s.served.bytes);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, length));
    stage_until(&s, &s.served.received, length);
    pattern_check(s.served.bytes, length, 0);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(s.made.closed + s.served.closed, 0);
}

/* Without faults a small network is an ideal one. */
static void nothing_fails_by_itself(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){0});
    for (size_t i = 0; i < 1000; i++) {
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes + i, 1));
        stage_run(&s, PLX_MILLISECOND);
        ck_assert_uint_eq(s.served.received, i + 1);
    }
    pattern_check(s.served.bytes, 1000, 0);
    ck_assert_uint_eq(stage_count(&s, "send"), 1000);
    ck_assert_uint_eq(stage_count(&s, "receive"), 1000);
    ck_assert_uint_eq(stage_count(&s, "slow"), 0);
    ck_assert_uint_eq(stage_count(&s, "drop"), 0);
    ck_assert_uint_eq(stage_count(&s, "reset"), 0);
    ck_assert_uint_eq(stage_count(&s, "fail") + stage_count(&s, "failed"), 0);
    stage_close(&s);
}

static void short_sends_take_less(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.short_sends = ALWAYS});
    bytes_send(4000);
    ck_assert_uint_gt(stage_count(&s, "send"), 1);
    ck_assert_int_eq(stage_sum(&s, "send"), 4000);
    ck_assert_uint_ge(stage_count(&s, "send"), stage_count(&s, "receive"));
    stage_close(&s);
}

static void short_receives_bring_less(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.short_receives = ALWAYS});
    bytes_send(4000);
    ck_assert_uint_eq(stage_count(&s, "send"), 1);
    ck_assert_uint_eq(stage_count(&s, "arrive"), 1);
    ck_assert_uint_gt(stage_count(&s, "receive"), 1);
    ck_assert_uint_eq(stage_count(&s, "receive"), s.served.shown);
    stage_close(&s);
}

/* A small send is on its way after the next wait only; a large one at once. */
static void deferred_sends_wait_for_the_wait(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.deferred_sends = ALWAYS});
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 100));
    ck_assert_uint_eq(stage_count(&s, "send"), 0);
    ck_ok(plx_loop_run_once(s.client, 0));
    ck_assert_int_eq(stage_record(&s, "send", 0)->value, 100);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, sizeof bytes));
    ck_assert_int_eq(stage_record(&s, "send", 1)->value, sizeof bytes);
    stage_until(&s, &s.served.received, 100 + sizeof bytes);
    stage_close(&s);
}

/* A loop that limits its queues would not see what is deferred, so nothing is. */
static void sends_are_not_deferred_with_a_limit(world *w)
{
    const plx_sim_faults faults = {.deferred_sends = ALWAYS};
    const plx_loop_options limited = {.keep_running = 1, .queued_bytes_max = 100000};
    (void)w;
    stage_open_listening(&s, (plx_sim_options){.faults = &faults});
    ck_ok(plx_loop_close(s.client));
    ck_ok(plx_loop_open(&s.client, &limited));
    ck_ok(plx_sim_add(s.sim, s.client));
    (void)stage_connect(&s);
    stage_until(&s, &s.made.opened, 1);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 100));
    ck_assert_uint_eq(stage_count(&s, "send"), 1);
    stage_close(&s);
}

static size_t closes_of(const char *detached)
{
    ck_assert_uint_ge(stage_count(&s, detached), 1);
    return stage_count(&s, "close");
}

/* The socket of a connection that closes stays open until a wait has brought what is in flight. */
static void late_detaches_keep_the_socket(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.late_detaches = ALWAYS});
    ck_ok(plx_conn_close(s.client, s.made.conn));
    ck_assert_uint_eq(closes_of("detach"), 0);
    ck_ok(plx_loop_run_once(s.client, 0));
    ck_assert_uint_eq(closes_of("detach"), 1);
    stage_until(&s, &s.made.closed, 1);
    stage_until(&s, &s.served.closed, 1);
    stage_close(&s);

    pair_open((plx_sim_faults){0});
    ck_ok(plx_conn_close(s.client, s.made.conn));
    ck_assert_uint_eq(closes_of("detach"), 1);
    stage_close(&s);
}

typedef struct posting {
    uint64_t posted_ns, longest_ns;
    size_t count;
} posting;

static size_t pause_at_first(plx_loop *loop, plx_conn conn, probe *p, const void *data,
                             size_t length)
{
    (void)data;
    if (p->shown == 1)
        ck_ok(plx_conn_pause(loop, conn));
    return length;
}

/* What had arrived when a connection pauses may be received after that. Nobody is shown it before
 * reading resumes. */
static void late_detaches_receive_once_more(world *w)
{
    (void)w;
    for (uint32_t rate = 0; rate <= ALWAYS; rate += ALWAYS) {
        const plx_sim_faults faults = {.short_receives = ALWAYS, .late_detaches = rate};
        stage_open_listening(&s, (plx_sim_options){.seed = 1, .faults = &faults});
        s.served.then_data = pause_at_first;
        (void)stage_connect(&s);
        stage_until(&s, &s.made.opened, 1);
        pattern_fill(bytes, sizeof bytes, 0);
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 4000));
        stage_run(&s, PLX_SECOND);
        ck_assert_uint_eq(s.served.shown, 1);
        ck_assert_uint_eq(stage_count(&s, "receive"), rate != 0 ? 2 : 1);
        ck_ok(plx_conn_resume(s.server, s.served.conn));
        stage_until(&s, &s.served.received, 4000);
        pattern_check(s.served.bytes, 4000, 0);
        stage_close(&s);
    }
}

static void on_post(plx_loop *loop, void *data, int status)
{
    posting *p = data;
    const uint64_t took_ns = plx_sim_now(s.sim) - p->posted_ns;
    (void)loop;
    (void)status;
    p->longest_ns = took_ns > p->longest_ns ? took_ns : p->longest_ns;
    p->count++;
}

static void post_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    posting *p = data;
    (void)loop;
    (void)timer;
    p->posted_ns = plx_sim_now(s.sim);
    ck_ok(plx_post(s.server, on_post, p));
}

/* The longest that one of 100 posts takes; many find the loop asleep. */
static uint64_t post_longest(void)
{
    posting p = {0};
    plx_timer timer;
    ck_ok(plx_timer_start(s.client, &timer, PLX_SECOND, PLX_SECOND, post_on_fire, &p));
    stage_run(&s, 100 * PLX_SECOND + PLX_SECOND / 2);
    ck_assert_uint_eq(p.count, 100);
    ck_ok(plx_timer_cancel(s.client, timer));
    return p.longest_ns;
}

static void late_wakes_end_the_wait_later(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.late_wakes = ALWAYS});
    uint64_t longest_ns = post_longest();
    ck_assert_uint_gt(longest_ns, PLX_MILLISECOND);
    ck_assert_uint_le(longest_ns, 20 * PLX_MILLISECOND + SLOP_NS);
    stage_close(&s);
    pair_open((plx_sim_faults){0});
    ck_assert_uint_le(post_longest(), SLOP_NS);
    ck_assert_uint_gt(stage_count(&s, "wake"), 50);
    stage_close(&s);
}

/* Each look at the clock finds that up to 100 ms have passed. */
static void slow_steps_take_time(world *w)
{
    const plx_sim_faults faults = {.slow_steps = ALWAYS};
    plx_sim *sim;
    plx_loop *loop;
    uint64_t longest_ns = 0;
    (void)w;
    ck_ok(plx_sim_open(&sim, &(plx_sim_options){.seed = 1, .faults = &faults}));
    ck_ok(plx_loop_open(&loop, NULL));
    for (int i = 0; i < 200; i++) {
        const uint64_t before_ns = plx_sim_now(sim);
        (void)plx_loop_next_timeout(loop); /* It looks at the clock once. */
        uint64_t took_ns = plx_sim_now(sim) - before_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    ck_assert_uint_gt(longest_ns, 90 * PLX_MILLISECOND);
    ck_assert_uint_le(longest_ns, 100 * PLX_MILLISECOND);
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
    pair_open((plx_sim_faults){.slow_steps = 500000});
    bytes_send(4000);
    ck_assert_uint_gt(stage_count(&s, "slow"), 0);
    stage_close(&s);
}

/* TCP sends it again, and later again. */
static void losses_delay(world *w)
{
    enum { SENDS = 100 };
    uint64_t longest_ns = 0;
    (void)w;
    pair_open((plx_sim_faults){.losses = ALWAYS});
    ck_assert_uint_ge(plx_sim_now(s.sim), 400 * PLX_MILLISECOND); /* SYN and answer were lost. */
    for (size_t i = 0; i < SENDS; i++) {
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes + i, 1));
        const uint64_t sent_ns = plx_sim_now(s.sim);
        stage_run(&s, 5 * PLX_SECOND);
        const uint64_t took_ns = stage_record(&s, "arrive", i)->time_ns - sent_ns;
        ck_assert_uint_ge(took_ns, 200 * PLX_MILLISECOND);
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    ck_assert_uint_eq(s.served.received, SENDS);
    pattern_check(s.served.bytes, SENDS, 0);
    ck_assert_uint_gt(longest_ns, PLX_SECOND);
    ck_assert_uint_le(longest_ns, 3 * PLX_SECOND);
    stage_close(&s);
}

static void resets_end_both_sides(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.resets = ALWAYS});
    stage_run(&s, PLX_SECOND); /* Without a send there is none. */
    ck_assert_uint_eq(stage_count(&s, "reset"), 0);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 10));
    stage_until(&s, &s.made.closed, 1);
    stage_until(&s, &s.served.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ECONNRESET);
    ck_assert_int_eq(s.served.reason, PLX_ECONNRESET);
    stage_close(&s);
}

static void refusals_refuse_though_somebody_listens(world *w)
{
    const plx_sim_faults faults = {.refusals = ALWAYS};
    (void)w;
    stage_open_listening(&s, (plx_sim_options){.faults = &faults});
    (void)stage_connect(&s);
    stage_until(&s, &s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ECONNREFUSED);
    ck_assert_uint_lt(plx_sim_now(s.sim), 2 * PLX_MILLISECOND);
    ck_assert_uint_eq(s.made.opened + s.served.opened, 0);
    stage_close(&s);
}

/* Whoever has no patience gives up; the system does after 127 seconds, as Linux does. */
static void black_holes_do_not_answer(world *w)
{
    const plx_sim_faults faults = {.black_holes = ALWAYS};
    probe patient = {0};
    plx_conn_options options = probe_options(&patient);
    (void)w;
    stage_open_listening(&s, (plx_sim_options){.faults = &faults});
    options.connect_timeout_ns = PLX_FOREVER;
    (void)stage_connect(&s);
    ck_ok(plx_connect(s.client, NULL, s.address, &options));
    stage_run(&s, 29 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 0);
    stage_run(&s, 2 * PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ETIMEDOUT);
    stage_run(&s, 95 * PLX_SECOND);
    ck_assert_uint_eq(patient.closed, 0);
    stage_run(&s, 2 * PLX_SECOND);
    ck_assert_uint_eq(patient.closed, 1);
    ck_assert_int_eq(patient.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(stage_count(&s, "syn"), 0);
    stage_close(&s);
}

static void no_descriptors_makes_no_socket(world *w)
{
    const plx_sim_faults faults = {.no_descriptors = ALWAYS};
    (void)w;
    stage_open(&s, (plx_sim_options){.faults = &faults});
    ck_assert_int_eq(stage_listen_try(&s, "tcp://127.0.0.1:0"), PLX_EMFILE);
    ck_assert_int_eq(plx_connect(s.client, NULL, "tcp://127.0.0.1:9", NULL), PLX_EMFILE);
    ck_assert_uint_eq(plx_sim_sockets(s.sim), 0);
    stage_close(&s);
}

static void on_listener_error(plx_loop *loop, plx_listener listener, void *data, int status)
{
    (void)loop;
    (void)listener;
    ck_assert_int_eq(status, PLX_EMFILE);
    ++*(size_t *)data;
}

/* A listener tells that it lacks one, and accepts all the same once there is one. */
static void no_descriptors_delays_accepting(world *w)
{
    enum { CLIENTS = 20 };
    const plx_sim_faults faults = {.no_descriptors = 500000};
    size_t errors = 0, connects = 0;
    (void)w;
    stage_open(&s, (plx_sim_options){.seed = 1, .faults = &faults});
    const plx_conn_options served = probe_options(&s.served), made = probe_options(&s.made);
    const plx_listen_options options = {
        .conn = &served, .on_error = on_listener_error, .data = &errors};
    while (plx_listen(s.server, &s.listener, "tcp://127.0.0.1:99", &options) != 0)
        ck_assert_uint_lt(stage_count(&s, "listen"), 1);
    while (connects < CLIENTS)
        connects += plx_connect(s.client, NULL, "tcp://127.0.0.1:99", &made) == 0;
    stage_run(&s, 60 * PLX_SECOND);
    ck_assert_uint_gt(errors, 0);
    ck_assert_uint_gt(s.served.opened, 0);
    ck_assert_uint_eq(s.made.opened, CLIENTS);
    /* Some were turned away by the spare descriptor. */
    ck_assert_uint_eq(s.made.closed, CLIENTS - s.served.opened);
    stage_close(&s);
}

/* What the system has no buffer for waits in the queue. */
static void no_buffers_sends_nothing(world *w)
{
    (void)w;
    pair_open((plx_sim_faults){.no_buffers = ALWAYS});
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 1000));
    stage_run(&s, 500 * PLX_MILLISECOND);
    ck_assert_uint_eq(stage_count(&s, "send"), 0);
    ck_assert_uint_eq(plx_conn_queued(s.client, s.made.conn), 1000);
    ck_assert_uint_eq(s.made.closed + s.served.closed, 0);
    stage_until(&s, &s.made.closed, 1); /* The loop gives up. */
    ck_assert_int_eq(s.made.reason, PLX_ENOBUFS);
    stage_close(&s);
    pair_open((plx_sim_faults){.no_buffers = 500000});
    bytes_send(4000);
    stage_close(&s);
}

static void no_memory_starts_nothing(world *w)
{
    const plx_sim_faults faults = {.no_memory = ALWAYS};
    (void)w;
    stage_open(&s, (plx_sim_options){.faults = &faults});
    ck_assert_int_eq(stage_listen_try(&s, "tcp://127.0.0.1:0"), PLX_ENOMEM);
    ck_assert_int_eq(plx_connect(s.client, NULL, "tcp://127.0.0.1:9", NULL), PLX_ENOMEM);
    stage_close(&s);
}

const test_case sim_faults_cases[] = {
    CASE(nothing_fails_by_itself),
    CASE(short_sends_take_less),
    CASE(short_receives_bring_less),
    CASE(deferred_sends_wait_for_the_wait),
    CASE(sends_are_not_deferred_with_a_limit),
    CASE(late_detaches_keep_the_socket),
    CASE(late_detaches_receive_once_more),
    CASE(late_wakes_end_the_wait_later),
    CASE(slow_steps_take_time),
    CASE(losses_delay),
    CASE(resets_end_both_sides),
    CASE(refusals_refuse_though_somebody_listens),
    CASE(black_holes_do_not_answer),
    CASE(no_descriptors_makes_no_socket),
    CASE(no_descriptors_delays_accepting),
    CASE(no_buffers_sends_nothing),
    CASE(no_memory_starts_nothing),
    CASES_END,
};
