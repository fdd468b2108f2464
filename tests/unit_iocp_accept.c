/* tests/unit_iocp_accept.c - the sockets that the completion port has ready for who will connect.
 */
#include <string.h>

#include "core/conn/conn.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case unit_iocp_accept_cases[];

enum { ACCEPTS = 16 };

static void loop_open(world *w)
{
    w->configuration = w->backend = "iocp";
    w->loop = world_loop_open(w);
}

static uint32_t descriptors(void)
{
    return plx__fault_held(PLX__FAULT_DESCRIPTOR);
}

static bool descriptors_are_few(void *data)
{
    return descriptors() <= *(uint32_t *)data;
}

/* Sixteen sockets wait for connections; when the listener closes they go, in the turns after. */
static void accepts_are_posted_ahead(world *w)
{
    plx_listener listener;
    loop_open(w);
    uint32_t before = descriptors();
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", NULL));
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS);
    ck_ok(plx_listener_close(w->loop, listener));
    turn_until_true(w, descriptors_are_few, &before);
}

/* As many as the setting says, and a client can come to each. */
static void setting_says_how_many(world *w)
{
    static const plx_setting counts[] = {{"accepts_ahead", 1},
                                         {"accepts_ahead", 3},
                                         {"accepts_ahead", 100},
                                         {"accepts_ahead", 1024}};
    loop_open(w);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        probe p = {0};
        world_reopen(w, (plx_loop_options){.settings = &counts[i], .settings_count = 1});
        char address[PLX_ADDRESS_TEXT_MAX];
        plx_listener listener;
        uint32_t before = descriptors();
        const plx_conn_options accepted = probe_options(&p);
        const plx_listen_options options = {.conn = &accepted};
        ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        ck_assert_uint_eq(descriptors(), before + 1 + counts[i].value);
        for (size_t k = 0; k < 5; k++) {
            peer client = peer_open(w, address);
            turn_until(w, &p.opened, k + 1);
            peer_close(&client);
            turn_until(w, &p.closed, k + 1);
        }
        ck_ok(plx_listener_close(w->loop, listener));
        turn_until_true(w, descriptors_are_few, &before);
    }
}

static void close_the_listener(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    ck_ok(plx_listener_close(loop, *(plx_listener *)p->more));
}

/* All sixteen come back in one turn, and the first one's on_open closes the listener: nobody else
 * is opened, and each of the others is told of the end. */
static void listener_closes_over_what_has_come_back(world *w)
{
    plx_listener listener;
    probe p = {.then_open = close_the_listener, .more = &listener};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[ACCEPTS];
    size_t count;
    loop_open(w);
    uint32_t before = descriptors();
    listener = listen_at(w, &options, address);
    for (int i = 0; i < ACCEPTS; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    ck_ok(plx_conn_close(w->loop, p.conn));
    for (int i = 0; i < ACCEPTS; i++) {
        (void)peer_drain(w, &peers[i], &count);
        ck_assert_uint_eq(count, 0);
        peer_close(&peers[i]);
    }
    turn_until(w, &p.closed, 1);
    turn_until_true(w, descriptors_are_few, &before);
}

/* One connection is all that the loop takes: those that come back then are held, and go on when it
 * closes, or go with the listener. */
static void listener_closes_over_those_it_holds(world *w)
{
    enum { PEERS = ACCEPTS + 5 };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer peers[PEERS];
    loop_open(w);
    uint32_t before = descriptors();
    world_reopen(w, (plx_loop_options){.connections_max = 1});
    plx_listener listener = listen_at(w, &options, address);
    for (int i = 0; i < PEERS; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.opened, 2);
    ck_assert_uint_eq(counter(w, accepts_rejected), 0);
    ck_ok(plx_listener_close(w->loop, listener));
    ck_ok(plx_conn_close(w->loop, p.conn));
    turn_until(w, &p.closed, 2);
    for (int i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    turn_until_true(w, descriptors_are_few, &before);
}

/* A listener that got only some of its sockets works, and gets the rest with what comes next. */
static void listener_fills_up(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    loop_open(w);
    uint32_t before = descriptors();
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 4, UINT32_MAX);
    (void)listen_at(w, &options, address);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    ck_assert_uint_eq(descriptors(), before + 1 + 3);
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS + 2); /* Both ends of the connection. */
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A turn in which there is no descriptor at first, but again what is let go. */
static void turn_without_descriptors(world *w)
{
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 1);
    turn(w);
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
}

