/* tests/adapter_cares.c - c-ares's channel on a loop, with a name server for UDP and TCP on the
 * same loop. */
#include <pollux/adapters/cares.h>

#include <stdio.h>
#include <string.h>

#include "platform/os.h"
#include "tests/harness.h"

enum { HEADER = 12, MESSAGE_MAX = 512, QUERIES_MAX = 64 };

/* --- the server ----------------------------------------------------------------------------------
 *
 * The first letters of a name say what happens to it: "one" has the address 10.0.0.1; "big" too,
 * but not over UDP; "none" does not exist; "lost" is never answered; "drop" is not for UDP either,
 * and ends the TCP connection; "part" sends half an answer over TCP, and ends.
 */

/* Static in each case: the loop closes its connections after the case has returned. */
typedef struct server {
    char address[PLX_ADDRESS_TEXT_MAX]; /* Without the scheme, as c-ares wants it. */
    int socket;                         /* For UDP. */
    plx_watch watch;
    size_t asked_udp, asked_tcp;
} server;

static bool begins(const unsigned char *query, const char *label)
{
    size_t length = strlen(label);
    return query[HEADER] == length && memcmp(query + HEADER + 1, label, length) == 0;
}

/* Writes the answer, and returns its length; 0: there is none. */
static size_t answer_make(const unsigned char *query, size_t length, bool is_udp,
                          unsigned char *answer)
{
    static const unsigned char record[] = {0xC0, HEADER, 0, 1, 0,  1, 0, 0,
                                           0,    60,     0, 4, 10, 0, 0, 1};
    size_t end = HEADER;
    ck_assert_uint_gt(length, HEADER);
    while (end < length && query[end] != 0)
        end += (size_t)query[end] + 1;
    end += 1 + 4; /* The root, type and class. */
    ck_assert_uint_le(end, length);
    if (begins(query, "lost"))
        return 0;
    bool is_cut = is_udp && !begins(query, "one") && !begins(query, "none");
    bool has_address = !is_cut && !begins(query, "none");
    memcpy(answer, query, end);
    answer[2] = (unsigned char)(0x81 | (is_cut ? 0x02 : 0));
    answer[3] = (unsigned char)(0x80 | (begins(query, "none") ? 3 : 0));
    memset(answer + 6, 0, 6); /* What follows the question: */
    answer[7] = has_address ? 1 : 0;
    if (!has_address)
        return end;
    memcpy(answer + end, record, sizeof record);
    return end + sizeof record;
}

static void serve_udp(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                      uint32_t ready)
{
    server *s = data;
    unsigned char query[MESSAGE_MAX], answer[2 * MESSAGE_MAX];
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    (void)loop;
    (void)watch;
    (void)ready;
    ssize_t got = recvfrom(socket, query, sizeof query, 0, (struct sockaddr *)&from, &from_length);
    if (got < 0)
        return;
    s->asked_udp++;
    size_t length = answer_make(query, (size_t)got, true, answer);
    if (length != 0)
        ck_assert_int_eq(sendto(socket, answer, length, 0, (struct sockaddr *)&from, from_length),
                         (ssize_t)length);
}

static size_t serve_tcp(plx_loop *loop, plx_conn conn, void *data, const void *bytes, size_t length)
{
    server *s = data;
    const unsigned char *query = bytes;
    unsigned char answer[2 + 2 * MESSAGE_MAX];
    size_t wanted = length < 2 ? 2 : 2 + (size_t)query[0] * 256 + query[1];
    if (length < wanted)
        return 0;
    s->asked_tcp++;
    size_t count = answer_make(query + 2, wanted - 2, false, answer + 2);
    answer[0] = (unsigned char)(count / 256);
    answer[1] = (unsigned char)(count % 256);
    if (begins(query + 2, "drop")) {
        ck_ok(plx_conn_reset(loop, conn));
        return length;
    }
    if (begins(query + 2, "part"))
        count /= 2;
    if (count != 0)
        ck_ok(plx_conn_write(loop, conn, answer, 2 + count));
    if (begins(query + 2, "part"))
        ck_ok(plx_conn_shutdown(loop, conn));
    return wanted;
}

