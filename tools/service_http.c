/* tools/service_http.c - answers every HTTP/1 request with the same small page.
 *
 * tools/http.h parses the requests. A benchmark sends the same few bytes millions of times, though,
 * and parsing them would cost more than all the rest of the path through the loop. So the server
 * remembers the bytes of the last plain request: a whole GET of HTTP/1.1, without a body, that
 * keeps the connection. Bytes that are equal, from first to last, mean the same and get the same
 * answer. The memo caches the parser's result and nothing else: a request that differs in one bit
 * is parsed.
 *
 * A connection's data is a peer: all connections that are between two requests share one; a
 * connection in the middle of a request has its own, with the parser's state. Those that have sent
 * nothing yet share another one.
 */
#include "tools/service.h"

#include <string.h>

#include "platform/platform.h"
#include "tools/http_answer.h"
#include "tools/service_socket.h"

#define MEMO_MAX  1024u
#define SEND_HIGH 262144u
/* How long a server that drains waits for the first request of a connection. */
#define FRESH_WAIT_NS PLX_SECOND

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
    uint64_t block_ns;       /* The thread sleeps for so long before it answers; 0: it does not. */
    bool is_draining;        /* Each answer is the last of its connection. */
    http_peer over;          /* Of all that were told that they have had their last answer. */
    http_peer fresh;         /* Of all that have sent nothing. */
    uint64_t fresh_until_ns; /* Draining, it waits until then for their first request. */
};

_Static_assert(offsetof(http_server, between) == 0, "a pointer to the one is one to the other");

/* A request that is being parsed. */
typedef struct http_request {
    http_parser parser;
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

/* Whether another request may follow on the connection. */
static bool is_kept(const http_server *server, const http_parser *parser)
{
    return !server->is_draining && http_keeps_connection(parser);
}

static void answer_write(plx_loop *loop, plx_conn conn, const http_server *server,
                         const http_parser *parser)
{
    char text[HTTP_ANSWER_MAX];
    size_t length = http_answer_write(text, parser, is_kept(server, parser));
    (void)text_write(loop, conn, text, length);
}

/* It has had its last answer: sending ends, and what it still says is not looked at. */
static void conn_finish(plx_loop *loop, plx_conn conn, http_server *server)
{
    (void)plx_conn_set_data(loop, conn, &server->over);
    (void)plx_conn_shutdown(loop, conn);
}

static void refusal_write(plx_loop *loop, plx_conn conn, http_server *server, const char *status)
{
    char text[HTTP_ANSWER_MAX];
    size_t length = http_refusal_write(text, status);
    server->refused++;
    if (text_write(loop, conn, text, length))
        conn_finish(loop, conn, server);
}

/* --- requests -------------------------------------------------------------------------------- */

static http_partial *partial_of(http_peer *peer)
{
    const http_server *server = peer->server;
    bool is_shared = peer == &server->between || peer == &server->over || peer == &server->fresh;
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
    else if (request->is_first)
        (void)plx_conn_set_in_message(loop, conn, 1);
}

/* Takes the request in whose middle the connection is, or begins one. */
static void request_take(plx_loop *loop, plx_conn conn, http_peer *peer, http_request *request)
{
    http_partial *partial = partial_of(peer);
    if (partial == NULL) {
        request->is_first = true;
        http_parser_init(&request->parser, HTTP_REQUEST);
        if (peer == &peer->server->fresh)
            (void)plx_conn_set_data(loop, conn, &peer->server->between);
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
    if (!request->is_first || length > MEMO_MAX || parser->method != HTTP_GET ||
        parser->framing != HTTP_NO_BODY || parser->minor != 1 || !is_kept(server, parser))
        return;
    if (server->block_ns > 0)
        return; /* What is answered from the memo does not block. */
    memcpy(server->memo, bytes, length);
    server->between.memo_length = length;
}

static void request_answer(plx_loop *loop, plx_conn conn, http_server *server,
                           const http_request *request)
{
    const char *refusal = http_refusal_of(&request->parser);
    if (refusal != NULL) {
        refusal_write(loop, conn, server, refusal);
        return;
    }
    server->requests++;
    if (server->block_ns > 0)
        plx__sleep(server->block_ns);
    answer_write(loop, conn, server, &request->parser);
    if (!is_kept(server, &request->parser))
        conn_finish(loop, conn, server);
}

/* Parses up to the end of the request, or of the bytes. A client that waits for the permission to
 * send its body gets it. */
static enum http_event request_parse(plx_loop *loop, plx_conn conn, http_parser *parser,
                                     const unsigned char *bytes, size_t length, size_t *used_out)
{
    static const char permission[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t used_after = 0;
    enum http_event event = http_parser_read(parser, bytes, length, used_out);
    if (event != HTTP_HEAD)
        return event;
    if (http_expects_continue(parser) && !text_write(loop, conn, permission, sizeof permission - 1))
        return HTTP_MORE;
    event = http_parser_read(parser, bytes + *used_out, length - *used_out, &used_after);
    *used_out += used_after;
    return event;
}

/* Continues a request with the first of these bytes. Returns how many belong to it. */
static size_t request_read(plx_loop *loop, plx_conn conn, http_peer *peer,
                           const unsigned char *bytes, size_t length)
{
    http_server *server = peer->server;
    http_request request;
    size_t used;
    request_take(loop, conn, peer, &request);
    switch (request_parse(loop, conn, &request.parser, bytes, length, &used)) {
    case HTTP_COMPLETE:
        if (!request.is_first)
            (void)plx_conn_set_in_message(loop, conn, 0);
        memo_learn(server, &request, bytes, used);
        request_answer(loop, conn, server, &request);
        return used;
    case HTTP_FAILED:
        refusal_write(loop, conn, server, http_error_status(request.parser.error));
        return length;
    default:
        partial_keep(loop, conn, server, &request);
        return used;
    }
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
            (void)text_write(loop, conn, http_plain_answer, http_plain_answer_length);
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
    if (plx_conn_write(server->loop, conn, http_plain_answer, http_plain_answer_length) != 0)
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

static void http_on_open(plx_loop *loop, plx_conn conn, void *data)
{
    http_server *server = plx_loop_data(loop);
    (void)data;
    (void)plx_conn_set_data(loop, conn, &server->fresh);
}

/* One between two requests waits for nothing: its client knows that the server may close it then,
 * and asks elsewhere (RFC 9112, section 9.5). One that has just been accepted has a request on its
 * way that would be lost. Any other gets its answer, and is told that it is the last. */
static int http_on_draining(plx_loop *loop, plx_conn conn, void *data)
{
    http_server *server = plx_loop_data(loop);
    if (!server->is_draining)
        server->fresh_until_ns = plx_loop_now(loop) + FRESH_WAIT_NS;
    server->is_draining = true;
    if (data == &server->fresh && plx_loop_now(loop) >= server->fresh_until_ns)
        return 0;
    server->between.memo_length = 0; /* Its answer lets the connection live. */
    return data != &server->between || plx_conn_unconsumed(loop, conn) > 0;
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
    server->fresh.server = server;
    plx_loop_set_data(loop, server);
    options->on_open = http_on_open;
    options->on_data = http_on_data;
    options->on_close = http_on_close;
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

static void http_block(void *state, uint64_t block_ns)
{
    http_server *server = state;
    server->block_ns = block_ns;
}

const service service_http = {
    .name = "http",
    .has_requests = true,
    .idle_timeout_ns = 60 * PLX_SECOND,
    .on_draining = http_on_draining,
    .open = http_open,
    .counts = http_counts,
    .close = http_close,
    .serve = service_http_serve,
    .block = http_block,
};
