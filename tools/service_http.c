/* tools/service_http.c - answers every HTTP/1 request with the same small page.
 *
 * Requests are parsed by http_parser. A benchmark sends the same few bytes millions of times,
 * though, and parsing them would cost more than all the rest of the way through the loop. So the
 * server remembers the bytes of the last request that turned out to be a plain one: a whole GET of
 * HTTP/1.1, without a body, that keeps the connection. Bytes that are the same, from first to last,
 * mean the same and get the same answer. It is a memo of the parser's verdict and nothing else:
 * whatever differs in one bit goes through the parser.
 *
 * What a connection's callbacks get as data is a peer: while the connection stands between two
 * requests it is one that all share, in the middle of one it has its own, with the parser's state.
 */
#include "tools/service.h"

#include <stdio.h>
#include <string.h>

#include <http_parser.h>

#include "platform/platform.h"

#define PAGE      "Hello, World!"
#define MEMO_MAX  1024u
#define SEND_HIGH 262144u

/* What a plain request gets. answer_write() writes the same, with more cases. */
static const char plain_answer[] = "HTTP/1.1 200 OK\r\n"
                                   "Content-Length: 13\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "\r\n" PAGE;

typedef struct http_server http_server;

typedef struct http_peer {
    size_t memo_length; /* Of the memo; 0 in all peers but `between`, and there if there is none. */
    http_server *server;
} http_peer;

struct http_server {
    http_peer between; /* Of all connections from which a request may begin. Stands first. */
    uint64_t requests;
    plx_loop *loop;
    unsigned char memo[MEMO_MAX];
    uint64_t refused;
    http_peer over; /* Of all that were told that they have had their last answer. */
};

_Static_assert(offsetof(http_server, between) == 0, "a pointer to the one is one to the other");

/* A request on its way through the parser. */
typedef struct http_request {
    http_parser parser;
    const char *expected;    /* What is left of the header name that is compared, or NULL. */
    bool is_name;            /* The last piece of a header was one of its name. */
    bool expects_permission; /* It has an "Expect" header. */
    bool wants_permission;   /* That has to be answered now. */
    bool is_complete;
    bool is_first; /* It began with the bytes at hand, not with earlier ones. */
} http_request;

/* The peer of a connection that has sent a part of a request. */
typedef struct http_partial {
    http_peer peer;
    http_request request;
} http_partial;

/* --- answers --------------------------------------------------------------------------------- */

/* The queue is looked at before each request, and has more room above its high watermark than an
 * answer takes. So when this fails memory does, or the connection has. */
static bool text_write(plx_loop *loop, plx_conn conn, const char *text, size_t length)
{
    if (plx_conn_write(loop, conn, text, length) == 0)
        return true;
    (void)plx_conn_close(loop, conn);
    return false;
}

static void answer_write(plx_loop *loop, plx_conn conn, const http_parser *parser)
{
    char text[256];
    const char *connection = "";
    if (!http_should_keep_alive(parser))
        connection = "Connection: close\r\n";
    else if (parser->http_major == 1 && parser->http_minor == 0)
        connection = "Connection: keep-alive\r\n";
    if (connection[0] == '\0' && parser->method != HTTP_HEAD) {
        (void)text_write(loop, conn, plain_answer, sizeof plain_answer - 1);
        return;
    }
    int length =
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\n"
                 "Content-Length: %d\r\n"
                 "Content-Type: text/plain\r\n"
                 "%s\r\n%s",
                 (int)(sizeof PAGE - 1), connection, parser->method == HTTP_HEAD ? "" : PAGE);
    (void)text_write(loop, conn, text, (size_t)length);
}

/* It has had its last answer: sending ends, and what it still says is not looked at. */
static void conn_finish(plx_loop *loop, plx_conn conn, http_server *server)
{
    (void)plx_conn_set_data(loop, conn, &server->over);
    (void)plx_conn_shutdown(loop, conn);
}

static void refusal_write(plx_loop *loop, plx_conn conn, http_server *server, const char *status)
{
    char text[256];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %s\r\n"
                          "Content-Length: 0\r\n"
                          "Connection: close\r\n\r\n",
                          status);
    server->refused++;
    if (text_write(loop, conn, text, (size_t)length))
        conn_finish(loop, conn, server);
}

/* --- parsing --------------------------------------------------------------------------------- */

static http_request *request_of(const http_parser *parser)
{
    return parser->data;
}

/* Header names may come in pieces, between which the parser may have seen the end of the bytes at
 * hand; so "expect" is followed letter by letter. */
