/* tests/tool_http.c - HTTP messages: what they mean, whole and in pieces, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tools/http.h"

extern const test_case tool_http_cases[];

/* What a parser reports of a message. */
typedef struct outcome {
    enum http_event event; /* The last one. */
    http_parser parser;
    size_t used;
    int heads;
} outcome;

/* Reads one message, of which at most `piece` bytes arrive at once. */
static outcome message_read(enum http_kind kind, const void *bytes, size_t length, size_t piece)
{
    outcome o = {.event = HTTP_MORE};
    http_parser_init(&o.parser, kind);
    while (o.event != HTTP_COMPLETE && o.event != HTTP_FAILED) {
        size_t used;
        size_t rest = length - o.used;
        size_t part = rest < piece ? rest : piece;
        o.event = http_parser_read(&o.parser, (const unsigned char *)bytes + o.used, part, &used);
        o.used += used;
        o.heads += o.event == HTTP_HEAD;
        ck_assert(o.event != HTTP_MORE || used == part);
        if (o.event == HTTP_MORE && o.used == length)
            break;
    }
    return o;
}

static outcome text_read(enum http_kind kind, const char *text)
{
    return message_read(kind, text, strlen(text), SIZE_MAX);
}

/* --- valid messages -------------------------------------------------------------------------- */

#define HOST "Host: a\r\n"

typedef struct sample {
    enum http_kind kind;
    const char *text; /* A message, */
    const char *rest; /* and what follows it. */
    unsigned status;  /* Of a reply. */
    enum http_framing framing;
    uint64_t body_bytes;
    bool keeps;
    bool ends_with_connection;
} sample;

#define CHUNK      "1\r\nx\r\n"
#define TEN_CHUNKS CHUNK CHUNK CHUNK CHUNK CHUNK CHUNK CHUNK CHUNK CHUNK CHUNK

#define REQUEST(text)            HTTP_REQUEST, text, "GET / HTTP/1.1\r\n", 0
#define REPLY(text, status)      HTTP_REPLY, text, "HTTP/1.1 200 OK\r\n", status
#define LAST_REPLY(text, status) HTTP_REPLY, text, "", status

