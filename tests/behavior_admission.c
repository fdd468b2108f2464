/* tests/behavior_admission.c - limits of servers: who is let in. tests/sim_limits.c has the rates.
 */
#include <stdio.h>
#include <string.h>

#include "tests/hosted.h"

extern const test_case behavior_admission_cases[];

/* A client at another address of the loopback network, where the system has more than one. */
static peer peer_from(const char *from, const char *address)
{
    plx__address own, to;
    peer p;
    ck_ok(plx__address_parse(&own, from));
    ck_ok(plx__address_parse(&to, address));
    ck_ok(net_open(&p.socket, to.family));
    ck_ok(net_bind(p.socket, &own));
    int status = net_connect(p.socket, &to);
    ck_assert_msg(status == 0 || status == PLX_EAGAIN, "connect: %s", plx_error_name(status));
    return p;
}

static bool has_other_addresses(void)
{
    plx__address other;
    plx_socket socket;
    ck_ok(plx__address_parse(&other, "tcp://127.0.0.2:0"));
    ck_ok(net_open(&socket, other.family));
    int status = net_bind(socket, &other);
    net_close(socket);
    return status == 0;
}

static void check_refused(world *w, peer *p)
{
    size_t dropped;
    expect_reset(peer_drain(w, p, &dropped));
    ck_assert_uint_eq(dropped, 0);
    peer_close(p);
}

/* It has been let in, and is served. */
static void check_served(world *w, peer *p)
{
    hosted_ask(w, p, "within limits");
}

typedef struct remaining {
    hosted *hosted;
    uint32_t wanted;
} remaining;

static bool so_many_are_left(void *data)
{
    const remaining *left = data;
    plx_loop *loop;
    uint32_t sum = 0;
    for (uint32_t i = 0; (loop = plx_server_loop(left->hosted->server, i)) != NULL; i++)
        sum += plx_loop_connections(loop);
    return sum == left->wanted;
}

/* Waits until the server has so many connections: the others have left the limits by then, which is
 * a moment after their on_close. */
static void until_left(world *w, hosted *h, uint32_t wanted)
{
    remaining left = {h, wanted};
    turn_until_true(w, so_many_are_left, &left);
}

/* Opens it with this policy. False where the system or the backend has none. */
static bool limited_open(world *w, hosted *h, const plx_server_limits *limits, uint32_t dispatch)
{
    const uint32_t loops = dispatch == PLX_DISPATCH_INLINE ? 1 : 2;
    *h = (hosted){.limits = limits};
    ck_ok(hosted_try(w, h, (plx_server_options){.loops = loops, .dispatch = dispatch},
                     (plx_loop_options){0}));
    int status = hosted_listen(h, "tcp://127.0.0.1:0", (plx_listen_options){0});
    if (status == PLX_ENOSYS) {
        ck_ok(plx_server_close(h->server));
        return false;
    }
    ck_ok(status);
    hosted_run(h);
    return true;
}

/* Clients that have reset their connections before anybody looked may have no address any more:
 * they are nobody's, and the next one is served. */
static void clients_that_have_gone_count_for_nobody(world *w)
{
    const plx_server_limits limits = {.client_open_max = 10};
    hosted h = {.limits = &limits};
    peer here;
    hosted_open(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0});
    for (size_t i = 0; i < 4; i++) {
        peer gone = peer_open(w, h.address);
        peer_reset(&gone);
    }
    hosted_run(&h);
    hosted_peers_open(w, &h, &here, 1);
    check_served(w, &here);
    ck_assert_uint_eq(hosted_stat(&h, clients), 1);
    ck_assert_uint_eq(hosted_stat(&h, refused_client_open), 0);
    peer_close(&here);
    until_left(w, &h, 0);
    hosted_close(w, &h);
}

/* Two each. The third is reset, whichever loop has the first two; who leaves makes room. */
static void client_has_so_many(world *w)
{
    const plx_server_limits limits = {.client_open_max = 2};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h;
        peer peers[2];
        if (!limited_open(w, &h, &limits, dispatch))
            continue;
        hosted_peers_open(w, &h, peers, 2);
        peer third = peer_start(h.address);
        hosted_until_stat(w, &h, refused_client_open, 1);
        check_refused(w, &third);
        check_served(w, &peers[0]);
        ck_assert_uint_eq(hosted_stat(&h, clients), 1);
        peer_close(&peers[0]);
        until_left(w, &h, 1);
        hosted_peers_open(w, &h, &third, 1);
        check_served(w, &third);
        peer_close(&third);
        peer_close(&peers[1]);
        until_left(w, &h, 0);
        ck_assert_uint_eq(hosted_stat(&h, clients), 0);
        ck_assert_uint_eq(hosted_stat(&h, refused_client_open), 1);
        ck_assert_uint_eq(hosted_stat(&h, refused), 0);
        hosted_close(w, &h);
    }
}

