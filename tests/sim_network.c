/* tests/sim_network.c - addresses, limits, and how connections end. */
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_network_cases[];

static stage s;
static unsigned char bytes[100000];

/* Opens a connection of the client with what the probe says. */
static plx_conn connect_with(probe *p, uint64_t connect_timeout_ns)
{
    plx_conn conn;
    plx_conn_options options = probe_options(p);
    options.connect_timeout_ns = connect_timeout_ns;
    ck_ok(plx_connect(s.client, &conn, s.address, &options));
    return conn;
}

static void address_is_shared(const char *address)
{
    char other[PLX_ADDRESS_TEXT_MAX];
    stage_open(&s, (plx_sim_options){0});
    stage_listen(&s, address);
    (void)stage_connect(&s);
    stage_until(&s, &s.made.opened, 1);
    stage_until(&s, &s.served.opened, 1);
    ck_ok(plx_conn_peer(s.client, s.made.conn, other, sizeof other));
    ck_assert_str_eq(other, s.address);
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    stage_until(&s, &s.served.received, 5);
    ck_assert_int_eq(memcmp(s.served.bytes, "hello", 5), 0);
    stage_close(&s);
}

static void addresses_of_every_kind_are_known(world *w)
{
    (void)w;
    address_is_shared("tcp://127.0.0.1:80");
    address_is_shared("tcp://10.1.2.3:80"); /* Any machine is this one. */
    address_is_shared("tcp://[::1]:80");
    address_is_shared("tcp://127.0.0.1:0");
    address_is_shared("unix:/of/no/file");
}

/* A listener at all addresses; [::] takes IPv4 too, unless it is told not to. */
static void all_addresses_are_one_listener(world *w)
{
    static const struct {
        const char *listens, *connects;
        uint32_t only_ipv6;
        int reason;
    } known[] = {
        {"tcp://0.0.0.0:80", "tcp://127.0.0.1:80", 0, 0},
        {"tcp://0.0.0.0:80", "tcp://[::1]:80", 0, PLX_ECONNREFUSED},
        {"tcp://[::]:80", "tcp://[::1]:80", 0, 0},
        {"tcp://[::]:80", "tcp://127.0.0.1:80", 0, 0},
        {"tcp://[::]:80", "tcp://127.0.0.1:80", 1, PLX_ECONNREFUSED},
        {"tcp://[::1]:80", "tcp://127.0.0.1:80", 0, PLX_ECONNREFUSED},
        {"tcp://127.0.0.1:80", "tcp://127.0.0.2:80", 0, PLX_ECONNREFUSED},
        {"tcp://127.0.0.1:80", "tcp://127.0.0.1:81", 0, PLX_ECONNREFUSED},
        {"unix:/a", "unix:/b", 0, PLX_ECONNREFUSED},
    };
    (void)w;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const plx_listen_options options = {.only_ipv6 = known[i].only_ipv6};
        stage_open(&s, (plx_sim_options){0});
        const plx_conn_options made = probe_options(&s.made);
        ck_ok(plx_listen(s.server, NULL, known[i].listens, &options));
        ck_ok(plx_connect(s.client, NULL, known[i].connects, &made));
        stage_run(&s, PLX_SECOND);
        ck_assert_msg(s.made.opened == (known[i].reason == 0) && s.made.reason == known[i].reason,
                      "case %u", (unsigned)i);
        stage_close(&s);
    }
}

/* Such a listener sees the IPv4 addresses of its clients as IPv6 ones. */
static void ipv4_client_is_mapped(world *w)
{
    char peer_text[PLX_ADDRESS_TEXT_MAX], local_text[PLX_ADDRESS_TEXT_MAX];
    (void)w;
    stage_open(&s, (plx_sim_options){0});
    stage_listen(&s, "tcp://[::]:80");
    strcpy(s.address, "tcp://127.0.0.1:80");
    (void)stage_connect(&s);
    stage_until(&s, &s.served.opened, 1);
    stage_until(&s, &s.made.opened, 1);
    ck_ok(plx_conn_peer(s.server, s.served.conn, peer_text, sizeof peer_text));
    ck_ok(plx_conn_local(s.client, s.made.conn, local_text, sizeof local_text));
    ck_assert_msg(strncmp(peer_text, "tcp://[::ffff:", 14) == 0, "%s", peer_text);
    ck_assert_str_eq(strrchr(peer_text, ':'), strrchr(local_text, ':'));
    ck_ok(plx_conn_peer(s.client, s.made.conn, peer_text, sizeof peer_text));
    ck_assert_str_eq(peer_text, s.address);
    stage_close(&s);
}

