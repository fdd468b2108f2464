/* tests/behavior_proxy_options.c - what is asked for of connections that begin with a header of the
 * PROXY protocol: options that are right or wrong, and servers that have them. */
#include "tests/hosted.h"

extern const test_case behavior_proxy_options_cases[];

#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"

static const char *const loopback[] = {"127.0.0.0/8", "::1"};

static void options_that_are_wrong_are_refused(world *w)
{
    static const char *const bad[] = {"127.0.0.1", "10.0.0.1/8"};
    const plx_conn_options contradicting = {.send_high = 1, .send_low = 2};
    plx_proxy *proxy;
    plx_conn_options staged;
    const plx_proxy_options wrong[] = {
        {.trusted = NULL},
        {.trusted = loopback},
        {.trusted_count = 1},
        {.trusted = loopback, .trusted_count = 257},
        {.trusted = bad, .trusted_count = 2},
        {.trusted = loopback, .trusted_count = 2, .header_max = 106},
        {.trusted = loopback, .trusted_count = 2, .header_max = 65552},
        {.trusted = loopback, .trusted_count = 2, .conn = &contradicting},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(plx_proxy_open(&proxy, &wrong[i]), PLX_EINVAL);
        ck_assert_ptr_null(proxy);
    }
    ck_assert_int_eq(plx_proxy_open(&proxy, NULL), PLX_EINVAL);
    plx_proxy_options options = {.trusted = loopback, .trusted_count = 2};
    for (uint32_t first = 0; first < 2; first++) {
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        ck_assert_int_eq(plx_proxy_open(&proxy, &options), PLX_ENOMEM);
        ck_assert_uint_eq(plx__fault_disarm(PLX__FAULT_MEMORY), 1);
    }
    const char *many[256];
    for (size_t i = 0; i < 256; i++)
        many[i] = loopback[0];
    const plx_proxy_options right[] = {
        {.trusted = many, .trusted_count = 256},
        {.trusted = loopback, .trusted_count = 2, .header_max = 107},
        {.trusted = loopback, .trusted_count = 2, .header_max = 65551},
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        ck_ok(plx_proxy_open(&proxy, &right[i]));
        plx_proxy_close(proxy);
    }
    ck_ok(plx_proxy_open(&proxy, &options));
    plx_proxy_conn_options(proxy, &staged);
    ck_assert_uint_eq(staged.read_timeout_ns, 3 * PLX_SECOND);
    plx_proxy *nested;
    options.conn = &staged; /* One header is enough. */
    ck_assert_int_eq(plx_proxy_open(&nested, &options), PLX_EINVAL);
    probe p = {0};
    const plx_conn_options plain = probe_options(&p);
    peer client = connect_pair(w, &p, &plain);
    ck_assert_int_eq(plx_conn_become(w->loop, p.conn, &staged), PLX_EINVAL);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
    plx_proxy_close(proxy);
    plx_proxy_close(NULL);
}

/* The standard of a server: its echo begins after the header, under every policy. */
static void servers_serve_behind_a_proxy(world *w)
{
    for (uint32_t dispatch = PLX_DISPATCH_ROUND_ROBIN; dispatch <= PLX_DISPATCH_SHARED;
         dispatch++) {
        hosted h = {.is_asked = true};
        peer peers[4];
        char got[5];
        plx_proxy *proxy;
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 2, .dispatch = dispatch},
                         (plx_loop_options){0}));
        const plx_conn_options conn = hosted_conn();
        plx_conn_options staged;
        ck_ok(plx_proxy_open(
            &proxy, &(plx_proxy_options){.conn = &conn, .trusted = loopback, .trusted_count = 2}));
        plx_proxy_conn_options(proxy, &staged);
        int status = plx_server_listen(h.server, "tcp://127.0.0.1:0",
                                       &(plx_listen_options){.conn = &staged});
        if (status == PLX_ENOSYS) {
            ck_ok(plx_server_close(h.server));
            plx_proxy_close(proxy);
            continue;
        }
        ck_ok(status);
        ck_ok(plx_server_address(h.server, 0, h.address, sizeof h.address));
        hosted_run(&h);
        for (size_t i = 0; i < 4; i++) {
            peers[i] = peer_open(w, h.address);
            if (i == 3)
                break; /* It waits for its header when the server drains. */
            peer_send(w, &peers[i], LINE "hello", sizeof LINE + 4);
            peer_receive(w, &peers[i], got, 5);
        }
        turn_some(w);
        ck_ok(plx_server_drain(h.server, PLX_FOREVER));
        hosted_until(w, &h, asked, 3);
        ck_assert_uint_eq(hosted_count(&h, opened), 3);
        hosted_peers_close(peers, 4);
        ck_ok(hosted_wait(w, &h));
        hosted_close(w, &h);
        plx_proxy_close(proxy);
    }
}

const test_case behavior_proxy_options_cases[] = {
    CASE(options_that_are_wrong_are_refused),
    CASE(servers_serve_behind_a_proxy),
    CASES_END,
};