/* What one client has is nothing to another one; and a block of addresses may be one client. */
static void clients_are_apart_as_their_bits_say(world *w)
{
    plx_server_limits limits = {.client_open_max = 1};
    if (!has_other_addresses())
        return;
    for (uint32_t bits = 24; bits <= 32; bits += 8) {
        hosted h;
        limits.ipv4_bits = bits;
        ck_assert(limited_open(w, &h, &limits, PLX_DISPATCH_ROUND_ROBIN));
        peer first = peer_from("tcp://127.0.0.1:0", h.address);
        hosted_until(w, &h, opened, 1);
        peer second = peer_from("tcp://127.0.0.2:0", h.address);
        if (bits == 32) {
            hosted_until(w, &h, opened, 2);
            check_served(w, &second);
            ck_assert_uint_eq(hosted_stat(&h, clients), 2);
            peer_close(&second);
        } else {
            hosted_until_stat(w, &h, refused_client_open, 1);
            check_refused(w, &second);
        }
        peer outside = peer_from("tcp://127.0.1.1:0", h.address);
        hosted_until(w, &h, opened, bits == 32 ? 3 : 2);
        check_served(w, &outside);
        peer_close(&outside);
        peer_close(&first);
        hosted_close(w, &h);
    }
}

/* Denied comes before allowed, and who is not allowed is denied; while the server runs, too. What
 * fits is the last of one list and the first of the other. */
static void lists_say_who_may_connect(world *w)
{
    static const char *const allow[] = {"10.0.0.0/8", "::/0", "127.0.0.0/31"};
    static const char *const deny[] = {"127.0.0.1", "2001:db8::/32"};
    plx_server_limits limits = {.allow = allow, .allow_count = 3};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h;
        limits.allow_count = 3;
        limits.deny_count = 0;
        if (!limited_open(w, &h, &limits, dispatch))
            continue;
        peer here;
        hosted_peers_open(w, &h, &here, 1);
        check_served(w, &here);
        limits.deny = deny;
        limits.deny_count = 2;
        ck_ok(plx_server_set_limits(h.server, &limits, NULL));
        peer denied = peer_start(h.address);
        hosted_until_stat(w, &h, refused_address, 1);
        check_refused(w, &denied);
        limits.deny_count = 0;
        limits.allow_count = 2;
        ck_ok(plx_server_set_limits(h.server, &limits, NULL));
        denied = peer_start(h.address);
        hosted_until_stat(w, &h, refused_address, 2);
        check_refused(w, &denied);
        check_served(w, &here); /* Who is in stays in. */
        ck_ok(plx_server_set_limits(h.server, NULL, NULL));
        peer again;
        hosted_peers_open(w, &h, &again, 1);
        check_served(w, &again);
        peer_close(&again);
        peer_close(&here);
        hosted_close(w, &h);
    }
}

/* A full server refuses, or has them wait until one leaves. */
static void full_server_refuses(world *w)
{
    const plx_server_limits limits = {.server_open_max = 2, .open_max_action = PLX_LIMIT_REFUSE};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h;
        peer peers[2];
        if (!limited_open(w, &h, &limits, dispatch))
            continue;
        hosted_peers_open(w, &h, peers, 2);
        peer third = peer_start(h.address);
        hosted_until_stat(w, &h, refused_server_open, 1);
        check_refused(w, &third);
        check_served(w, &peers[1]);
        hosted_peers_close(peers, 2);
        until_left(w, &h, 0);
        hosted_peers_open(w, &h, peers, 2);
        hosted_peers_close(peers, 2);
        ck_assert_uint_eq(hosted_stat(&h, limit_pauses), 0);
        hosted_close(w, &h);
    }
}

enum { WAITING = 5 };

/* Closes one that has its answer; which of them is next, systems with several listening sockets
 * decide. */
