/* tests/behavior_accept.c - listeners: how they accept, stop, go on, and end. */
#include <stdio.h>
#include <string.h>

#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_accept_cases[];

/* A thousand peers connect before the loop has turned once. Each is accepted, each is answered. */
static void accept_burst_of_1000(world *w)
{
    enum { BURST = 1000 };
    static peer peers[BURST];
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted, .backlog = 2 * BURST};
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    for (int i = 0; i < BURST; i++)
        peers[i] = peer_start(address);
    turn_until(w, &p.opened, BURST);
    for (int i = 0; i < BURST; i++)
        peer_send(w, &peers[i], &(unsigned char){(unsigned char)i}, 1);
    for (int i = 0; i < BURST; i++) {
        unsigned char answer;
        peer_receive(w, &peers[i], &answer, 1);
        ck_assert_uint_eq(answer, (unsigned char)i);
        peer_close(&peers[i]);
    }
    turn_until(w, &p.closed, BURST);
}

/* A turn accepts a bounded number, so that a flood of connects does not starve the rest. */
static void accepts_in_one_turn_are_bounded(world *w)
{
    enum { BURST = 300 };
    static peer peers[BURST];
    probe p = {0};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted, .backlog = 2 * BURST};
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    for (int i = 0; i < BURST; i++)
        peers[i] = peer_start(address);
    for (size_t before = 0; p.opened < BURST; before = p.opened) {
        turn(w);
        ck_assert_uint_le(p.opened - before, 64);
    }
    for (int i = 0; i < BURST; i++)
        peer_close(&peers[i]);
    turn_until(w, &p.closed, BURST);
}

