/* tests/behavior_accept_first.c - listeners that want connections with their first bytes. */
#include "tests/harness.h"

extern const test_case behavior_accept_first_cases[];

static plx_listener listen_first(world *w, probe *p, uint32_t flags, char *address)
{
    plx_listener listener;
    plx_conn_options accepted = probe_options(p);
    plx_listen_options listen = {.conn = &accepted, .accept_receive_first = 1};
    accepted.flags = flags;
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, PLX_ADDRESS_TEXT_MAX));
    return listener;
}

static size_t echo_after_open(plx_loop *loop, plx_conn conn, probe *p, const void *bytes,
                              size_t length)
{
    ck_assert_uint_eq(p->conn.bits, conn.bits);
    return echo_back(loop, conn, p, bytes, length);
}

/* Whoever speaks at once, and whoever does so after a while, is opened, then shown, then answered;
 * time and again, on each of the places that a listener may have. */
static void receive_first_opens_then_shows(world *w)
{
    probe p = {.then_data = echo_after_open};
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[5];
    (void)listen_first(w, &p, 0, address);
    for (size_t round = 1; round <= 40; round++) {
        peer client = peer_open(w, address);
        if (round % 2 == 0)
            turn(w);
        peer_send(w, &client, "hello", 5);
        peer_receive(w, &client, answer, 5);
        ck_assert_mem_eq(answer, "hello", 5);
        ck_assert_uint_eq(p.opened, round);
        peer_send(w, &client, "again", 5);
        peer_receive(w, &client, answer, 5);
        ck_assert_mem_eq(answer, "again", 5);
        peer_close(&client);
        turn_until(w, &p.closed, round);
    }
    ck_assert_uint_eq(counter(w, connections_accepted), 40);
}

/* More than comes with the connection, whatever that is: in one piece, and in order. */
static void receive_first_of_a_long_message(world *w)
{
    static const uint32_t receive_bytes[] = {0, 1, 7, 4096};
    static unsigned char bytes[4096];
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof receive_bytes / sizeof receive_bytes[0]; i++) {
        probe p = {0};
        char address[PLX_ADDRESS_TEXT_MAX];
        world_reopen(w, (plx_loop_options){.receive_bytes = receive_bytes[i]});
        (void)listen_first(w, &p, 0, address);
        peer client = peer_open(w, address);
        peer_send(w, &client, bytes, sizeof bytes);
        turn_until(w, &p.received, sizeof bytes);
        ck_assert_mem_eq(p.bytes, bytes, sizeof bytes);
        ck_assert_uint_eq(counter(w, received_bytes), sizeof bytes);
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

/* Reading is paused from the start: the first bytes wait like any others. */
static void receive_first_while_paused(world *w)
{
    probe p = {.then_data = echo_back};
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[5];
    (void)listen_first(w, &p, PLX_CONN_PAUSED, address);
    peer client = peer_open(w, address);
    peer_send(w, &client, "hello", 5);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.shown, 0);
    ck_ok(plx_conn_resume(w->loop, p.conn));
    peer_receive(w, &client, answer, 5);
    ck_assert_uint_eq(p.received, 5);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void close_it(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_close(loop, conn));
}

/* Closed in on_open: what came with it is not shown any more. */
static void receive_first_closed_from_on_open(world *w)
{
    probe p = {.then_open = close_it};
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_first(w, &p, 0, address);
    peer client = peer_open(w, address);
    peer_send(w, &client, "hello", 5);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(p.shown, 0);
    peer_close(&client);
}

