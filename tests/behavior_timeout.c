/* tests/behavior_timeout.c - timeouts that change while the connection is open. */
#include "core/loop.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_timeout_cases[];

/* A connection with all three timeouts, and bytes that wait to be sent. */
static peer connect_waiting(world *w, probe *p, uint64_t timeout_ns)
{
    plx_conn_options options = probe_options(p);
    options.idle_timeout_ns = options.read_timeout_ns = options.write_timeout_ns = timeout_ns;
    options.flags = PLX_CONN_READ_WHILE_HIGH;
    options.send_max = PLENTY;
    peer client = connect_pair(w, p, &options);
    ck_ok(plx_conn_write(w->loop, p->conn, plenty(), PLENTY));
    return client;
}

/* From an hour, or from none at all, to a moment. */
static void timeout_that_comes_nearer(world *w)
{
    for (int i = 0; i < 6; i++) {
        probe p = {0};
        peer client = connect_waiting(w, &p, i < 3 ? 3600 * PLX_SECOND : 0);
        ck_ok(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)(i % 3 + 1), 1));
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
        ck_assert_uint_eq(counter(w, timeouts), (uint64_t)i + 1);
        peer_close(&client);
    }
}

/* The first deadline passes, and has no effect any more: `way` 0: later, 1: never. */
static void timeout_that_goes_farther(world *w)
{
    for (int way = 0; way < 2; way++) {
        const uint64_t timeout_ns = 50 * PLX_MILLISECOND;
        probe p = {0};
        peer client = connect_waiting(w, &p, timeout_ns);
        for (int which = PLX_TIMEOUT_IDLE; which <= PLX_TIMEOUT_WRITE; which++) {
            ck_ok(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)which,
                                       way == 0 ? 3600 * PLX_SECOND : PLX_FOREVER));
        }
        uint64_t until = plx_loop_now(w->loop) + 2 * timeout_ns;
        while (plx_loop_now(w->loop) < until)
            turn(w);
        ck_assert_uint_eq(p.closed, 0);
        ck_ok(plx_conn_close(w->loop, p.conn));
        turn_until(w, &p.closed, 1);
        peer_close(&client);
    }
}

/* 0 is what the options said, however often it was changed in between. */
static void timeout_that_returns_to_its_options(world *w)
{
    probe p = {0};
    peer client = connect_waiting(w, &p, 20 * PLX_MILLISECOND);
    for (int which = PLX_TIMEOUT_IDLE; which <= PLX_TIMEOUT_WRITE; which++) {
        ck_ok(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)which, PLX_FOREVER));
        ck_ok(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)which, PLX_SECOND * 3600));
    }
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_READ, 0));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

/* The options of others are their own, though they share them. */
static void timeout_of_one_connection_alone(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    (void)listen_at(w, &options, address);
    peer first = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    plx_conn changed = p.conn;
    peer second = peer_open(w, address);
    turn_until(w, &p.opened, 2);
    ck_ok(plx_conn_set_timeout(w->loop, changed, PLX_TIMEOUT_IDLE, 1));
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(p.gone.bits, changed.bits);
    turn_some(w);
    peer third = peer_open(w, address);
    turn_until(w, &p.opened, 3);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 1);
    peer_close(&first);
    peer_close(&second);
    peer_close(&third);
    turn_until(w, &p.closed, 3);
}

/* Without memory for a copy of the options nothing changes; a value that is there already needs
 * none, and neither does a second change. */
static void timeout_that_needs_memory(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.idle_timeout_ns = 3600 * PLX_SECOND;
    peer client = connect_pair(w, &p, &options);
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ck_assert_int_eq(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_IDLE, 1), PLX_ENOMEM);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_IDLE, 3600 * PLX_SECOND));
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_WRITE, PLX_FOREVER));
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_READ, 0));
    plx__fault_disarm(PLX__FAULT_MEMORY);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_READ, 1800 * PLX_SECOND));
    plx__fault_arm(PLX__FAULT_MEMORY, 0, UINT32_MAX);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_IDLE, 1));
    plx__fault_disarm(PLX__FAULT_MEMORY);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