/* An address is taken as long as its listener is open. */
static void address_in_use_is_refused(world *w)
{
    plx_listener other;
    (void)w;
    stage_open(&s, (plx_sim_options){0});
    stage_listen(&s, "tcp://127.0.0.1:80");
    ck_assert_int_eq(plx_listen(s.client, &other, s.address, NULL), PLX_EADDRINUSE);
    ck_assert_int_eq(plx_listen(s.client, &other, "tcp://0.0.0.0:80", NULL), PLX_EADDRINUSE);
    ck_assert_int_eq(plx_listen(s.client, &other, "tcp://[::]:80", NULL), PLX_EADDRINUSE);
    ck_ok(plx_listen(s.client, &other, "tcp://127.0.0.2:80", NULL));
    ck_ok(plx_listener_close(s.server, s.listener));
    ck_ok(plx_listen(s.client, &other, s.address, NULL));
    ck_ok(plx_listen(s.client, &other, "unix:/socket", NULL));
    ck_assert_int_eq(plx_listen(s.server, &other, "unix:/socket", NULL), PLX_EADDRINUSE);
    stage_close(&s);
}

/* Two listeners that both ask for it share a port, and both get connections. */
static void listeners_share_a_port(world *w)
{
    enum { CLIENTS = 40 };
    probe first = {0}, second = {0}, made = {0};
    const plx_conn_options first_options = probe_options(&first);
    const plx_conn_options second_options = probe_options(&second);
    (void)w;
    stage_open(&s, (plx_sim_options){.seed = 2});
    ck_ok(plx_listen(s.server, NULL, "tcp://127.0.0.1:80",
                     &(plx_listen_options){.conn = &first_options, .reuse_port = 1}));
    ck_ok(plx_listen(s.client, NULL, "tcp://127.0.0.1:80",
                     &(plx_listen_options){.conn = &second_options, .reuse_port = 1}));
    ck_assert_int_eq(plx_listen(s.client, NULL, "tcp://127.0.0.1:80", NULL), PLX_EADDRINUSE);
    strcpy(s.address, "tcp://127.0.0.1:80");
    for (int i = 0; i < CLIENTS; i++)
        (void)connect_with(&made, 0);
    stage_until(&s, &made.opened, CLIENTS);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(first.opened + second.opened, CLIENTS);
    ck_assert_uint_gt(first.opened, CLIENTS / 4);
    ck_assert_uint_gt(second.opened, CLIENTS / 4);
    stage_close(&s);
}

/* A port that is given out is no open socket's, also when all have been given out before. */
static void ports_of_open_sockets_are_not_given_out(world *w)
{
    enum { PORTS = 16384, TAKEN = 3 };
    char taken[TAKEN + 1][PLX_ADDRESS_TEXT_MAX], local[PLX_ADDRESS_TEXT_MAX];
    size_t given_again = 0;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    strcpy(taken[TAKEN], s.address);
    for (int i = 0; i < TAKEN; i++)
        ck_ok(plx_conn_local(s.client, stage_connect(&s), taken[i], sizeof taken[i]));
    for (int i = 0; i < PORTS; i++) {
        plx_conn conn = stage_connect(&s);
        int status = plx_conn_local(s.client, conn, local, sizeof local);
        for (int k = 0; k <= TAKEN; k++)
            given_again += status != 0 || strcmp(local, taken[k]) == 0;
        status = plx_conn_close(s.client, conn);
        given_again += status != 0 || plx_loop_run_once(s.client, 0) != 0;
    }
    ck_assert_uint_eq(given_again, 0);
    ck_assert_uint_eq(s.made.opened, TAKEN);
    stage_close(&s);
}

