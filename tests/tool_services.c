/* tests/tool_services.c - the services of `pollux serve`, on every backend. */
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tools/service.h"

#define HEAD   "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n"
#define PAGE   "Hello, World!"
#define ANSWER HEAD "\r\n" PAGE
#define LAST   HEAD "Connection: close\r\n\r\n" PAGE
#define NO     "Content-Length: 0\r\nConnection: close\r\n\r\n"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

/* A service on a listener, and a peer that talks to it. */
typedef struct served {
    world *w;
    const service *service;
    void *state;
    char address[PLX_ADDRESS_TEXT_MAX];
    peer client;
} served;

/* What it says in two pieces is to arrive as two, and at once. */
static peer served_peer(const served *s)
{
    peer client = peer_open(s->w, s->address);
    ck_ok(plx__socket_set(client.socket, PLX__SOCKET_NO_DELAY, 1));
    return client;
}

static served served_open(world *w, const char *name)
{
    served s = {.w = w, .service = service_find(name)};
    plx_conn_options options = {0};
    ck_ok(s.service->open(&s.state, w->loop, &options));
    (void)listen_at(w, &options, s.address);
    s.client = served_peer(&s);
    return s;
}

static void served_renew(served *s)
{
    peer_close(&s->client);
    s->client = served_peer(s);
}

/* The loop first: the connections' callbacks need the service to the last. */
static void served_close(served *s)
{
    peer_close(&s->client);
    world_reopen(s->w, (plx_loop_options){0});
    s->service->close(s->state);
}

static void say(served *s, const char *text)
{
    peer_send(s->w, &s->client, text, strlen(text));
}

static void expect(served *s, const char *text)
{
    char got[1024];
    size_t length = strlen(text);
    ck_assert_uint_lt(length, sizeof got);
    peer_receive(s->w, &s->client, got, length);
    got[length] = '\0';
    ck_assert_str_eq(got, text);
}

/* Nothing but the end of the stream follows. */
static void expect_end(served *s)
{
    size_t dropped;
    ck_assert_int_eq(peer_drain(s->w, &s->client, &dropped), PLX_EEOF);
    ck_assert_uint_eq(dropped, 0);
}

static service_counts counts_of(const served *s)
{
    service_counts counts;
    s->service->counts(s->state, &counts);
    return counts;
}

/* --- HTTP ------------------------------------------------------------------------------------ */

