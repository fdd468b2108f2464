/* tests/sim_loops.c - simulations, and which loops are in one. */
#include <string.h>

#include "platform/test_system.h"
#include "tests/sim_stage.h"

extern const test_case sim_loops_cases[];

static void options_out_of_bounds_are_refused(world *w)
{
    static const plx_sim_faults too_often = {.no_memory = 1000001};
    static const plx_sim_faults always = {.no_memory = 1000000};
    static const plx_sim_options wrong[] = {
        {.latency_ns = 3601 * PLX_SECOND}, {.jitter_ns = 3601 * PLX_SECOND},
        {.buffer_bytes = (1u << 30) + 1},  {.descriptors_max = (1u << 20) + 1},
        {.backlog_max = (1u << 20) + 1},   {.faults = &too_often},
    };
    static const plx_sim_options right[] = {
        {.latency_ns = 3600 * PLX_SECOND},
        {.jitter_ns = 3600 * PLX_SECOND},
        {.buffer_bytes = 1u << 30},
        {.descriptors_max = 1u << 20},
        {.bytes_per_second = UINT64_MAX},
        {.backlog_max = 1u << 20},
        {.seed = UINT64_MAX, .faults = &always},
    };
    plx_sim *sim;
    (void)w;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sim = (plx_sim *)(void *)&sim;
        ck_assert_int_eq(plx_sim_open(&sim, &wrong[i]), PLX_EINVAL);
        ck_assert_ptr_null(sim);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        ck_ok(plx_sim_open(&sim, &right[i]));
        ck_ok(plx_sim_close(sim));
    }
    ck_ok(plx_sim_close(NULL));
}

/* Options of a later header that this library does not know must not be ignored. */
static void unknown_options_are_refused(world *w)
{
    struct later {
        plx_sim_options known;
        uint64_t unknown;
    } options = {.unknown = 1};
    plx_sim *sim;
    (void)w;
    ck_assert_int_eq(
        plx_sim_open_sized(&sim, &options.known, sizeof options, sizeof(plx_sim_faults)),
        PLX_EINVAL);
    options.unknown = 0;
    ck_ok(plx_sim_open_sized(&sim, &options.known, sizeof options, sizeof(plx_sim_faults)));
    ck_ok(plx_sim_close(sim));
}

static void other_thread_run(void *data)
{
    stage *s = data;
    const plx_loop_options loop = {0};
    plx_loop *alone;
    ck_ok(plx_sim_open(&s->sim, NULL));
    ck_ok(plx_loop_open(&alone, &loop));
    ck_assert_str_eq(plx_loop_backend_name(alone), "sim");
    ck_ok(plx_loop_close(alone));
    ck_ok(plx_sim_close(s->sim));
}

static void thread_has_one_simulation(world *w)
{
    static stage other;
    plx_sim *sim, *second = (plx_sim *)(void *)&other;
    plx__thread thread;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_assert_int_eq(plx_sim_open(&second, NULL), PLX_EBUSY);
    ck_assert_ptr_null(second);
    ck_ok(plx__thread_start(&thread, other_thread_run, &other));
    plx__thread_join(&thread);
    ck_ok(plx_sim_close(sim));
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_sim_close(sim));
}

static void simulation_with_a_loop_is_not_closed(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_assert_int_eq(plx_sim_close(sim), PLX_EBUSY);
    ck_ok(plx_loop_run_once(loop, 0)); /* It still works. */
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* It waits for real time, and is none that the simulation can run. */
static void loop_by_name_is_a_real_one(world *w)
{
    const plx_loop_options named = {.backend = plx_backend_default()};
    plx_sim *sim;
    plx_loop *loop;
    size_t fired = 0;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, &named));
    ck_assert_str_eq(plx_loop_backend_name(loop), plx_backend_default());
    ck_assert_int_eq(plx_sim_add(sim, loop), PLX_EINVAL);
    const uint64_t before_ns = plx__clock_now();
    ck_ok(plx_timer_start(loop, NULL, 2 * PLX_MILLISECOND, 0, on_fire, &fired));
    ck_ok(plx_loop_run(loop));
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_ge(plx__clock_now() - before_ns, PLX_MILLISECOND);
    ck_assert_uint_eq(plx_sim_now(sim), 0);
    ck_ok(plx_sim_close(sim)); /* It is not one of the simulation's. */
    ck_ok(plx_loop_close(loop));
}

/* One that was opened before the simulation stays as it was. */
static void loop_from_before_is_a_real_one(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_sim_open(&sim, NULL));
    ck_assert_str_ne(plx_loop_backend_name(loop), "sim");
    ck_assert_int_eq(plx_sim_add(sim, loop), PLX_EINVAL);
    ck_ok(plx_sim_close(sim));
    ck_ok(plx_loop_close(loop));
}

static void backend_needs_a_simulation(world *w)
{
    const plx_loop_options named = {.backend = "sim"};
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_assert_int_eq(plx_loop_open(&loop, &named), PLX_ENOSYS);
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, &named));
    ck_assert_str_eq(plx_loop_backend_name(loop), "sim");
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
    ck_assert_int_eq(plx_loop_open(&loop, &named), PLX_ENOSYS);
    for (size_t i = 0; plx_backend_name(i) != NULL; i++)
        ck_assert_str_ne(plx_backend_name(i), "sim"); /* Nobody gets it by trying all. */
}