static void nobody_there_is_a_refusal(world *w)
{
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    ck_ok(plx_listener_close(s.server, s.listener));
    (void)stage_connect(&s);
    stage_until(&s, &s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ECONNREFUSED);
    stage_close(&s);
}

/* A receiver that rests: the sender gets rid of so many bytes and not of one more. */
static void buffer_bounds_what_is_in_flight(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.buffer_bytes = 10000});
    pattern_fill(bytes, sizeof bytes, 0);
    ck_ok(plx_conn_pause(s.server, s.served.conn));
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, sizeof bytes));
    stage_run(&s, PLX_SECOND);
    ck_assert_int_eq(stage_sum(&s, "send"), 10000);
    ck_assert_uint_eq(plx_conn_queued(s.client, s.made.conn), sizeof bytes - 10000);
    ck_ok(plx_conn_resume(s.server, s.served.conn));
    stage_until(&s, &s.served.received, sizeof bytes);
    pattern_check(s.served.bytes, sizeof s.served.bytes, 0);
    int64_t in_flight = 0;
    for (size_t i = 0; i < s.records; i++) {
        if (strcmp(stage_records[i].name, "send") == 0)
            in_flight += stage_records[i].value;
        else if (strcmp(stage_records[i].name, "receive") == 0)
            in_flight -= stage_records[i].value;
        ck_assert_int_ge(in_flight, 0);
        ck_assert_int_le(in_flight, 10000);
    }
    stage_close(&s);
}

/* What has arrived and was not received takes its room as well, */
static void unread_bytes_take_room(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.buffer_bytes = 10000});
    ck_ok(plx_conn_pause(s.server, s.served.conn));
    for (size_t i = 1; i <= 2; i++) {
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 6000));
        stage_run(&s, PLX_SECOND);
        ck_assert_uint_eq(stage_count(&s, "arrive"), i);
    }
    ck_assert_int_eq(stage_sum(&s, "send"), 10000);
    ck_assert_uint_eq(plx_conn_queued(s.client, s.made.conn), 2000);
    stage_close(&s);
}

/* and what was received until the sender has heard of it. */
static void room_returns_with_the_answer(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.buffer_bytes = 10000, .latency_ns = PLX_SECOND});
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 10000));
    stage_until(&s, &s.served.received, 10000);
    const uint64_t received_ns = stage_record(&s, "receive", 0)->time_ns;
    ck_ok(plx_conn_write(s.client, s.made.conn, bytes, 10));
    ck_assert_uint_eq(plx_conn_queued(s.client, s.made.conn), 10);
    stage_until(&s, &s.served.received, 10010);
    const uint64_t took_ns = stage_record(&s, "send", 1)->time_ns - received_ns;
    ck_assert_uint_ge(took_ns, PLX_SECOND);
    ck_assert_uint_le(took_ns, PLX_SECOND + PLX_MILLISECOND);
    stage_close(&s);
}

/* A server that has one connection at a time, and one in its backlog. */
static void full_backlog_drops(world *w)
{
    const plx_loop_options one = {.keep_running = 1, .connections_max = 1};
    probe second = {0}, third = {0};
    (void)w;
    stage_open(&s, (plx_sim_options){.backlog_max = 1});
    ck_ok(plx_loop_close(s.server));
    ck_ok(plx_loop_open(&s.server, &one));
    ck_ok(plx_sim_add(s.sim, s.server));
    stage_listen(&s, "tcp://127.0.0.1:80");
    plx_conn first = stage_connect(&s);
    stage_until(&s, &s.served.opened, 1);
    (void)connect_with(&second, PLX_FOREVER);
    stage_until(&s, &second.opened, 1); /* It is in the backlog. */
    (void)connect_with(&third, PLX_FOREVER);
    const uint64_t began_ns = plx_sim_now(s.sim);
    stage_run(&s, 2 * PLX_SECOND); /* The third was dropped, and once more after a second. */
    ck_assert_uint_eq(stage_count(&s, "drop"), 2);
    ck_assert_uint_eq(third.opened + third.closed, 0);
    ck_ok(plx_conn_close(s.client, first));
    stage_until(&s, &third.opened, 1); /* With the SYN after two seconds more. */
    ck_assert_uint_ge(plx_sim_now(s.sim) - began_ns, 3 * PLX_SECOND);
    ck_assert_uint_lt(plx_sim_now(s.sim) - began_ns, 4 * PLX_SECOND);
    stage_close(&s);
}

