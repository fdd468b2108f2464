/* tests/tool_load.c - a load against servers that behave in ways of their own, on every backend. */
#include <string.h>

#include "tests/harness.h"
#include "tools/load.h"
#include "tools/slow_send.h"

#define CONNECTIONS 3u
#define ECHO_BYTES  64u

#define KEPT   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define CLOSED "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"

/* What a server says to a whole request, and what it does then. */
enum manners { ECHOES, KEEPS, CLOSES, PROMISES_TO_CLOSE, CUTS };

/* A server on a thread of its own. Its thread writes, the case reads. */
typedef struct mannered {
    enum manners manners;
    plx_server *server;
    plx__thread thread;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__atomic_u32 opened, closed, requests;
    plx__atomic_u32 received; /* Bytes. */
} mannered;

static void server_on_open(plx_loop *loop, plx_conn conn, void *data)
{
    mannered *m = data;
    (void)loop;
    (void)conn;
    (void)plx__atomic_add(&m->opened, 1);
}

static void server_on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    mannered *m = data;
    (void)loop;
    (void)conn;
    (void)reason;
    (void)plx__atomic_add(&m->closed, 1);
}

static void text_write(plx_loop *loop, plx_conn conn, const char *text)
{
    /* It fails only on a connection that the load has closed. */
    (void)!plx_conn_write(loop, conn, text, strlen(text));
}

/* Requests are read as wholes: one is here when it ends with an empty line. */
static size_t server_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                             size_t length)
{
    mannered *m = data;
    const char *end = (const char *)bytes + length - 4;
    if (m->manners == ECHOES) {
        (void)plx__atomic_add(&m->received, (uint32_t)length);
        return plx_conn_write(loop, conn, bytes, length) == 0 ? length : 0;
    }
    if (m->manners == CUTS) {
        (void)plx_conn_close(loop, conn);
        return length;
    }
    if (length < 4 || memcmp(end, "\r\n\r\n", 4) != 0)
        return 0;
    (void)plx__atomic_add(&m->requests, 1);
    text_write(loop, conn, m->manners == KEEPS ? KEPT : CLOSED);
    if (m->manners == CLOSES)
        (void)plx_conn_finish(loop, conn, 0);
    return length;
}

static void server_thread(void *data)
{
    const mannered *m = data;
    ck_ok(plx_server_run(m->server));
}

static void mannered_open(const world *w, mannered *m, enum manners manners)
{
    const plx_loop_options loop = {.backend = w->backend};
    const plx_conn_options conn = {
        .on_open = server_on_open,
        .on_data = server_on_data,
        .on_close = server_on_close,
        .data = m,
    };
    memset(m, 0, sizeof *m);
    m->manners = manners;
    ck_ok(plx_server_open(&m->server, &(plx_server_options){.loops = 1, .loop = &loop}));
    ck_ok(plx_server_listen(m->server, "tcp://127.0.0.1:0", &(plx_listen_options){.conn = &conn}));
    ck_ok(plx_server_address(m->server, 0, m->address, sizeof m->address));
    ck_ok(plx__thread_start(&m->thread, server_thread, m));
}

static void mannered_close(mannered *m)
{
    plx_server_stop(m->server);
    plx__thread_join(&m->thread);
    ck_ok(plx_server_close(m->server));
}

/* Options for a load of the server. */
static load_options options_of(const world *w, const mannered *m)
{
    return (load_options){
        .address = m->address,
        .backend = w->backend,
        .mode = m->manners == ECHOES ? LOAD_ECHO : LOAD_HTTP,
        .connections = CONNECTIONS,
        .pipeline = 1,
        .echo_bytes = ECHO_BYTES,
    };
}

/* Runs it until that many requests have been answered: for longer and longer, because nobody knows
 * how busy the machine is. */
static const load_result *load_at_least(load_options options, uint64_t requests)
{
    static load_result result; /* Too large for the stack. */
    options.duration_ns = 50 * PLX_MILLISECOND;
    do {
        options.duration_ns *= 2;
        ck_ok(load_run(&options, &result));
    } while (result.requests < requests && options.duration_ns < patience());
    ck_assert_uint_ge(result.requests, requests);
    ck_assert_uint_ge(result.elapsed_ns, options.duration_ns);
    return &result;
}

/* --- a connection for each request ----------------------------------------------------------- */

