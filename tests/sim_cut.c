/* tests/sim_cut.c - a network that is cut, or some of its links. */
#include "tests/sim_stage.h"

extern const test_case sim_cut_cases[];

static stage s;
static unsigned char bytes[3000];

static void mended_network_delivers(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){0});
    plx_sim_cut(s.sim, 1);
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    ck_ok(plx_conn_shutdown(s.client, s.made.conn));
    plx_conn late = stage_connect(&s);
    stage_run(&s, 10 * PLX_SECOND);
    ck_assert_uint_eq(stage_count(&s, "arrive"), 0);
    ck_assert_uint_eq(s.served.shown + s.served.closed, 0);
    ck_assert_int_eq(plx_conn_is_open(s.client, late), 0);
    plx_sim_cut(s.sim, 0);
    const uint64_t mended_ns = plx_sim_now(s.sim);
    stage_until(&s, &s.served.received, 5);
    ck_assert_uint_le(plx_sim_now(s.sim) - mended_ns, 210 * PLX_MILLISECOND);
    stage_until(&s, &s.served.closed, 1);
    ck_assert_int_eq(s.served.reason, 0);
    stage_until(&s, &s.made.opened, 2);
    stage_close(&s);
}

/* A third loop, that the simulation runs beside the stage's two. */
static plx_loop *third_open(void)
{
    plx_loop *third;
    ck_ok(plx_loop_open(&third, &(plx_loop_options){.keep_running = 1}));
    ck_ok(plx_sim_add(s.sim, third));
    return third;
}

static void third_close(plx_loop *third)
{
    ck_ok(plx_loop_close(third));
    stage_close(&s);
}

typedef struct relay {
    plx_conn from, to;
} relay;

static size_t relay_on(plx_loop *loop, plx_conn conn, probe *p, const void *data, size_t length)
{
    const relay *way = p->more;
    if (conn.bits == way->from.bits)
        ck_ok(plx_conn_write(loop, way->to, data, length));
    return length;
}

/* The server relays from the client to the third loop. While the link to the client is cut, that to
 * the third one lives. Mended, all that was sent arrives once, in order. */
static void one_link_is_cut_and_mended(world *w)
{
    enum { HALF = 1500 };
    probe relayed = {0};
    relay way;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.seed = 3});
    plx_loop *third = third_open();
    const plx_conn_options options = probe_options(&relayed);
    way.from = s.served.conn;
    ck_ok(plx_connect(third, NULL, s.address, &options));
    stage_until(&s, &s.served.opened, 2);
    way.to = s.served.conn;
    s.served.more = &way;
    s.served.then_data = relay_on;
    pattern_fill(bytes, 2 * HALF, 0);
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, HALF));
    stage_until(&s, &relayed.received, HALF);

    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes + HALF, HALF));
    (void)stage_connect(&s);
    ck_ok(plx_connect(third, NULL, s.address, &options));
    ck_ok(plx_conn_write(third, relayed.conn, "hello", 5));
    stage_run(&s, 10 * PLX_SECOND);
    ck_assert_uint_eq(relayed.received, HALF);
    ck_assert_uint_eq(s.made.opened, 1);
    ck_assert_uint_eq(relayed.opened, 2);
    ck_assert_uint_eq(s.served.opened, 3);
    ck_assert_uint_eq(s.served.received, HALF + 5);

    ck_ok(plx_sim_cut_between(s.sim, s.client, s.server, 0)); /* In either order. */
    const uint64_t mended_ns = plx_sim_now(s.sim);
    stage_until(&s, &relayed.received, 2 * HALF);
    ck_assert_uint_le(plx_sim_now(s.sim) - mended_ns, 210 * PLX_MILLISECOND);
    stage_until(&s, &s.made.opened, 2);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(relayed.received, 2 * HALF);
    pattern_check(relayed.bytes, 2 * HALF, 0);
    third_close(third);
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *rest, size_t length)
{
    (void)loop;
    (void)conn;
    (void)rest;
    ck_assert_uint_eq(length, 0);
    *(plx_socket *)data = socket;
}

/* A connection that is handed over is where its new loop is. */
static void moved_connection_is_cut_elsewhere(world *w)
{
    probe moved = {0};
    const plx_conn_options options = probe_options(&moved);
    plx_socket socket = PLX_SOCKET_NONE;
    plx_conn conn;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    plx_loop *third = third_open();
    ck_ok(plx_connect(s.client, &conn, s.address,
                      &(plx_conn_options){.on_release = on_release, .data = &socket}));
    stage_until(&s, &s.served.opened, 1);
    stage_run(&s, PLX_SECOND);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
    ck_ok(plx_conn_release(s.client, conn));
    stage_run(&s, PLX_SECOND);
    ck_ok(plx_conn_adopt(third, NULL, socket, &options, NULL, 0));
    stage_until(&s, &moved.opened, 1);
    ck_ok(plx_conn_write(s.server, s.served.conn, "a", 1));
    ck_ok(plx_conn_write(third, moved.conn, "b", 1));
    stage_until(&s, &moved.received, 1);
    stage_until(&s, &s.served.received, 1);
    ck_ok(plx_sim_cut_between(s.sim, third, s.server, 1));
    ck_ok(plx_conn_write(s.server, s.served.conn, "c", 1));
    ck_ok(plx_conn_write(third, moved.conn, "d", 1));
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(moved.received + s.served.received, 2);
    third_close(third);
}