static bool one_is_served(void *data)
{
    peer *waiting = data;
    char answer[9];
    for (size_t i = 0; i < WAITING; i++) {
        if (waiting[i].socket == PLX_SOCKET_NONE ||
            peer_try(&waiting[i], answer, sizeof answer) != sizeof answer)
            continue;
        peer_close(&waiting[i]);
        return true;
    }
    return false;
}

static void full_server_lets_clients_wait(world *w)
{
    const plx_server_limits limits = {.server_open_max = 2};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h;
        peer peers[2], waiting[WAITING];
        if (!limited_open(w, &h, &limits, dispatch))
            continue;
        hosted_peers_open(w, &h, peers, 2);
        for (size_t i = 0; i < WAITING; i++) {
            waiting[i] = peer_open(w, h.address);
            peer_send(w, &waiting[i], "let me in", 9);
        }
        hosted_until_stat(w, &h, limit_pauses, 1);
        turn_some(w);
        ck_assert_uint_eq(hosted_count(&h, opened), 2);
        hosted_peers_close(peers, 2);
        for (size_t i = 0; i < WAITING; i++) {
            turn_until_true(w, one_is_served, waiting);
            const uint32_t opened = hosted_count(&h, opened); /* First: both may grow. */
            ck_assert_uint_le(opened - hosted_count(&h, closed), 2);
        }
        hosted_until(w, &h, closed, 2 + WAITING);
        ck_assert_uint_eq(hosted_stat(&h, refused_server_open), 0);
        ck_assert_uint_eq(hosted_stat(&h, refused), 0);
        hosted_close(w, &h);
    }
}

/* What waits when the server ends: a drain serves it when there is room, a stop refuses it. */
static void who_waits_for_a_limit_at_the_end(world *w)
{
    const plx_server_limits limits = {.server_open_max = 1};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        for (int drains = 0; drains < 2; drains++) {
            hosted h;
            peer first, waiting;
            size_t dropped;
            if (!limited_open(w, &h, &limits, dispatch))
                continue;
            hosted_peers_open(w, &h, &first, 1);
            waiting = peer_start(h.address);
            hosted_until_stat(w, &h, limit_pauses, 1);
            if (drains != 0) {
                ck_ok(plx_server_drain(h.server, PLX_FOREVER));
                ck_assert_int_eq(peer_drain(w, &first, &dropped), PLX_EEOF);
                peer_close(&first);
                ck_assert_int_eq(peer_drain(w, &waiting, &dropped), PLX_EEOF);
                peer_close(&waiting);
                ck_ok(hosted_wait(w, &h));
                ck_assert_uint_eq(hosted_count(&h, opened), 2);
            }
            hosted_close(w, &h);
            if (drains == 0) {
                ck_assert_uint_eq(hosted_count(&h, opened), 1);
                (void)peer_drain(w, &waiting, &dropped);
                peer_close(&waiting);
                peer_close(&first);
            }
        }
    }
}

/* What the user refuses counts for no limit. */
static void user_is_asked_last(world *w)
{
    const plx_server_limits limits = {.client_open_max = 1};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h = {.limits = &limits, .admits_half = true};
        const uint32_t loops = dispatch == PLX_DISPATCH_INLINE ? 1 : 2;
        ck_ok(hosted_try(w, &h, (plx_server_options){.loops = loops, .dispatch = dispatch},
                         (plx_loop_options){0}));
        if (hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}) == PLX_ENOSYS) {
            ck_ok(plx_server_close(h.server));
            continue;
        }
        hosted_run(&h);
        for (uint32_t i = 0; i < 3; i++) {
            peer p = peer_open(w, h.address);
            hosted_until(w, &h, opened, i + 1);
            peer over = peer_start(h.address);
            hosted_until_stat(w, &h, refused_client_open, i + 1);
            check_refused(w, &over);
            peer_close(&p);
            until_left(w, &h, 0);
            p = peer_start(h.address); /* The second that it is asked about. */
            hosted_until_stat(w, &h, denied, i + 1);
            check_refused(w, &p);
        }
        ck_assert_uint_eq(plx__atomic_load(&h.admissions), 6);
        ck_assert_uint_eq(hosted_stat(&h, clients), 0);
        hosted_close(w, &h);
    }
}

