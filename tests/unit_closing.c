/* tests/unit_closing.c - a loop closes over a backend that has something in flight for long, or for
 * ever.
 *
 * The backend is a real one with some operations replaced.
 */
#include "core/listener.h"
#include "core/loop.h"
#include "tests/harness.h"

extern const test_case unit_closing_cases[];

static const plx__backend_ops *real;
static plx__backend_ops seam;

static plx_loop *loop_with_a_seam(const world *w)
{
    plx_loop *loop = world_loop_open(w);
    real = loop->ops;
    seam = *real;
    loop->ops = &seam;
    return loop;
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

static void on_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket, uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

static void count_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    ck_assert_int_eq(reason, PLX_ECANCELED);
    ++*(size_t *)data;
}

/* Nothing that was in flight ever comes back, and each wait fails: the loop closes all the same,
 * the sockets too, and each connection hears of it once. Its 100 tries are 5 ms apart. */
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
    uint64_t since = plx__clock_now();
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_ge(plx__clock_now() - since, 400 * PLX_MILLISECOND);
    ck_assert_uint_eq(closed, SOME);
    plx__socket_close(listener);
    couple_close(&c);
}

/* What was detached while the loop closes, and how many waits that has taken so far. */
static struct in_the_end {
    plx__endpoint *endpoint;
    plx__completion completion;
    size_t waits, waits_at_close;
} in_the_end;

enum { LONG_WAIT = 150 }; /* More than the failures that make a loop give up. */

static bool detach_takes_long(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)real->detach(backend, endpoint);
    in_the_end.endpoint = endpoint;
    return false;
}

static int wait_counts(plx__backend *backend, uint64_t timeout_ns)
{
    (void)backend;
    (void)timeout_ns;
    in_the_end.waits += in_the_end.endpoint != NULL;
    return 0;
}

static const plx__completion *next_brings_the_detached(plx__backend *backend)
{
    (void)backend;
    if (in_the_end.waits < LONG_WAIT || in_the_end.endpoint == NULL)
        return NULL;
    in_the_end.completion =
        (plx__completion){.endpoint = in_the_end.endpoint, .kind = PLX__DETACHED};
    in_the_end.endpoint = NULL;
    return &in_the_end.completion;
}

static void waits_are_noted(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)reason;
    in_the_end.waits_at_close = in_the_end.waits;
}

/* It takes many waits, none of which fails, until what is in flight has come back: all of them are
 * waited. */
static void loop_closes_when_all_has_come_back(world *w)
{
    plx_loop *loop = loop_with_a_seam(w);
    const plx_conn_options options = {.on_close = waits_are_noted};
    couple c = couple_open();
    plx__socket_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(loop, NULL, c.ours.socket, &options, NULL, 0));
    ck_ok(plx_loop_run_once(loop, 0));
    seam.detach = detach_takes_long;
    seam.wait = wait_counts;
    seam.next = next_brings_the_detached;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(in_the_end.waits_at_close, LONG_WAIT);
    peer_close(&c.theirs);
}

static size_t releases;

static bool release_takes_long(plx__backend *backend, plx__endpoint *endpoint)
{
    (void)backend;
    (void)endpoint;
    releases++;
    return false;
}

static void never_released(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                           const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)data;
    (void)socket;
    (void)bytes;
    (void)length;
    ck_abort_msg("the backend still has it");
}

/* A backend that is asked to let a connection go is asked once, whatever else the connection's
 * deferred step is called for meanwhile. Closing the loop closes the connection. */
static void release_is_asked_for_once(world *w)
{
    plx_loop *loop = loop_with_a_seam(w);
    size_t closed = 0;
    const plx_conn_options options = {
        .on_release = never_released, .on_close = count_close, .data = &closed};
    couple c = couple_open();
    plx_conn conn;
    plx__socket_disown(c.ours.socket);
    ck_ok(plx_conn_adopt(loop, &conn, c.ours.socket, &options, NULL, 0));
    ck_ok(plx_loop_run_once(loop, 0));
    releases = 0;
    seam.release = release_takes_long;
    ck_ok(plx_conn_release(loop, conn));
    for (int turns = 0; turns < 3; turns++) {
        ck_ok(plx_loop_run_once(loop, 0));
        ck_assert_uint_eq(releases, 1);
        plx__defer(loop, plx__find(loop, PLX__KIND_CONN, conn.bits));
    }
    loop->ops = real;
    ck_ok(plx_loop_close(loop));
    ck_assert_uint_eq(closed, 1);
    peer_close(&c.theirs);
}

static size_t accept_calls;

static int accept_start_counts(plx__backend *backend, plx__endpoint *endpoint,
                               const plx__accept_config *config)
{
    accept_calls++;
    return real->accept_start(backend, endpoint, config);
}

static void accept_stop_counts(plx__backend *backend, plx__endpoint *endpoint)
{
    accept_calls++;
    real->stop(backend, endpoint);
}

/* A listener that was lost and one that was closed are detached, though their slots are free only
 * after the next step: the backend hears no more of them when accepting stops and goes on. */
static void listeners_that_are_over_are_left_alone(world *w)
{
    for (int is_stopped = 0; is_stopped < 2; is_stopped++) {
        plx_loop *loop = loop_with_a_seam(w);
        plx_listener lost, closed;
        ck_ok(plx_listen(loop, &lost, "tcp://127.0.0.1:0", NULL));
        plx__listener *listener =
            (plx__listener *)(void *)plx__find(loop, PLX__KIND_LISTENER, lost.bits);
        plx_socket socket = listener->object.endpoint.socket;
        ck_ok(plx_listen(loop, &closed, "tcp://127.0.0.1:0", NULL));
        if (is_stopped != 0)
            plx__classes_tell(loop, PLX__SLOTS_GONE);
        plx__listener_class.lost(loop, &listener->object);
        plx__socket_dispose(socket);
        ck_ok(plx_listener_close(loop, closed));
        seam.accept_start = accept_start_counts;
        seam.stop = accept_stop_counts;
        accept_calls = 0;
        plx__classes_tell(loop, PLX__SLOTS_GONE);
        plx__classes_tell(loop, PLX__SLOTS_LEFT);
        ck_assert_uint_eq(accept_calls, 0);
        loop->ops = real;
        ck_ok(plx_loop_run_once(loop, 0));
        ck_ok(plx_loop_close(loop));
    }
}

const test_case unit_closing_cases[] = {
    CASE(loop_closes_without_what_is_in_flight),
    CASE(loop_closes_when_all_has_come_back),
    CASE(listeners_that_are_over_are_left_alone),
    CASE(release_is_asked_for_once),
    CASES_END,
};