/* What goes to a connection that nobody has accepted yet is cut as well, */
static void backlog_is_cut_too(world *w)
{
    const plx_loop_options one = {.keep_running = 1, .connections_max = 1};
    probe second = {0};
    (void)w;
    stage_open(&s, (plx_sim_options){0});
    ck_ok(plx_loop_close(s.server));
    ck_ok(plx_loop_open(&s.server, &one));
    ck_ok(plx_sim_add(s.sim, s.server));
    stage_listen(&s, "tcp://127.0.0.1:80");
    (void)stage_connect(&s);
    stage_until(&s, &s.made.opened, 1);
    const plx_conn_options options = probe_options(&second);
    ck_ok(plx_connect(s.client, NULL, s.address, &options));
    stage_until(&s, &second.opened, 1);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
    ck_ok(plx_conn_write(s.client, second.conn, "x", 1));
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(stage_count(&s, "arrive"), 0);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 0));
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(stage_count(&s, "arrive"), 1);
    stage_close(&s);
}

/* and the ends that sockets have sent which are closed meanwhile, and the answer to a connect. */
static void last_words_are_cut_too(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.latency_ns = PLX_SECOND});
    const plx_conn first = s.served.conn;
    (void)stage_connect(&s);
    stage_until(&s, &s.made.opened, 2);
    const plx_conn second = s.made.conn;
    (void)stage_connect(&s);
    stage_until(&s, &s.served.opened, 3);
    ck_assert_uint_eq(s.made.opened, 2); /* The answer is on its way. */
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
    ck_ok(plx_conn_close(s.server, first));
    ck_ok(plx_conn_close(s.client, second));
    stage_run(&s, 10 * PLX_SECOND);
    ck_assert_uint_eq(s.made.opened, 2);
    ck_assert_uint_eq(s.made.closed, 1);
    ck_assert_uint_eq(s.served.closed, 1);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 0));
    stage_until(&s, &s.made.opened, 3);
    stage_until(&s, &s.made.closed, 2);
    stage_until(&s, &s.served.closed, 2);
    ck_assert_int_eq(s.made.reason, 0);
    ck_assert_int_eq(s.served.reason, 0);
    stage_close(&s);
}

/* Both ends of a connection may be in one loop. */
static void loop_is_cut_from_itself(world *w)
{
    probe own = {0};
    const plx_conn_options options = probe_options(&own);
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.server, 1));
    ck_ok(plx_connect(s.server, NULL, s.address, &options));
    (void)stage_connect(&s);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(own.opened, 0);
    ck_assert_uint_eq(s.made.opened, 1);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.server, 0));
    stage_until(&s, &own.opened, 1);
    stage_close(&s);
}

/* Loops of no simulation, and no memory. What is cut twice is mended once. */
static void wrong_cuts_are_refused(world *w)
{
    const plx_loop_options named = {.backend = plx_backend_default()};
    plx_loop *real;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){0});
    ck_ok(plx_loop_open(&real, &named));
    ck_assert_int_eq(plx_sim_cut_between(s.sim, s.server, real, 1), PLX_EINVAL);
    ck_assert_int_eq(plx_sim_cut_between(s.sim, real, s.server, 1), PLX_EINVAL);
    ck_ok(plx_loop_close(real));
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 0));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ck_assert_int_eq(plx_sim_cut_between(s.sim, s.server, s.client, 1), PLX_ENOMEM);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
    stage_until(&s, &s.served.received, 1);
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
    ck_ok(plx_sim_cut_between(s.sim, s.client, s.server, 1));
    ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 0));
    ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
    stage_until(&s, &s.served.received, 2);
    stage_close(&s);
}

/* Two cuts: the mended one lives, whichever was made first. */
static void each_cut_is_mended_alone(world *w)
{
    (void)w;
    for (int first = 0; first < 2; first++) {
        probe made = {0};
        stage_open_pair(&s, (plx_sim_options){0});
        plx_loop *third = third_open();
        const plx_conn_options options = probe_options(&made);
        ck_ok(plx_sim_cut_between(s.sim, s.server, first == 0 ? s.client : third, 1));
        ck_ok(plx_sim_cut_between(s.sim, s.server, first == 0 ? third : s.client, 1));
        ck_ok(plx_connect(third, NULL, s.address, &options));
        ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
        ck_ok(plx_sim_cut_between(s.sim, s.server, third, 0));
        stage_until(&s, &made.opened, 1);
        stage_run(&s, PLX_SECOND);
        ck_assert_uint_eq(s.served.received, 0);
        third_close(third);
    }
}

/* If nobody mends the network, an endless run returns PLX_EDEADLK, and a later run continues. */
static void endless_cut_is_a_deadlock(world *w)
{
    (void)w;
    for (int is_link = 0; is_link < 2; is_link++) {
        stage_open_pair(&s, (plx_sim_options){0});
        if (is_link)
            ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 1));
        else
            plx_sim_cut(s.sim, 1);
        ck_ok(plx_conn_write(s.client, s.made.conn, "x", 1));
        ck_assert_int_eq(plx_sim_run(s.sim, PLX_FOREVER), PLX_EDEADLK);
        ck_assert_uint_eq(s.served.received, 0);
        if (is_link)
            ck_ok(plx_sim_cut_between(s.sim, s.server, s.client, 0));
        else
            plx_sim_cut(s.sim, 0);
        ck_assert_int_eq(plx_sim_run(s.sim, PLX_FOREVER), PLX_EDEADLK);
        ck_assert_uint_eq(s.served.received, 1);
        stage_close(&s);
    }
}

const test_case sim_cut_cases[] = {
    CASE(mended_network_delivers),
    CASE(one_link_is_cut_and_mended),
    CASE(moved_connection_is_cut_elsewhere),
    CASE(backlog_is_cut_too),
    CASE(last_words_are_cut_too),
    CASE(loop_is_cut_from_itself),
    CASE(wrong_cuts_are_refused),
    CASE(each_cut_is_mended_alone),
    CASE(endless_cut_is_a_deadlock),
    CASES_END,
};
