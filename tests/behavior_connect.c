/* tests/behavior_connect.c - connecting out, and the timeouts of connections. */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_connect_cases[];

/* Both ends on one loop: out, echoed, back, and closed by the one that connected. */
static void connect_and_talk(world *w)
{
    probe server = {.then_data = echo_back};
    probe client = {0};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&client);
    char address[PLX_ADDRESS_TEXT_MAX];
    char name[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &server_options, address);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_assert_int_eq(plx_conn_is_open(w->loop, conn), 0);
    turn_until(w, &client.opened, 1);
    ck_assert_int_eq(plx_conn_is_open(w->loop, conn), 1);
    ck_assert_uint_eq(client.conn.bits, conn.bits);
    ck_ok(plx_conn_peer(w->loop, conn, name, sizeof name));
    ck_assert_str_eq(name, address);
    ck_ok(plx_conn_write(w->loop, conn, "hello", 5));
    turn_until(w, &client.received, 5);
    ck_assert_mem_eq(client.bytes, "hello", 5);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &client.closed, 1);
    turn_until(w, &server.closed, 1);
    ck_assert_int_eq(client.reason, 0);
}

/* What is written before the connection stands waits, and goes out in order behind on_open's. */
static void write_on_open(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, " third", 6));
}

static void close_on_open(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_assert_int_eq(plx_conn_is_open(loop, conn), 1);
    ck_ok(plx_conn_close(loop, conn));
    ck_assert_int_eq(plx_conn_is_open(loop, conn), 0);
}

/* What was written before is dropped with the connection, and on_open is the last that is called.
 */
static void connection_is_closed_as_it_opens(world *w)
{
    probe server = {0};
    probe client = {.then_open = close_on_open};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&client);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &server_options, address);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_ok(plx_conn_write(w->loop, conn, "x", 1));
    turn_until(w, &client.closed, 1);
    ck_ok(client.reason);
    ck_assert_uint_eq(client.opened, 1);
    turn_until(w, &server.closed, 1);
    ck_assert_uint_eq(server.received, 0);
}

static void writes_before_connected_are_sent_after(world *w)
{
    probe server = {0};
    probe client = {.then_open = write_on_open};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&client);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &server_options, address);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_ok(plx_conn_write(w->loop, conn, "first", 5));
    ck_ok(plx_conn_send(w->loop, conn, " second", 7, NULL, NULL));
    ck_assert_uint_eq(plx_conn_queued(w->loop, conn), 12);
    turn_until(w, &server.received, 18);
    ck_assert_mem_eq(server.bytes, "first second third", 18);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &server.closed, 1);
    turn_until(w, &client.closed, 1);
}

/* Written and shut before it stands: the peer gets the bytes and the end. */
static void shutdown_before_connected(world *w)
{
    probe server = {0};
    probe client = {0};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&client);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &server_options, address);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_ok(plx_conn_write(w->loop, conn, "all", 3));
    ck_ok(plx_conn_shutdown(w->loop, conn));
    turn_until(w, &server.received, 3);
    turn_until(w, &server.closed, 1);
    turn_until(w, &client.closed, 1);
    ck_assert_int_eq(client.reason, 0);
}

/* Nobody listens: on_close says so, and on_open never comes. */
static void connect_refused(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    plx_socket bound = socket_refusing(address);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_assert_uint_eq(p.closed, 0);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ECONNREFUSED);
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_int_eq(plx_conn_close(w->loop, conn), PLX_ESTALE);
    net_close(bound);
}

/* The server accepts, ends and resets before the loop has looked: a reset, whatever the system
 * makes of it, or an open connection that closes at once. */
static void connect_to_one_that_hangs_up(world *w)
{
    for (size_t round = 1; round <= 20; round++) {
        char address[PLX_ADDRESS_TEXT_MAX];
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        peer other;
        plx_socket listener = socket_listening(address);
        uint64_t until = net_now() + patience();
        ck_ok(plx_connect(w->loop, NULL, address, &options));
        while (net_accept(listener, &other.socket) != 0)
            ck_assert_uint_lt(net_now(), until);
        if (round % 2 == 0)
            peer_shutdown(&other);
        peer_reset(&other);
        turn_until(w, &p.closed, 1);
        ck_assert_msg(p.reason == PLX_ECONNRESET || p.reason == 0, "%s", plx_error_name(p.reason));
        net_close(listener);
    }
}

/* A refusal on a Windows that tells WSAPoll nothing of refusals (before build 19041). */
static void connect_refused_on_an_old_windows(world *w)
{
    plx__test_old_poll(true);
    connect_refused(w);
    plx__test_old_poll(false);
}

/* Closed at once after plx_connect(): one on_close, no on_open. */
static void connect_then_close_at_once(world *w)
{
    probe server = {0};
    probe p = {0};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    (void)listen_at(w, &server_options, address);
    for (size_t i = 1; i <= 20; i++) {
        ck_ok(plx_connect(w->loop, &conn, address, &options));
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &p.closed, i);
    }
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_int_eq(p.reason, 0);
    turn_until_counter(w, connections_closed, 20 + counter(w, connections_accepted));
}