static const sample samples[] = {
    {REQUEST("GET / HTTP/1.1\r\n" HOST "\r\n"), HTTP_NO_BODY, 0, true, false},
    {REQUEST("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), HTTP_NO_BODY, 0, true, false},
    {REQUEST("GET / HTTP/1.9\r\nhOST:\t a:1 \t\r\nX:\r\n!#$: \x80\xff\t\"x\r\n\r\n"), HTTP_NO_BODY,
     0, true, false},
    {REQUEST("GET /?a=b&c HTTP/1.1\r\nHost:\r\nCookie: a=b;\r\n\r\n"), HTTP_NO_BODY, 0, true,
     false},
    {REQUEST("GET / HTTP/1.0\r\n\r\n"), HTTP_NO_BODY, 0, false, false},
    {REQUEST("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n"), HTTP_NO_BODY, 0, true, false},
    {REQUEST("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), HTTP_NO_BODY, 0, false,
     false},
    {REQUEST("GET / HTTP/1.1\r\n" HOST "Connection: ,, CLOSE ,\r\n\r\n"), HTTP_NO_BODY, 0, false,
     false},
    {REQUEST("GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n"
             "Connection: disclose, close-not, clos\r\nConnectio: close\r\nConnections: close\r\n"
             "\r\n"),
     HTTP_NO_BODY, 0, true, false},
    {REQUEST("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nHello"), HTTP_LENGTH, 5, true,
     false},
    {REQUEST("POST / HTTP/1.1\r\nContent-Length:  0005\t\r\n" HOST "\r\n\r\n\r\nx"), HTTP_LENGTH, 5,
     true, false},
    {REQUEST("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), HTTP_LENGTH, 0, true, false},
    {REQUEST("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx"), HTTP_LENGTH, 1, false, false},
    {REQUEST("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
             "5\r\nHello\r\n1a \t;x=\"y\"\r\nabcdefghijklmnopqrstuvwxyz\r\n000;\r\n"
             "Content-Length: 9\r\nTransfer-Encoding: x\r\n\r\n"),
     HTTP_CHUNKED, 31, true, false},
    {REQUEST("PUT / HTTP/1.1\r\nTransfer-encoding: , CHUNKED ,\r\n" HOST "\r\n0\r\n\r\n"),
     HTTP_CHUNKED, 0, true, false},
    {REQUEST("PUT / HTTP/1.1\r\nTransfer-encoding:chunked\r\n" HOST "\r\n" TEN_CHUNKS TEN_CHUNKS
             "0\r\n\r\n"),
     HTTP_CHUNKED, 20, true, false},
    {REQUEST("PUT / HTTP/1.1\r\nContent-Length:1 \r\nHost:a\r\n\r\nx"), HTTP_LENGTH, 1, true,
     false},
    {REQUEST("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), HTTP_NO_BODY, 0, true, false},
    {REQUEST("GET http://a/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), HTTP_NO_BODY, 0, true, false},
    {REPLY("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200), HTTP_LENGTH, 2, true, false},
    {REPLY("HTTP/1.1 200 \r\nContent-Length: 2\r\nHost: a\r\nHost: b c\r\n\r\nOK", 200),
     HTTP_LENGTH, 2, true, false},
    {REPLY("HTTP/1.1 200\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200), HTTP_LENGTH, 0,
     false, false},
    {REPLY("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200), HTTP_LENGTH, 2, false, false},
    {REPLY("HTTP/1.1 100 Continue\r\n\r\n", 100), HTTP_NO_BODY, 0, true, false},
    {REPLY("HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 7\r\n\r\n", 103), HTTP_NO_BODY,
     0, true, false},
    {REPLY("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204), HTTP_NO_BODY, 0, true,
     false},
    {REPLY("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304), HTTP_NO_BODY, 0,
     true, false},
    {HTTP_REPLY_TO_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 200 OK\r\n", 200,
     HTTP_NO_BODY, 0, true, false},
    {REPLY("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nF\r\nHTTP/1.1 200 OK\r\n"
           "0\r\nEnd: yes\r\n\r\n",
           200),
     HTTP_CHUNKED, 15, true, false},
    {LAST_REPLY("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 200),
     HTTP_UNTIL_CLOSE, 5, false, true},
    {LAST_REPLY("HTTP/1.1 200 OK\r\n\r\nHello", 200), HTTP_UNTIL_CLOSE, 5, false, true},
    {LAST_REPLY("HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\n\r\n", 404), HTTP_UNTIL_CLOSE,
     0, false, true},
};

#define SAMPLES (sizeof samples / sizeof samples[0])

/* What is wrong with the outcome, or NULL. */
static const char *sample_check(const sample *s, outcome *o)
{
    const http_parser *p = &o->parser;
    if (s->ends_with_connection) {
        if (o->event != HTTP_MORE)
            return "it ends before the connection";
        o->event = http_parser_end(&o->parser);
    }
    if (o->event != HTTP_COMPLETE)
        return o->event == HTTP_FAILED ? http_error_text(p->error) : "it does not end";
    if (o->used != strlen(s->text))
        return "it ends elsewhere";
    if (o->heads != 1)
        return "not one head";
    if (p->status != s->status || p->framing != s->framing || p->body_bytes != s->body_bytes)
        return "status, framing or length of the body";
    if (http_keeps_connection(p) != s->keeps)
        return "whether the connection is kept";
    return NULL;
}

/* Pieces of each size, and each place at which two pieces can meet. */
static void http_messages_mean_the_same_in_any_pieces(world *w)
{
    (void)w;
    for (size_t i = 0; i < SAMPLES; i++) {
        const sample *s = &samples[i];
        char text[512];
        int length = snprintf(text, sizeof text, "%s%s", s->text, s->rest);
        ck_assert_int_lt(length, (int)sizeof text);
        for (size_t piece = 1; piece <= (size_t)length; piece++) {
            outcome o = message_read(s->kind, text, (size_t)length, piece);
            const char *wrong = sample_check(s, &o);
            ck_assert_msg(wrong == NULL, "\"%s\" by %u bytes: %s", s->text, (unsigned)piece, wrong);
        }
        for (size_t cut = 0; cut <= strlen(s->text); cut++) {
            outcome o = {.event = HTTP_MORE};
            http_parser p;
            size_t used = 0, more = 0;
            http_parser_init(&p, s->kind);
            enum http_event event = http_parser_read(&p, (unsigned char *)text, cut, &used);
            ck_assert_int_ne((int)event, HTTP_FAILED);
            o.heads = event == HTTP_HEAD;
            do {
                o.event = http_parser_read(&p, (unsigned char *)text + used, (size_t)length - used,
                                           &more);
                used += more;
                o.heads += o.event == HTTP_HEAD;
            } while (o.event == HTTP_HEAD);
            o.parser = p;
            o.used = used;
            const char *wrong = sample_check(s, &o);
            ck_assert_msg(wrong == NULL, "\"%s\" cut at %u: %s", s->text, (unsigned)cut, wrong);
        }
    }
}

/* Whoever stops in the middle of a message has not sent one. */
static void http_messages_that_end_early_fail(world *w)
{
    (void)w;
    for (size_t i = 0; i < SAMPLES; i++) {
        const sample *s = &samples[i];
        size_t end = strlen(s->text);
        if (s->ends_with_connection)
            end = (size_t)(strstr(s->text, "\r\n\r\n") - s->text) + 4;
        for (size_t length = 0; length < end; length++) {
            outcome o = message_read(s->kind, s->text, length, SIZE_MAX);
            ck_assert_msg(o.event == HTTP_MORE, "\"%s\" ends after %u bytes", s->text,
                          (unsigned)length);
            ck_assert_int_eq((int)http_parser_end(&o.parser), HTTP_FAILED);
            ck_assert_int_eq((int)o.parser.error, HTTP_ENDED_EARLY);
        }
    }
}

static void http_methods_are_told_apart(world *w)
{
    static const struct {
        const char *text;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET},
        {"HEAD", HTTP_HEAD_METHOD},
        {"CONNECT", HTTP_CONNECT},
        {"POST", HTTP_KNOWN_METHOD},
        {"TRACE", HTTP_KNOWN_METHOD},
        {"get", HTTP_OTHER_METHOD},
        {"GETS", HTTP_OTHER_METHOD},
        {"GE", HTTP_OTHER_METHOD},
        {"a!#$%&'*+-.^_`|~9", HTTP_OTHER_METHOD},
        {"A-METHOD-THAT-IS-LONGER-THAN-ANY-WORD-THE-PARSER-KEEPS", HTTP_OTHER_METHOD},
    };
    (void)w;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s / HTTP/1.1\r\n" HOST "\r\n", methods[i].text);
        outcome o = text_read(HTTP_REQUEST, text);
        ck_assert_int_eq((int)o.event, HTTP_COMPLETE);
        ck_assert_int_eq((int)o.parser.method, (int)methods[i].method);
    }
}

static bool expects(const char *text)
{
    http_parser p;
    size_t used;
    http_parser_init(&p, HTTP_REQUEST);
    ck_assert_int_eq((int)http_parser_read(&p, (const unsigned char *)text, strlen(text), &used),
                     HTTP_HEAD);
    return http_expects_continue(&p);
}

/* Only a body that is yet to come is worth a permission (RFC 9110, 10.1.1). */
static void http_expectation_is_for_bodies(world *w)
{
    (void)w;
    ck_assert(
        expects("PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n"));
    ck_assert(expects("PUT / HTTP/1.1\r\n" HOST "EXPECT: x, 100-continue\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n"));
    ck_assert(!expects("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"));
    ck_assert(
        !expects("PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n"));
    ck_assert(!expects("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"));
    ck_assert(!expects("PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 200-continue\r\n"
                       "X-Expect: 100-continue\r\nExpec: 100-continue\r\n\r\n"));
}

/* --- messages that are refused --------------------------------------------------------------- */

typedef struct malformed {
    enum http_kind kind;
    enum http_error error;
    const char *text;
} malformed;

#define GET_WITH(fields)   "GET / HTTP/1.1\r\n" HOST fields "\r\n\r\n"
#define CHUNKS(body)       "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" body
#define REPLY_WITH(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n\r\n"

static const malformed malformed_messages[] = {
    /* Start lines. */
    {HTTP_REQUEST, HTTP_BAD_METHOD, "garbage\r\n"},
    {HTTP_REQUEST, HTTP_BAD_METHOD, " GET / HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_METHOD, "G@T / HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_METHOD, "\x16\x03\x01"},
    {HTTP_REQUEST, HTTP_BAD_METHOD, "\nGET / HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, "\rGET / HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET  / HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET /\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET /\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET /\tHTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET /\x80 HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "GET /#x HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_TARGET, "OPTIONS ** HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET /  HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / x HTTP/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / http/1.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / HTTP/x.1\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / HTTP/1.\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / HTTP/1.11\r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / HTTP/1.1 \r\n"},
    {HTTP_REQUEST, HTTP_BAD_VERSION, "GET / HTTP/1.1\n"},
    {HTTP_REQUEST, HTTP_OTHER_VERSION, "PRI * HTTP/2.0\r\n"},
    {HTTP_REQUEST, HTTP_OTHER_VERSION, "GET / HTTP/0.9\r\n"},
    {HTTP_REPLY, HTTP_BAD_VERSION, "\r\nHTTP/1.1 200 OK\r\n"},
    {HTTP_REPLY, HTTP_BAD_VERSION, "what is this"},
    {HTTP_REPLY, HTTP_BAD_VERSION, "HTTP/1.1\r\n"},
    {HTTP_REPLY, HTTP_BAD_STATUS, "HTTP/1.1 20\r\n"},
    {HTTP_REPLY, HTTP_BAD_STATUS, "HTTP/1.1 2000 OK\r\n"},
    {HTTP_REPLY, HTTP_BAD_STATUS, "HTTP/1.1 099 x\r\n"},
    {HTTP_REPLY, HTTP_BAD_STATUS, "HTTP/1.1 2xx x\r\n"},
    {HTTP_REPLY, HTTP_BAD_STATUS, "HTTP/1.1 200 O\x01K\r\n"},
    {HTTP_REPLY, HTTP_BAD_LINE_END, "HTTP/1.1 200 OK\n"},
    {HTTP_REPLY, HTTP_OTHER_VERSION, "HTTP/2 200\r\n"},
    /* Lines and fields. */
    {HTTP_REQUEST, HTTP_BAD_LINE_END, "GET / HTTP/1.1\rHost: a\r\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, "GET / HTTP/1.1\r\nHost: a\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, "GET / HTTP/1.1\r\nHost: a\r\n\rx"},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, GET_WITH("X: a\rContent-Length: 1")},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, GET_WITH("X: a\r\r\nContent-Length: 1")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_NAME, GET_WITH(": a")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_NAME, GET_WITH("colonless")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_NAME, GET_WITH("a(b): c")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_NAME, GET_WITH("a\x80: c")},
    {HTTP_REQUEST, HTTP_SPACE_BEFORE_COLON, GET_WITH("Content-Length : 1")},
    {HTTP_REQUEST, HTTP_SPACE_BEFORE_COLON, GET_WITH("Content-Length\t: 1")},
    {HTTP_REQUEST, HTTP_SPACE_BEFORE_COLON, GET_WITH("two words: 1")},
    {HTTP_REQUEST, HTTP_FOLDED_LINE, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {HTTP_REQUEST, HTTP_FOLDED_LINE, GET_WITH("X: a\r\n b")},
    {HTTP_REQUEST, HTTP_FOLDED_LINE, GET_WITH("Connection:\r\n\tclose")},
    {HTTP_REPLY, HTTP_FOLDED_LINE, REPLY_WITH("X: a\r\n b")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_VALUE, GET_WITH("X: \x01")},
    {HTTP_REQUEST, HTTP_BAD_FIELD_VALUE, GET_WITH("X: \x7f")},
    /* Host. */
    {HTTP_REQUEST, HTTP_NO_HOST, "GET / HTTP/1.1\r\n\r\n"},
    {HTTP_REQUEST, HTTP_NO_HOST, "GET / HTTP/1.1\r\nHos: a\r\nHosts: a\r\n\r\n"},
    {HTTP_REQUEST, HTTP_REPEATED_HOST, GET_WITH("hOST: a")},
    {HTTP_REQUEST, HTTP_REPEATED_HOST, "GET / HTTP/1.0\r\nHost:\r\nHost:\r\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_HOST, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_HOST, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_HOST, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
    {HTTP_REQUEST, HTTP_BAD_HOST, "GET / HTTP/1.1\r\nHost: a\x80\r\n\r\n"},
    /* Content-Length. */
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length:")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: \t ")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: x")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: +1")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: -1")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 0x1")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 1 1")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 1, 1")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 9223372036854775808")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 18446744073709551616")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, GET_WITH("Content-Length: 184467440737095516160")},
    {HTTP_REQUEST, HTTP_REPEATED_LENGTH, GET_WITH("Content-Length: 1\r\ncontent-length: 2")},
    {HTTP_REQUEST, HTTP_REPEATED_LENGTH, GET_WITH("Content-Length: 1\r\nContent-Length: 1")},
    {HTTP_REPLY, HTTP_REPEATED_LENGTH, REPLY_WITH("Content-Length: 1\r\nContent-Length: 2")},
    /* Transfer-Encoding. */
    {HTTP_REQUEST, HTTP_CODING_AND_LENGTH,
     GET_WITH("Content-Length: 1\r\nTransfer-Encoding: chunked")},
    {HTTP_REQUEST, HTTP_CODING_AND_LENGTH,
     GET_WITH("Transfer-Encoding: chunked\r\nContent-Length: 0")},
    {HTTP_REPLY, HTTP_CODING_AND_LENGTH,
     REPLY_WITH("Transfer-Encoding: chunked\r\nContent-Length: 1")},
    {HTTP_REPLY, HTTP_CODING_AND_LENGTH,
     REPLY_WITH("Transfer-Encoding: gzip\r\nContent-Length: 1")},
    {HTTP_REQUEST, HTTP_CODING_IN_1_0, "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {HTTP_REPLY, HTTP_CODING_IN_1_0, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {HTTP_REQUEST, HTTP_OTHER_CODING, GET_WITH("Transfer-Encoding: identity")},
    {HTTP_REQUEST, HTTP_OTHER_CODING, GET_WITH("Transfer-Encoding: gzip, chunked")},
    {HTTP_REQUEST, HTTP_OTHER_CODING, GET_WITH("Transfer-Encoding: xchunked")},
    {HTTP_REQUEST, HTTP_OTHER_CODING, GET_WITH("Transfer-Encoding: chunked;x=1")},
    {HTTP_REQUEST, HTTP_OTHER_CODING, GET_WITH("Transfer-Encoding: chun ked")},
    {HTTP_REQUEST, HTTP_OTHER_CODING,
     GET_WITH("Transfer-Encoding: a-coding-that-is-longer-than-any-word, chunked")},
    {HTTP_REQUEST, HTTP_BAD_CODING, GET_WITH("Transfer-Encoding: chunked, chunked")},
    {HTTP_REQUEST, HTTP_BAD_CODING, GET_WITH("Transfer-Encoding: chunked, identity")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     GET_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
    {HTTP_REQUEST, HTTP_BAD_CODING, GET_WITH("Transfer-Encoding:")},
    {HTTP_REQUEST, HTTP_BAD_CODING, GET_WITH("Transfer-Encoding: , ,")},
    {HTTP_REPLY, HTTP_BAD_CODING, REPLY_WITH("Transfer-Encoding: chunked, gzip")},
    {HTTP_REPLY, HTTP_BAD_CODING, REPLY_WITH("Transfer-Encoding: x;y=\", chunked, \"")},
    /* Chunks. */
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("g\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("-1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("0x1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS(" 1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("1 \r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("1 1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS(";x\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("1\nx\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("8000000000000000\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("10000000000000001\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("00000000000000001\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, CHUNKS("1\rx\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, CHUNKS("1;x\nx\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_EXTENSION, CHUNKS("1;\x01\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_SIZE, CHUNKS("1\r\nx\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_END, CHUNKS("1\r\nxx\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_END, CHUNKS("1\r\nxx\n0\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_END, CHUNKS("1\r\nx\n0\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK_END, CHUNKS("1\r\nx\r0\r\n")},
    {HTTP_REQUEST, HTTP_FOLDED_LINE, CHUNKS("0\r\n a: b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_SPACE_BEFORE_COLON, CHUNKS("0\r\na : b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LINE_END, CHUNKS("0\r\n\n")},
};

#define MALFORMED (sizeof malformed_messages / sizeof malformed_messages[0])

/* The error and the byte at which it is found do not depend on the pieces; and it stays. */
static void http_malformed_messages_are_refused(world *w)
{
    (void)w;
    for (size_t i = 0; i < MALFORMED; i++) {
        const malformed *m = &malformed_messages[i];
        size_t length = strlen(m->text);
        size_t found_at = 0;
        for (size_t piece = length; piece >= 1; piece--) {
            outcome o = message_read(m->kind, m->text, length, piece);
            size_t used;
            ck_assert_msg(o.event == HTTP_FAILED, "\"%s\" is accepted", m->text);
            ck_assert_msg(o.parser.error == m->error, "\"%s\": %s, not %s", m->text,
                          http_error_text(o.parser.error), http_error_text(m->error));
            ck_assert(piece == length || o.used == found_at);
            found_at = o.used;
            ck_assert_int_eq(
                (int)http_parser_read(&o.parser, (const unsigned char *)"GET ", 4, &used),
                HTTP_FAILED);
            ck_assert_uint_eq(used, 0);
            ck_assert_int_eq((int)http_parser_end(&o.parser), HTTP_FAILED);
            ck_assert_int_eq((int)o.parser.error, (int)m->error);
        }
    }
}

/* Each of the 256 bytes in a field's name and value, which zero bytes and all controls end. */
static void http_bytes_of_fields_are_checked(world *w)
{
    static const char valid_in_names[] = "!#$%&'*+-.^_`|~";
    (void)w;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = "GET / HTTP/1.1\r\n" HOST "X?x: a?b\r\n\r\n";
        char *in_name = strchr(text, '?');
        char *in_value = strrchr(text, '?');
        bool is_alphanumeric = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                               (byte >= '0' && byte <= '9');
        bool is_token = is_alphanumeric || (byte != 0 && strchr(valid_in_names, byte) != NULL);
        *in_name = (char)byte;
        *in_value = ' ';
        outcome o = message_read(HTTP_REQUEST, text, sizeof text - 1, SIZE_MAX);
        /* A colon ends the name, and the rest is the value. */
        ck_assert_int_eq((int)o.event, is_token || byte == ':' ? HTTP_COMPLETE : HTTP_FAILED);
        *in_name = 'x';
        *in_value = (char)byte;
        o = message_read(HTTP_REQUEST, text, sizeof text - 1, SIZE_MAX);
        bool is_text = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        ck_assert_int_eq((int)o.event, is_text ? HTTP_COMPLETE : HTTP_FAILED);
    }
}

/* --- bounds ---------------------------------------------------------------------------------- */

/* A head of so many bytes, of which the filler takes what the rest leaves. */
static size_t head_make(char *text, const char *start, const char *end, size_t length)
{
    size_t start_length = strlen(start);
    size_t end_length = strlen(end);
    memset(text, 'a', length);
    memcpy(text, start, start_length);
    memcpy(text + length - end_length, end, end_length);
    return length;
}

static void bound_check(const char *start, const char *end, size_t max, enum http_error error)
{
    static char text[HTTP_HEAD_MAX + 1024];
    ck_assert_uint_lt(max + 1, sizeof text);
    size_t length = head_make(text, start, end, max);
    outcome o = message_read(HTTP_REQUEST, text, length, SIZE_MAX);
    ck_assert_msg(o.event == HTTP_COMPLETE, "%s", http_error_text(o.parser.error));
    length = head_make(text, start, end, max + 1);
    o = message_read(HTTP_REQUEST, text, length, SIZE_MAX);
    ck_assert_int_eq((int)o.event, HTTP_FAILED);
    ck_assert_int_eq((int)o.parser.error, (int)error);
}

static void http_heads_and_chunk_lines_are_bounded(world *w)
{
    static char endless[HTTP_HEAD_MAX + 1];
    static const char chunked[] = CHUNKS("");
    (void)w;
    bound_check("GET / HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n", HTTP_HEAD_MAX, HTTP_HEAD_TOO_LONG);
    bound_check("GET / HTTP/1.1\r\n" HOST "x", ":\r\n\r\n", HTTP_HEAD_MAX, HTTP_HEAD_TOO_LONG);
    bound_check("", " / HTTP/1.1\r\n" HOST "\r\n", HTTP_HEAD_MAX, HTTP_HEAD_TOO_LONG);
    bound_check(CHUNKS("0\r\nX: "), "\r\n\r\n", sizeof chunked - 1 + 3 + HTTP_HEAD_MAX,
                HTTP_HEAD_TOO_LONG);
    bound_check(CHUNKS("0;"), "\r\n\r\n", sizeof chunked - 1 + 2 + HTTP_CHUNK_LINE_MAX,
                HTTP_CHUNK_LINE_TOO_LONG);
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "GET /", 5);
    outcome o = message_read(HTTP_REQUEST, endless, sizeof endless, 1);
    ck_assert_int_eq((int)o.parser.error, HTTP_TARGET_TOO_LONG);
    for (size_t i = 0; i < sizeof endless; i++)
        endless[i] = i % 2 == 0 ? '\r' : '\n';
    o = message_read(HTTP_REQUEST, endless, sizeof endless, SIZE_MAX);
    ck_assert_int_eq((int)o.parser.error, HTTP_HEAD_TOO_LONG);
}

/* The largest sizes are counted down exactly, though nobody waits for their last byte. */
static void http_largest_bodies_do_not_overflow(world *w)
{
    static const char *const texts[] = {
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\nbody",
        CHUNKS("7fffffffffffffff\r\nbody"),
    };
    (void)w;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        outcome o = text_read(HTTP_REQUEST, texts[i]);
        ck_assert_int_eq((int)o.event, HTTP_MORE);
        ck_assert_uint_eq(o.parser.body_bytes, 4);
        ck_assert_uint_eq(o.parser.content, HTTP_LENGTH_MAX - 4);
    }
}

/* --- words ----------------------------------------------------------------------------------- */

static void http_errors_have_words_and_a_status(world *w)
{
    (void)w;
    ck_assert_str_eq(http_error_text(HTTP_OK), "");
    for (int error = HTTP_OK + 1; error < HTTP_ERRORS; error++) {
        const char *status = http_error_status((enum http_error)error);
        ck_assert_uint_gt(strlen(http_error_text((enum http_error)error)), 0);
        ck_assert(status[0] == '4' || status[0] == '5');
    }
    ck_assert_str_eq(http_error_status(HTTP_TARGET_TOO_LONG), "414 URI Too Long");
    ck_assert_str_eq(http_error_status(HTTP_OTHER_VERSION), "505 HTTP Version Not Supported");
}

const test_case tool_http_cases[] = {
    CASE(http_messages_mean_the_same_in_any_pieces),
    CASE(http_messages_that_end_early_fail),
    CASE(http_methods_are_told_apart),
    CASE(http_expectation_is_for_bodies),
    CASE(http_malformed_messages_are_refused),
    CASE(http_bytes_of_fields_are_checked),
    CASE(http_heads_and_chunk_lines_are_bounded),
    CASE(http_largest_bodies_do_not_overflow),
    CASE(http_errors_have_words_and_a_status),
    CASES_END,
};