/* What each load has to say of itself, whoever closes. */
static void reconnecting_check(const load_result *result)
{
    ck_assert_uint_eq(result->errors.total, 0);
    ck_assert_uint_eq(result->closed, 0);
    ck_assert_uint_eq(result->connections, result->connects + CONNECTIONS);
    ck_assert_uint_ge(result->connections, result->requests);
    ck_assert_uint_le(result->connections, result->requests + CONNECTIONS);
    ck_assert_uint_eq(result->latency_ns.count, result->requests);
}

/* It closes itself, and does not wait for a server that does not: then a connection would have a
 * request a second at the most. */
static void closing_check(const load_result *result)
{
    ck_assert_uint_gt(result->requests, CONNECTIONS * (result->elapsed_ns / PLX_SECOND + 2));
}

static void load_resets_echoes(world *w)
{
    static mannered m;
    mannered_open(w, &m, ECHOES);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    const load_result *result = load_at_least(options, 20);
    reconnecting_check(result);
    closing_check(result);
    mannered_close(&m);
    /* No connection had a second request. */
    ck_assert_uint_le(plx__atomic_load(&m.received), plx__atomic_load(&m.opened) * ECHO_BYTES);
}

/* A server that does as it is told: each connection has one request, and the server ends it. */
static void load_waits_for_the_server_to_close(world *w)
{
    static mannered m;
    mannered_open(w, &m, CLOSES);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    reconnecting_check(load_at_least(options, 20));
    mannered_close(&m);
    ck_assert_uint_le(plx__atomic_load(&m.requests), plx__atomic_load(&m.opened));
}

/* A server that knows nothing of "Connection: close" gets no second request for all that. */
static void load_closes_what_the_server_keeps(world *w)
{
    static mannered m;
    mannered_open(w, &m, KEEPS);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    const load_result *result = load_at_least(options, 20);
    reconnecting_check(result);
    closing_check(result);
    mannered_close(&m);
    ck_assert_uint_le(plx__atomic_load(&m.requests), plx__atomic_load(&m.opened));
}

/* The load continues, though its connections are never closed for it. */
static void load_does_not_wait_forever(world *w)
{
    static mannered m;
    mannered_open(w, &m, PROMISES_TO_CLOSE);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    reconnecting_check(load_at_least(options, 2 * CONNECTIONS));
    mannered_close(&m);
    ck_assert_uint_ge(plx__atomic_load(&m.opened), 2 * CONNECTIONS);
}

/* Each request has a time at which it is due, and a connection of its own: there are no more
 * connections than were due, but for those that were open before. */
static void load_connects_when_it_is_due(world *w)
{
    static mannered m;
    mannered_open(w, &m, CLOSES);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    options.rate = 100;
    const load_result *result = load_at_least(options, 2 * CONNECTIONS);
    reconnecting_check(result);
    ck_assert_uint_le(result->requests, result->elapsed_ns / (PLX_SECOND / 100) + 1);
    mannered_close(&m);
}

/* --- slow clients ---------------------------------------------------------------------------- */

static void count_sent(void *data)
{
    ++*(size_t *)data;
}

/* 64 bytes are 16 pieces of 4, and 41 are 13 of 3 and one of 2. */
static void slow_send_sends_pieces(world *w)
{
    static const size_t lengths[] = {64, 41, 1};
    static const size_t pieces[] = {16, 14, 1};
    unsigned char bytes[64], received[64];
    pattern_fill(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        static probe p;
        size_t sent = 0;
        p = (probe){0};
        const plx_conn_options options = probe_options(&p);
        peer client = connect_pair(w, &p, &options);
        slow_send sending = {.on_sent = count_sent, .data = &sent};
        ck_ok(slow_send_open(&sending, w->loop, bytes, lengths[i], PLX_MILLISECOND, 0));
        for (size_t times = 1; times <= 2; times++) {
            uint64_t sends = counter(w, sends);
            slow_send_start(&sending, p.conn);
            ck_assert(sending.is_sending);
            ck_assert_uint_eq(counter(w, sends), sends);
            turn_until(w, &sent, times);
            peer_receive(w, &client, received, lengths[i]);
            pattern_check(received, lengths[i], 0);
            ck_assert_uint_eq(counter(w, sends), sends + pieces[i]);
            ck_assert(!slow_send_stop(&sending));
        }
        peer_close(&client);
        turn_until(w, &p.closed, 1);
    }
}

static bool is_half_sent(void *data)
{
    const slow_send *sending = data;
    return sending->sent > 0;
}

