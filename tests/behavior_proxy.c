/* tests/behavior_proxy.c - connections that begin with a header of the PROXY protocol. */
#include <string.h>

#include "core/loop.h"
#include "tests/harness.h"

extern const test_case behavior_proxy_cases[];

#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"

/* A listener whose connections begin with a header, and what its callbacks have seen. */
typedef struct proxied {
    probe probe; /* First. Of its connections. */
    plx_proxy *proxy;
    char address[PLX_ADDRESS_TEXT_MAX];
    size_t headers, refusals;
    int reason;              /* Of the last refusal. */
    bool refuses;            /* What on_header returns, */
    bool closes, finishes;   /* or does. */
    bool is_unheard;         /* Nobody is told of refusals. */
    plx_proxy_header header; /* The last one. */
    char peer[PLX_ADDRESS_TEXT_MAX];
    void *data; /* What on_header was handed. */
} proxied;

static proxied *now; /* The case's. */

static int header_seen(plx_loop *loop, plx_conn conn, void **data, const plx_proxy_header *header)
{
    now->headers++;
    now->header = *header;
    now->header.tlvs = NULL;
    now->data = *data;
    *data = &now->probe;
    ck_assert_uint_eq(now->probe.opened, now->probe.closed);
    ck_assert_int_eq(plx_conn_is_open(loop, conn), 0);
    ck_assert_ptr_null(plx_conn_data(loop, conn));
    ck_assert_int_eq(plx_conn_set_data(loop, conn, NULL), PLX_ENOTCONN);
    ck_assert_int_eq(plx_conn_become(loop, conn, NULL), PLX_ENOTCONN);
    if (now->closes)
        ck_ok(plx_conn_close(loop, conn));
    if (now->finishes)
        ck_ok(plx_conn_finish(loop, conn, PLX_FOREVER));
    return now->refuses ? PLX_EACCES : 0;
}

static void refusal_seen(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    now->refusals++;
    now->reason = reason;
    ck_assert_ptr_eq(data, now->address);
    if (plx_conn_peer(loop, conn, now->peer, sizeof now->peer) != 0)
        now->peer[0] = '\0';
}

static const char *const loopback[] = {"127.0.0.0/8", "::1"};

/* Listens with the options; callbacks, `conn` and, where there are none, `trusted` are put in. */
static void proxied_open(world *w, proxied *p, plx_conn_options conn, plx_proxy_options options)
{
    plx_conn_options staged;
    const plx_conn_options counted = probe_options(&p->probe);
    now = p;
    conn.on_open = counted.on_open;
    conn.on_data = counted.on_data;
    conn.on_end = counted.on_end;
    conn.on_close = counted.on_close;
    conn.data = p->address; /* on_header has the probe instead. */
    options.conn = &conn;
    options.on_header = header_seen;
    options.on_refused = p->is_unheard ? NULL : refusal_seen;
    if (options.header_timeout_ns == 0)
        options.header_timeout_ns = PLX_FOREVER; /* The machine may be busy. */
    if (options.trusted == NULL) {
        options.trusted = loopback;
        options.trusted_count = 2;
    }
    ck_ok(plx_proxy_open(&p->proxy, &options));
    plx_proxy_conn_options(p->proxy, &staged);
    (void)listen_at(w, &staged, p->address);
}

/* The loop closes first, which closes what still waits. */
static void proxied_close(world *w, proxied *p)
{
    world_reopen(w, (plx_loop_options){0});
    ck_assert_uint_eq(p->probe.opened, p->probe.closed);
    plx_proxy_close(p->proxy);
}

/* A peer that is told of a reset; nothing was opened for it. */
static void check_refused(world *w, proxied *p, peer *client, int reason)
{
    size_t dropped;
    expect_reset(peer_drain(w, client, &dropped));
    peer_close(client);
    ck_assert_uint_eq(dropped, 0);
    ck_assert_uint_eq(p->refusals, 1);
    ck_assert_int_eq(p->reason, reason);
    ck_assert_uint_eq(p->probe.opened + p->probe.shown + p->probe.closed, 0);
    p->refusals = 0;
}

