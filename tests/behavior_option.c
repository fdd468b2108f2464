/* tests/behavior_option.c - options of a connection's socket, and who is at its other end. */
#include <stdio.h>

#include "platform/os.h"
#include "platform/test_system.h"
#include "tests/harness.h"

extern const test_case behavior_option_cases[];

static int64_t option_of(const world *w, plx_conn conn, enum plx_conn_option option)
{
    int64_t value = -1;
    ck_ok(plx_conn_get_option(w->loop, conn, option, &value));
    return value;
}

/* Wine 8 is as Windows was before it could tell the seconds; Wine 10 can. */
static void expect_seconds(const world *w, plx_conn conn, int64_t seconds)
{
    int64_t value = 0;
    int status = plx_conn_get_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, &value);
    if (plx__test_is_wine() && status == PLX_ENOSYS)
        seconds = 0;
    else
        ck_ok(status);
    ck_assert_int_eq(value, seconds);
}

/* For one side alone, and while it connects, too. */
static void option_keepalive(world *w)
{
    probe server = {0};
    probe p = {0};
    char address[PLX_ADDRESS_TEXT_MAX];
    plx_conn conn;
    plx_conn_options options = probe_options(&server);
    (void)listen_at(w, &options, address);
    options = probe_options(&p);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    ck_assert_int_eq(option_of(w, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS), 0);
    ck_ok(plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 90));
    turn_until(w, &p.opened, 1);
    turn_until(w, &server.opened, 1);
    expect_seconds(w, conn, 90);
    ck_assert_int_eq(option_of(w, server.conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS), 0);
    ck_ok(plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 32767));
    expect_seconds(w, conn, 32767);
    ck_ok(plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 0));
    ck_assert_int_eq(option_of(w, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS), 0);
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
    turn_until(w, &server.closed, 1);
}

/* The system may round, and keep a part for itself: Linux doubles what it is given. */
static void option_buffers(world *w)
{
    static const enum plx_conn_option both[] = {PLX_CONN_OPTION_SEND_BYTES,
                                                PLX_CONN_OPTION_RECEIVE_BYTES};
    probe p = {0};
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (int i = 0; i < 2; i++) {
        int64_t other = option_of(w, p.conn, both[1 - i]);
        for (int64_t wanted = 32768; wanted <= 65536; wanted += 32768) {
            ck_ok(plx_conn_set_option(w->loop, p.conn, both[i], wanted));
            int64_t got = option_of(w, p.conn, both[i]);
            ck_assert_int_ge(got, wanted);
            ck_assert_int_le(got, 2 * wanted);
        }
        ck_assert_int_eq(option_of(w, p.conn, both[1 - i]), other);
    }
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* Each family has an option of its own. Some machines lack IPv6. */
static void option_traffic_class(world *w)
{
    static const char *const addresses[] = {"tcp://127.0.0.1:0", "tcp://[::1]:0"};
    for (int i = 0; i < 2; i++) {
        probe p = {0};
        plx_listener listener;
        plx_conn conn;
        char address[PLX_ADDRESS_TEXT_MAX];
        int64_t value;
        plx_conn_options options = probe_options(&p);
        int status = plx_listen(w->loop, &listener, addresses[i], NULL);
        if (i == 1 && (status == PLX_EADDRNOTAVAIL || status == PLX_EAFNOSUPPORT))
            continue;
        ck_ok(status);
        ck_ok(plx_listener_address(w->loop, listener, address, sizeof address));
        ck_ok(plx_connect(w->loop, &conn, address, &options));
        turn_until(w, &p.opened, 1);
        status = plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_TRAFFIC_CLASS, 0xB8);
#ifdef _WIN32
        ck_assert_int_eq(status, PLX_ENOSYS);
        status = plx_conn_get_option(w->loop, conn, PLX_CONN_OPTION_TRAFFIC_CLASS, &value);
        ck_assert_int_eq(status, PLX_ENOSYS);
#else
        ck_ok(status);
        ck_ok(plx_conn_get_option(w->loop, conn, PLX_CONN_OPTION_TRAFFIC_CLASS, &value));
        ck_assert_int_eq(value, 0xB8);
#endif
        ck_ok(plx_conn_close(w->loop, conn));
        turn_until(w, &p.closed, 1);
    }
}

/* The bounds are exact, and what is out of them changes nothing. */
static void options_out_of_bounds_are_refused(world *w)
{
    static const struct {
        enum plx_conn_option option;
        int64_t value;
    } bad[] = {
        {PLX_CONN_OPTION_KEEPALIVE_SECONDS, -1},
        {PLX_CONN_OPTION_KEEPALIVE_SECONDS, 32768},
        {PLX_CONN_OPTION_SEND_BYTES, 0},
        {PLX_CONN_OPTION_SEND_BYTES, INT64_C(1) << 31},
        {PLX_CONN_OPTION_RECEIVE_BYTES, 0},
        {PLX_CONN_OPTION_RECEIVE_BYTES, INT64_C(1) << 32},
        {PLX_CONN_OPTION_TRAFFIC_CLASS, -1},
        {PLX_CONN_OPTION_TRAFFIC_CLASS, 256},
        {(enum plx_conn_option)0, 1},
        {(enum plx_conn_option)5, 1},
    };
    probe p = {0};
    int64_t value = 7;
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int status = plx_conn_set_option(w->loop, p.conn, bad[i].option, bad[i].value);
        ck_assert_msg(status == PLX_EINVAL, "value %u", (unsigned)i);
    }
    for (int i = 0; i <= 5; i += 5) {
        int status = plx_conn_get_option(w->loop, p.conn, (enum plx_conn_option)i, &value);
        ck_assert_int_eq(status, PLX_EINVAL);
    }
    ck_assert_int_eq(value, 7);
    ck_assert_int_eq(option_of(w, p.conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS), 0);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    ck_assert_int_eq(plx_conn_set_option(w->loop, p.conn, PLX_CONN_OPTION_SEND_BYTES, 65536),
                     PLX_ESTALE);
    ck_assert_int_eq(plx_conn_get_option(w->loop, p.conn, PLX_CONN_OPTION_SEND_BYTES, &value),
                     PLX_ESTALE);
}