/* A server's slow peers are reset, and counted; one between messages is neither. */
static void slow_peers_are_reset(world *w)
{
    const plx_server_limits limits = {.receive_rate = 1000,
                                      .receive_grace_ns = 250 * PLX_MILLISECOND};
    for (uint32_t dispatch = PLX_DISPATCH_INLINE; dispatch <= PLX_DISPATCH_SHARED; dispatch++) {
        hosted h;
        if (!limited_open(w, &h, &limits, dispatch))
            continue;
        for (uint32_t i = 0; i < HOSTED_LOOPS; i++)
            h.loops[i].hosted->least = 4;
        peer good = peer_open(w, h.address);
        check_served(w, &good);
        peer slow = peer_open(w, h.address);
        peer_send(w, &slow, "slo", 3);
        hosted_until_stat(w, &h, slow_peers, 1);
        check_refused(w, &slow);
        check_served(w, &good);
        peer_close(&good);
        until_left(w, &h, 0);
        ck_assert_uint_eq(hosted_stat(&h, slow_peers), 1);
        ck_assert_uint_eq(hosted_stat(&h, clients), 0);
        hosted_close(w, &h);
    }
}

/* Connections that come with their first bytes. */
static void first_bytes_come_through(world *w)
{
    const plx_server_limits limits = {.client_open_max = 4, .server_open_max = 1};
    hosted h = {.limits = &limits};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
    ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){.accept_receive_first = 1}));
    hosted_run(&h);
    peer first = peer_open(w, h.address);
    check_served(w, &first);
    peer waiting = peer_open(w, h.address);
    peer_send(w, &waiting, "hello", 5);
    hosted_until_stat(w, &h, limit_pauses, 1);
    peer_close(&first);
    char answer[5];
    peer_receive(w, &waiting, answer, 5);
    ck_assert_mem_eq(answer, "hello", 5);
    peer_close(&waiting);
    hosted_close(w, &h);
}

/* Peers without an address: the limits of the whole server alone. */
static void unix_peers_have_no_address(world *w)
{
    static const char *const nobody[] = {"192.0.2.0/24"};
    const plx_server_limits limits = {.allow = nobody,
                                      .allow_count = 1,
                                      .client_open_max = 1,
                                      .server_open_max = 2,
                                      .open_max_action = PLX_LIMIT_REFUSE};
    hosted h = {.limits = &limits};
    peer peers[2];
    size_t dropped;
    char address[80]; /* Of this process alone. */
    (void)snprintf(address, sizeof address, "unix:admission-%llx",
                   (unsigned long long)plx__clock_now());
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
    int status = hosted_listen(&h, address, (plx_listen_options){0});
    if (status != 0) { /* Not every system has them. */
        ck_ok(plx_server_close(h.server));
        return;
    }
    hosted_run(&h);
    hosted_peers_open(w, &h, peers, 2);
    check_served(w, &peers[0]);
    check_served(w, &peers[1]);
    peer third = peer_start(h.address);
    hosted_until_stat(w, &h, refused_server_open, 1);
    ck_assert_int_ne(peer_drain(w, &third, &dropped), 0);
    peer_close(&third);
    ck_assert_uint_eq(hosted_stat(&h, clients), 0);
    hosted_peers_close(peers, 2);
    hosted_close(w, &h);
}

/* Sends back what comes, as code that waits. */
static int echo_by_waiting(plx_server *server, plx_socket socket, const void *bytes, size_t length,
                           void *data)
{
    char text[64];
    ptrdiff_t count;
    (void)server;
    (void)bytes;
    (void)length;
    (void)data;
    while ((count = plx__socket_receive(socket, text, sizeof text)) > 0) {
        if (plx__socket_send(socket, text, (size_t)count) != count)
            return PLX_EPIPE;
    }
    return 0;
}

static bool nobody_is_known(void *data)
{
    return hosted_stat((hosted *)data, clients) == 0;
}

/* A call of on_socket is a connection, until it returns. */
static void calls_that_wait_are_limited(world *w)
{
    const plx_server_limits limits = {.client_open_max = 2, .server_open_max = 2};
    hosted h = {.limits = &limits};
    peer peers[2];
    if (net_is_sim())
        return; /* No thread can wait for a simulated socket. */
    hosted_open(w, &h,
                (plx_server_options){
                    .dispatch = PLX_DISPATCH_THREAD, .on_socket = echo_by_waiting, .handlers = 4},
                (plx_loop_options){0});
    hosted_run(&h);
    for (int round = 1; round <= 3; round++) {
        for (size_t i = 0; i < 2; i++) {
            peers[i] = peer_open(w, h.address);
            check_served(w, &peers[i]);
        }
        peer third = peer_start(h.address);
        hosted_until_stat(w, &h, refused_client_open, (uint64_t)round);
        check_refused(w, &third);
        check_served(w, &peers[0]);
        hosted_peers_close(peers, 2);
        turn_until_true(w, nobody_is_known, &h);
    }
    hosted_close(w, &h);
}