/* The header, then the rest: on_open comes with the header alone, on_data sees what follows. */
static void header_comes_before_everything(world *w)
{
    proxied p = {.probe = {.then_data = echo_back}};
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    peer client = peer_open(w, p.address);
    turn_some(w);
    ck_assert_uint_eq(p.probe.opened, 0);
    peer_send(w, &client, LINE, sizeof LINE - 1);
    turn_until(w, &p.probe.opened, 1);
    ck_assert_uint_eq(p.headers, 1);
    ck_assert_ptr_eq(p.data, p.address);
    ck_assert_str_eq(p.header.source, "tcp://192.0.2.1:4711");
    turn_some(w);
    ck_assert_uint_eq(p.probe.shown, 0);
    ck_assert_int_eq(plx_conn_is_open(w->loop, p.probe.conn), 1);
    ck_assert_ptr_eq(plx_conn_data(w->loop, p.probe.conn), &p.probe);
    ck_ok(plx_conn_peer(w->loop, p.probe.conn, p.peer, sizeof p.peer));
    ck_assert_mem_eq(p.peer, "tcp://127.0.0.1:", 16);
    peer_send(w, &client, "hello", 5);
    turn_until(w, &p.probe.received, 5);
    peer_close(&client);
    turn_until(w, &p.probe.closed, 1);
    ck_assert_uint_eq(p.refusals, 0);
    proxied_close(w, &p);
}

/* With the first bytes of the protocol behind it, in one piece and byte by byte; in both versions,
 * and with addresses of both kinds. */
static void header_may_come_in_any_pieces(world *w)
{
    static const char *const sources[] = {"tcp://192.0.2.1:4711", "tcp://[2001:db8::1]:4711"};
    static const char *const destinations[] = {"tcp://192.0.2.2:80", "tcp://[2001:db8::2]:80"};
    unsigned char bytes[128];
    for (int way = 0; way < 8; way++) {
        proxied p = {.probe = {.then_data = echo_back}};
        char got[5];
        int length = plx_proxy_write(bytes, sizeof bytes, way % 2 == 0 ? 1 : 2, sources[way / 4],
                                     destinations[way / 4]);
        ck_assert_int_gt(length, 0);
        memcpy(bytes + length, "hello", 5);
        length += 5;
        proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
        peer client = peer_open(w, p.address);
        if (way % 4 < 2) {
            peer_send(w, &client, bytes, (size_t)length);
        } else {
            for (int i = 0; i < length; i++) {
                ck_assert_uint_eq(p.probe.opened, i >= length - 5 && p.probe.opened != 0);
                peer_send(w, &client, bytes + i, 1);
                turn(w);
            }
        }
        peer_receive(w, &client, got, 5);
        ck_assert_mem_eq(got, "hello", 5);
        ck_assert_uint_eq(p.probe.received, 5);
        ck_assert_uint_eq(p.headers, 1);
        ck_assert_str_eq(p.header.source, sources[way / 4]);
        peer_close(&client);
        turn_until(w, &p.probe.closed, 1);
        proxied_close(w, &p);
    }
}

static size_t echo(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    (void)data;
    ck_ok(plx_conn_write(loop, conn, bytes, length));
    return length;
}

/* on_data is the only callback, and the last entry of the list is the one that trusts the peer. */
static void other_callbacks_need_not_be(world *w)
{
    static const char *const balancers[] = {"192.0.2.0/24", "2001:db8::/32", "127.0.0.1"};
    const plx_conn_options conn = {.on_data = echo};
    const plx_proxy_options options = {
        .conn = &conn, .trusted = balancers, .trusted_count = 3, .header_timeout_ns = PLX_FOREVER};
    plx_conn_options staged;
    plx_proxy *proxy;
    char address[PLX_ADDRESS_TEXT_MAX], got[5];
    ck_ok(plx_proxy_open(&proxy, &options));
    plx_proxy_conn_options(proxy, &staged);
    (void)listen_at(w, &staged, address);
    peer client = peer_open(w, address);
    peer_send(w, &client, LINE "hello", sizeof LINE + 4);
    peer_receive(w, &client, got, 5);
    ck_assert_mem_eq(got, "hello", 5);
    peer_close(&client);
    world_reopen(w, (plx_loop_options){0});
    plx_proxy_close(proxy);
}

/* Whoever speaks first after the header: here the server does. */
static void greet(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_write(loop, conn, "welcome", 7));
}

static void server_may_speak_first(world *w)
{
    proxied p = {.probe = {.then_open = greet}};
    char got[7];
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, LINE, sizeof LINE - 1);
    peer_receive(w, &client, got, 7);
    ck_assert_mem_eq(got, "welcome", 7);
    peer_close(&client);
    turn_until(w, &p.probe.closed, 1);
    proxied_close(w, &p);
}

