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

const test_case sim_memory_cases[] = {
    CASE(memory_fails_at_each_allocation),
    CASE(memory_runs_out_for_good),
    CASES_END,
};
