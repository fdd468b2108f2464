/* tests/fuzz_http.c - streams of HTTP messages, valid and damaged, for the parser of the tool.
 *
 *   fuzz_http [--seed N] [--seconds S]
 *
 * Each round assembles a stream out of pieces of messages, damages it or not, and parses it three
 * times: at once, byte by byte, and in pieces of random sizes, each in memory of exactly its size.
 * All three must report the same events at the same bytes. Whatever is accepted must hold what the
 * parser promises; this program looks for that in the bytes themselves, line by line, without the
 * parser. The seed is printed, and replays the rounds.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "tests/chance.h"
#include "tools/http.h"

enum { STREAM_MAX = 8192, EVENTS_MAX = 512, ROUNDS_MIN = 4000 };

uint64_t chance_state = 1;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            stream_print();                                                                        \
            fprintf(stderr, "fuzz_http: line %d: %s does not hold\n", __LINE__, #condition);       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* An event, and what the parser reported with it. */
typedef struct seen {
    enum http_event event;
    size_t at; /* Bytes of the stream that were used by then. */
    http_parser parser;
} seen;

typedef struct trace {
    seen events[EVENTS_MAX];
    size_t count;
    bool is_cut; /* The stream has more messages than there is room for. */
} trace;

static struct {
    unsigned char bytes[STREAM_MAX];
    size_t length;
    enum http_kind kind;
} stream;

static uint64_t counts[HTTP_ERRORS]; /* How often each error was found; [0]: whole messages. */

static void stream_print(void)
{
    fprintf(stderr, "fuzz_http: kind %d: \"", (int)stream.kind);
    for (size_t i = 0; i < stream.length; i++) {
        unsigned char byte = stream.bytes[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"')
            fputc(byte, stderr);
        else
            fprintf(stderr, "\\%03o", (unsigned)byte);
    }
    fprintf(stderr, "\"\n");
}

/* --- streams --------------------------------------------------------------------------------- */

static void append(const void *bytes, size_t length)
{
    if (length > STREAM_MAX - stream.length)
        length = STREAM_MAX - stream.length;
    memcpy(stream.bytes + stream.length, bytes, length);
    stream.length += length;
}

static void append_text(const char *text)
{
    append(text, strlen(text));
}

#define APPEND_ONE_OF(texts) append_text((texts)[chance_below(sizeof(texts) / sizeof(texts)[0])])

static void append_start_line(void)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "OPTIONS", "x-y"};
    static const char *const targets[] = {"/", "*", "/a?b=c", "http://a/", "a:1", "//"};
    static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0",
                                           "HTTP/1.9"};
    static const char *const statuses[] = {" 200 OK",           " 200",          " 204 ",
                                           " 304 Not Modified", " 100 Continue", " 404 \x80"};
    if (stream.kind == HTTP_REQUEST) {
        if (one_in(20))
            append_text("\r\n");
        APPEND_ONE_OF(methods);
        append_text(" ");
        APPEND_ONE_OF(targets);
        append_text(" ");
    }
    APPEND_ONE_OF(versions);
    if (stream.kind != HTTP_REQUEST)
        APPEND_ONE_OF(statuses);
    append_text("\r\n");
}

static void append_noise_field(void)
{
    static const char *const fields[] = {
        "Connection: close\r\n",
        "Connection: keep-alive , x\r\n",
        "X:\r\n",
        "X: a, b\t\"c\"\r\n",
        "Expect: 100-continue\r\n",
        "Content-Type: text/plain\r\n",
        "TE: chunked\r\n",
        "Content-Lengths: 1\r\n",
        "Transfer-Encodin: chunked\r\n",
        ("a-very-long-name-of-a-field-that-"
         "nobody-has-heard-of: x\r\n"),
        /* These make most messages wrong. */
        "Host: b\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X : a\r\n",
        " X: a\r\n",
        "X\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
    };
    APPEND_ONE_OF(fields);
}