/* A health check of the proxy, and one whose client the proxy does not know: served like others. */
static void headers_without_addresses_are_served(world *w)
{
    static const char *const lines[] = {"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x03xyz", "PROXY UNKNOWN\r\n"};
    static const size_t lengths[] = {19, 15};
    for (size_t i = 0; i < 2; i++) {
        proxied p = {.probe = {.then_data = echo_back}};
        char got[5];
        proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
        peer client = peer_open(w, p.address);
        peer_send(w, &client, lines[i], lengths[i]);
        peer_send(w, &client, "check", 5);
        peer_receive(w, &client, got, 5);
        ck_assert_uint_eq(p.header.is_local, i == 0);
        ck_assert_uint_eq(p.header.family, PLX_PROXY_UNKNOWN);
        ck_assert_str_eq(p.header.source, "");
        peer_close(&client);
        turn_until(w, &p.probe.closed, 1);
        proxied_close(w, &p);
    }
}

static void peers_that_send_something_else_are_reset(world *w)
{
    static const char *const wrong[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "\r\n\r\nno signature"};
    proxied p = {.refusals = 0};
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        peer client = peer_open(w, p.address);
        peer_send(w, &client, wrong[i], strlen(wrong[i]));
        check_refused(w, &p, &client, PLX_EPROTO);
        ck_assert_mem_eq(p.peer, "tcp://127.0.0.1:", 16);
    }
    proxied_close(w, &p);
}

static void refusal_may_go_unheard(world *w)
{
    proxied p = {.is_unheard = true};
    size_t dropped;
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, "GET /", 5);
    expect_reset(peer_drain(w, &client, &dropped));
    peer_close(&client);
    client = peer_open(w, p.address); /* It waits when the loop closes. */
    turn_until_counter(w, connections_accepted, 2);
    proxied_close(w, &p);
    peer_close(&client);
}

/* Its first 16 bytes tell its length, and nobody waits for the rest. */
static void header_that_is_too_long_is_refused(world *w)
{
    static const char long_one[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x01\x00";
    proxied p = {.refusals = 0};
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){.header_max = 271});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, long_one, 16);
    check_refused(w, &p, &client, PLX_EMSGSIZE);
    proxied_close(w, &p);
}

/* One byte more would be too long. */
static void header_may_be_as_long_as_is_allowed(world *w)
{
    char line[107];
    proxied p = {.refusals = 0};
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){.header_max = sizeof line});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, line, sizeof line);
    turn_until(w, &p.probe.opened, 1);
    ck_assert_uint_eq(p.headers, 1);
    peer_close(&client);
    turn_until(w, &p.probe.closed, 1);
    proxied_close(w, &p);
}

/* The end in the middle of a header is an error, and one before any byte is a simple check. */
static void peer_that_ends_before_its_header(world *w)
{
    proxied p = {.refusals = 0};
    size_t dropped;
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    for (size_t length = 1; length <= 20; length += 19) {
        peer other = peer_open(w, p.address);
        peer_send(w, &other, LINE, length);
        peer_shutdown(&other);
        check_refused(w, &p, &other, PLX_EPROTO);
    }
    peer client = peer_open(w, p.address);
    peer_shutdown(&client);
    ck_assert_int_eq(peer_drain(w, &client, &dropped), PLX_EEOF);
    peer_close(&client);
    turn_until_counter(w, connections_closed, 3);
    ck_assert_uint_eq(p.refusals, 0);
    proxied_close(w, &p);
}

/* Who may not send a header is reset before it sends anything. */
static void untrusted_peers_are_reset(world *w)
{
    static const char *const others[] = {"10.0.0.0/8", "127.0.0.2", "::/0"};
    proxied p = {.refusals = 0};
    proxied_open(w, &p, (plx_conn_options){0},
                 (plx_proxy_options){.trusted = others, .trusted_count = 3});
    peer client = peer_open(w, p.address);
    check_refused(w, &p, &client, PLX_EACCES);
    ck_assert_mem_eq(p.peer, "tcp://127.0.0.1:", 16);
    proxied_close(w, &p);
}