/* A Unix-domain socket has buffers, and a peer that is known, but neither probes nor packets. */
static void options_of_a_socket_file(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    probe p = {0};
    plx_conn conn;
    int64_t process = 0;
    int64_t user = -2;
    int64_t group = -2;
    plx__credentials ours;
    plx_conn_options options = probe_options(&p);
    (void)snprintf(address, sizeof address, "unix:pollux-%llx.sock",
                   (unsigned long long)plx__clock_now());
    int status = plx_listen(w->loop, NULL, address, NULL);
    if (status == PLX_EAFNOSUPPORT)
        return; /* As in Wine. */
    ck_ok(status);
    ck_ok(plx_connect(w->loop, &conn, address, &options));
    status = plx_conn_peer_credentials(w->loop, conn, &process, &user, &group);
    ck_assert_int_eq(status, PLX_ENOTCONN);
    turn_until(w, &p.opened, 1);
    status = plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 1);
    ck_assert_int_eq(status, PLX_ENOSYS);
    status = plx_conn_set_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, 0);
    ck_assert_int_eq(status, PLX_ENOSYS);
    status = plx_conn_get_option(w->loop, conn, PLX_CONN_OPTION_KEEPALIVE_SECONDS, &user);
    ck_assert_int_eq(status, PLX_ENOSYS);
    status = plx_conn_get_option(w->loop, conn, PLX_CONN_OPTION_TRAFFIC_CLASS, &user);
    ck_assert_int_eq(status, PLX_ENOSYS);
    ck_assert_int_gt(option_of(w, conn, PLX_CONN_OPTION_SEND_BYTES), 0);
    int known = plx__test_credentials(&ours);
    status = plx_conn_peer_credentials(w->loop, conn, &process, &user, &group);
    ck_assert_int_eq(status, known);
    if (known == 0) {
        ck_assert_int_eq(process, ours.process);
        ck_assert_int_eq(user, ours.user);
        ck_assert_int_eq(group, ours.group);
        ck_ok(plx_conn_peer_credentials(w->loop, conn, NULL, NULL, NULL));
    }
    ck_ok(plx_conn_close(w->loop, conn));
    turn_until(w, &p.closed, 1);
}

/* TCP does not tell. */
static void credentials_of_a_tcp_connection(world *w)
{
    probe p = {0};
    int64_t process = -2;
    plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    int status = plx_conn_peer_credentials(w->loop, p.conn, &process, NULL, NULL);
    ck_assert_int_eq(status, PLX_ENOSYS);
    ck_assert_int_eq(process, -2);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    status = plx_conn_peer_credentials(w->loop, p.conn, &process, NULL, NULL);
    ck_assert_int_eq(status, PLX_ESTALE);
}

static void has_delay(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                      const void *bytes, size_t length)
{
    probe *p = data;
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length;
    ck_ok(getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (void *)&no_delay, &size));
    p->reason = no_delay == 0; /* 1: it has a delay. */
    ++*(size_t *)p->more;
    plx_socket_close(socket);
}

static void release(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_release(loop, conn));
}

/* Connected and adopted sockets have TCP_NODELAY set, unless PLX_CONN_DELAY is. */
static void option_delay(world *w)
{
    if (net_is_sim())
        return; /* A simulated socket has no such option. */
    for (uint32_t flags = 0; flags <= PLX_CONN_DELAY; flags += PLX_CONN_DELAY) {
        char address[PLX_ADDRESS_TEXT_MAX];
        size_t released = 0;
        probe p = {.then_open = release, .more = &released};
        plx_conn_options options = probe_options(&p);
        plx_socket listener = socket_listening(address);
        couple c = couple_open();
        options.flags = flags;
        options.on_release = has_delay;
        ck_ok(plx_connect(w->loop, NULL, address, &options));
        turn_until(w, &released, 1);
        ck_assert_int_eq(p.reason, flags != 0);
        p.reason = -1;
        net_disown(c.ours.socket);
        ck_ok(plx_conn_adopt(w->loop, NULL, c.ours.socket, &options, NULL, 0));
        turn_until(w, &released, 2);
        ck_assert_int_eq(p.reason, flags != 0);
        peer_close(&c.theirs);
        net_close(listener);
    }
}

const test_case behavior_option_cases[] = {
    CASE(option_keepalive),
    CASE(option_buffers),
    CASE(option_traffic_class),
    CASE(option_delay),
    CASE(options_out_of_bounds_are_refused),
    CASE(options_of_a_socket_file),
    CASE(credentials_of_a_tcp_connection),
    CASES_END,
};