static int on_header_field(http_parser *parser, const char *at, size_t length)
{
    http_request *request = request_of(parser);
    if (!request->is_name)
        request->expected = "expect";
    request->is_name = true;
    for (; length > 0 && request->expected != NULL; at++, length--) {
        bool is_same = *request->expected != '\0' && (*at | 0x20) == *request->expected;
        request->expected = is_same ? request->expected + 1 : NULL;
    }
    return 0;
}

static int on_header_value(http_parser *parser, const char *at, size_t length)
{
    http_request *request = request_of(parser);
    (void)at;
    (void)length;
    if (request->is_name && request->expected != NULL && *request->expected == '\0')
        request->expects_permission = true;
    request->is_name = false;
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    http_request *request = request_of(parser);
    /* Nothing is upgraded to here, and ignoring the wish is how to say so (RFC 9110, 7.8). */
    if (parser->method != HTTP_CONNECT)
        parser->upgrade = 0;
    if (request->expects_permission && parser->http_major == 1 && parser->http_minor >= 1) {
        request->wants_permission = true;
        http_parser_pause(parser, 1);
    }
    return 0;
}

/* One request at a time, because each is answered before the next one is looked at. */
static int on_message_complete(http_parser *parser)
{
    request_of(parser)->is_complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

static void request_init(http_request *request)
{
    *request = (http_request){.is_first = true};
    http_parser_init(&request->parser, HTTP_REQUEST);
}

/* Feeds the parser up to the end of the request, or of the bytes. Returns how many it took. */
static size_t request_parse(http_request *request, const unsigned char *bytes, size_t length)
{
    static const http_parser_settings settings = {
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
        .on_message_complete = on_message_complete,
    };
    request->parser.data = request; /* It may have moved since. */
    http_parser_pause(&request->parser, 0);
    return http_parser_execute(&request->parser, &settings, (const char *)bytes, length);
}

/* --- requests -------------------------------------------------------------------------------- */

static http_partial *partial_of(http_peer *peer)
{
    bool is_shared = peer == &peer->server->between || peer == &peer->server->over;
    return is_shared ? NULL : (http_partial *)(void *)peer;
}

/* The bytes end in the middle of the request: it goes on with the next ones. */
static void partial_keep(plx_loop *loop, plx_conn conn, http_server *server,
                         const http_request *request)
{
    http_partial *partial = plx__allocate(sizeof *partial);
    if (partial == NULL) {
        (void)plx_conn_close(loop, conn);
        return;
    }
    partial->peer = (http_peer){.memo_length = 0, .server = server};
    partial->request = *request;
    partial->request.is_first = false;
    if (plx_conn_set_data(loop, conn, partial) != 0)
        plx__free(partial);
}

/* Takes the request in whose middle the connection is, or begins one. */
static void request_take(plx_loop *loop, plx_conn conn, http_peer *peer, http_request *request)
{
    http_partial *partial = partial_of(peer);
    if (partial == NULL) {
        request_init(request);
        return;
    }
    *request = partial->request;
    (void)plx_conn_set_data(loop, conn, &peer->server->between);
    plx__free(partial);
}

static void memo_learn(http_server *server, const http_request *request, const unsigned char *bytes,
                       size_t length)
{
    const http_parser *parser = &request->parser;
    /* The parser has no length for a request without a body. */
    bool has_body = (parser->flags & (F_CHUNKED | F_CONTENTLENGTH)) != 0;
    if (!request->is_first || request->expects_permission || length > MEMO_MAX ||
        parser->method != HTTP_GET || has_body || parser->http_major != 1 ||
        parser->http_minor != 1 || !http_should_keep_alive(parser))
        return;
    memcpy(server->memo, bytes, length);
    server->between.memo_length = length;
}

static void request_answer(plx_loop *loop, plx_conn conn, http_server *server,
                           const http_request *request)
{
    if (request->parser.method == HTTP_CONNECT) {
        refusal_write(loop, conn, server, "501 Not Implemented");
        return;
    }
    server->requests++;
    answer_write(loop, conn, &request->parser);
    if (!http_should_keep_alive(&request->parser))
        conn_finish(loop, conn, server);
}

static const char *refusal_of(const http_request *request)
{
    switch (HTTP_PARSER_ERRNO(&request->parser)) {
    case HPE_OK:
    case HPE_PAUSED:
        return NULL;
    case HPE_HEADER_OVERFLOW:
        return "431 Request Header Fields Too Large";
    default:
        return "400 Bad Request";
    }
}

/* Goes on with a request at the first of these bytes. Returns how many belong to it. */
static size_t request_read(plx_loop *loop, plx_conn conn, http_peer *peer,
                           const unsigned char *bytes, size_t length)
{
    static const char permission[] = "HTTP/1.1 100 Continue\r\n\r\n";
    http_server *server = peer->server;
    http_request request;
    request_take(loop, conn, peer, &request);
    size_t used = request_parse(&request, bytes, length);
    if (request.wants_permission) {
        request.wants_permission = false;
        if (text_write(loop, conn, permission, sizeof permission - 1))
            used += request_parse(&request, bytes + used, length - used);
    }
    const char *refusal = refusal_of(&request);
    if (refusal != NULL) {
        refusal_write(loop, conn, server, refusal);
        return length;
    }
    if (!request.is_complete) {
        partial_keep(loop, conn, server, &request);
        return used;
    }
    memo_learn(server, &request, bytes, used);
    request_answer(loop, conn, server, &request);
    return used;
}

/* Whether a request that is the memo's begins at these bytes. It is a whole one, so what follows it
 * is the next. */
static bool memo_matches(const http_peer *peer, const unsigned char *bytes, size_t length)
{
    return peer->memo_length > 0 && length >= peer->memo_length &&
           memcmp(bytes, peer->server->memo, peer->memo_length) == 0;
}

/* Everything but the one request that is the memo's. */
PLX__SLOW static size_t http_read(plx_loop *loop, plx_conn conn, const unsigned char *bytes,
                                  size_t length)
{
    size_t used = 0;
    /* While the queue is high the rest is not consumed, and shown again when it has drained. */
    while (used < length && plx_conn_queued(loop, conn) <= SEND_HIGH) {
        http_peer *peer = plx_conn_data(loop, conn);
        if (peer == NULL || peer == &peer->server->over)
            return length; /* It has closed, or has had its last answer. */
        if (memo_matches(peer, bytes + used, length - used)) {
            used += peer->memo_length;
            peer->server->requests++;
            (void)text_write(loop, conn, plain_answer, sizeof plain_answer - 1);
        } else {
            used += request_read(loop, conn, peer, bytes + used, length - used);
        }
    }
    return used;
}

/* It could not be answered. If that is for a full queue it is shown again when that has drained,
 * and counts then; if the connection has failed it goes with that. */
PLX__SLOW static size_t memo_wait(http_server *server)
{
    server->requests--;
    return 0;
}

/* As many bytes as the memo has, and others. */
PLX__SLOW static size_t memo_miss(http_server *server, plx_conn conn, const void *bytes)
{
    return http_read(server->loop, conn, bytes, server->between.memo_length);
}

/* Every instruction here is paid for by each request; see the head of this file. What is needed
 * behind memcmp() or the write has to be saved and put back, which takes three of them. So the loop
 * and the length come from the server then, where they are the same; and the request is counted
 * before it is sure that it can be answered. */
static size_t http_on_data(plx_loop *loop, plx_conn conn, void *data, const void *bytes,
                           size_t length)
{
    const http_peer *peer = data;
    http_server *server = data; /* It is `between`'s, for no other has a length that bytes have. */
    if (length != peer->memo_length)
        return http_read(loop, conn, bytes, length);
    if (memcmp(bytes, server->memo, length) != 0)
        return memo_miss(server, conn, bytes);
    server->requests++;
    if (plx_conn_write(server->loop, conn, plain_answer, sizeof plain_answer - 1) != 0)
        return memo_wait(server);
    return server->between.memo_length;
}

static void http_on_close(plx_loop *loop, plx_conn conn, void *data, int reason)
{
    (void)loop;
    (void)conn;
    (void)reason;
    plx__free(partial_of(data));
}

/* --- the service ----------------------------------------------------------------------------- */

static int http_open(void **state_out, plx_loop *loop, plx_conn_options *options)
{
    http_server *server = plx__allocate_zeroed(1, sizeof *server);
    if (server == NULL)
        return PLX_ENOMEM;
    server->loop = loop;
    server->between.server = server;
    server->over.server = server;
    options->on_data = http_on_data;
    options->on_close = http_on_close;
    options->data = &server->between;
    options->send_high = SEND_HIGH;
    *state_out = server;
    return 0;
}

static void http_counts(const void *state, service_counts *counts_out)
{
    const http_server *server = state;
    *counts_out = (service_counts){.requests = server->requests, .refused = server->refused};
}

static void http_close(void *state)
{
    plx__free(state);
}

const service service_http = {
    .name = "http",
    .has_requests = true,
    .idle_timeout_ns = 60 * PLX_SECOND,
    .open = http_open,
    .counts = http_counts,
    .close = http_close,
};