/* Two hundred at once, all to this loop: each opens, each is answered, each closes. */
static void connect_many_at_once(world *w)
{
    enum { MANY = 200 };
    probe server = {.then_data = echo_back};
    probe p = {0};
    plx_conn_options server_options = probe_options(&server);
    plx_conn_options options = probe_options(&p);
    static plx_conn conns[MANY];
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &server_options, address);
    for (int i = 0; i < MANY; i++) {
        ck_ok(plx_connect(w->loop, &conns[i], address, &options));
        ck_ok(plx_conn_write(w->loop, conns[i], "x", 1));
    }
    turn_until(w, &p.received, MANY);
    ck_assert_uint_eq(p.opened, MANY);
    for (int i = 0; i < MANY; i++)
        ck_ok(plx_conn_close(w->loop, conns[i]));
    turn_until(w, &p.closed, MANY);
    turn_until(w, &server.closed, MANY);
}

/* A listener whose queue is full answers no more: connecting hangs, and the timeout ends it. */
static void connect_timeout(world *w)
{
    enum { FILLERS = 8 };
    plx__address any;
    plx_socket mute;
    peer fillers[FILLERS];
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    options.connect_timeout_ns = 50 * PLX_MILLISECOND;
    ck_ok(plx__address_parse(&any, "tcp://127.0.0.1:0"));
    ck_ok(net_open(&mute, any.family));
    ck_ok(net_bind(mute, &any));
    ck_ok(net_listen(mute, 1));
    ck_ok(net_name(mute, &any));
    ck_ok(plx__address_print(&any, address, sizeof address));
    for (int i = 0; i < FILLERS; i++)
        fillers[i] = peer_start(address);
    uint64_t before = net_now();
    ck_ok(plx_connect(w->loop, NULL, address, &options));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_uint_ge(net_now() - before, 50 * PLX_MILLISECOND);
    ck_assert_uint_eq(counter(w, timeouts), 1);
    for (int i = 0; i < FILLERS; i++)
        peer_close(&fillers[i]);
    net_close(mute);
}

static void connect_refuses_what_is_no_address(world *w)
{
    plx_conn conn = {0};
    ck_assert_int_eq(plx_address_check("tcp://127.0.0.1"), PLX_EADDRESS);
    ck_ok(plx_address_check("tcp://127.0.0.1:80"));
    ck_assert_int_eq(plx_connect(w->loop, &conn, NULL, NULL), PLX_EADDRESS);
    ck_assert_int_eq(plx_connect(w->loop, &conn, "example.org:80", NULL), PLX_EADDRESS);
    ck_assert_int_eq(plx_connect(w->loop, &conn, "udp://127.0.0.1:80", NULL), PLX_ESCHEME);
    ck_assert_uint_eq(conn.bits, 0);
    ck_assert_uint_eq(counter(w, connections_started), 0);
}

/* Over the Unix domain most connects succeed in the call: on_open comes with a turn all the same.
 */
static void connect_to_a_socket_file(world *w)
{
    probe server = {.then_data = echo_back};
    probe client = {0};
    const plx_conn_options accepted = probe_options(&server);
    plx_listen_options listen = {.conn = &accepted};
    plx_conn_options options = probe_options(&client);
    char address[64];
    plx_listener listener;
    plx_conn conn;
    (void)snprintf(address, sizeof address, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    int status = plx_listen(w->loop, &listener, address, &listen);
    if (status == PLX_EAFNOSUPPORT)
        return;
    ck_ok(status);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_assert_uint_eq(client.opened, 0);
    turn_until(w, &client.opened, 1);
    ck_ok(plx_conn_write(w->loop, conn, "hello", 5));
    turn_until(w, &client.received, 5);
    ck_assert_mem_eq(client.bytes, "hello", 5);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &client.closed, 1);
    turn_until(w, &server.closed, 1);
    ck_ok(client.reason);
    ck_ok(plx_listener_close(w->loop, listener));
}

/* A socket file that is not there is an outcome of connecting, like a refusal. */
static void connect_to_a_missing_socket_file(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    int status = plx_connect(w->loop, NULL, "unix:no-such-file.sock", &options);
    if (status == PLX_EAFNOSUPPORT)
        return;
    ck_ok(status);
    turn_until(w, &p.closed, 1);
    ck_assert_msg(p.reason == PLX_ENOENT || p.reason == PLX_ECONNREFUSED, "%s",
                  plx_error_name(p.reason));
}

static void options_that_contradict_are_refused(world *w)
{
    const plx_conn_options wrong[] = {
        {.send_high = 100, .send_low = 101},
        {.send_high = 100, .send_max = 99},
        {.flags = 1u << 31},
    };
    plx_conn conn;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const plx_listen_options listen = {.conn = &wrong[i]};
        ck_assert_int_eq(plx_connect(w->loop, &conn, "tcp://127.0.0.1:1", &wrong[i]), PLX_EINVAL);
        ck_assert_int_eq(plx_listen(w->loop, NULL, "tcp://127.0.0.1:0", &listen), PLX_EINVAL);
    }
}

/* --- timeouts of connections that stand --------------------------------------------------------
 */