static void append_chunks(void)
{
    static const char *const extensions[] = {"", "", "", ";", ";a", " ;a=\"b\"", "\t;;"};
    static const char *const trailers[] = {"", "", "X: a\r\n", "Content-Length: 1\r\n"};
    char line[32];
    for (size_t i = chance_below(4); i > 0; i--) {
        size_t length = chance_below(300) + 1;
        (void)snprintf(line, sizeof line, one_in(2) ? "%zx" : "%05zX", length);
        append_text(line);
        APPEND_ONE_OF(extensions);
        append_text("\r\n");
        for (; length > 0; length--)
            append(&(unsigned char){(unsigned char)chance_next()}, 1);
        append_text("\r\n");
    }
    append_text("0");
    APPEND_ONE_OF(extensions);
    append_text("\r\n");
    APPEND_ONE_OF(trailers);
    append_text("\r\n");
}

/* Mostly a valid message. */
static void append_message(void)
{
    char field[48];
    size_t form = chance_below(3);
    size_t length = chance_below(400);
    append_start_line();
    if (!one_in(30))
        append_text("Host: a:80\r\n");
    while (one_in(2) && one_in(2))
        append_noise_field();
    if (form == 1) {
        (void)snprintf(field, sizeof field, "content-length:%zu \r\n\r\n", length);
        append_text(field);
        for (; length > 0; length--)
            append(&(unsigned char){(unsigned char)chance_next()}, 1);
    } else if (form == 2) {
        append_text("Transfer-Encoding: chunked\r\n\r\n");
        append_chunks();
    } else {
        append_text("\r\n");
    }
}

static unsigned char any_byte(void)
{
    static const unsigned char bytes[] = "\r\n\r\n \t:,;0123456789aAfFgG\"\x80\xff\x7f/*";
    return one_in(3) ? (unsigned char)chance_next() : bytes[chance_below(sizeof bytes)];
}

/* Changes, drops, adds or copies some bytes. */
static void damage(void)
{
    size_t at = chance_below(stream.length + 1);
    size_t rest = stream.length - at;
    size_t length = chance_below(one_in(4) ? 64 : 3);
    if (length > rest)
        length = rest;
    switch (chance_below(4)) {
    case 0:
        if (rest > 0)
            stream.bytes[at] = any_byte();
        break;
    case 1:
        memmove(stream.bytes + at, stream.bytes + at + length, rest - length);
        stream.length -= length;
        break;
    case 2:
        if (stream.length < STREAM_MAX) {
            memmove(stream.bytes + at + 1, stream.bytes + at, rest);
            stream.bytes[at] = any_byte();
            stream.length++;
        }
        break;
    default:
        if (length > 0)
            memmove(stream.bytes + chance_below(stream.length - length + 1), stream.bytes + at,
                    length);
    }
}

static void stream_make(void)
{
    static const enum http_kind kinds[] = {HTTP_REQUEST, HTTP_REQUEST, HTTP_REPLY,
                                           HTTP_REPLY_TO_HEAD};
    stream.length = 0;
    stream.kind = kinds[chance_below(sizeof kinds / sizeof kinds[0])];
    for (size_t i = chance_below(4) + 1; i > 0; i--)
        append_message();
    if (one_in(2))
        return;
    for (size_t i = chance_below(5) + 1; i > 0 && stream.length > 0; i--)
        damage();
}

/* --- parsing --------------------------------------------------------------------------------- */

static void trace_add(trace *t, enum http_event event, size_t at, const http_parser *p)
{
    if (t->count < EVENTS_MAX)
        t->events[t->count++] = (seen){event, at, *p};
    else
        t->is_cut = true;
}

/* Parses a piece, which lies in memory of its own. Returns whether more can be parsed. */
static bool piece_read(trace *t, http_parser *p, size_t *at, size_t length)
{
    unsigned char *piece = malloc(length > 0 ? length : 1);
    size_t done = 0;
    enum http_event event;
    CHECK(piece != NULL);
    memcpy(piece, stream.bytes + *at, length);
    do {
        size_t used;
        uint64_t body_bytes = p->body_bytes;
        event = http_parser_read(p, piece + done, length - done, &used);
        CHECK(used <= length - done);
        CHECK(event != HTTP_MORE || used == length - done);
        CHECK(p->body_bytes - body_bytes <= used);
        done += used;
        if (event != HTTP_MORE)
            trace_add(t, event, *at + done, p);
        if (event == HTTP_COMPLETE)
            http_parser_init(p, stream.kind);
    } while (event == HTTP_HEAD || (event == HTTP_COMPLETE && done < length && !t->is_cut));
    *at += done;
    free(piece);
    return event != HTTP_FAILED && !t->is_cut;
}

