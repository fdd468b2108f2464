/* tests/unit_seam.c - a backend that refuses what those of this system never do.
 *
 * It is a real one with some operations replaced. Core has to cope with all that backends/backend.h
 * allows: attaching that fails, something in flight that never comes back.
 */
#include "core/loop.h"
#include "tests/harness.h"

extern const test_case unit_seam_cases[];

static const plx__backend_ops *real;
static plx__backend_ops seam;
static size_t attaches;

static int attach_refuses(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)backend;
    (void)endpoint;
    attaches++;
    return PLX_ENOMEM;
}

static int attach_counts(plx__backend *backend, plx__endpoint *endpoint)
{
    attaches++;
    return real->attach(backend, endpoint);
}

static bool detach_leaves_it_in_flight(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)real->detach(backend, endpoint);
    return false;
}

static int wait_fails(plx__backend *backend, uint64_t timeout_ns)
{
    (void)backend;
    (void)timeout_ns;
    return PLX_ENOMEM;
}

static const plx__completion *next_is_none(plx__backend *backend)
{
    (void)backend;
    return NULL;
}

static plx_loop *loop_with_a_seam(const world *w)
{
    plx_loop *loop = world_loop_open(w);
    real = loop->ops;
    seam = *real;
    loop->ops = &seam;
    attaches = 0;
    return loop;
}

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

/* Nothing of what was refused is left: the same sockets are taken once the backend takes them. */
static void attaching_that_fails_leaves_nothing(world *w)
{
    plx_loop *loop = loop_with_a_seam(w);
    probe p = {0};
    const plx_conn_options options = probe_options(&p);
    const plx_listen_options listening = {.conn = options};
    couple c = couple_open();
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    plx_watch watch = {0};
    plx_conn conn = {0};
    for (int is_taken = 0; is_taken < 2; is_taken++) {
        seam.attach = is_taken != 0 ? attach_counts : attach_refuses;
        int expected = is_taken != 0 ? 0 : PLX_ENOMEM;
        ck_assert_int_eq(plx_watch_open(loop, &watch, c.ours.socket, PLX_READABLE, on_ready, NULL),
                         expected);
        if (is_taken != 0)
            ck_ok(plx_watch_close(loop, watch));
        ck_assert_int_eq(plx_conn_adopt(loop, &conn, c.theirs.socket, &options, NULL, 0), expected);
        if (is_taken != 0)
            plx__socket_disown(c.theirs.socket); /* It is the loop's. */
        ck_assert_int_eq(plx_listen(loop, NULL, "tcp://127.0.0.1:0", &listening), expected);
        ck_assert_int_eq(plx_connect(loop, &conn, address, &options), expected);
        ck_assert_uint_eq(attaches, is_taken != 0 ? 8 : 4);
        for (int turns = 0; turns < 5; turns++)
            ck_ok(plx_loop_run_once(loop, 0));
    }
    plx_loop_stats stats;
    plx_loop_stats_get(loop, &stats);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_WATCH].taken, 0);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_CONN].taken, 2);
    ck_assert_uint_eq(loop->slabs[PLX__KIND_LISTENER].taken, 1);
    ck_assert_uint_eq(stats.sockets_lost, 0); /* No number is still taken for that of another. */
    loop->ops = real;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(p.closed, 2);
    plx__socket_close(listener);
    peer_close(&c.ours);
}

static void count_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    ck_assert_int_eq(reason, PLX_ECANCELED);
    ++*(size_t *)data;
}

/* Nothing that was in flight ever comes back, and each wait fails: the loop closes all the same,
 * the sockets too, and each connection hears of it once. */
static void loop_closes_without_what_is_in_flight(world *w)
{
    enum { SOME = 3 };
    plx_loop *loop = loop_with_a_seam(w);
    size_t closed = 0;
    const plx_conn_options options = {.on_close = count_close, .data = &closed};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    couple c = couple_open();
    for (int i = 0; i < SOME; i++)
        ck_ok(plx_connect(loop, NULL, address, &options));
    ck_ok(plx_listen(loop, NULL, "tcp://127.0.0.1:0", NULL));
    ck_ok(plx_watch_open(loop, NULL, c.ours.socket, PLX_READABLE, on_ready, NULL));
    seam.detach = detach_leaves_it_in_flight;
    seam.wait = wait_fails;
    seam.next = next_is_none;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(closed, SOME);
    plx__socket_close(listener);
    couple_close(&c);
}

const test_case unit_seam_cases[] = {
    CASE(attaching_that_fails_leaves_nothing),
    CASE(loop_closes_without_what_is_in_flight),
    CASES_END,
};