/* A peer that has nothing to say and ends is a connection that ends. */
static void receive_first_of_a_peer_that_only_ends(world *w)
{
    probe p = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_first(w, &p, 0, address);
    peer client = peer_open(w, address);
    peer_shutdown(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(p.reason, 0);
    ck_assert_uint_eq(p.received, 0);
    peer_close(&client);
}

enum { SILENT = 20 };

static bool all_are_closed(void *data)
{
    const probe *p = data;
    return p->closed == p->opened;
}

/* More peers than any backend accepts ahead connect and say nothing. One that speaks is served. */
static void get_past_silent_peers(world *w, probe *p, const char *address)
{
    char answer[5];
    peer silent[SILENT];
    for (int i = 0; i < SILENT; i++)
        silent[i] = peer_open(w, address);
    peer client = peer_open(w, address);
    peer_send(w, &client, "hello", 5);
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    for (int i = 0; i < SILENT; i++)
        peer_close(&silent[i]);
    peer_close(&client);
    turn_until_true(w, all_are_closed, p);
}

static void receive_first_gets_past_silent_peers(world *w)
{
    probe p = {.then_data = echo_back};
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_first(w, &p, 0, address);
    get_past_silent_peers(w, &p, address);
}

/* Of two such listeners one closes, the older or the newer: the other one does all the same. */
static void receive_first_goes_on_when_another_closes(world *w)
{
    for (int closed = 0; closed < 2; closed++) {
        probe p = {.then_data = echo_back};
        char address[2][PLX_ADDRESS_TEXT_MAX];
        plx_listener listeners[2];
        for (int i = 0; i < 2; i++)
            listeners[i] = listen_first(w, &p, 0, address[i]);
        turn_some(w);
        ck_ok(plx_listener_close(w->loop, listeners[closed]));
        turn_some(w);
        get_past_silent_peers(w, &p, address[1 - closed]);
        ck_ok(plx_listener_close(w->loop, listeners[1 - closed]));
    }
}

/* A listener is closed over silent peers: its address is free at once, and nothing is left. */
static void receive_first_closes_over_silent_peers(world *w)
{
    probe p = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    peer silent[SILENT];
    plx_listener listener = listen_first(w, &p, 0, address);
    for (int i = 0; i < SILENT; i++)
        silent[i] = peer_open(w, address);
    turn_some(w);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx_listen(w->loop, &listener, address, NULL));
    for (int i = 0; i < SILENT; i++)
        peer_close(&silent[i]);
    turn_until_true(w, all_are_closed, &p);
    ck_ok(plx_listener_close(w->loop, listener));
}

/* Opened while no connection has a slot: it accepts nobody, and then it does. */
static void receive_first_starts_late(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[5];
    world_reopen(w, (plx_loop_options){.connections_max = 1});
    peer first = connect_pair(w, &p, &options);
    (void)listen_first(w, &p, 0, address);
    turn_some(w);
    peer client = peer_open(w, address);
    peer_send(w, &client, "hello", 5);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    peer_close(&first);
    peer_receive(w, &client, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    peer_close(&client);
    turn_until(w, &p.closed, 2);
}

/* Where the system holds connections back for their first bytes, a silent peer is not opened. */
static void receive_first_leaves_silent_peers_with_the_system(world *w)
{
    probe p = {.then_data = echo_back};
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[5];
    plx_socket other = socket_listening(address);
    bool is_held_back = net_set(other, PLX__SOCKET_DEFER_ACCEPT, 1) == 0;
    net_close(other);
    (void)listen_first(w, &p, 0, address);
    uint64_t before = net_now();
    peer silent = peer_open(w, address);
    peer client = peer_open(w, address);
    peer_send(w, &client, "hello", 5);
    peer_receive(w, &client, answer, 5);
    turn_some(w);
    /* Not for ever: what takes seconds says nothing. */
    if (is_held_back && net_now() - before < PLX_SECOND)
        ck_assert_uint_eq(p.opened, 1);
    peer_close(&silent);
    peer_close(&client);
    turn_until_true(w, all_are_closed, &p);
}

const test_case behavior_accept_first_cases[] = {
    CASE(receive_first_opens_then_shows),
    CASE(receive_first_of_a_long_message),
    CASE(receive_first_while_paused),
    CASE(receive_first_closed_from_on_open),
    CASE(receive_first_of_a_peer_that_only_ends),
    CASE(receive_first_gets_past_silent_peers),
    CASE(receive_first_goes_on_when_another_closes),
    CASE(receive_first_leaves_silent_peers_with_the_system),
    CASE(receive_first_closes_over_silent_peers),
    CASE(receive_first_starts_late),
    CASES_END,
};