/* 0: pieces of random sizes. */
static void stream_parse(trace *t, size_t piece)
{
    http_parser p;
    size_t at = 0;
    bool goes_on = true;
    t->count = 0;
    t->is_cut = false;
    http_parser_init(&p, stream.kind);
    while (goes_on && at < stream.length) {
        size_t length = piece != 0 ? piece : chance_below(one_in(3) ? 3 : 200);
        if (length > stream.length - at)
            length = stream.length - at;
        goes_on = piece_read(t, &p, &at, length);
    }
    if (goes_on)
        trace_add(t, http_parser_end(&p), at, &p);
}

static void traces_compare(const trace *left, const trace *right)
{
    CHECK(left->count == right->count);
    for (size_t i = 0; i < left->count; i++) {
        const seen *l = &left->events[i];
        const seen *r = &right->events[i];
        CHECK(l->event == r->event && l->at == r->at);
        CHECK(l->parser.error == r->parser.error && l->parser.method == r->parser.method);
        CHECK(l->parser.framing == r->parser.framing && l->parser.status == r->parser.status);
        CHECK(l->parser.minor == r->parser.minor && l->parser.body_bytes == r->parser.body_bytes);
        CHECK(http_keeps_connection(&l->parser) == http_keeps_connection(&r->parser));
        CHECK(http_expects_continue(&l->parser) == http_expects_continue(&r->parser));
    }
}

/* --- what is accepted ------------------------------------------------------------------------ */

/* Whether the line, which has no line end, is of the field. `name` is in lower case. */
static bool line_is_of(const char *line, size_t length, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0'; i++) {
        if (i == length || tolower((unsigned char)line[i]) != name[i])
            return false;
    }
    return i < length && line[i] == ':';
}

static void line_check(const char *line, size_t length)
{
    CHECK(length > 0 && line[0] != ' ' && line[0] != '\t' && line[0] != ':');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        CHECK(byte == '\t' || (byte >= 0x20 && byte != 0x7f));
    }
}

/* An accepted head: its lines end with CRLF and have no other controls, and what says where the
 * body ends is said once. */
static void head_check(const char *head, size_t length, const http_parser *p)
{
    size_t hosts = 0, lengths = 0, codings = 0;
    bool is_first = true;
    CHECK(length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0);
    while (stream.kind == HTTP_REQUEST && memcmp(head, "\r\n", 2) == 0) {
        head += 2;
        length -= 2;
    }
    for (length -= 2; length > 0;) {
        const char *end = memchr(head, '\r', length);
        CHECK(end != NULL && end[1] == '\n');
        size_t line = (size_t)(end - head);
        line_check(head, line);
        const char *colon = memchr(head, ':', line);
        CHECK(is_first || (colon != NULL && colon[-1] != ' ' && colon[-1] != '\t'));
        hosts += !is_first && line_is_of(head, line, "host");
        lengths += !is_first && line_is_of(head, line, "content-length");
        codings += !is_first && line_is_of(head, line, "transfer-encoding");
        is_first = false;
        head += line + 2;
        length -= line + 2;
    }
    CHECK(lengths <= 1 && (lengths == 0 || codings == 0));
    CHECK(codings == 0 || p->minor >= 1);
    CHECK(p->framing != HTTP_LENGTH || lengths == 1);
    CHECK(p->framing != HTTP_CHUNKED || codings >= 1);
    if (stream.kind == HTTP_REQUEST) {
        CHECK(hosts <= 1 && (hosts == 1 || p->minor == 0));
        CHECK(p->framing != HTTP_UNTIL_CLOSE);
        CHECK((p->framing == HTTP_CHUNKED) == (codings > 0));
        CHECK((p->framing == HTTP_LENGTH) == (lengths > 0));
    }
    CHECK(stream.kind != HTTP_REPLY_TO_HEAD || p->framing == HTTP_NO_BODY);
}