/* Its address may be unknown by then, and its header is of no worth without one. */
static void peers_that_have_gone_are_not_trusted(world *w)
{
    static const char *const others[] = {"10.0.0.0/8"};
    proxied p = {.refusals = 0};
    proxied_open(w, &p, (plx_conn_options){0},
                 (plx_proxy_options){.trusted = others, .trusted_count = 1});
    const uint64_t until = net_now() + patience();
    for (size_t i = 0; i < 4; i++) {
        peer client = peer_start(p.address);
        while (net_send(client.socket, LINE, sizeof LINE - 1) < 0 &&
               counter(w, connections_closed) <= i) {
            ck_assert_uint_lt(net_now(), until);
            turn(w); /* It has not connected yet. */
        }
        peer_reset(&client);
        turn_until_counter(w, connections_closed, i + 1);
    }
    ck_assert_uint_eq(p.headers + p.probe.opened, 0);
    proxied_close(w, &p);
}

/* A client that sends a byte now and then does not put it off. */
static void header_that_does_not_end_times_out(world *w)
{
    const uint64_t timeout_ns = 60 * PLX_MILLISECOND;
    for (int way = 0; way < 2; way++) {
        proxied p = {.refusals = 0};
        size_t sent = 0;
        proxied_open(w, &p, (plx_conn_options){0},
                     (plx_proxy_options){.header_timeout_ns = timeout_ns});
        peer client = peer_open(w, p.address);
        turn_until_counter(w, connections_accepted, 1);
        uint64_t next_ns = plx_loop_now(w->loop);
        while (p.refusals == 0) {
            if (way == 1 && plx_loop_now(w->loop) >= next_ns) {
                /* It may have been closed by now. */
                (void)net_send(client.socket, &LINE[sent], 1);
                ck_assert_uint_lt(++sent, sizeof LINE - 2);
                next_ns = plx_loop_now(w->loop) + timeout_ns / 3;
            }
            turn(w);
        }
        ck_assert_int_eq(p.reason, PLX_ETIMEDOUT);
        ck_assert_uint_eq(counter(w, timeouts), 1);
        ck_assert_uint_eq(p.probe.opened + p.probe.closed, 0);
        peer_close(&client);
        proxied_close(w, &p);
    }
}

/* After the header its timeout is over, and the user's own run. */
static void timeouts_change_with_the_header(world *w)
{
    const uint64_t timeout_ns = 40 * PLX_MILLISECOND;
    for (int way = 0; way < 2; way++) {
        proxied p = {.refusals = 0};
        proxied_open(
            w, &p, (plx_conn_options){.idle_timeout_ns = way == 0 ? 0 : timeout_ns},
            (plx_proxy_options){.header_timeout_ns = way == 0 ? timeout_ns : 3600 * PLX_SECOND});
        peer client = peer_open(w, p.address);
        peer_send(w, &client, LINE, sizeof LINE - 1);
        turn_until(w, &p.probe.opened, 1);
        uint64_t until = plx_loop_now(w->loop) + 2 * timeout_ns;
        while (way == 0 && plx_loop_now(w->loop) < until)
            turn(w);
        ck_assert_uint_eq(p.probe.closed, 0);
        if (way == 1) {
            turn_until(w, &p.probe.closed, 1);
            ck_assert_int_eq(p.probe.reason, PLX_ETIMEDOUT);
        }
        peer_close(&client);
        turn_until(w, &p.probe.closed, 1);
        proxied_close(w, &p);
    }
}

/* on_header refuses, closes or finishes: nothing else is called. */
static void on_header_decides(world *w)
{
    for (int way = 0; way < 3; way++) {
        proxied p = {.refuses = way == 0, .closes = way == 1, .finishes = way == 2};
        size_t dropped;
        proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
        peer client = peer_open(w, p.address);
        peer_send(w, &client, LINE "hello", sizeof LINE + 4);
        int end = peer_drain(w, &client, &dropped);
        if (way == 0)
            expect_reset(end);
        peer_close(&client);
        turn_until_counter(w, connections_closed, 1);
        ck_assert_uint_eq(p.headers, 1);
        ck_assert_uint_eq(p.refusals + p.probe.opened + p.probe.shown + p.probe.closed, 0);
        proxied_close(w, &p);
    }
}

static void hold_open(plx_loop *loop, plx_conn conn, probe *p)
{
    (void)p;
    ck_ok(plx_conn_close(loop, conn));
}

static void on_open_may_close(world *w)
{
    proxied p = {.probe = {.then_open = hold_open}};
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, LINE "hello", sizeof LINE + 4);
    turn_until(w, &p.probe.closed, 1);
    ck_assert_uint_eq(p.probe.shown, 0);
    peer_close(&client);
    proxied_close(w, &p);
}

