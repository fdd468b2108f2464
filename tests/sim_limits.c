/* tests/sim_limits.c - limits of servers by the virtual clock: how often clients may connect. */
#include <string.h>

#include "tests/harness.h"

extern const test_case sim_limits_cases[];

enum { LOOPS = 3 };

/* A server in a simulation, and a loop whose connections come to it. */
typedef struct scene {
    plx_sim *sim;
    plx_server *server;
    plx_loop *client;
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t opened;      /* Of the server's side. */
    uint64_t opened_ns; /* When the last one did. */
    size_t failed;      /* Of the client's. */
} scene;

static scene *here;

static void on_open(plx_loop *loop, plx_conn conn, void *data)
{
    (void)conn;
    (void)data;
    here->opened++;
    here->opened_ns = plx_loop_now(loop);
}

static void on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)data;
    here->failed += reason == PLX_ECONNRESET;
}

static void scene_listen(scene *s, const char *address)
{
    const plx_conn_options conn = {.on_open = on_open};
    ck_ok(plx_server_listen(s->server, address, &(plx_listen_options){.conn = &conn}));
    ck_ok(plx_server_address(s->server, 0, s->address, sizeof s->address));
}

static void scene_open(scene *s, uint32_t dispatch, const plx_server_limits *limits)
{
    const plx_server_options options = {.loops = dispatch == PLX_DISPATCH_INLINE ? 1 : LOOPS - 1,
                                        .dispatch = dispatch,
                                        .no_threads = 1};
    *s = (scene){0};
    here = s;
    ck_ok(plx_sim_open(&s->sim, &(plx_sim_options){.seed = 1, .latency_ns = PLX_MICROSECOND}));
    ck_ok(plx_server_open(&s->server, &options));
    ck_ok(plx_server_set_limits(s->server, limits, NULL));
    scene_listen(s, "tcp://[::]:80");
    for (uint32_t i = 0; plx_server_loop(s->server, i) != NULL; i++)
        ck_ok(plx_sim_add(s->sim, plx_server_loop(s->server, i)));
    ck_ok(plx_loop_open(&s->client, &(plx_loop_options){.keep_running = 1}));
    ck_ok(plx_sim_add(s->sim, s->client));
}

static void scene_close(scene *s)
{
    ck_ok(plx_loop_close(s->client));
    ck_ok(plx_server_close(s->server));
    ck_assert_uint_eq(plx_sim_sockets(s->sim), 0);
    ck_ok(plx_sim_close(s->sim));
}

static void pass(scene *s, uint64_t time_ns)
{
    ck_assert_int_eq(plx_sim_run(s->sim, time_ns), PLX_ETIMEDOUT);
}

static plx_conn connect_to(scene *s, const char *address)
{
    const plx_conn_options options = {.on_close = on_close};
    plx_conn conn;
    ck_ok(plx_connect(s->client, &conn, address, &options));
    return conn;
}

static void connect_many(scene *s, const char *address, size_t count)
{
    while (count-- > 0)
        (void)connect_to(s, address);
    pass(s, PLX_MILLISECOND);
}

static plx_server_stats stats_of(scene *s)
{
    plx_server_stats stats;
    plx_server_stats_get(s->server, &stats);
    return stats;
}

/* Three at once, and then ten a second; not more after an hour; and each for itself. */
static void client_comes_as_often_as_its_rate_says(world *w)
{
    const plx_server_limits limits = {.client_rate = 10, .client_burst = 3};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_INLINE, &limits);
    for (int hour = 0; hour < 3; hour++) {
        size_t before = s.opened;
        connect_many(&s, "tcp://127.0.0.1:80", 5);
        ck_assert_uint_eq(s.opened - before, 3);
        pass(&s, 90 * PLX_MILLISECOND);
        connect_many(&s, "tcp://127.0.0.1:80", 1);
        ck_assert_uint_eq(s.opened - before, 3);
        pass(&s, 20 * PLX_MILLISECOND);
        connect_many(&s, "tcp://127.0.0.1:80", 2);
        ck_assert_uint_eq(s.opened - before, 4);
        connect_many(&s, "tcp://[::1]:80", 5); /* Another one. */
        ck_assert_uint_eq(s.opened - before, 7);
        pass(&s, 3600 * PLX_SECOND);
    }
    ck_assert_uint_eq(stats_of(&s).refused_client_rate, 3 * 6);
    ck_assert_uint_eq(s.failed, 3 * 6);
    scene_close(&s);
}

/* As many at once as in a second, where nothing else is said. */
static void burst_is_a_second(world *w)
{
    const plx_server_limits limits = {.client_rate = 7};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_ROUND_ROBIN, &limits);
    connect_many(&s, "tcp://127.0.0.1:80", 20);
    ck_assert_uint_eq(s.opened, 7);
    scene_close(&s);
}