/* Nothing comes and nothing goes: the connection closes, not before its time. */
static void idle_timeout_closes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.idle_timeout_ns = 60 * PLX_MILLISECOND;
    uint64_t before = net_now();
    peer client = connect_pair(w, &p, &options);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    ck_assert_uint_ge(net_now() - before, 60 * PLX_MILLISECOND);
    ck_assert_uint_eq(counter(w, timeouts), 1);
    peer_close(&client);
}

/* One byte, in either direction. False if the connection has closed over it. */
static bool exchange_one(world *w, const probe *p, peer *client, bool is_inward)
{
    size_t received = p->received;
    char byte;
    if (is_inward)
        (void)net_send(client->socket, "x", 1);
    else
        (void)!plx_conn_write(w->loop, p->conn, "x", 1);
    while (p->closed == 0 &&
           (is_inward ? p->received == received : peer_try(client, &byte, 1) == PLX_EAGAIN))
        turn(w);
    return p->closed == 0;
}

/* Each byte puts the idle timeout off, in either direction. On a machine so busy that none goes for
 * as long as the timeout, the connection closes rightly: then once more. */
static void activity_puts_the_idle_timeout_off(world *w)
{
    const uint64_t idle_ns = 100 * PLX_MILLISECOND;
    uint64_t patient_until = net_now() + patience();
    bool has_lasted = false;
    while (!has_lasted) {
        probe p = {0};
        plx_conn_options options = probe_options(&p);
        options.idle_timeout_ns = idle_ns;
        peer client = connect_pair(w, &p, &options);
        uint64_t until = net_now() + 3 * idle_ns;
        uint64_t active = net_now();
        bool is_open = true;
        for (size_t i = 0; is_open && net_now() < until; i++) {
            uint64_t before = net_now();
            is_open = exchange_one(w, &p, &client, i % 2 == 0);
            if (is_open)
                active = before;
        }
        has_lasted = is_open;
        ck_assert(is_open || net_now() - active >= idle_ns);
        ck_assert_uint_lt(net_now(), patient_until);
        turn_until(w, &p.closed, 1);
        ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
        peer_close(&client);
    }
}

/* The peer listens but never speaks: what is sent to it does not put the read timeout off. */
static void read_timeout_closes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    unsigned char byte;
    options.read_timeout_ns = 60 * PLX_MILLISECOND;
    peer client = connect_pair(w, &p, &options);
    uint64_t until = net_now() + patience();
    while (p.closed == 0) {
        ck_assert_uint_lt(net_now(), until);
        (void)!plx_conn_write(w->loop, p.conn, "x", 1);
        turn(w);
        (void)peer_try(&client, &byte, 1);
    }
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

/* While reading is paused by the user the read timeout rests. */
static void read_timeout_rests_while_paused(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.read_timeout_ns = 20 * PLX_MILLISECOND;
    options.flags = PLX_CONN_PAUSED;
    peer client = connect_pair(w, &p, &options);
    uint64_t until = net_now() + 80 * PLX_MILLISECOND;
    while (net_now() < until)
        turn(w);
    ck_assert_uint_eq(p.closed, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

/* The peer speaks but never reads: its bytes do not put the write timeout off. */
static void write_timeout_closes(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    options.write_timeout_ns = 60 * PLX_MILLISECOND;
    options.send_high = options.send_max = PLENTY;
    peer client = connect_pair(w, &p, &options);
    ck_ok(plx_conn_write(w->loop, p.conn, plenty(), PLENTY));
    ck_assert_uint_gt(plx_conn_queued(w->loop, p.conn), 0);
    uint64_t until = net_now() + patience();
    while (p.closed == 0) {
        ck_assert_uint_lt(net_now(), until);
        (void)net_send(client.socket, "x", 1);
        turn(w);
    }
    ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
    peer_close(&client);
}

/* The call says so, and nothing is left of it. */
static void connect_without_descriptors(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    plx_conn conn;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_socket listener = socket_listening(address);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    ck_assert_int_eq(plx_connect(w->loop, &conn, address, &options), PLX_EMFILE);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened + p.closed, 0);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    turn_until(w, &p.opened, 1);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    net_close(listener);
}

const test_case behavior_connect_cases[] = {
    CASE(connect_without_descriptors),
    CASE(connect_and_talk),
    CASE(connection_is_closed_as_it_opens),
    CASE(writes_before_connected_are_sent_after),
    CASE(shutdown_before_connected),
    CASE(connect_refused),
    CASE(connect_to_one_that_hangs_up),
    CASE(connect_refused_on_an_old_windows),
    CASE(connect_then_close_at_once),
    CASE(connect_many_at_once),
    CASE(connect_timeout),
    CASE(connect_refuses_what_is_no_address),
    CASE(connect_to_a_socket_file),
    CASE(connect_to_a_missing_socket_file),
    CASE(options_that_contradict_are_refused),
    CASE(idle_timeout_closes),
    CASE(activity_puts_the_idle_timeout_off),
    CASE(read_timeout_closes),
    CASE(read_timeout_rests_while_paused),
    CASE(write_timeout_closes),
    CASES_END,
};