/* The user's flag applies to the user's bytes: the header is read all the same. */
static void paused_options_pause_after_the_header(world *w)
{
    proxied p = {.refusals = 0};
    proxied_open(w, &p, (plx_conn_options){.flags = PLX_CONN_PAUSED}, (plx_proxy_options){0});
    peer client = peer_open(w, p.address);
    peer_send(w, &client, LINE "hello", sizeof LINE + 4);
    turn_until(w, &p.probe.opened, 1);
    turn_some(w);
    ck_assert_uint_eq(p.probe.shown, 0);
    ck_ok(plx_conn_resume(w->loop, p.probe.conn));
    turn_until(w, &p.probe.received, 5);
    peer_close(&client);
    turn_until(w, &p.probe.closed, 1);
    proxied_close(w, &p);
}

/* Without memory for the options the connection is refused, and the next one is served. */
static void header_that_meets_a_lack_of_memory(world *w)
{
    for (uint32_t first = 0;; first++) {
        proxied p = {.probe = {.then_data = echo_back}};
        char got[5];
        proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
        peer client = peer_open(w, p.address);
        turn_until_counter(w, connections_accepted, 1);
        turn_some(w);
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        peer_send(w, &client, LINE "hello", sizeof LINE + 4);
        while (p.probe.received < 5 && p.refusals + p.probe.closed == 0)
            turn(w);
        uint32_t struck = plx__fault_disarm(PLX__FAULT_MEMORY);
        if (p.refusals > 0)
            check_refused(w, &p, &client, PLX_ENOMEM);
        else
            peer_close(&client);
        turn_until_counter(w, connections_closed, 1);
        ck_assert_uint_eq(p.probe.opened, p.probe.closed);
        client = peer_open(w, p.address);
        peer_send(w, &client, LINE "hello", sizeof LINE + 4);
        peer_receive(w, &client, got, 5);
        peer_close(&client);
        proxied_close(w, &p);
        if (struck == 0)
            break;
        ck_assert_uint_lt(first, 20);
    }
}

static int visit(plx_loop *loop, plx_conn conn, void *data)
{
    size_t *counts = data;
    counts[plx_conn_is_open(loop, conn)]++;
    if (!plx_conn_is_open(loop, conn))
        ck_assert_ptr_null(plx_conn_data(loop, conn));
    return 0;
}

/* Those that wait are told apart from the others; the loop's end reports them. */
static void waiting_connections_are_visited_as_not_open(world *w)
{
    proxied p = {.refusals = 0};
    size_t counts[2] = {0};
    proxied_open(w, &p, (plx_conn_options){0}, (plx_proxy_options){0});
    peer waiting = peer_open(w, p.address);
    turn_until_counter(w, connections_accepted, 1);
    peer open = peer_open(w, p.address);
    peer_send(w, &open, LINE, sizeof LINE - 1);
    turn_until(w, &p.probe.opened, 1);
    ck_ok(plx_loop_each_conn(w->loop, visit, counts));
    ck_assert_uint_eq(counts[0], 1);
    ck_assert_uint_eq(counts[1], 1);
    proxied_close(w, &p);
    ck_assert_uint_eq(p.refusals, 1);
    ck_assert_int_eq(p.reason, PLX_ECANCELED);
    peer_close(&waiting);
    peer_close(&open);
}

const test_case behavior_proxy_cases[] = {
    CASE(header_comes_before_everything),
    CASE(header_may_come_in_any_pieces),
    CASE(other_callbacks_need_not_be),
    CASE(server_may_speak_first),
    CASE(headers_without_addresses_are_served),
    CASE(peers_that_send_something_else_are_reset),
    CASE(header_that_is_too_long_is_refused),
    CASE(header_may_be_as_long_as_is_allowed),
    CASE(refusal_may_go_unheard),
    CASE(peer_that_ends_before_its_header),
    CASE(untrusted_peers_are_reset),
    CASE(peers_that_have_gone_are_not_trusted),
    CASE(header_that_does_not_end_times_out),
    CASE(timeouts_change_with_the_header),
    CASE(on_header_decides),
    CASE(on_open_may_close),
    CASE(paused_options_pause_after_the_header),
    CASE(header_that_meets_a_lack_of_memory),
    CASE(waiting_connections_are_visited_as_not_open),
    CASES_END,
};
