/* tools/load_reply.h - what a load sends, and what it takes for the answer. */
#ifndef TOOLS_LOAD_REPLY_H
#define TOOLS_LOAD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/http.h"
#include "tools/tally.h"

#define REPLY_MEMO_MAX 2048u

/* One kind of request, and the answers to it. */
typedef struct reply_format {
    bool is_http;
    unsigned char *request; /* Owned; what is sent each time. */
    size_t request_length;
    tally *errors;
    /* The last whole answer that the parser accepted. Answers that are equal to it, byte for byte,
     * are not parsed, because a load generator should measure the server, not itself. */
    size_t memo_length;
    unsigned char memo[REPLY_MEMO_MAX];
} reply_format;

/* A connection's position in its answers. */
typedef struct reply_reader {
    http_parser parser;
    size_t position; /* In an answer that has begun. */
    bool is_over;    /* This connection can carry no further answer, */
    bool is_last;    /* because the server has said so. */
} reply_reader;

/* Requests for "/" of the server at the address, each the last of its connection or not.
 * PLX_ENOMEM. */
int reply_format_open_http(reply_format *format, const char *address, bool is_last, tally *errors);
/* Requests of `length` bytes, to be sent back as they are. PLX_ENOMEM. */
int reply_format_open_echo(reply_format *format, size_t length, tally *errors);
void reply_format_close(reply_format *format);

/* A connection has opened. */
void reply_reader_init(reply_reader *reader);
/* Takes all the bytes. Returns how many answers ended in them. What is wrong with them is tallied,
 * and ends what can be read: `is_over`. */
size_t reply_reader_take(reply_reader *reader, reply_format *format, const unsigned char *bytes,
                         size_t length);
/* The connection has ended in order, which is how some answers end. Returns how many did. */
size_t reply_reader_end(reply_reader *reader, reply_format *format);

#endif
