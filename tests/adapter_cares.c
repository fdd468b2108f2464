/* tests/adapter_cares.c - c-ares's channel on a loop, with a name server for UDP and TCP on the
 * same loop. */
#include <pollux/adapters/cares.h>

#include <stdio.h>
#include <string.h>

#include "platform/os.h"
#include "tests/adapter_fixture.h"

enum { HEADER = 12, MESSAGE_MAX = 512, QUERIES_MAX = 64 };

/* --- the server ----------------------------------------------------------------------------------
 *
 * The first letters of a name say what happens to it: "one" has the address 10.0.0.1; "big" too,
 * but not over UDP; "none" does not exist; "lost" is never answered; "drop" is not for UDP either,
 * and ends the TCP connection; "part" sends half an answer over TCP, and ends.
 */

/* the_server answers over TCP. These are for UDP, at the same port: */
static int udp_socket = -1;
static plx_watch udp_watch;
static size_t udp_asked;

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
    unsigned char query[MESSAGE_MAX], answer[2 * MESSAGE_MAX];
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    (void)loop;
    (void)watch;
    (void)data;
    (void)ready;
    ssize_t got = recvfrom(socket, query, sizeof query, 0, (struct sockaddr *)&from, &from_length);
    if (got < 0)
        return;
    udp_asked++;
    size_t length = answer_make(query, (size_t)got, true, answer);
    if (length != 0)
        ck_assert_int_eq(sendto(socket, answer, length, 0, (struct sockaddr *)&from, from_length),
                         (ssize_t)length);
}