/* A socket for UDP at this port of 127.0.0.1, or -1. 0: any. */
static int udp_open(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(made, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(made, (const struct sockaddr *)&address, sizeof address) == 0)
        return made;
    ck_assert_int_eq(errno, EADDRINUSE);
    (void)close(made);
    return -1;
}

/* Both at one port, which is the system's choice for TCP and may be taken for UDP. */
static void server_open(plx_loop *loop, server *s)
{
    const plx_conn_options options = {.on_data = serve_tcp, .data = s};
    char address[PLX_ADDRESS_TEXT_MAX];
    memset(s, 0, sizeof *s);
    s->socket = -1;
    for (int tries = 0; s->socket < 0; tries++) {
        unsigned port;
        plx_listener listener;
        const plx_listen_options listen = {.conn = &options};
        ck_ok(plx_listen(loop, &listener, "tcp://127.0.0.1:0", &listen));
        ck_ok(plx_listener_address(loop, listener, address, sizeof address));
        ck_assert_int_lt(tries, 20);
        ck_assert_int_eq(sscanf(address, "tcp://127.0.0.1:%u", &port), 1);
        s->socket = udp_open(port);
        if (s->socket < 0)
            ck_ok(plx_listener_close(loop, listener));
    }
    (void)snprintf(s->address, sizeof s->address, "%s", address + strlen("tcp://"));
    ck_ok(plx_watch_open(loop, &s->watch, s->socket, PLX_READABLE, serve_udp, s));
}

/* `loop` is NULL when it has closed. */
static void server_close(plx_loop *loop, server *s)
{
    if (loop != NULL)
        ck_ok(plx_watch_close(loop, s->watch));
    (void)close(s->socket);
}

/* --- the client ----------------------------------------------------------------------------------
 */

typedef struct client {
    plx_ares *ares;
    size_t done;
    int statuses[QUERIES_MAX]; /* In the order in which they ended. */
    uint32_t address;          /* Of the last answer. */
    void (*then_done)(struct client *c);
} client;

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
    client *c = data;
    (void)timeouts;
    ck_assert_uint_lt(c->done, QUERIES_MAX);
    c->statuses[c->done++] = status;
    if (info != NULL) {
        struct sockaddr_in found;
        ck_assert_ptr_nonnull(info->nodes);
        memcpy(&found, info->nodes->ai_addr, sizeof found);
        c->address = ntohl(found.sin_addr.s_addr);
        ares_freeaddrinfo(info);
    }
    if (c->then_done != NULL)
        c->then_done(c);
}

/* Asks at `address`. A try takes `timeout_ms`; 0: as c-ares has it. */
static void client_open(world *w, client *c, const char *address, int flags, int timeout_ms)
{
    struct ares_options options;
    char lookups[] = "b"; /* No file of hosts. */
    int mask = ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TRIES;
    memset(c, 0, sizeof *c);
    memset(&options, 0, sizeof options);
    options.flags = flags;
    options.lookups = lookups;
    options.tries = 2;
    options.timeout = timeout_ms;
    if (timeout_ms != 0)
        mask |= ARES_OPT_TIMEOUTMS;
    ck_assert_int_eq(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);
    ck_ok(plx_ares_open(w->loop, &c->ares, &options, mask));
    ck_assert_int_eq(ares_set_servers_ports_csv(plx_ares_channel(c->ares), address), ARES_SUCCESS);
}

static void client_ask(client *c, const char *name)
{
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(plx_ares_channel(c->ares), name, NULL, &hints, on_answer, c);
}

static void client_close(client *c)
{
    plx_ares_close(c->ares);
    c->ares = NULL;
    ares_library_cleanup();
}

/* --- the cases -----------------------------------------------------------------------------------
 */