/* Port 0 becomes a real port, the same in the listener's words and in the peer's. */
static void listener_tells_its_port(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    char name[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    ck_assert_str_ne(address, "tcp://127.0.0.1:0");
    peer client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    ck_ok(plx_conn_local(w->loop, p.conn, name, sizeof name));
    ck_assert_str_eq(name, address);
    plx__address own;
    ck_ok(net_name(client.socket, &own));
    char own_text[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx__address_print(&own, own_text, sizeof own_text));
    ck_ok(plx_conn_peer(w->loop, p.conn, name, sizeof name));
    ck_assert_str_eq(name, own_text);
    ck_assert_int_eq(plx_conn_peer(w->loop, p.conn, name, 3), PLX_EINVAL);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

static void talk_at(world *w, const char *listen_address, const char *connect_format)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted};
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    char target[PLX_ADDRESS_TEXT_MAX];
    char answer[2];
    ck_ok(plx_listen(w->loop, &listener, listen_address, &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    const char *port = strrchr(address, ':') + 1;
    (void)snprintf(target, sizeof target, connect_format, port);
    peer client = peer_open(w, target);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_ok(plx_listener_close(w->loop, listener));
}

static void listener_on_ipv6(world *w)
{
    talk_at(w, "tcp://[::1]:0", "tcp://[::1]:%s");
}

/* [::] takes IPv4 too, on every system, whatever its own default is. */
static void listener_on_both_families(world *w)
{
    talk_at(w, "tcp://[::]:0", "tcp://127.0.0.1:%s");
    talk_at(w, "tcp://[::]:0", "tcp://[::1]:%s");
}

/* With only_ipv6 it leaves IPv4 to others: a second listener has the same port there. Somebody else
 * may have it, so some ports are tried. */
static void listener_on_ipv6_alone(world *w)
{
    const plx_listen_options alone = {.only_ipv6 = 1};
    int status = PLX_EADDRINUSE;
    for (int tries = 0; tries < 5 && status == PLX_EADDRINUSE; tries++) {
        plx_listener listener;
        char address[PLX_ADDRESS_TEXT_MAX];
        char other[PLX_ADDRESS_TEXT_MAX];
        ck_ok(plx_listen(w->loop, &listener, "tcp://[::]:0", &alone));
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        (void)snprintf(other, sizeof other, "tcp://0.0.0.0:%s", strrchr(address, ':') + 1);
        status = plx_listen(w->loop, NULL, other, NULL);
        ck_ok(plx_listener_close(w->loop, listener));
    }
    ck_ok(status);
}

static void listener_on_every_ipv4_address(world *w)
{
    talk_at(w, "tcp://:0", "tcp://127.0.0.1:%s");
    talk_at(w, "tcp://localhost:0", "tcp://localhost:%s");
}

/* A Unix-domain socket where the system has them, and a clear answer where it has not. */
static void listener_on_a_socket_file(world *w)
{
    probe p = {.then_data = echo_back};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted};
    plx_listener listener;
    char path[64];
    char name[PLX_ADDRESS_TEXT_MAX];
    char answer[2];
    (void)snprintf(path, sizeof path, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    int status = plx_listen(w->loop, &listener, path, &listen);
    if (status == PLX_EAFNOSUPPORT) {
        ck_assert_str_eq(plx_error_text(status),
                         "this system has no sockets of that address family");
        return;
    }
    ck_ok(status);
    ck_ok(plx_listener_address(w->loop, listener, name, sizeof name));
    ck_assert_str_eq(name, path);
    peer client = peer_open(w, path);
    peer_send(w, &client, "hi", 2);
    peer_receive(w, &client, answer, 2);
    /* A second listener is refused while the first one lives, which a short visit tells. */
    ck_assert_int_eq(plx_listen(w->loop, NULL, path, &listen), PLX_EADDRINUSE);
    peer_close(&client);
    turn_until(w, &p.closed, 2);
    /* The file goes with the listener. */
    ck_ok(plx_listener_close(w->loop, listener));
    ck_assert_ptr_null(fopen(path + 5, "r"));
    /* One that was left behind by a dead listener is replaced. */
    plx__address parsed;
    plx_socket dead;
    ck_ok(plx__address_parse(&parsed, path));
    ck_ok(net_open(&dead, parsed.family));
    ck_ok(net_bind(dead, &parsed));
    net_close(dead);
    ck_ok(plx_listen(w->loop, &listener, path, &listen));
    ck_ok(plx_listener_close(w->loop, listener));
}

/* A file that is no socket is never removed for one. */
static void socket_file_does_not_replace_a_file(world *w)
{
    char path[64];
    plx_listener listener;
    (void)snprintf(path, sizeof path, "unix:pollux-%llx.txt", (unsigned long long)plx__clock_now());
    FILE *file = fopen(path + 5, "w");
    ck_assert_ptr_nonnull(file);
    fputs("precious", file);
    fclose(file);
    int status = plx_listen(w->loop, &listener, path, NULL);
    ck_assert_msg(status == PLX_EADDRINUSE || status == PLX_EAFNOSUPPORT, "%s",
                  plx_error_name(status));
    file = fopen(path + 5, "r");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(remove(path + 5), 0);
}

static void listener_address_in_use(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_listener second = {0};
    (void)listen_at(w, &options, address);
    ck_assert_int_eq(plx_listen(w->loop, &second, address, NULL), PLX_EADDRINUSE);
    ck_assert_uint_eq(second.bits, 0);
}

typedef struct rebind {
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    int status;
} rebind;

static void close_and_listen_again(plx_loop *loop, plx_conn conn, probe *p)
{
    rebind *again = p->more;
    (void)conn;
    if (p->opened > 1)
        return;
    const plx_conn_options accepted = probe_options(p);
    plx_listen_options listen = {.conn = &accepted};
    ck_ok(plx_listener_close(loop, again->listener));
    ck_assert_int_eq(plx_listener_close(loop, again->listener), PLX_ESTALE);
    again->status = plx_listen(loop, &again->listener, again->address, &listen);
}

/* A listener closed in a callback of a connection it has just brought: its address is free at once,
 * and the new listener on it works. */
static void listener_closed_frees_its_address_at_once(world *w)
{
    rebind again = {.status = 1};
    probe p = {.then_open = close_and_listen_again, .then_data = echo_back, .more = &again};
    plx_conn_options options = probe_options(&p);
    again.listener = listen_at(w, &options, again.address);
    peer first = peer_open(w, again.address);
    turn_until(w, &p.opened, 1);
    ck_ok(again.status);
    peer second = peer_open(w, again.address);
    char answer[1];
    peer_send(w, &second, "x", 1);
    peer_receive(w, &second, answer, 1);
    peer_close(&first);
    peer_close(&second);
    turn_until(w, &p.closed, 2);
}

static void close_the_listener(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)conn;
    ck_ok(plx_listener_close(loop, *(const plx_listener *)p->more));
}

/* Clients wait, and a backend may have accepted them already. None opens after the close. */
static void listener_closed_opens_no_more(world *w)
{
    enum { CLIENTS = 8 };
    plx_listener listener;
    probe p = {.then_open = close_the_listener, .more = &listener};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    peer clients[CLIENTS];
    listener = listen_at(w, &options, address);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = peer_start(address);
    turn_until(w, &p.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 1);
    for (size_t i = 0; i < CLIENTS; i++)
        peer_close(&clients[i]);
    turn_until(w, &p.closed, 1);
}

/* Two connections at most: the third waits in the system's queue, and is served when one closes. */
static void listeners_stop_at_connections_max(world *w)
{
    probe p = {.then_data = echo_back};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    char answer[1];
    world_reopen(w, (plx_loop_options){.connections_max = 2});
    (void)listen_at(w, &options, address);
    peer first = peer_open(w, address);
    peer second = peer_open(w, address);
    peer third = peer_open(w, address);
    turn_until(w, &p.opened, 2);
    peer_send(w, &third, "x", 1);
    turn_some(w);
    ck_assert_uint_eq(p.opened, 2);
    ck_assert_int_eq(plx_connect(w->loop, NULL, address, NULL), PLX_ELIMIT);
    peer_close(&first);
    turn_until(w, &p.opened, 3);
    peer_receive(w, &third, answer, 1);
    peer_close(&second);
    peer_close(&third);
    turn_until(w, &p.closed, 3);
}

static void count_errors(plx_loop *loop, plx_listener listener, void *data, int status)
{
    size_t *errors = data;
    (void)loop;
    (void)listener;
    ck_assert_int_eq(status, PLX_EMFILE);
    ++*errors;
}

/* Returns false when this process was kept from running for longer than the listener pauses, so
 * that nothing was seen: the peer has been turned away. */
static bool pause_and_recovery_were_seen(world *w)
{
    size_t errors = 0;
    probe p = {0};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted, .on_error = count_errors, .data = &errors};
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    uint64_t pauses = counter(w, accept_pauses);
    uint64_t rejected = counter(w, accepts_rejected);
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    peer client = peer_start(address);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, UINT32_MAX);
    turn_until(w, &errors, 1);
    uint64_t before = counter(w, completions);
    ck_ok(plx_loop_run_once(w->loop, 40 * PLX_MILLISECOND));
    (void)plx__fault_disarm(PLX__FAULT_DESCRIPTOR);
    bool is_seen = counter(w, accepts_rejected) == rejected;
    if (is_seen) {
        ck_assert_uint_eq(counter(w, accept_pauses), pauses + 1);
        ck_assert_uint_eq(counter(w, completions), before);
        turn_until(w, &p.opened, 1);
        ck_assert_uint_eq(counter(w, accepts_rejected), rejected);
    }
    peer_close(&client);
    if (is_seen)
        turn_until(w, &p.closed, 1);
    ck_ok(plx_listener_close(w->loop, listener));
    return is_seen;
}