static size_t serve_tcp(plx_loop *loop, plx_conn conn, probe *conns, const void *bytes,
                        size_t length)
{
    const unsigned char *query = bytes;
    unsigned char answer[2 + 2 * MESSAGE_MAX];
    size_t wanted = length < 2 ? 2 : 2 + (size_t)query[0] * 256 + query[1];
    (void)conns;
    if (length < wanted)
        return 0;
    the_server.asked++;
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
static void names_open(world *w)
{
    for (int tries = 0; udp_socket < 0; tries++) {
        plx_listener listener = server_open(w, serve_tcp);
        ck_assert_int_lt(tries, 20);
        udp_socket = udp_open(address_port(the_server.address));
        if (udp_socket < 0)
            ck_ok(plx_listener_close(w->loop, listener));
    }
    ck_ok(plx_watch_open(w->loop, &udp_watch, udp_socket, PLX_READABLE, serve_udp, NULL));
}

/* The loop may have closed before: then `w->loop` is NULL. */
static void names_close(world *w)
{
    if (w->loop != NULL)
        ck_ok(plx_watch_close(w->loop, udp_watch));
    (void)close(udp_socket);
    udp_socket = -1;
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

static void client_set_server(client *c, const char *address)
{
    const char *csv = address + strlen("tcp://");
    ck_assert_int_eq(ares_set_servers_ports_csv(plx_ares_channel(c->ares), csv), ARES_SUCCESS);
}

/* Asks at "tcp://...", over UDP too. A try takes `timeout_ms`; 0: as c-ares has it. */
static void client_open_at(world *w, client *c, const char *address, int flags, int timeout_ms)
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
    client_set_server(c, address);
}

/* Opens the server, and a client that asks it. */
static void client_open(world *w, client *c, int flags, int timeout_ms)
{
    names_open(w);
    client_open_at(w, c, the_server.address, flags, timeout_ms);
}

static void client_ask(client *c, const char *name)
{
    struct ares_addrinfo_hints hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(plx_ares_channel(c->ares), name, NULL, &hints, on_answer, c);
}

/* Asks, and waits until the query has ended with this. */
static void client_expect(world *w, client *c, const char *name, int status)
{
    size_t before = c->done;
    client_ask(c, name);
    turn_until(w, &c->done, before + 1);
    ck_assert_int_eq(c->statuses[before], status);
}

/* Closes what is open: the channel unless `ares` is NULL, and the server. */
static void client_close(world *w, client *c)
{
    plx_ares_close(c->ares);
    c->ares = NULL;
    ares_library_cleanup();
    if (udp_socket >= 0)
        names_close(w);
}

/* --- the cases -----------------------------------------------------------------------------------
 */

static void names_are_resolved(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    for (int i = 0; i < 10; i++)
        client_ask(&c, "one.example.");
    plx_ares_update(c.ares);
    turn_until(w, &c.done, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(c.statuses[i], ARES_SUCCESS);
    ck_assert_uint_eq(c.address, 0x0A000001);
    ck_assert_uint_gt(udp_asked, 0);
    ck_assert_uint_eq(the_server.asked, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(w, &c);
}

static void unknown_name_is_told(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    client_expect(w, &c, "none.example.", ARES_ENOTFOUND);
    client_close(w, &c);
}

/* The UDP socket is left for a TCP one while the channel is at work. */
static void large_answer_comes_by_tcp(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    for (size_t i = 1; i <= 10; i++) {
        client_ask(&c, "big.example.");
        plx_ares_update(c.ares);
        turn_until(w, &c.done, i);
        ck_assert_int_eq(c.statuses[i - 1], ARES_SUCCESS);
    }
    ck_assert_uint_eq(c.address, 0x0A000001);
    ck_assert_uint_gt(the_server.asked, 0);
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(w, &c);
}

static void silence_times_out(world *w)
{
    client c;
    client_open(w, &c, 0, 50);
    client_ask(&c, "lost.example.");
    plx_ares_update(c.ares);
    turn_until(w, &c.done, 1);
    ck_assert_int_eq(c.statuses[0], ARES_ETIMEOUT);
    ck_assert_uint_eq(udp_asked, 2); /* One for each try. */
    client_close(w, &c);
}

/* Nobody calls plx_ares_update(), and the second query needs no new socket. */
static void silence_times_out_untold(world *w)
{
    client c;
    client_open(w, &c, ARES_FLAG_STAYOPEN, 50);
    client_expect(w, &c, "one.example.", ARES_SUCCESS);
    client_expect(w, &c, "lost.example.", ARES_ETIMEOUT);
    client_close(w, &c);
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
    client c;
    client_open(w, &c, 0, 0);
    client_expect(w, &c, "one.example.", ARES_SUCCESS);
    turn_until_true(w, nothing_is_due, w);
    client_close(w, &c);
}

/* The system refuses datagrams that are not from the socket's peer. */
static void refusal_is_told(world *w)
{
    char address[PLX_ADDRESS_TEXT_MAX];
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int deaf = udp_open(0);
    client c;
    ck_assert_int_eq(getsockname(deaf, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(connect(deaf, (const struct sockaddr *)&name, length), 0); /* To itself. */
    (void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
    client_open_at(w, &c, address, 0, 0);
    client_expect(w, &c, "one.example.", ARES_ECONNREFUSED);
    client_close(w, &c);
    (void)close(deaf);

    plx_socket refusing = socket_refusing(address);
    client_open_at(w, &c, address, ARES_FLAG_USEVC, 0);
    client_expect(w, &c, "one.example.", ARES_ECONNREFUSED);
    client_close(w, &c);
    plx__socket_close(refusing);
}

static void end_midway_is_told(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    client_ask(&c, "drop.example.");
    client_ask(&c, "part.example.");
    turn_until(w, &c.done, 2);
    ck_assert_int_ne(c.statuses[0], ARES_SUCCESS);
    ck_assert_int_ne(c.statuses[1], ARES_SUCCESS);
    ck_assert_uint_gt(the_server.asked, 1);
    client_expect(w, &c, "one.example.", ARES_SUCCESS); /* It is as good as before. */
    ck_assert_uint_eq(counter(w, sockets_lost), 0);
    client_close(w, &c);
}

static void close_it(client *c)
{
    plx_ares_close(c->ares); /* Called for each query that it ends, too. */
}

static void channel_closes_in_a_callback(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    c.then_done = close_it;
    client_ask(&c, "lost.example.");
    client_ask(&c, "one.example.");
    client_ask(&c, "lost.example.");
    turn_until(w, &c.done, 3);
    ck_assert_int_eq(c.statuses[0], ARES_SUCCESS);
    ck_assert_int_eq(c.statuses[1], ARES_EDESTRUCTION);
    ck_assert_int_eq(c.statuses[2], ARES_EDESTRUCTION);
    c.ares = NULL;
    client_close(w, &c);
}

static void channel_closes_with_queries(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    c.then_done = close_it;
    client_ask(&c, "lost.example.");
    client_ask(&c, "big.example.");
    turn_until(w, &udp_asked, 2);
    plx_ares_close(c.ares);
    ck_assert_uint_eq(c.done, 2);
    c.ares = NULL;
    client_close(w, &c);
}

static void loop_closes_first(world *w)
{
    client c;
    client_open(w, &c, 0, 0);
    client_ask(&c, "lost.example.");
    turn_until(w, &udp_asked, 1);
    world_loop_close(w);
    plx_ares_loop_closed(c.ares);
    client_ask(&c, "one.example.");
    plx_ares_update(c.ares);
    client_close(w, &c);
    ck_assert_uint_eq(c.done, 2);
    ck_assert_int_eq(c.statuses[0], ARES_EDESTRUCTION);
    ck_assert_int_eq(c.statuses[1], ARES_EDESTRUCTION);
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
    client_open_at(w, &c, "tcp://127.0.0.1:53", 0, 0);
    client_close(w, &c);
    ck_ok(plx_loop_run(w->loop));
}

/* Each allocation of the loop fails once. What could not be watched is watched later. The server
 * has a loop of its own, so that the client's has all to allocate. */
static void memory_runs_out(world *w)
{
    size_t recovered = 0;
    shortage lack = {0};
    world of_server = world_for_server(w);
    names_open(&of_server);
    while (shortage_next(w, &lack)) {
        client c = {0};
        shortage_begin(&lack);
        int status = plx_ares_open(w->loop, &c.ares, NULL, 0);
        if (status == 0) {
            client_set_server(&c, the_server.address);
            client_ask(&c, "one.example.");
            turn_both_until(w, &of_server, &c.done, 1);
            ck_assert_int_eq(c.statuses[0], ARES_SUCCESS);
        }
        shortage_end(&lack, status);
        recovered += lack.has_struck && status == 0;
        plx_ares_close(c.ares);
    }
    ck_assert_uint_gt(lack.refused, 0);
    ck_assert_uint_gt(recovered, 0);
    names_close(&of_server);
    world_loop_close(&of_server);
}

const test_case adapter_cases[] = {
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