/* An accepted body of chunks: each is as long as its size says, and ends with CRLF. Returns the
 * length of what they contain. */
static uint64_t chunks_check(const char *body, size_t length)
{
    size_t at = 0;
    uint64_t sum = 0;
    for (;;) {
        char digits[20] = {0};
        const char *end = memchr(body + at, '\n', length - at);
        CHECK(end != NULL && end > body + at && end[-1] == '\r');
        size_t line = (size_t)(end - body) - at;
        memcpy(digits, body + at, line < sizeof digits - 1 ? line : sizeof digits - 1);
        CHECK(isxdigit((unsigned char)digits[0]));
        uint64_t size = strtoull(digits, NULL, 16);
        at += line + 1;
        if (size == 0)
            break;
        CHECK(size + 2 <= length - at);
        CHECK(memcmp(body + at + size, "\r\n", 2) == 0);
        at += (size_t)size + 2;
        sum += size;
    }
    CHECK(length - at >= 2 && memcmp(body + length - 2, "\r\n", 2) == 0);
    return sum;
}

/* Heads and ends alternate, and bodies have the length that they should. */
static void trace_check(const trace *t)
{
    size_t start = 0;
    size_t body = 0;
    bool in_body = false;
    for (size_t i = 0; i < t->count; i++) {
        const seen *s = &t->events[i];
        CHECK(s->event != HTTP_MORE);
        if (s->event == HTTP_HEAD) {
            CHECK(!in_body);
            head_check((const char *)stream.bytes + start, s->at - start, &s->parser);
            body = s->at;
            in_body = true;
        } else if (s->event == HTTP_COMPLETE) {
            CHECK(in_body);
            size_t length = s->at - body;
            uint64_t content = length;
            if (s->parser.framing == HTTP_CHUNKED)
                content = chunks_check((const char *)stream.bytes + body, length);
            CHECK(s->parser.body_bytes == content);
            CHECK(s->parser.framing != HTTP_NO_BODY || length == 0);
            start = s->at;
            in_body = false;
            counts[HTTP_OK]++;
        } else {
            CHECK(i + 1 == t->count && s->parser.error != HTTP_OK);
            counts[s->parser.error]++;
        }
    }
}

static void round_run(void)
{
    static trace whole, bytewise, mixed; /* Too large for the stack. */
    stream_make();
    stream_parse(&whole, STREAM_MAX);
    stream_parse(&bytewise, 1);
    stream_parse(&mixed, 0);
    traces_compare(&whole, &bytewise);
    traces_compare(&whole, &mixed);
    trace_check(&whole);
}

int main(int argc, char **argv)
{
    const char *seconds_text = getenv("POLLUX_FUZZ_SECONDS");
    double seconds = seconds_text != NULL ? strtod(seconds_text, NULL) : 5;
    uint64_t seed = plx__clock_now();
    uint64_t rounds = 0;
    size_t kinds = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
    }
    printf("fuzz_http: --seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    uint64_t until = plx__clock_now() + (uint64_t)(seconds * (double)PLX_SECOND);
    for (; rounds < ROUNDS_MIN || plx__clock_now() < until; rounds++) {
        chance_state = (seed + rounds) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        round_run();
    }
    for (size_t i = 1; i < HTTP_ERRORS; i++)
        kinds += counts[i] > 0;
    printf("fuzz_http: %llu rounds, %llu messages accepted, %zu of %d errors found\n",
           (unsigned long long)rounds, (unsigned long long)counts[HTTP_OK], kinds, HTTP_ERRORS - 1);
    /* What it makes must reach nearly all that it is to test. */
    CHECK(counts[HTTP_OK] > rounds / 4 && kinds >= HTTP_ERRORS - 7);
    return 0;
}