enum { BACKLOG_CLIENTS = 600 };

/* How many connections are made beside the one that is accepted. */
static size_t backlog_length(uint32_t max, uint32_t wanted)
{
    const plx_loop_options one = {.keep_running = 1, .connections_max = 1};
    stage_open(&s, (plx_sim_options){.backlog_max = max});
    const plx_conn_options served = probe_options(&s.served);
    const plx_listen_options options = {.conn = &served, .backlog = wanted};
    ck_ok(plx_loop_close(s.server));
    ck_ok(plx_loop_open(&s.server, &one));
    ck_ok(plx_sim_add(s.sim, s.server));
    strcpy(s.address, "tcp://127.0.0.1:80");
    ck_ok(plx_listen(s.server, NULL, s.address, &options));
    (void)stage_connect(&s);
    stage_until(&s, &s.served.opened, 1);
    for (int i = 0; i < BACKLOG_CLIENTS; i++)
        (void)stage_connect(&s);
    stage_run(&s, PLX_SECOND / 2);
    const size_t length = s.made.opened - 1;
    ck_assert_uint_eq(stage_count(&s, "drop"), BACKLOG_CLIENTS - length);
    stage_close(&s);
    return length;
}

/* The simulation bounds a backlog, and so does its listener; 511 is what a listener asks for. */
static void backlog_is_the_smaller_bound(world *w)
{
    (void)w;
    ck_assert_uint_eq(backlog_length(3, 1000), 3);
    ck_assert_uint_eq(backlog_length(3, 2), 2);
    ck_assert_uint_eq(backlog_length(0, 2), 2);
    ck_assert_uint_eq(backlog_length(0, 0), 511);
    ck_assert_uint_eq(backlog_length(0, UINT32_MAX), BACKLOG_CLIENTS);
}

/* Whoever never gets in gives up as Linux does, after 127 seconds. */
static void dropped_connects_time_out(world *w)
{
    const plx_loop_options one = {.keep_running = 1, .connections_max = 1};
    probe second = {0}, third = {0};
    (void)w;
    stage_open(&s, (plx_sim_options){.backlog_max = 1});
    ck_ok(plx_loop_close(s.server));
    ck_ok(plx_loop_open(&s.server, &one));
    ck_ok(plx_sim_add(s.sim, s.server));
    stage_listen(&s, "tcp://127.0.0.1:80");
    (void)stage_connect(&s);
    stage_until(&s, &s.served.opened, 1);
    (void)connect_with(&second, 0);
    stage_until(&s, &second.opened, 1);
    (void)connect_with(&third, PLX_FOREVER);
    stage_run(&s, 126 * PLX_SECOND);
    ck_assert_uint_eq(third.closed, 0);
    ck_assert_uint_eq(stage_count(&s, "drop"), 7);
    stage_run(&s, 2 * PLX_SECOND);
    ck_assert_uint_eq(third.closed, 1);
    ck_assert_int_eq(third.reason, PLX_ETIMEDOUT);
    stage_close(&s);
}

/* Two loops have a spare one each; the listener takes the third. */
static void descriptors_run_out(world *w)
{
    (void)w;
    stage_open(&s, (plx_sim_options){.descriptors_max = 4});
    ck_assert_uint_eq(plx_sim_sockets(s.sim), 2);
    stage_listen(&s, "tcp://127.0.0.1:80");
    ck_ok(plx_connect(s.client, NULL, s.address, NULL));
    ck_assert_int_eq(plx_connect(s.client, NULL, s.address, NULL), PLX_EMFILE);
    ck_assert_int_eq(plx_listen(s.client, NULL, "tcp://127.0.0.1:81", NULL), PLX_EMFILE);
    ck_assert_uint_eq(plx_sim_sockets(s.sim), 4);
    stage_run(&s, 2 * PLX_SECOND); /* There is none for the other end, either. */
    ck_assert_uint_eq(stage_count(&s, "drop"), 2);
    stage_close(&s);
}