/* With the entry that is wrong; and nothing has changed. */
static void wrong_limits_are_refused(world *w)
{
    static const char *const texts[] = {"127.0.0.0/8", "127.0.0.1/8", "::1"};
    static const plx_server_limits wrong[] = {
        {.ipv4_bits = 33},           {.ipv6_bits = 129},
        {.client_burst = 1},         {.server_burst = 1},
        {.open_max_action = 2},      {.rate_action = 2},
        {.allow_count = 1},          {.deny = texts, .deny_count = 4097},
        {.client_rate = 1000000001}, {.server_rate = 1000000001},
        {.receive_rate = 1000000001}};
    plx_server_limits listed = {.allow = texts, .allow_count = 2};
    const char *entry = texts[0];
    hosted h = {0};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(plx_server_set_limits(h.server, &wrong[i], &entry), PLX_EINVAL);
        ck_assert_ptr_null(entry);
    }
    ck_assert_int_eq(plx_server_set_limits(h.server, &listed, &entry), PLX_EINVAL);
    ck_assert_ptr_eq(entry, texts[1]);
    listed = (plx_server_limits){.deny = texts, .deny_count = 3};
    ck_assert_int_eq(plx_server_set_limits(h.server, &listed, &entry), PLX_EINVAL);
    ck_assert_ptr_eq(entry, texts[1]);
    ck_assert_int_eq(plx_server_set_limits(h.server, &listed, NULL), PLX_EINVAL);
    ck_ok(plx_address_block_check(texts[0]));
    ck_assert_int_eq(plx_address_block_check(texts[1]), PLX_EINVAL);
    ck_ok(hosted_listen(&h, "tcp://127.0.0.1:0", (plx_listen_options){0}));
    /* Its listener opens connections without asking. */
    ck_assert_int_eq(plx_server_set_limits(h.server, NULL, &entry), PLX_EBUSY);
    ck_assert_ptr_null(entry);
    hosted_run(&h);
    hosted_close(w, &h);
}

static void limits_have_bounds_that_are_taken(world *w)
{
    const plx_server_limits most = {.ipv4_bits = 32,
                                    .ipv6_bits = 128,
                                    .client_rate = 1000000000,
                                    .server_rate = 1000000000,
                                    .receive_rate = 1000000000,
                                    .open_max_action = PLX_LIMIT_REFUSE,
                                    .rate_action = PLX_LIMIT_REFUSE};
    const char *entry;
    hosted h = {0};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
    ck_ok(plx_server_set_limits(h.server, &most, &entry));
    ck_ok(plx_server_close(h.server));
}

static void limits_need_memory(world *w)
{
    static const char *const texts[] = {"127.0.0.0/8"};
    const plx_server_limits limits = {
        .allow = texts, .allow_count = 1, .deny = texts, .deny_count = 1};
    hosted h = {0};
    ck_ok(hosted_try(w, &h, (plx_server_options){.loops = 1}, (plx_loop_options){0}));
    for (uint32_t first = 0;; first++) {
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        int status = plx_server_set_limits(h.server, &limits, NULL);
        if (plx__fault_disarm(PLX__FAULT_MEMORY) == 0) {
            ck_ok(status);
            ck_assert_uint_eq(first, 4); /* Two lists, the limits, and room for what waits. */
            break;
        }
        ck_assert_int_eq(status, PLX_ENOMEM);
    }
    ck_ok(plx_server_close(h.server));
}

const test_case behavior_admission_cases[] = {
    CASE(clients_that_have_gone_count_for_nobody),
    CASE(client_has_so_many),
    CASE(clients_are_apart_as_their_bits_say),
    CASE(lists_say_who_may_connect),
    CASE(full_server_refuses),
    CASE(full_server_lets_clients_wait),
    CASE(who_waits_for_a_limit_at_the_end),
    CASE(user_is_asked_last),
    CASE(slow_peers_are_reset),
    CASE(first_bytes_come_through),
    CASE(unix_peers_have_no_address),
    CASE(calls_that_wait_are_limited),
    CASE(wrong_limits_are_refused),
    CASE(limits_have_bounds_that_are_taken),
    CASE(limits_need_memory),
    CASES_END,
};