static void timeout_that_is_none(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    ck_assert_int_eq(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)0, 1), PLX_EINVAL);
    ck_assert_int_eq(plx_conn_set_timeout(w->loop, p.conn, (enum plx_timeout)4, 1), PLX_EINVAL);
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* In the callback that the options are looked up for. */
static size_t hurry(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)p;
    (void)at;
    ck_ok(plx_conn_set_timeout(loop, conn, PLX_TIMEOUT_IDLE, PLX_MILLISECOND));
    return length;
}

static void timeout_that_changes_in_a_callback(world *w)
{
    probe p = {.then_data = hurry};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(p.received, 1);
    peer_close(&client);
}

static void stay_open(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* A peer that has ended its side will send nothing: that is no reason to close, and who waits for
 * an answer may wait longer. The idle timeout bounds it. */
static void timeout_of_reading_ends_with_the_stream(world *w)
{
    const uint64_t timeout_ns = 20 * PLX_MILLISECOND;
    probe p = {.then_end = stay_open};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    peer_shutdown(&client);
    turn_until(w, &p.ended, 1);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_READ, timeout_ns));
    uint64_t until = plx_loop_now(w->loop) + 2 * timeout_ns;
    while (plx_loop_now(w->loop) < until)
        turn(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_IDLE, timeout_ns));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket, const void *at,
                       size_t length)
{
    (void)loop;
    (void)conn;
    (void)at;
    (void)length;
    ((probe *)data)->closed++;
    plx_socket_close(socket);
}

static size_t leave(plx_loop *loop, plx_conn conn, probe *p, const void *at, size_t length)
{
    (void)p;
    (void)at;
    ck_ok(plx_conn_release(loop, conn));
    return length;
}

/* While its backend lets go of it, a connection has no timeout, and is given none. */
static void timeout_of_a_connection_that_leaves(world *w)
{
    probe p = {.then_data = leave};
    plx_conn_options options = probe_options(&p);
    options.on_release = on_release;
    options.idle_timeout_ns = 3600 * PLX_SECOND;
    peer client = connect_pair(w, &p, &options);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.shown, 1);
    int status = plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_IDLE, 1800 * PLX_SECOND);
    ck_assert(status == 0 || status == PLX_ESTALE); /* It may be gone already. */
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(w->loop->wheel.count, 0);
    peer_close(&client);
}

/* It does not run yet then, and counts from the resume. */
static void read_timeout_that_comes_nearer_while_paused(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.read_timeout_ns = 3600 * PLX_SECOND;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_pause(w->loop, p.conn));
    ck_ok(plx_conn_set_timeout(w->loop, p.conn, PLX_TIMEOUT_READ, 1));
    turn_some(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

/* Bytes written before the connection opened have the write timeout once it is open. */
static void write_timeout_of_what_waited_for_the_connect(world *w)
{
    for (int way = 0; way < 2; way++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        plx_socket listener = socket_listening(address);
        options.flags = PLX_CONN_READ_WHILE_HIGH;
        options.write_timeout_ns = 50 * PLX_MILLISECOND;
        if (way == 1)
            options.connect_timeout_ns = PLX_FOREVER;
        options.send_max = PLENTY;
        plx_conn conn;
        ck_ok(plx_connect(w->loop, &conn, address, &options));
        ck_ok(plx_conn_write(w->loop, conn, plenty(), PLENTY));
        turn_until(w, &p.opened, 1);
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
        net_close(listener);
    }
}

const test_case behavior_timeout_cases[] = {
    CASE(write_timeout_of_what_waited_for_the_connect),
    CASE(timeout_of_a_connection_that_leaves),
    CASE(timeout_that_comes_nearer),
    CASE(timeout_that_goes_farther),
    CASE(timeout_that_returns_to_its_options),
    CASE(timeout_of_one_connection_alone),
    CASE(timeout_that_needs_memory),
    CASE(timeout_that_is_none),
    CASE(timeout_that_changes_in_a_callback),
    CASE(read_timeout_that_comes_nearer_while_paused),
    CASE(timeout_of_reading_ends_with_the_stream),
    CASES_END,
};