static void names_are_resolved(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    for (int i = 0; i < 10; i++)
        client_ask(&c, "one.example.");
    plx_ares_update(c.ares);
    turn_until(w, &c.done, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(c.statuses[i], ARES_SUCCESS);
    ck_assert_uint_eq(c.address, 0x0A000001);
    ck_assert_uint_gt(s.asked_udp, 0);
    ck_assert_uint_eq(s.asked_tcp, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(&c);
    server_close(w->loop, &s);
}

static void unknown_name_is_told(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    client_ask(&c, "none.example.");
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.statuses[0], ARES_ENOTFOUND);
    client_close(&c);
    server_close(w->loop, &s);
}

/* The UDP socket is left for a TCP one while the channel is at work. */
static void large_answer_comes_by_tcp(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    for (size_t i = 1; i <= 10; i++) {
        client_ask(&c, "big.example.");
        plx_ares_update(c.ares);
        turn_until(w, &c.done, i);
        ck_assert_int_eq(c.statuses[i - 1], ARES_SUCCESS);
    }
    ck_assert_uint_eq(c.address, 0x0A000001);
    ck_assert_uint_gt(s.asked_tcp, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(&c);
    server_close(w->loop, &s);
}

static void silence_times_out(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 50);
    client_ask(&c, "lost.example.");
    plx_ares_update(c.ares);
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.statuses[0], ARES_ETIMEOUT);
    ck_assert_uint_eq(s.asked_udp, 2); /* One for each try. */
    client_close(&c);
    server_close(w->loop, &s);
}

/* Nobody calls plx_ares_update(), and the second query needs no new socket. */
static void silence_times_out_untold(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, ARES_FLAG_STAYOPEN, 50);
    client_ask(&c, "one.example.");
    turn_until(w, &c.done, 1);
    client_ask(&c, "lost.example.");
    turn_until(w, &c.done, 2);
    ck_assert_int_eq(c.statuses[0], ARES_SUCCESS);
    ck_assert_int_eq(c.statuses[1], ARES_ETIMEOUT);
    client_close(&c);
    server_close(w->loop, &s);
}

static bool nothing_is_due(void *data)
{
    const world *w = data;
    return plx_loop_next_timeout(w->loop) > 3600 * PLX_SECOND;
}

/* The timer waits for the query, and for nothing when there is none. The loop learns that its
 * deadline was moved when the old one, a second at the most, has passed. */
static void idle_channel_is_quiet(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    client_ask(&c, "one.example.");
    turn_until(w, &c.done, 1);
    turn_until_true(w, nothing_is_due, w);
    client_close(&c);
    server_close(w->loop, &s);
}

/* The system refuses datagrams that are not from the socket's peer. */
static void refusal_is_told(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX], csv[32];
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int deaf = udp_open(0);
    client c;
    ck_assert_int_eq(getsockname(deaf, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(connect(deaf, (const struct sockaddr *)&name, length), 0); /* To itself. */
    (void)snprintf(csv, sizeof csv, "127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
    client_open(w, &c, csv, 0, 0);
    client_ask(&c, "one.example.");
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.statuses[0], ARES_ECONNREFUSED);
    client_close(&c);
    (void)close(deaf);

    plx_socket refusing = socket_refusing(address);
    client_open(w, &c, address + strlen("tcp://"), ARES_FLAG_USEVC, 0);
    client_ask(&c, "one.example.");
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.statuses[0], ARES_ECONNREFUSED);
    client_close(&c);
    plx__socket_close(refusing);
}

static void end_midway_is_told(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    client_ask(&c, "drop.example.");
    client_ask(&c, "part.example.");
    turn_until(w, &c.done, 2);
    ck_assert_int_ne(c.statuses[0], ARES_SUCCESS);
    ck_assert_int_ne(c.statuses[1], ARES_SUCCESS);
    ck_assert_uint_gt(s.asked_tcp, 1);
    client_ask(&c, "one.example."); /* It is as good as before. */
    turn_until(w, &c.done, 3);
    ck_assert_int_eq(c.statuses[2], ARES_SUCCESS);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(&c);
    server_close(w->loop, &s);
}

static void close_it(client *c)
{
    plx_ares_close(c->ares); /* Called for each query that it ends, too. */
}

static void channel_closes_in_a_callback(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    c.then_done = close_it;
    client_ask(&c, "lost.example.");
    client_ask(&c, "one.example.");
    client_ask(&c, "lost.example.");
    turn_until(w, &c.done, 3);
    ck_assert_int_eq(c.statuses[0], ARES_SUCCESS);
    ck_assert_int_eq(c.statuses[1], ARES_EDESTRUCTION);
    ck_assert_int_eq(c.statuses[2], ARES_EDESTRUCTION);
    ares_library_cleanup();
    server_close(w->loop, &s);
}

