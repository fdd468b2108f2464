/* tests/tool_reply.c - what a load takes for answers, however the bytes are cut. */
#include <string.h>

#include "tests/harness.h"
#include "tools/load_reply.h"

extern const test_case tool_reply_cases[];

static tally errors;

static size_t text_take(reply_reader *reader, reply_format *format, const char *text)
{
    return reply_reader_take(reader, format, (const unsigned char *)text, strlen(text));
}

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello"
#define NEXT   "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello!"
#define PIECES                                                                                     \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\nEnd: yes\r\n\r\n"

static void request_check(const reply_format *format, const char *expected)
{
    ck_assert_uint_eq(format->request_length, strlen(expected));
    ck_assert_mem_eq(format->request, expected, format->request_length);
}

/* Ten answers of three kinds, some alike: as many at once as there is room for, then cut in every
 * place. The memo must neither find one that is not there nor miss the place where one ends. */
static void reply_http_in_pieces_of_any_size(world *w)
{
    static const char stream[] = ANSWER ANSWER NEXT PIECES ANSWER ANSWER
        "HTTP/1.1 100 Continue\r\n\r\n" ANSWER PIECES PIECES NEXT;
    reply_format format;
    (void)w;
    errors = (tally){0};
    ck_ok(reply_format_open_http(&format, "tcp://127.0.0.1:1", false, &errors));
    request_check(&format, "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n");
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        reply_reader reader;
        size_t answers = 0;
        reply_reader_init(&reader);
        for (size_t used = 0; used < sizeof stream - 1; used += piece) {
            size_t rest = sizeof stream - 1 - used;
            answers += reply_reader_take(&reader, &format, (const unsigned char *)stream + used,
                                         rest < piece ? rest : piece);
        }
        ck_assert_uint_eq(answers, 10);
        ck_assert(!reader.is_over);
        ck_assert_uint_eq(reply_reader_end(&reader, &format), 0);
    }
    ck_assert_uint_eq(errors.total, 0);
    reply_format_close(&format);
}

static void reply_http_that_ends_with_the_connection(world *w)
{
    reply_format format;
    reply_reader reader;
    (void)w;
    errors = (tally){0};
    ck_ok(reply_format_open_http(&format, "tcp://127.0.0.1:1", false, &errors));
    reply_reader_init(&reader);
    ck_assert_uint_eq(text_take(&reader, &format, "HTTP/1.1 200 OK\r\n\r\nHello"), 0);
    ck_assert_uint_eq(reply_reader_end(&reader, &format), 1);
    reply_reader_init(&reader);
    ck_assert_uint_eq(text_take(&reader, &format, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
                      0);
    ck_assert_uint_eq(reply_reader_end(&reader, &format), 0);
    reply_reader_init(&reader);
    ck_assert_uint_eq(text_take(&reader, &format,
                                "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                "Content-Length: 0\r\n\r\nmore"),
                      1);
    ck_assert(reader.is_over);
    ck_assert_uint_eq(errors.total, 0);
    reply_format_close(&format);
}

/* Interim answers are none, and have no body; after 101 there is no HTTP. */
static void reply_http_without_a_body(world *w)
{
    reply_format format;
    reply_reader reader;
    (void)w;
    errors = (tally){0};
    ck_ok(reply_format_open_http(&format, "tcp://127.0.0.1:1", false, &errors));
    reply_reader_init(&reader);
    ck_assert_uint_eq(text_take(&reader, &format,
                                "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"
                                "HTTP/1.1 204 No Content\r\n\r\n"
                                "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" ANSWER),
                      3);
    ck_assert(!reader.is_over);
    ck_assert_uint_eq(errors.total, 0);
    ck_assert_uint_eq(
        text_take(&reader, &format, "HTTP/1.1 101 Switching Protocols\r\n\r\n" ANSWER), 1);
    ck_assert(reader.is_over);
    ck_assert_int_eq((int)errors.entries[0].kind, TALLY_STATUS);
    reply_format_close(&format);
}

static void reply_http_errors_are_tallied(world *w)
{
    reply_format format;
    reply_reader reader;
    (void)w;
    errors = (tally){0};
    ck_ok(reply_format_open_http(&format, "unix:/x", true, &errors));
    request_check(&format, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    reply_reader_init(&reader);
    ck_assert_uint_eq(
        text_take(&reader, &format, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), 1);
    ck_assert(!reader.is_over);
    ck_assert_uint_eq(text_take(&reader, &format, "what is this"), 0);
    ck_assert(reader.is_over);
    ck_assert_uint_eq(errors.entries_count, 2);
    ck_assert_int_eq((int)errors.entries[0].kind, TALLY_STATUS);
    ck_assert_int_eq(errors.entries[0].code, 404);
    ck_assert_int_eq((int)errors.entries[1].kind, TALLY_GARBLED);
    reply_format_close(&format);
}

static void reply_echo_in_pieces_of_any_size(world *w)
{
    enum { LENGTH = 300, ANSWERS = 3 };
    unsigned char stream[LENGTH * ANSWERS];
    reply_format format;
    (void)w;
    errors = (tally){0};
    ck_ok(reply_format_open_echo(&format, LENGTH, &errors));
    for (size_t i = 0; i < ANSWERS; i++)
        memcpy(stream + i * LENGTH, format.request, LENGTH);
    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        reply_reader reader;
        size_t answers = 0;
        reply_reader_init(&reader);
        for (size_t used = 0; used < sizeof stream; used += piece) {
            size_t rest = sizeof stream - used;
            answers +=
                reply_reader_take(&reader, &format, stream + used, rest < piece ? rest : piece);
        }
        ck_assert_uint_eq(answers, ANSWERS);
    }
    ck_assert_uint_eq(errors.total, 0);
    reply_reader reader;
    reply_reader_init(&reader);
    stream[LENGTH + 5] ^= 1;
    ck_assert_uint_eq(reply_reader_take(&reader, &format, stream, sizeof stream), 1);
    ck_assert(reader.is_over);
    ck_assert_int_eq((int)errors.entries[0].kind, TALLY_WRONG);
    reply_format_close(&format);
}

const test_case tool_reply_cases[] = {
    CASE(reply_http_in_pieces_of_any_size), CASE(reply_http_that_ends_with_the_connection),
    CASE(reply_http_without_a_body),        CASE(reply_http_errors_are_tallied),
    CASE(reply_echo_in_pieces_of_any_size), CASES_END,
};