/* The second of two requests that are the same is answered from the memo, and alike. */
static void http_answers_plain_requests(world *w)
{
    served s = served_open(w, "http");
    for (int i = 0; i < 3; i++) {
        say(&s, GET);
        expect(&s, ANSWER);
        say(&s, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
        expect(&s, ANSWER);
        say(&s, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
        expect(&s, ANSWER);
    }
    ck_assert_uint_eq(counts_of(&s).requests, 9);
    /* One that differs in a single bit. */
    say(&s, GET);
    expect(&s, ANSWER);
    say(&s, "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    expect(&s, LAST);
    expect_end(&s);
    served_close(&s);
}

static void http_answers_what_is_not_plain(world *w)
{
    served s = served_open(w, "http");
    say(&s, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&s, HEAD "\r\n");
    say(&s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" GET);
    expect(&s, ANSWER ANSWER);
    say(&s, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
            "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n" GET);
    expect(&s, ANSWER ANSWER);
    say(&s, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET);
    expect(&s, ANSWER ANSWER);
    say(&s, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(&s, HEAD "Connection: keep-alive\r\n\r\n" PAGE);
    say(&s, "GET / HTTP/1.0\r\n\r\n");
    expect(&s, LAST);
    expect_end(&s);
    served_renew(&s);
    say(&s, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET);
    expect(&s, LAST);
    expect_end(&s);
    ck_assert_uint_eq(counts_of(&s).refused, 0);
    served_close(&s);
}

/* The answer before it is not lost, and what follows it is not read: it may be a request that
 * somebody else hid in this one. */
static void http_refuses(world *w)
{
    static const struct {
        const char *request;
        const char *status;
    } refused[] = {
        {"garbage\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         "400 Bad Request"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n",
         "400 Bad Request"},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented"},
        {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "501 Not Implemented"},
        {"get / HTTP/1.1\r\nHost: x\r\n\r\n", "501 Not Implemented"},
        {"PRI * HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"},
    };
    enum { REFUSED = sizeof refused / sizeof refused[0] };
    char answer[256];
    served s = served_open(w, "http");
    for (size_t i = 0; i < REFUSED; i++) {
        (void)snprintf(answer, sizeof answer, ANSWER "HTTP/1.1 %s\r\n" NO, refused[i].status);
        say(&s, GET);
        say(&s, refused[i].request);
        say(&s, GET);
        expect(&s, answer);
        expect_end(&s);
        served_renew(&s);
    }
    ck_assert_uint_eq(counts_of(&s).requests, REFUSED);
    ck_assert_uint_eq(counts_of(&s).refused, REFUSED);
    served_close(&s);
}

static void http_refuses_what_is_too_long(world *w)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nName: ";
    static char text[100 * 1024];
    served s = served_open(w, "http");
    memset(text, 'a', sizeof text - 1);
    memcpy(text, start, sizeof start - 1);
    say(&s, text);
    expect(&s, "HTTP/1.1 431 Request Header Fields Too Large\r\n" NO);
    expect_end(&s);
    served_renew(&s);
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "GET /", 5);
    say(&s, text);
    expect(&s, "HTTP/1.1 414 URI Too Long\r\n" NO);
    expect_end(&s);
    ck_assert_uint_eq(counts_of(&s).requests, 0);
    ck_assert_uint_eq(counts_of(&s).refused, 2);
    served_close(&s);
}

static void http_permits_bodies(world *w)
{
    served s = served_open(w, "http");
    say(&s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nEXPECT: 100-continue\r\n\r\n");
    expect(&s, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&s, "body");
    expect(&s, ANSWER);
    say(&s,
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody" GET);
    expect(&s, "HTTP/1.1 100 Continue\r\n\r\n" ANSWER ANSWER);
    say(&s, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    expect(&s, ANSWER);
    say(&s, "GET / HTTP/1.1\r\nHost: x\r\nExpectation: x\r\nExp: ect\r\nX-Expect: 1\r\n\r\n");
    expect(&s, ANSWER);
    served_close(&s);
}

/* Requests cut in two, with plain ones around; each part arrives on its own. (tests/tool_http.c has
 * every place in which a request can be cut.) The last renewal closes the connection in the middle
 * of one. */
static void http_takes_requests_in_pieces(world *w)
{
    static const char *const requests[] = {
        GET GET,
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody" GET,
        GET "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET,
    };
    static const char *const answers[] = {ANSWER ANSWER, ANSWER ANSWER, ANSWER ANSWER,
                                          HEAD "\r\n" ANSWER};
    served s = served_open(w, "http");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const char *text = requests[i];
        for (size_t cut = 1 + i; cut < strlen(text); cut += 3) {
            uint64_t receives = counter(w, receives);
            peer_send(w, &s.client, text, cut);
            turn_until_counter(w, receives, receives + 1);
            say(&s, text + cut);
            expect(&s, answers[i]);
        }
    }
    say(&s, "GET / HTT");
    turn_some(w);
    served_renew(&s);
    say(&s, GET);
    expect(&s, ANSWER);
    say(&s, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo");
    turn_some(w);
    served_close(&s);
}

/* A body that is larger than anything that the loop would keep. */
static void http_skips_large_bodies(world *w)
{
    enum { BYTES = 4 << 20 };
    static char body[65536];
    char head[128];
    served s = served_open(w, "http");
    (void)snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                   BYTES);
    say(&s, head);
    for (size_t sent = 0; sent < BYTES; sent += sizeof body)
        peer_send(w, &s.client, body, sizeof body);
    say(&s, GET);
    expect(&s, ANSWER ANSWER);
    served_close(&s);
}

#define OTHER    "GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
#define SOME     GET GET OTHER GET GET GET OTHER OTHER
#define MANY     SOME SOME SOME SOME SOME SOME SOME SOME SOME SOME
#define MANY_ARE 80

/* Sends MANY again and again with nobody reading the answers, until the server reads no more, and
 * then as much again as it may have read at once; returns how often. `*rest_out` is what is left of
 * the last time. */
static size_t ask_until_full(served *s, const char **rest_out)
{
    size_t unread = 0;
    for (size_t asked = 0;; asked++) {
        *rest_out = MANY;
        ck_assert_msg(asked * strlen(MANY) < 64 << 20, "the server takes everything");
        while (**rest_out != '\0') {
            ptrdiff_t sent = plx__socket_send(s->client.socket, *rest_out, strlen(*rest_out));
            bool is_paused = counter(s->w, read_pauses) > 0;
            if (sent < 0)
                ck_abort_msg("the server is gone");
            *rest_out += sent;
            unread += is_paused ? (size_t)sent : 0;
            if (is_paused && (sent == 0 || unread > 65536))
                return asked;
            if (!is_paused && (sent == 0 || asked % 16 == 0))
                turn(s->w);
        }
    }
}

/* MANY_ARE answers. */
static void expect_answers(served *s)
{
    enum { LENGTH = sizeof ANSWER - 1 };
    char got[MANY_ARE * LENGTH];
    peer_receive(s->w, &s->client, got, sizeof got);
    for (size_t i = 0; i < MANY_ARE; i++) {
        if (memcmp(got + i * LENGTH, ANSWER, LENGTH) != 0)
            ck_abort_msg("another answer");
    }
}

/* Far more is asked than the queue holds answers for. None is lost, neither of those that are the
 * memo's nor of the others. */
static void http_keeps_what_it_cannot_answer_yet(world *w)
{
    const char *rest;
    served s = served_open(w, "http");
    size_t asked = ask_until_full(&s, &rest) * MANY_ARE;
    ck_assert_uint_lt(counts_of(&s).requests, asked);
    for (size_t answered = 0; answered < asked; answered += MANY_ARE)
        expect_answers(&s);
    say(&s, rest);
    expect_answers(&s);
    ck_assert_uint_eq(counts_of(&s).requests, asked + MANY_ARE);
    served_close(&s);
}

static int rate_set(plx_loop *loop, plx_conn conn, void *data)
{
    const uint64_t *grace_ns = data;
    ck_ok(plx_conn_set_receive_rate(loop, conn, 1000, *grace_ns));
    return 0;
}

/* The parser consumes a request piece by piece, and tells the loop that there is one. */
static void http_tells_of_requests_that_arrive(world *w)
{
    uint64_t grace_ns = 500 * PLX_MILLISECOND; /* Time enough to send the rest. */
    size_t dropped;
    served s = served_open(w, "http");
    say(&s, GET);
    expect(&s, ANSWER);
    ck_ok(plx_loop_each_conn(w->loop, rate_set, &grace_ns));
    say(&s, GET "GET / HTTP/1.1\r\nHost: x\r\n");
    expect(&s, ANSWER);
    say(&s, "\r\n");
    expect(&s, ANSWER);
    for (uint64_t until = plx_loop_now(w->loop) + 2 * grace_ns; plx_loop_now(w->loop) < until;)
        turn(w); /* Between requests it may be silent. */
    say(&s, GET);
    expect(&s, ANSWER);
    ck_assert_uint_eq(counter(w, slow_peers), 0);
    say(&s, "GET / HTTP/1.1\r\n");
    turn_until_counter(w, slow_peers, 1);
    expect_reset(peer_drain(w, &s.client, &dropped));
    served_close(&s);
}

/* --- the others ------------------------------------------------------------------------------ */

static void echo_keeps_what_it_cannot_send_yet(world *w)
{
    enum { BYTES = 64 << 20, PIECE = 65536 };
    static unsigned char piece[PIECE];
    served s = served_open(w, "echo");
    size_t sent = 0;
    while (sent < BYTES) {
        pattern_fill(piece, PIECE, sent);
        ptrdiff_t taken = plx__socket_send(s.client.socket, piece, PIECE);
        bool is_paused = counter(w, read_pauses) > 0;
        if (taken < 0)
            ck_abort_msg("the server is gone");
        if (taken == 0 && is_paused)
            break;
        sent += (size_t)taken;
        if (!is_paused)
            turn(w);
    }
    ck_assert_uint_lt(sent, BYTES);
    for (size_t received = 0; received < sent;) {
        size_t length = sent - received < PIECE ? sent - received : PIECE;
        peer_receive(w, &s.client, piece, length);
        pattern_check(piece, length, received);
        received += length;
    }
    served_close(&s);
}

/* RFC 864: 95 printing characters, 72 in a line, each line starting one further. */
static void chargen_sends_its_lines(world *w)
{
    enum { LINE = 74, LINES = 190, TIMES = 200 };
    static char expected[LINES * LINE];
    static char received[sizeof expected];
    served s = served_open(w, "chargen");
    for (size_t i = 0; i < LINES; i++) {
        for (size_t column = 0; column < 72; column++)
            expected[i * LINE + column] = (char)(' ' + (i + column) % 95);
        memcpy(expected + i * LINE + 72, "\r\n", 2);
    }
    for (size_t i = 0; i < TIMES; i++) {
        peer_receive(w, &s.client, received, sizeof received);
        ck_assert_mem_eq(received, expected, sizeof expected);
    }
    ck_assert_uint_le(counter(w, queued_bytes_peak), 1 << 20);
    served_close(&s);
}

static void discard_takes_everything(world *w)
{
    static char bytes[1 << 20];
    served s = served_open(w, "discard");
    peer_send(w, &s.client, bytes, sizeof bytes);
    turn_until_counter(w, received_bytes, sizeof bytes);
    peer_shutdown(&s.client);
    expect_end(&s);
    served_close(&s);
}

static const test_case cases[] = {
    CASE(http_answers_plain_requests),
    CASE(http_tells_of_requests_that_arrive),
    CASE(http_answers_what_is_not_plain),
    CASE(http_refuses),
    CASE(http_refuses_what_is_too_long),
    CASE(http_permits_bodies),
    CASE(http_takes_requests_in_pieces),
    CASE(http_skips_large_bodies),
    CASE(http_keeps_what_it_cannot_answer_yet),
    CASE(echo_keeps_what_it_cannot_send_yet),
    CASE(chargen_sends_its_lines),
    CASE(discard_takes_everything),
    CASES_END,
};

int main(int argc, char **argv)
{
    static const test_case *const groups[] = {cases, NULL};
    return suite_main(argc, argv, groups, true);
}