/* There is no descriptor for so long that every place is lost. Whoever connects is turned away, all
 * the same; and when there are descriptors, the listener is as it was. */
static void listener_recovers_from_having_none(world *w)
{
    enum { PEERS = 2 * ACCEPTS, PEERS_MAX = 20 * ACCEPTS };
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__address name;
    peer peers[PEERS_MAX];
    peer late;
    unsigned char byte;
    loop_open(w);
    uint32_t before = descriptors();
    (void)listen_at(w, &options, address);
    ck_ok(plx__address_parse(&name, address));
    ck_ok(plx__socket_open(&late.socket, name.family));
    uint32_t count = 0;
    while (count < PEERS)
        peers[count++] = peer_start(address);
    uint64_t until = plx__clock_now() + patience();
    /* Until no place has a socket left. A turn costs one place its socket, however many come back
     * in it, or none, when a place that tries again meets the fault; when all have come, another
     * makes a turn. */
    while (counter(w, accept_pauses) < 3 || descriptors() != before + 1 + count + 1) {
        ck_assert_uint_lt(plx__clock_now(), until);
        if (counter(w, accepts_rejected) == count && count < PEERS_MAX)
            peers[count++] = peer_start(address);
        turn_without_descriptors(w);
    }
    int status = plx__socket_connect(late.socket, &name);
    ck_assert(status == 0 || status == PLX_EAGAIN);
    until = plx__clock_now() + patience();
    while (plx__socket_peer(late.socket, &name) != 0 || peer_try(&late, &byte, 1) == PLX_EAGAIN) {
        ck_assert_uint_lt(plx__clock_now(), until);
        turn_without_descriptors(w);
    }
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_uint_eq(counter(w, accepts_rejected), count + 1);
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, 1);
    for (uint32_t i = 0; i < count; i++)
        peer_close(&peers[i]);
    peer_close(&late);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_uint_eq(descriptors(), before + 1 + ACCEPTS);
}

/* Such turns, until this has been counted. */
static void turn_scarcely_until(world *w, size_t counted)
{
    uint64_t until = plx__clock_now() + patience();
    while (counter_at(w, counted) == 0) {
        ck_assert_uint_lt(plx__clock_now(), until);
        turn_without_descriptors(w);
    }
}

/* Of two who wait while there is no descriptor one resets: the other alone is turned away. */
static void one_that_has_reset_is_not_turned_away(world *w)
{
    probe p = {0};
    const plx_conn_options accepted = probe_options(&p);
    const plx_listen_options options = {.conn = &accepted, .accept_receive_first = 1};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    loop_open(w);
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    peer first = peer_open(w, address);
    peer second = peer_open(w, address);
    ck_assert_int_eq(plx__socket_send(first.socket, "x", 1), 1);
    turn_scarcely_until(w, offsetof(plx_loop_stats, accept_pauses));
    peer_reset(&second); /* The listener rests: what comes back for this one is held, too. */
    turn_scarcely_until(w, offsetof(plx_loop_stats, accepts_rejected));
    ck_assert_uint_eq(counter(w, accepts_rejected), 1);
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, 1);
    ck_assert_uint_eq(counter(w, accepts_rejected), 1);
    peer_close(&first);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* --- from the port that has accepted to another ------------------------------------------------
 */

/* A socket on its way from one loop to the next, with what was received from it before. */
typedef struct passage {
    probe probe; /* First: what happens at the second loop. */
    plx_socket socket;
    size_t taken, released;
    unsigned char first[16];
    size_t first_length;
} passage;

static enum plx_accept_verdict take_it(plx_loop *loop, plx_listener listener, void *data,
                                       plx_socket socket, const void *bytes, size_t length)
{
    passage *of = data;
    (void)loop;
    (void)listener;
    ck_assert_uint_le(length, sizeof of->first);
    if (length > 0)
        memcpy(of->first, bytes, length);
    of->first_length = length;
    of->socket = socket;
    of->taken++;
    return PLX_ACCEPT_TAKEN;
}

static void release_it(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    passage *of = data;
    (void)loop;
    (void)conn;
    (void)bytes;
    ck_assert_uint_eq(length, 0);
    of->socket = socket;
    of->released++;
}

