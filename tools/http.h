/* tools/http.h - reads HTTP/1 messages, requests and replies, from bytes that arrive in any pieces.
 *
 * The parser owns no memory, calls nobody and stores no content: it reports where a message ends
 * and what its framing and its connection options are. It is strict (RFC 9112): what two recipients
 * could read differently is an error, because one of them may be a proxy. It refuses bare CR and
 * LF, folded lines, whitespace around names, a length that is repeated, malformed or joined by a
 * transfer coding, and requests without exactly one host. Heads and chunk lines have bounds.
 *
 * For each message: http_parser_init(), then http_parser_read() until it reports HTTP_COMPLETE or
 * HTTP_FAILED. The bytes that it did not use belong to the next message.
 */
#ifndef TOOLS_HTTP_H
#define TOOLS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX       65536u /* Bytes of a head, and of the trailer section. */
#define HTTP_CHUNK_LINE_MAX 1024u  /* Bytes around a chunk's data: line ends, size, extensions. */
#define HTTP_LENGTH_MAX     (UINT64_MAX >> 1)
#define HTTP_WORD_MAX       32u

enum http_kind {
    HTTP_REQUEST,
    HTTP_REPLY,
    HTTP_REPLY_TO_HEAD /* It has no body, whatever its head says. */
};

/* Methods are case-sensitive. */
enum http_method { HTTP_OTHER_METHOD, HTTP_CONNECT, HTTP_GET, HTTP_HEAD_METHOD, HTTP_KNOWN_METHOD };

/* How a message's body is delimited. */
enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

enum http_error {
    HTTP_OK,
    HTTP_BAD_METHOD,
    HTTP_BAD_TARGET,
    HTTP_BAD_VERSION,
    HTTP_OTHER_VERSION,
    HTTP_BAD_STATUS,
    HTTP_BAD_LINE_END,
    HTTP_BAD_FIELD_NAME,
    HTTP_SPACE_BEFORE_COLON,
    HTTP_FOLDED_LINE,
    HTTP_BAD_FIELD_VALUE,
    HTTP_NO_HOST,
    HTTP_REPEATED_HOST,
    HTTP_BAD_HOST,
    HTTP_REPEATED_LENGTH,
    HTTP_BAD_LENGTH,
    HTTP_BAD_CODING,
    HTTP_OTHER_CODING,
    HTTP_CODING_IN_1_0,
    HTTP_CODING_AND_LENGTH,
    HTTP_BAD_CHUNK_SIZE,
    HTTP_BAD_CHUNK_EXTENSION,
    HTTP_BAD_CHUNK_END,
    HTTP_TARGET_TOO_LONG,
    HTTP_HEAD_TOO_LONG,
    HTTP_CHUNK_LINE_TOO_LONG,
    HTTP_ENDED_EARLY,
    HTTP_ERRORS
};

enum http_event {
    HTTP_MORE,     /* All bytes were used; the message needs more. */
    HTTP_HEAD,     /* The head is complete, its members are valid, and the body follows. */
    HTTP_COMPLETE, /* The message is complete. */
    HTTP_FAILED    /* See `error`. The rest of the connection cannot be understood. */
};

typedef struct http_parser {
    /* Of the head; valid from HTTP_HEAD on. */
    enum http_kind kind;
    enum http_method method; /* Of a request. */
    enum http_framing framing;
    enum http_error error;
    uint16_t status; /* Of a reply, 100 to 999. */
    uint8_t minor;   /* HTTP/1.minor. */
    /* Of the body so far: its bytes, without the chunks' framing. */
    uint64_t body_bytes;

    /* The parser's own. */
    uint8_t state;
    uint8_t field;       /* The field whose value is being read. */
    uint8_t word_length; /* HTTP_WORD_MAX + 1: the word is longer than any that matters. */
    bool is_trailer;
    bool has_gap; /* Whitespace followed the only element that the value may have. */
    bool has_host, has_length, has_coding_field, has_coding, is_chunked;
    bool says_close, says_keep_alive, says_expect;
    uint32_t budget;  /* Bytes that the head or the chunk line may still take. */
    uint64_t content; /* The value of Content-Length, then bytes left of the body or the chunk. */
    char word[HTTP_WORD_MAX]; /* A method, a field name or an element of a list. */
} http_parser;

void http_parser_init(http_parser *p, enum http_kind kind);
/* Reads up to the end of the head or of the message, and reports which; each message reports
 * HTTP_HEAD once, then HTTP_COMPLETE once. `*used_out` is how many bytes were used. `length` may be
 * 0. After HTTP_COMPLETE and HTTP_FAILED the same event is reported again. */
enum http_event http_parser_read(http_parser *p, const unsigned char *bytes, size_t length,
                                 size_t *used_out);
/* The connection has ended in order. HTTP_COMPLETE for a reply whose body ends this way, else
 * HTTP_FAILED with HTTP_ENDED_EARLY. */
enum http_event http_parser_end(http_parser *p);

/* Whether the connection may carry another message after this one (RFC 9112, 9.3). */
bool http_keeps_connection(const http_parser *p);
/* Whether the client waits for "100 Continue" before it sends the body (RFC 9110, 10.1.1). */
bool http_expects_continue(const http_parser *p);

/* What is wrong, for people; "" for HTTP_OK. */
const char *http_error_text(enum http_error error);
/* The status line's code and phrase with which a server refuses the request. */
const char *http_error_status(enum http_error error);

#endif