/* A client is forgotten when its bucket is full again and somebody comes. */
static void clients_are_forgotten_in_time(world *w)
{
    const plx_server_limits limits = {.client_rate = 1, .client_burst = 5};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_INLINE, &limits);
    plx_conn conns[3];
    for (size_t i = 0; i < 3; i++)
        conns[i] = connect_to(&s, "tcp://127.0.0.1:80");
    plx_conn six = connect_to(&s, "tcp://[::1]:80");
    pass(&s, PLX_MILLISECOND);
    ck_assert_uint_eq(stats_of(&s).clients, 2);
    for (size_t i = 0; i < 3; i++)
        ck_ok(plx_conn_close(s.client, conns[i]));
    pass(&s, 2900 * PLX_MILLISECOND);
    ck_ok(plx_conn_close(s.client, six)); /* Its bucket is full: it is forgotten at once. */
    pass(&s, PLX_MILLISECOND);
    ck_assert_uint_eq(stats_of(&s).clients, 1);
    six = connect_to(&s, "tcp://[::1]:80");
    pass(&s, PLX_MILLISECOND);
    ck_assert_uint_eq(stats_of(&s).clients, 2); /* The other one has 98 ms to go. */
    pass(&s, 100 * PLX_MILLISECOND);
    (void)connect_to(&s, "tcp://[::1]:80");
    pass(&s, PLX_MILLISECOND);
    ck_assert_uint_eq(stats_of(&s).clients, 1);
    scene_close(&s);
}

/* Whatever the policy: twenty come at once, and are let in one by one. None is refused. */
static void clients_wait_for_the_rate_of_the_server(world *w)
{
    const plx_server_limits limits = {.server_rate = 1000, .server_burst = 1};
    (void)w;
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch < PLX_DISPATCH_CHOSEN; dispatch++) {
        scene s;
        scene_open(&s, dispatch, &limits);
        const uint64_t until_ns = plx_sim_now(s.sim) + PLX_SECOND;
        uint64_t first_ns = 0; /* By the loops' clock. */
        for (int i = 0; i < 20; i++)
            (void)connect_to(&s, "tcp://127.0.0.1:80");
        for (size_t i = 1; i <= 20; i++) {
            while (s.opened < i && plx_sim_now(s.sim) < until_ns)
                pass(&s, 100 * PLX_MICROSECOND);
            ck_assert_uint_eq(s.opened, i);
            first_ns = i == 1 ? s.opened_ns : first_ns;
            ck_assert_uint_ge(s.opened_ns - first_ns + PLX_MICROSECOND, (i - 1) * PLX_MILLISECOND);
            ck_assert_uint_lt(s.opened_ns - first_ns, i * PLX_MILLISECOND);
        }
        ck_assert_uint_eq(s.failed, 0);
        ck_assert_uint_gt(stats_of(&s).limit_pauses, 0);
        ck_assert_uint_eq(stats_of(&s).refused_server_rate, 0);
        ck_assert_uint_eq(stats_of(&s).clients, 1);
        scene_close(&s);
    }
}

static void server_refuses_beyond_its_rate(world *w)
{
    const plx_server_limits limits = {.server_rate = 2, .rate_action = PLX_LIMIT_REFUSE};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_LEAST_CONNECTIONS, &limits);
    connect_many(&s, "tcp://127.0.0.1:80", 3);
    connect_many(&s, "tcp://[::1]:80", 1);
    ck_assert_uint_eq(s.opened, 2);
    ck_assert_uint_eq(stats_of(&s).refused_server_rate, 2);
    ck_assert_uint_eq(s.failed, 2);
    pass(&s, 500 * PLX_MILLISECOND);
    connect_many(&s, "tcp://[::1]:80", 2);
    ck_assert_uint_eq(s.opened, 3);
    scene_close(&s);
}

/* Who is over the client's limit is refused though the server is full, and does not wait. */
static void client_over_its_limit_does_not_wait(world *w)
{
    const plx_server_limits limits = {.client_open_max = 1, .server_open_max = 1};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_INLINE, &limits);
    plx_conn first = connect_to(&s, "tcp://127.0.0.1:80");
    pass(&s, PLX_MILLISECOND);
    connect_many(&s, "tcp://127.0.0.1:80", 1);
    ck_assert_uint_eq(stats_of(&s).refused_client_open, 1);
    connect_many(&s, "tcp://[::1]:80", 1);
    ck_assert_uint_eq(stats_of(&s).limit_pauses, 1);
    ck_assert_uint_eq(s.opened, 1);
    ck_ok(plx_conn_close(s.client, first));
    pass(&s, 20 * PLX_MILLISECOND);
    ck_assert_uint_eq(s.opened, 2);
    ck_assert_uint_eq(stats_of(&s).clients, 1);
    scene_close(&s);
}

/* receive_rate without receive_grace_ns gives each peer ten seconds. */
static void slow_peer_has_ten_seconds_by_default(world *w)
{
    const plx_server_limits limits = {.receive_rate = 1000};
    scene s;
    (void)w;
    scene_open(&s, PLX_DISPATCH_ROUND_ROBIN, &limits);
    plx_conn silent = connect_to(&s, "tcp://127.0.0.1:80");
    pass(&s, 9900 * PLX_MILLISECOND);
    ck_assert_int_eq(plx_conn_is_open(s.client, silent), 1);
    pass(&s, 200 * PLX_MILLISECOND);
    ck_assert_int_eq(plx_conn_is_open(s.client, silent), 0);
    ck_assert_uint_eq(s.failed, 1);
    ck_assert_uint_eq(stats_of(&s).slow_peers, 1);
    scene_close(&s);
}

const test_case sim_limits_cases[] = {
    CASE(client_comes_as_often_as_its_rate_says), CASE(burst_is_a_second),
    CASE(clients_are_forgotten_in_time),          CASE(clients_wait_for_the_rate_of_the_server),
    CASE(server_refuses_beyond_its_rate),         CASE(client_over_its_limit_does_not_wait),
    CASE(slow_peer_has_ten_seconds_by_default),   CASES_END,
};