/* No descriptor is left: the listener pauses, reports that once, and the loop does not spin
 * meanwhile. When there are descriptors again, the connection that waited is served. */
static void accept_without_descriptors_pauses_and_recovers(world *w)
{
    int tries = 0;
    while (!pause_and_recovery_were_seen(w))
        ck_assert_int_lt(++tries, 100);
}

/* Still none after the pause: the spare descriptor turns the peer away, instead of leaving it to
 * wait for ever; and the listener goes on. */
static void accept_without_descriptors_turns_away(world *w)
{
    size_t errors = 0;
    size_t count;
    probe p = {0};
    const plx_conn_options accepted = probe_options(&p);
    plx_listen_options listen = {.conn = &accepted, .on_error = count_errors, .data = &errors};
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    ck_ok(plx_listen(w->loop, &listener, "tcp://127.0.0.1:0", &listen));
    ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
    peer client = peer_start(address);
    plx__fault_arm(PLX__FAULT_DESCRIPTOR, 0, 2);
    (void)peer_drain(w, &client, &count);
    ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_DESCRIPTOR), 2);
    ck_assert_uint_eq(errors, 2);
    ck_assert_uint_eq(counter(w, accepts_rejected), 1);
    ck_assert_uint_eq(counter(w, accept_pauses), 2);
    ck_assert_uint_eq(p.opened, 0);
    peer_close(&client);
    client = peer_open(w, address);
    turn_until(w, &p.opened, 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* The same without any pretence, where the system lets a process limit itself. */
static void accept_at_the_real_descriptor_limit(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    peer client = peer_start(address);
    int status = plx__test_descriptor_limit(0);
    if (status == PLX_ENOSYS) {
        turn_until(w, &p.opened, 1); /* The two cases above stand for this one there. */
        peer_close(&client);
        turn_until(w, &p.closed, 1);
        return;
    }
    ck_ok(status);
    turn_until_counter(w, accept_pauses, 1);
    ck_ok(plx__test_descriptor_limit(UINT32_MAX));
    turn_until(w, &p.opened, 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* A peer that has connected, sent and reset before it is accepted does no harm. */
static void accept_of_a_peer_that_has_gone(world *w)
{
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    char address[PLX_ADDRESS_TEXT_MAX];
    (void)listen_at(w, &options, address);
    peer gone = peer_start(address);
    peer_reset(&gone);
    peer client = peer_open(w, address);
    peer_send(w, &client, "x", 1);
    turn_until(w, &p.received, 1);
    peer_close(&client);
    turn_until_counter(w, connections_closed, p.opened);
    ck_assert_uint_eq(p.opened, p.closed);
}

static void listen_refuses_what_is_no_address(world *w)
{
    static const struct {
        const char *text;
        int status;
    } wrong[] = {
        {NULL, PLX_EADDRESS},
        {"", PLX_EADDRESS},
        {"nonsense", PLX_EADDRESS},
        {"127.0.0.1:80", PLX_EADDRESS},
        {"tcp://", PLX_EADDRESS},
        {"tcp://127.0.0.1", PLX_EADDRESS},
        {"tcp://127.0.0.1:", PLX_EADDRESS},
        {"tcp://127.0.0.1:65536", PLX_EADDRESS},
        {"tcp://127.0.0.1:-1", PLX_EADDRESS},
        {"tcp://127.0.0.1:80x", PLX_EADDRESS},
        {"tcp://::1:80", PLX_EADDRESS},
        {"tcp://[::1]80", PLX_EADDRESS},
        {"tcp://[::1", PLX_EADDRESS},
        {"tcp://[::g]:80", PLX_EADDRESS},
        {"tcp://256.0.0.1:80", PLX_EADDRESS},
        {"tcp://example.org:80", PLX_EADDRESS},
        {"udp://127.0.0.1:80", PLX_ESCHEME},
        {"http://127.0.0.1:80", PLX_ESCHEME},
        {"unix:", PLX_EADDRESS},
    };
    char path[300] = "unix:/";
    plx_listener listener = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int status = plx_listen(w->loop, &listener, wrong[i].text, NULL);
        ck_assert_msg(status == wrong[i].status, "\"%s\": %s", wrong[i].text,
                      plx_error_name(status));
    }
    memset(path + 6, 'x', sizeof path - 7);
    ck_assert_int_eq(plx_listen(w->loop, &listener, path, NULL), PLX_ENAMETOOLONG);
    ck_assert_int_eq(plx_listen(w->loop, &listener, "tcp://192.0.2.1:0", NULL), PLX_EADDRNOTAVAIL);
    ck_assert_uint_eq(listener.bits, 0);
}

const test_case behavior_accept_cases[] = {
    CASE(accept_burst_of_1000),
    CASE(accepts_in_one_turn_are_bounded),
    CASE(listener_tells_its_port),
    CASE(listener_on_ipv6),
    CASE(listener_on_both_families),
    CASE(listener_on_ipv6_alone),
    CASE(listener_on_every_ipv4_address),
    CASE(listener_on_a_socket_file),
    CASE(socket_file_does_not_replace_a_file),
    CASE(listener_address_in_use),
    CASE(listener_closed_frees_its_address_at_once),
    CASE(listener_closed_opens_no_more),
    CASE(listeners_stop_at_connections_max),
    CASE(accept_without_descriptors_pauses_and_recovers),
    CASE(accept_without_descriptors_turns_away),
    CASE(accept_at_the_real_descriptor_limit),
    CASE(accept_of_a_peer_that_has_gone),
    CASE(listen_refuses_what_is_no_address),
    CASES_END,
};