static void slow_send_stops_in_the_middle(world *w)
{
    static probe p;
    unsigned char bytes[64];
    size_t sent = 0;
    pattern_fill(bytes, sizeof bytes, 0);
    p = (probe){0};
    const plx_conn_options options = probe_options(&p);
    peer client = connect_pair(w, &p, &options);
    slow_send sending = {.on_sent = count_sent, .data = &sent};
    ck_ok(slow_send_open(&sending, w->loop, bytes, sizeof bytes, PLX_MILLISECOND, 0));
    slow_send_start(&sending, p.conn);
    turn_until_true(w, is_half_sent, &sending);
    size_t position = sending.sent;
    ck_assert(slow_send_stop(&sending));
    ck_assert(!slow_send_stop(&sending));
    turn_some(w);
    ck_assert_uint_eq(sending.sent, position);
    /* The next time, it begins with the first byte. */
    peer_receive(w, &client, bytes, position);
    slow_send_start(&sending, p.conn);
    turn_until(w, &sent, 1);
    peer_close(&client);
    turn_until(w, &p.closed, 1);
}

/* None of them is faster than it is told, and all get their answers. */
static void load_of_slow_clients(world *w)
{
    static mannered m;
    mannered_open(w, &m, KEEPS);
    load_options options = options_of(w, &m);
    options.slow = CONNECTIONS;
    options.slow_ns = 100 * PLX_MILLISECOND;
    const load_result *result = load_at_least(options, 2 * CONNECTIONS);
    ck_assert_uint_eq(result->errors.total, 0);
    ck_assert_uint_eq(result->connections, CONNECTIONS);
    ck_assert_uint_le(result->requests, CONNECTIONS * (result->elapsed_ns / options.slow_ns));
    /* The time in which a request is sent is none in which the server lets it wait. */
    ck_assert_uint_lt(histogram_quantile(&result->latency_ns, 1), options.slow_ns);
    mannered_close(&m);
}

/* Two that have asked for a part of their first request when the others have been answered often.
 */
static void load_with_some_slow_clients(world *w)
{
    static mannered m;
    mannered_open(w, &m, ECHOES);
    load_options options = options_of(w, &m);
    options.slow = CONNECTIONS - 1;
    options.slow_ns = 10000 * PLX_SECOND;
    const load_result *result = load_at_least(options, 50);
    ck_assert_uint_eq(result->errors.total, 0);
    ck_assert_uint_le(result->in_flight, 1);
    ck_assert_uint_eq(result->sent_bytes, (result->requests + result->in_flight) * ECHO_BYTES);
    mannered_close(&m);
}

/* A new connection for each slow request. */
static void load_of_slow_clients_that_reconnect(world *w)
{
    static mannered m;
    mannered_open(w, &m, CLOSES);
    load_options options = options_of(w, &m);
    options.is_reconnecting = true;
    options.slow = CONNECTIONS;
    options.slow_ns = 10 * PLX_MILLISECOND;
    const load_result *result = load_at_least(options, 2 * CONNECTIONS);
    reconnecting_check(result);
    ck_assert_uint_le(result->requests, CONNECTIONS * (result->elapsed_ns / options.slow_ns));
    mannered_close(&m);
}

/* A server that cuts off who has sent a part of a request: that is an error each time, and the
 * client tries again. */
static void load_counts_slow_clients_that_are_cut_off(world *w)
{
    static load_result result;
    static mannered m;
    mannered_open(w, &m, CUTS);
    load_options options = options_of(w, &m);
    options.slow = CONNECTIONS;
    options.slow_ns = 40 * PLX_MILLISECOND;
    options.duration_ns = 50 * PLX_MILLISECOND;
    do {
        options.duration_ns *= 2;
        ck_ok(load_run(&options, &result));
    } while (result.closed <= CONNECTIONS && options.duration_ns < patience());
    ck_assert_uint_gt(result.closed, CONNECTIONS);
    ck_assert_uint_eq(result.requests, 0);
    ck_assert_uint_eq(result.errors.total, result.closed);
    ck_assert_int_eq((int)result.errors.entries[0].kind, TALLY_LOST);
    mannered_close(&m);
}

static const test_case cases[] = {
    CASE(load_resets_echoes),
    CASE(load_waits_for_the_server_to_close),
    CASE(load_closes_what_the_server_keeps),
    CASE(load_does_not_wait_forever),
    CASE(load_connects_when_it_is_due),
    CASE(slow_send_sends_pieces),
    CASE(slow_send_stops_in_the_middle),
    CASE(load_of_slow_clients),
    CASE(load_with_some_slow_clients),
    CASE(load_of_slow_clients_that_reconnect),
    CASE(load_counts_slow_clients_that_are_cut_off),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {cases, NULL};
    return suite_main(argc, argv, groups, true);
}