/* A suite that is run on each backend is simulated all the same. */
static void environment_names_no_backend_here(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_ok(plx__test_environment("POLLUX_BACKEND", "select"));
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_assert_str_eq(plx_loop_backend_name(loop), "sim");
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_assert_str_eq(plx_loop_backend_name(loop), "select");
    ck_ok(plx_loop_close(loop));
    ck_ok(plx__test_environment("POLLUX_BACKEND", NULL));
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length;
    *(plx_socket *)data = socket;
}

static plx_socket connection_release(stage *s)
{
    plx_socket socket = PLX_SOCKET_NONE;
    plx_conn conn;
    plx_conn_options options = probe_options(&s->made);
    options.on_release = on_release;
    ck_ok(plx_connect(s->client, &conn, s->address, &options));
    stage_until(s, &s->made.opened, s->made.opened + 1);
    ck_ok(plx_conn_set_data(s->client, conn, &socket));
    ck_ok(plx_conn_release(s->client, conn));
    stage_run(s, PLX_SECOND);
    ck_assert(socket != PLX_SOCKET_NONE);
    return socket;
}

/* A socket that a program has not closed is forgotten with the simulation. */
static void sockets_end_with_the_simulation(world *w)
{
    stage s;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    (void)connection_release(&s);
    ck_ok(plx_loop_close(s.client));
    ck_ok(plx_loop_close(s.server));
    ck_assert_uint_eq(plx_sim_sockets(s.sim), 1);
    ck_ok(plx_sim_close(s.sim));
}

/* The client's end goes to the server's loop, with its bytes. */
static void connection_moves_to_another_loop(world *w)
{
    stage s;
    probe moved = {0};
    const plx_conn_options options = probe_options(&moved);
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    plx_socket socket = connection_release(&s);
    ck_assert_uint_eq(s.made.closed, 0);
    ck_ok(plx_conn_write(s.server, s.served.conn, "lo", 2));
    stage_run(&s, PLX_SECOND); /* It waits in the socket. */
    ck_ok(plx_conn_adopt(s.server, NULL, socket, &options, "hel", 3));
    stage_until(&s, &moved.received, 5);
    ck_assert_int_eq(memcmp(moved.bytes, "hello", 5), 0);
    ck_ok(plx_conn_write(s.server, moved.conn, "back", 4));
    stage_until(&s, &s.served.received, 4);
    stage_close(&s);
}

typedef struct looks {
    size_t count, closes;
    uint32_t ready;
} looks;

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    looks *l = data;
    (void)socket;
    l->count++;
    l->ready = ready;
    ck_ok(plx_watch_set(loop, watch, 0));
}

/* A watch tells what would not block, as often as it is asked. */
static void watch_tells_readiness(world *w)
{
    stage s;
    plx_watch watch;
    looks l = {0};
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    plx_socket socket = connection_release(&s);
    ck_ok(plx_watch_open(s.client, &watch, socket, PLX_READABLE, on_ready, &l));
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(l.count, 0);
    ck_ok(plx_conn_write(s.server, s.served.conn, "x", 1));
    stage_until(&s, &l.count, 1);
    ck_assert_uint_eq(l.ready, PLX_READABLE);
    ck_ok(plx_watch_set(s.client, watch, PLX_WRITABLE | PLX_READABLE));
    stage_until(&s, &l.count, 2);
    ck_assert_uint_eq(l.ready, PLX_READABLE | PLX_WRITABLE);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(l.count, 2); /* It asks for nothing. */
    ck_ok(plx_conn_reset(s.server, s.served.conn));
    ck_ok(plx_watch_set(s.client, watch, PLX_WRITABLE));
    stage_run(&s, PLX_SECOND);
    ck_ok(plx_watch_set(s.client, watch, PLX_WRITABLE));
    stage_until(&s, &l.count, 4);
    ck_assert_uint_eq(l.ready, PLX_WRITABLE | PLX_FAILED);
    ck_ok(plx_watch_close(s.client, watch));
    plx_socket_close(socket);
    stage_close(&s);
}

static void unknown_descriptor_is_none(world *w)
{
    stage s;
    plx_watch watch;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    static const plx_socket unknown[] = {0, 1, 5, 7, 4000, PLX_SOCKET_NONE};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ck_assert_int_eq(plx_watch_open(s.client, &watch, unknown[i], PLX_READABLE, on_ready, NULL),
                         PLX_EBADF);
        ck_assert_int_eq(plx_conn_adopt(s.client, NULL, unknown[i], NULL, NULL, 0), PLX_EBADF);
        ck_assert_int_eq(plx_listen_adopt(s.client, NULL, unknown[i], NULL), PLX_EBADF);
    }
    plx_socket socket = connection_release(&s);
    ck_assert_int_eq(plx_listen_adopt(s.client, NULL, socket, NULL), PLX_EINVAL);
    plx_socket_close(socket);
    ck_assert_int_eq(plx_conn_adopt(s.client, NULL, socket, NULL, NULL, 0), PLX_EBADF);
    stage_close(&s);
}

const test_case sim_loops_cases[] = {
    CASE(options_out_of_bounds_are_refused),
    CASE(unknown_options_are_refused),
    CASE(thread_has_one_simulation),
    CASE(simulation_with_a_loop_is_not_closed),
    CASE(loop_by_name_is_a_real_one),
    CASE(loop_from_before_is_a_real_one),
    CASE(backend_needs_a_simulation),
    CASE(environment_names_no_backend_here),
    CASE(sockets_end_with_the_simulation),
    CASE(connection_moves_to_another_loop),
    CASE(watch_tells_readiness),
    CASE(unknown_descriptor_is_none),
    CASES_END,
};