/* Bytes before the end, and the end after all of them, whatever the jitter is. */
static void order_survives_jitter(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){.jitter_ns = PLX_SECOND});
    pattern_fill(bytes, 4000, 0);
    for (size_t i = 0; i < 4000; i += 40)
        ck_ok(plx_conn_write(s.client, s.made.conn, bytes + i, 40));
    ck_ok(plx_conn_shutdown(s.client, s.made.conn));
    ck_assert_uint_eq(stage_count(&s, "send"), 100);
    stage_until(&s, &s.served.closed, 1);
    ck_assert_uint_eq(s.served.received, 4000);
    pattern_check(s.served.bytes, 4000, 0);
    ck_assert_int_eq(s.served.reason, 0);
    stage_close(&s);
}

/* Closing with bytes that nobody has read is a reset, as RFC 2525, 2.17 wants it. */
static void close_with_unread_bytes_resets(world *w)
{
    (void)w;
    stage_open_pair(&s, (plx_sim_options){0});
    ck_ok(plx_conn_pause(s.server, s.served.conn));
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    stage_run(&s, PLX_SECOND);
    ck_ok(plx_conn_close(s.server, s.served.conn));
    stage_until(&s, &s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ECONNRESET);
    stage_close(&s);
}

static void ignore_end(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)loop;
    (void)conn;
    (void)p;
}

/* What is sent to one that has closed is lost, and answered by a reset. */
static void send_to_a_closed_one_is_answered_by_a_reset(world *w)
{
    (void)w;
    stage_open_listening(&s, (plx_sim_options){0});
    s.made.then_end = ignore_end;
    (void)stage_connect(&s);
    stage_until(&s, &s.served.opened, 1);
    ck_ok(plx_conn_close(s.server, s.served.conn));
    stage_until(&s, &s.made.ended, 1);
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(s.made.closed, 0); /* It could be half closed as well. */
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    stage_run(&s, PLX_SECOND);
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5)); /* Which finds out. */
    stage_until(&s, &s.made.closed, 1);
    ck_assert_int_eq(s.made.reason, PLX_ECONNRESET);
    ck_assert_uint_eq(s.served.received, 0);
    stage_close(&s);
}

/* What a program sets on a socket it reads back. */
static void socket_options_are_kept(world *w)
{
    int64_t value = 0;
    (void)w;
    stage_open_pair(&s, (plx_sim_options){0});
    plx_conn conn = s.made.conn;
    ck_ok(plx_conn_set_option(s.client, conn, PLX_CONN_OPTION_SEND_BYTES, 12345));
    ck_ok(plx_conn_set_option(s.client, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 7));
    ck_ok(plx_conn_get_option(s.client, conn, PLX_CONN_OPTION_SEND_BYTES, &value));
    ck_assert_int_eq(value, 12345);
    ck_ok(plx_conn_get_option(s.client, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, &value));
    ck_assert_int_eq(value, 7);
    stage_close(&s);
}

const test_case sim_network_cases[] = {
    CASE(addresses_of_every_kind_are_known),
    CASE(all_addresses_are_one_listener),
    CASE(ipv4_client_is_mapped),
    CASE(address_in_use_is_refused),
    CASE(listeners_share_a_port),
    CASE(ports_of_open_sockets_are_not_given_out),
    CASE(nobody_there_is_a_refusal),
    CASE(buffer_bounds_what_is_in_flight),
    CASE(unread_bytes_take_room),
    CASE(room_returns_with_the_answer),
    CASE(full_backlog_drops),
    CASE(backlog_is_the_smaller_bound),
    CASE(dropped_connects_time_out),
    CASE(descriptors_run_out),
    CASE(order_survives_jitter),
    CASE(close_with_unread_bytes_resets),
    CASE(send_to_a_closed_one_is_answered_by_a_reset),
    CASE(socket_options_are_kept),
    CASES_END,
};