static void channel_closes_with_queries(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    c.then_done = close_it;
    client_ask(&c, "lost.example.");
    client_ask(&c, "big.example.");
    turn_until(w, &s.asked_udp, 2);
    plx_ares_close(c.ares);
    ck_assert_uint_eq(c.done, 2);
    ares_library_cleanup();
    server_close(w->loop, &s);
}

static void loop_closes_first(world *w)
{
    static server s;
    client c;
    server_open(w->loop, &s);
    client_open(w, &c, s.address, 0, 0);
    client_ask(&c, "lost.example.");
    turn_until(w, &s.asked_udp, 1);
    ck_ok(plx_loop_close(w->loop));
    w->loop = NULL;
    plx_ares_loop_closed(c.ares);
    client_ask(&c, "one.example.");
    plx_ares_update(c.ares);
    client_close(&c);
    ck_assert_uint_eq(c.done, 2);
    ck_assert_int_eq(c.statuses[0], ARES_EDESTRUCTION);
    ck_assert_int_eq(c.statuses[1], ARES_EDESTRUCTION);
    server_close(NULL, &s);
}

static void open_is_refused(world *w)
{
    struct ares_options options;
    plx_ares *ares;
    memset(&options, 0, sizeof options);
    ck_assert_int_eq(plx_ares_open(w->loop, &ares, &options, ARES_OPT_SOCK_STATE_CB), PLX_EINVAL);
    ck_assert_ptr_null(ares);
    ck_assert_int_eq(plx_ares_open(w->loop, &ares, NULL, ARES_OPT_TRIES), PLX_EINVAL);
#ifdef ARES_OPT_EVENT_THREAD
    ck_assert_int_eq(plx_ares_open(w->loop, &ares, &options, ARES_OPT_EVENT_THREAD), PLX_EINVAL);
#endif
    plx_ares_close(NULL);
}

static void closed_channel_lets_the_loop_end(world *w)
{
    client c;
    client_open(w, &c, "127.0.0.1:53", 0, 0);
    client_close(&c);
    ck_ok(plx_loop_run(w->loop));
}

typedef struct shortage {
    plx_loop *server_loop;
    client *client;
} shortage;

static bool is_answered(void *data)
{
    const shortage *of = data;
    ck_ok(plx_loop_run_once(of->server_loop, 0));
    return of->client->done == 1;
}

/* Each allocation of the loop fails once. What could not be watched is watched later. The server
 * has a loop of its own, so that the client's has all to allocate. */
static void memory_runs_out(world *w)
{
    static server s;
    size_t refused = 0, recovered = 0;
    bool struck = true;
    shortage of = {.server_loop = world_loop_open(w)};
    server_open(of.server_loop, &s);
    for (uint32_t first = 0; struck; first++) {
        client c = {0};
        of.client = &c;
        ck_assert_uint_lt(first, 100);
        world_reopen(w, (plx_loop_options){0});
        plx__fault_arm(PLX__FAULT_MEMORY, first, 1);
        int status = plx_ares_open(w->loop, &c.ares, NULL, 0);
        if (status == 0) {
            ck_assert_int_eq(ares_set_servers_ports_csv(plx_ares_channel(c.ares), s.address),
                             ARES_SUCCESS);
            client_ask(&c, "one.example.");
            turn_until_true(w, is_answered, &of);
            ck_assert_int_eq(c.statuses[0], ARES_SUCCESS);
        } else {
            ck_assert_int_eq(status, PLX_ENOMEM);
            refused++;
        }
        struck = plx__fault_disarm(PLX__FAULT_MEMORY) != 0;
        recovered += struck && status == 0;
        plx_ares_close(c.ares);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(recovered, 0);
    server_close(of.server_loop, &s);
    ck_ok(plx_loop_close(of.server_loop));
}

static const test_case cases[] = {
    CASE(names_are_resolved),
    CASE(unknown_name_is_told),
    CASE(large_answer_comes_by_tcp),
    CASE(silence_times_out),
    CASE(silence_times_out_untold),
    CASE(idle_channel_is_quiet),
    CASE(refusal_is_told),
    CASE(end_midway_is_told),
    CASE(channel_closes_in_a_callback),
    CASE(channel_closes_with_queries),
    CASE(loop_closes_first),
    CASE(open_is_refused),
    CASE(closed_channel_lets_the_loop_end),
    CASE(memory_runs_out),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {cases, NULL};
    return suite_main(argc, argv, groups, true);
}
