/* tests/sim_drain.c - when a server has ended, by the virtual clock. */
#include "tests/harness.h"

extern const test_case sim_drain_cases[];

enum { CLIENTS = 60 };

#define DEADLINE_NS (20 * PLX_MILLISECOND)
/* What the wakes, the looks at connections and the accepts that wait may add. */
#define SLOP_NS (30 * PLX_MILLISECOND)

static plx_server *server;
static uint32_t loops_left;

static int served_turn(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx_loop_run_turn(loop, timeout_ns);
    if (status > 0 || status == PLX_EBUSY)
        return status;
    ck_ok(plx_server_loop_end(server, loop, status));
    loops_left--;
    return status;
}

static int is_busy(plx_loop *loop, plx_conn conn, void *data)
{
    (void)loop;
    (void)conn;
    (void)data;
    return 1;
}

static void server_open(plx_sim *sim, probe *served, char *address)
{
    const plx_loop_options loop = {.connections_max = 1};
    const plx_conn_options conn = probe_options(served);
    const plx_listen_options listen = {.conn = &conn};
    const plx_server_options options = {.loops = 1,
                                        .dispatch = PLX_DISPATCH_ROUND_ROBIN,
                                        .loop = &loop,
                                        .on_draining = is_busy,
                                        .no_threads = 1};
    ck_ok(plx_server_open(&server, &options));
    ck_ok(plx_server_listen(server, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_server_address(server, 0, address, PLX_ADDRESS_TEXT_MAX));
    for (loops_left = 0; plx_server_loop(server, loops_left) != NULL; loops_left++)
        ck_ok(plx_sim_add_calls(sim, plx_server_loop(server, loops_left), served_turn,
                                plx_loop_next_timeout));
}

/* One client is served, and the others wait for room. After the deadline none of them is let in to
 * be cut off, one after the other. */
static void clients_that_wait_do_not_delay_the_deadline(world *w)
{
    probe served = {0}, made = {0};
    plx_sim *sim;
    plx_loop *outside;
    plx_server_stats stats;
    char address[PLX_ADDRESS_TEXT_MAX];
    const plx_conn_options conn = probe_options(&made);
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&outside, &(plx_loop_options){.keep_running = 1}));
    ck_ok(plx_sim_add(sim, outside));
    server_open(sim, &served, address);
    for (int i = 0; i < CLIENTS; i++)
        ck_ok(plx_connect(outside, NULL, address, &conn));
    ck_assert_int_eq(plx_sim_run(sim, PLX_SECOND), PLX_ETIMEDOUT);
    ck_assert_uint_eq(made.opened, CLIENTS);
    ck_assert_uint_eq(served.opened, 1);
    const uint64_t since_ns = plx_sim_now(sim);
    ck_ok(plx_server_drain(server, DEADLINE_NS));
    while (loops_left > 0 && plx_sim_now(sim) < since_ns + 100 * DEADLINE_NS)
        ck_assert_int_eq(plx_sim_run(sim, PLX_MILLISECOND), PLX_ETIMEDOUT);
    ck_assert_uint_ge(plx_sim_now(sim), since_ns + DEADLINE_NS);
    ck_assert_uint_le(plx_sim_now(sim), since_ns + DEADLINE_NS + SLOP_NS);
    ck_assert_uint_eq(served.opened, served.closed);
    plx_server_stats_get(server, &stats);
    ck_assert_uint_eq(stats.refused + served.opened, CLIENTS);
    ck_assert_int_eq(plx_sim_run(sim, PLX_SECOND), PLX_ETIMEDOUT);
    ck_assert_uint_eq(made.closed, CLIENTS);
    ck_ok(plx_server_close(server));
    ck_ok(plx_loop_close(outside));
    ck_ok(plx_sim_close(sim));
}

const test_case sim_drain_cases[] = {
    CASE(clients_that_wait_do_not_delay_the_deadline),
    CASES_END,
};