static void both_until(world *w, plx_loop *other, const size_t *count, size_t wanted)
{
    uint64_t until = plx__clock_now() + patience();
    while (*count < wanted) {
        ck_assert_uint_lt(plx__clock_now(), until);
        ck_ok(plx_loop_run_once(w->loop, 0));
        ck_ok(plx_loop_run_once(other, PLX_MILLISECOND));
    }
    ck_assert_uint_eq(*count, wanted);
}

/* The connection on `other` has this very socket, and sends back what the client sends. */
static void expect_served(world *w, plx_loop *other, passage *of, peer *client, size_t received)
{
    char answer[4];
    both_until(w, other, &of->probe.received, received);
    const plx__conn *conn = plx__conn_find(other, of->probe.conn);
    ck_assert_ptr_nonnull(conn);
    ck_assert_uint_eq((uint64_t)conn->object.endpoint.socket, (uint64_t)of->socket);
    ck_ok(plx_loop_run_once(other, 0));
    peer_receive(w, client, answer, sizeof answer);
    ck_assert_mem_eq(answer, "ping", sizeof answer);
}

/* Nobody has received from the socket at the port that accepted it, so it joins that of the other
 * loop: the same socket, and no duplicate of it; also if AcceptEx has received its first bytes. */
static void passage_begin(world *w, plx_loop *other, passage *of, peer *client, bool is_first)
{
    const plx_listen_options options = {
        .on_accept = take_it, .data = of, .accept_receive_first = is_first};
    plx_conn_options conn = probe_options(&of->probe);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener listener;
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &options));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    *client = peer_open(w, address);
    peer_send(w, client, "ping", 4);
    turn_until(w, &of->taken, 1);
    ck_assert_uint_eq(of->first_length, is_first ? 4 : 0);
    const uint32_t before = descriptors();
    conn.flags = PLX_CONN_ACCEPTED;
    conn.on_release = release_it;
    ck_ok(plx_conn_adopt(other, NULL, of->socket, &conn, of->first, of->first_length));
    ck_assert_uint_eq(descriptors(), before + 1); /* The loop counts it again. */
    expect_served(w, other, of, client, 4);
    ck_assert_uint_eq(descriptors(), before + 1);
    ck_ok(plx_listener_close(w->loop, listener));
}

/* Now it has been received from. Wine 8 cannot take a socket out of a port: the next port refuses
 * it, which leaves it as it was, for a loop on another backend to take. Windows can, since 8.1. */
static void passage_go_on(world *w, plx_loop *other, passage *of, peer *client)
{
    const plx_loop_options select = {.backend = "select"};
    const plx_conn_options conn = probe_options(&of->probe);
    plx_loop *next = world_loop_open(w);
    ck_ok(plx_conn_release(other, of->probe.conn));
    both_until(w, other, &of->released, 1);
    int status = plx_conn_adopt(next, NULL, of->socket, &conn, NULL, 0);
    ck_assert_int_eq(status, plx__test_is_wine() ? PLX_EBUSY : 0);
    if (status != 0) {
        ck_ok(plx_loop_close(next));
        ck_ok(plx_loop_open(&next, &select));
        ck_ok(plx_conn_adopt(next, NULL, of->socket, &conn, NULL, 0));
    }
    peer_send(w, client, "ping", 4);
    expect_served(w, next, of, client, 8);
    peer_close(client);
    both_until(w, next, &of->probe.closed, 1);
    ck_ok(plx_loop_close(next));
}

static void accepted_socket_joins_another_loops_port(world *w)
{
    for (int is_first = 0; is_first < 2; is_first++) {
        passage of = {.probe = {.then_data = echo_back}};
        peer client;
        loop_open(w);
        uint32_t before = descriptors();
        plx_loop *other = world_loop_open(w);
        passage_begin(w, other, &of, &client, is_first != 0);
        passage_go_on(w, other, &of, &client);
        ck_ok(plx_loop_close(other));
        turn_until_true(w, descriptors_are_few, &before);
        ck_ok(plx_loop_close(w->loop));
        w->loop = NULL;
    }
}

const test_case unit_iocp_accept_cases[] = {
    CASE(accepts_are_posted_ahead),
    CASE(setting_says_how_many),
    CASE(listener_closes_over_what_has_come_back),
    CASE(listener_closes_over_those_it_holds),
    CASE(listener_fills_up),
    CASE(listener_recovers_from_having_none),
    CASE(one_that_has_reset_is_not_turned_away),
    CASE(accepted_socket_joins_another_loops_port),
    CASES_END,
};
