/* tests/sim_memory.c - a simulation without memory fails in order: it leaks and breaks nothing. */
#include "tests/sim_stage.h"

extern const test_case sim_memory_cases[];

static unsigned char bytes[30000];

/* Opens what it can of a simulation, and talks in it for a while. */
static void life(probe *served, probe *made)
{
    plx_sim *sim = NULL;
    plx_loop *loops[2] = {NULL, NULL};
    plx_conn conn;
    const plx_sim_options options = {.seed = 4, .buffer_bytes = 5000};
    const plx_conn_options accepted = probe_options(served), connected = probe_options(made);
    const plx_listen_options listen = {.conn = &accepted};
    if (plx_sim_open(&sim, &options) != 0)
        return;
    bool is_open = plx_loop_open(&loops[0], NULL) == 0 && plx_loop_open(&loops[1], NULL) == 0 &&
                   plx_sim_add(sim, loops[0]) == 0 && plx_sim_add(sim, loops[1]) == 0 &&
                   plx_listen(loops[0], NULL, "tcp://127.0.0.1:80", &listen) == 0;
    for (int i = 0; is_open && i < 20; i++) {
        if (plx_connect(loops[1], &conn, "tcp://127.0.0.1:80", &connected) == 0 &&
            plx_conn_write(loops[1], conn, bytes, sizeof bytes) != 0)
            (void)plx_conn_close(loops[1], conn);
    }
    if (is_open)
        ck_assert_int_eq(plx_sim_run(sim, 300 * PLX_SECOND), PLX_ETIMEDOUT); /* It listens. */
    ck_ok(plx_loop_close(loops[1]));
    ck_ok(plx_loop_close(loops[0]));
    ck_assert_uint_eq(plx_sim_sockets(sim), 0);
    ck_ok(plx_sim_close(sim));
}

/* The allocation that is missing is another one each time, until all have had their turn. */
static void memory_fails_at_each_allocation(world *w)
{
    (void)w;
    for (uint32_t n = 0;; n++) {
        probe served = {0}, made = {0};
        const uint32_t held = plx__fault_held(PLX__FAULT_MEMORY);
        plx__fault_arm(PLX__FAULT_MEMORY, n, 1);
        life(&served, &made);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_msg(plx__fault_held(PLX__FAULT_MEMORY) == held, "allocation %u", n);
        ck_assert_uint_eq(served.opened, served.closed);
        if (struck > 0)
            continue;
        ck_assert_uint_eq(served.received, 20 * sizeof bytes);
        ck_assert_uint_gt(n, 50);
        break;
    }
}

/* From some point on there is none at all. */
static void memory_runs_out_for_good(world *w)
{
    (void)w;
    for (uint32_t n = 0;; n++) {
        probe served = {0}, made = {0};
        const uint32_t held = plx__fault_held(PLX__FAULT_MEMORY);
        plx__fault_arm(PLX__FAULT_MEMORY, n, UINT32_MAX);
        life(&served, &made);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        ck_assert_msg(plx__fault_held(PLX__FAULT_MEMORY) == held, "allocation %u", n);
        ck_assert_uint_eq(served.opened, served.closed);
        if (struck == 0)
            break;
    }
}

/* --- a header that came with the connection, whose reading cannot begin ------------------------
 */

typedef struct early {
    probe probe; /* First. */
    plx_socket socket;
    size_t taken, headers, refused;
} early;

static enum plx_accept_verdict take_it(plx_loop *loop, plx_listener listener, void *data,
                                       plx_socket socket, const void *first, size_t length)
{
    early *e = data;
    (void)loop;
    (void)listener;
    (void)first;
    ck_assert_uint_eq(length, 0);
    e->socket = socket;
    e->taken++;
    return PLX_ACCEPT_TAKEN;
}

static int count_header(plx_loop *loop, plx_conn conn, void **data, const plx_proxy_header *header)
{
    early *e = *data;
    (void)loop;
    (void)conn;
    ck_assert_str_eq(header->source, "tcp://192.0.2.1:4711");
    e->headers++;
    return 0;
}

static void count_refused(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    early *e = data;
    (void)loop;
    (void)conn;
    ck_assert_int_eq(reason, PLX_ENOMEM);
    e->refused++;
}

/* Returns whether it was refused. */
static bool early_run(uint64_t seed)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nabc";
    static const char *const trusted[] = {"127.0.0.1"};
    const plx_sim_faults faults = {.no_memory = 300000};
    early e = {.probe = {0}};
    stage s;
    plx_proxy *proxy;
    plx_conn_options conn = probe_options(&e.probe);
    stage_open(&s, (plx_sim_options){.seed = seed, .faults = &faults});
    ck_ok(plx_proxy_open(&proxy, &(plx_proxy_options){.conn = &conn,
                                                      .on_header = count_header,
                                                      .on_refused = count_refused,
                                                      .trusted = trusted,
                                                      .trusted_count = 1}));
    plx_proxy_conn_options(proxy, &conn);
    const plx_listen_options options = {.on_accept = take_it, .data = &e};
    int status = PLX_ENOMEM;
    while (status == PLX_ENOMEM)
        status = plx_listen(s.server, &s.listener, "tcp://127.0.0.1:0", &options);
    ck_ok(status);
    ck_ok(plx_listener_address(s.server, s.listener, s.address, sizeof s.address));
    for (int tries = 0; e.taken == 0 && tries < 50; tries++) {
        status = plx_connect(s.client, NULL, s.address, NULL);
        ck_assert(status == 0 || status == PLX_ENOMEM);
        stage_run(&s, PLX_SECOND);
    }
    ck_assert_uint_gt(e.taken, 0);
    status = PLX_ENOMEM;
    while (status == PLX_ENOMEM)
        status = plx_conn_adopt(s.server, NULL, e.socket, &conn, header, sizeof header - 1);
    ck_ok(status);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(e.headers + e.refused, 1);
    ck_assert_uint_eq(e.probe.opened, e.headers);
    ck_assert_uint_eq(e.probe.received, e.headers != 0 ? 3 : 0);
    stage_close(&s);
    ck_assert_uint_eq(e.probe.closed, e.headers);
    plx_proxy_close(proxy);
    return e.refused != 0;
}

/* Either the header is told and on_open follows, or the connection is refused: on_close is never
 * called without on_open. */
static void header_is_told_when_nothing_can_fail(world *w)
{
    size_t refused = 0;
    (void)w;
    for (uint64_t seed = 1; seed <= 40; seed++)
        refused += early_run(seed);
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_lt(refused, 40);
}

const test_case sim_memory_cases[] = {
    CASE(memory_fails_at_each_allocation),
    CASE(memory_runs_out_for_good),
    CASE(header_is_told_when_nothing_can_fail),
    CASES_END,
};
