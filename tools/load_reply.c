/* tools/load_reply.c - requests as bytes, and answers out of bytes. */
#include "tools/load_reply.h"

#include <stdio.h>
#include <string.h>

#include <pollux/error.h>

#include "platform/platform.h"

/* --- formats --------------------------------------------------------------------------------- */

int reply_format_open_http(reply_format *format, const char *address, bool is_last, tally *errors)
{
    char text[256];
    bool is_tcp = strncmp(address, "tcp://", 6) == 0;
    int length =
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %.128s\r\n%s\r\n",
                 is_tcp ? address + 6 : "localhost", is_last ? "Connection: close\r\n" : "");
    *format = (reply_format){.is_http = true, .errors = errors};
    format->request = plx__allocate((size_t)length);
    if (format->request == NULL)
        return PLX_ENOMEM;
    memcpy(format->request, text, (size_t)length);
    format->request_length = (size_t)length;
    return 0;
}

int reply_format_open_echo(reply_format *format, size_t length, tally *errors)
{
    *format = (reply_format){.errors = errors};
    format->request = plx__allocate(length);
    if (format->request == NULL)
        return PLX_ENOMEM;
    format->request_length = length;
    for (size_t i = 0; i < length; i++)
        format->request[i] = (unsigned char)(i * 7 + i / 251);
    return 0;
}

void reply_format_close(reply_format *format)
{
    plx__free(format->request);
    format->request = NULL;
}

void reply_reader_init(reply_reader *reader)
{
    *reader = (reply_reader){0};
    http_parser_init(&reader->parser, HTTP_REPLY);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void http_garbled(reply_reader *reader, reply_format *format)
{
    reader->is_over = true;
    tally_add(format->errors, TALLY_GARBLED, (int)reader->parser.error, 1);
}

/* An answer is complete. Returns whether it is the final one to the request: those of the 100s are
 * interim, except 101, after which the connection speaks another protocol. */
static bool http_answered(reply_reader *reader, reply_format *format)
{
    unsigned status = reader->parser.status;
    if (status < 200 && status != 101)
        return false;
    if (status < 200 || status >= 400)
        tally_add(format->errors, TALLY_STATUS, (int)status, 1);
    reader->is_last = status != 101 && !http_keeps_connection(&reader->parser);
    reader->is_over = status == 101 || reader->is_last;
    return true;
}

/* Parses past the head up to the end of the answer, or of the bytes. */
static enum http_event http_parse(http_parser *parser, const unsigned char *bytes, size_t length,
                                  size_t *used_out)
{
    size_t used_after = 0;
    enum http_event event = http_parser_read(parser, bytes, length, used_out);
    if (event == HTTP_HEAD)
        event = http_parser_read(parser, bytes + *used_out, length - *used_out, &used_after);
    *used_out += used_after;
    return event;
}

/* One answer, or the part of it that has been received. */
static size_t http_take_one(reply_reader *reader, reply_format *format, const unsigned char *bytes,
                            size_t length, size_t *answers)
{
    bool is_first = reader->position == 0;
    size_t used;
    enum http_event event = http_parse(&reader->parser, bytes, length, &used);
    if (event == HTTP_FAILED) {
        http_garbled(reader, format);
        return length;
    }
    reader->position += used;
    if (event != HTTP_COMPLETE)
        return used;
    unsigned status = reader->parser.status;
    bool is_final = http_answered(reader, format);
    reader->position = 0;
    http_parser_init(&reader->parser, HTTP_REPLY);
    if (!is_final)
        return used;
    ++*answers;
    if (is_first && used <= REPLY_MEMO_MAX && !reader->is_over && status >= 200 && status < 400) {
        memcpy(format->memo, bytes, used);
        format->memo_length = used;
    }
    return used;
}

static size_t http_take(reply_reader *reader, reply_format *format, const unsigned char *bytes,
                        size_t length)
{
    size_t used = 0;
    size_t answers = 0;
    while (used < length && !reader->is_over) {
        size_t memo = format->memo_length;
        if (reader->position == 0 && memo > 0 && length - used >= memo &&
            memcmp(bytes + used, format->memo, memo) == 0) {
            used += memo;
            answers++;
        } else {
            used += http_take_one(reader, format, bytes + used, length - used, &answers);
        }
    }
    return answers;
}

/* --- echo ------------------------------------------------------------------------------------ */

static size_t echo_take(reply_reader *reader, reply_format *format, const unsigned char *bytes,
                        size_t length)
{
    size_t answers = 0;
    while (length > 0 && !reader->is_over) {
        size_t rest = format->request_length - reader->position;
        size_t piece = length < rest ? length : rest;
        if (memcmp(bytes, format->request + reader->position, piece) != 0) {
            tally_add(format->errors, TALLY_WRONG, 0, 1);
            reader->is_over = true;
            break;
        }
        bytes += piece;
        length -= piece;
        reader->position += piece;
        if (reader->position == format->request_length) {
            reader->position = 0;
            answers++;
        }
    }
    return answers;
}

/* --- both ------------------------------------------------------------------------------------ */

size_t reply_reader_take(reply_reader *reader, reply_format *format, const unsigned char *bytes,
                         size_t length)
{
    return format->is_http ? http_take(reader, format, bytes, length)
                           : echo_take(reader, format, bytes, length);
}

size_t reply_reader_end(reply_reader *reader, reply_format *format)
{
    if (!format->is_http || reader->is_over || reader->position == 0)
        return 0;
    reader->is_over = true;
    if (http_parser_end(&reader->parser) != HTTP_COMPLETE)
        return 0; /* Too early; the answer is missing, which is tallied as that. */
    return http_answered(reader, format) ? 1 : 0;
}
