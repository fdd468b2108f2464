/* tools/http_field.c - knows Connection, Content-Length, Expect, Host and Transfer-Encoding. */
#include "tools/http_field.h"

#include <string.h>

enum field { FIELD_OTHER, FIELD_CONNECTION, FIELD_LENGTH, FIELD_EXPECT, FIELD_HOST, FIELD_CODING };

/* --- words ----------------------------------------------------------------------------------- */

void http_word_add(http_parser *p, unsigned char byte)
{
    if (p->word_length < HTTP_WORD_MAX)
        p->word[p->word_length] = (char)byte;
    if (p->word_length <= HTTP_WORD_MAX)
        p->word_length++;
}

bool http_word_is(const http_parser *p, const char *text)
{
    size_t length = strlen(text);
    return p->word_length == length && memcmp(p->word, text, length) == 0;
}

static unsigned char lower_of(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

static bool is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\t';
}

/* --- Content-Length -------------------------------------------------------------------------- */

/* A list of equal lengths may be accepted or refused (RFC 9110, 8.6). It is refused: a comma is no
 * digit. */
static enum http_error length_take(http_parser *p, unsigned char byte)
{
    if (byte < '0' || byte > '9')
        return HTTP_BAD_LENGTH;
    unsigned digit = byte - (unsigned)'0';
    if (p->content > (HTTP_LENGTH_MAX - digit) / 10)
        return HTTP_BAD_LENGTH;
    p->content = p->content * 10 + digit;
    return HTTP_OK;
}

/* --- Host ------------------------------------------------------------------------------------ */

/* RFC 3986: letters, digits and the characters of a name, a literal address, a port. An empty host
 * is valid (RFC 9112, 3.2). */
static enum http_error host_take(unsigned char byte)
{
    static const char others[] = "-._~!$&'()*+,;=%[]:";
    unsigned char letter = lower_of(byte);
    bool is_alphanumeric = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
    if (is_alphanumeric || memchr(others, byte, sizeof others - 1) != NULL)
        return HTTP_OK;
    return HTTP_BAD_HOST;
}

/* --- lists ----------------------------------------------------------------------------------- */

/* A server must know the length of a body, so "chunked" has to be the last coding, and it is the
 * only one that this one decodes. A reply with other codings ends with the last chunk, or else with
 * the connection (RFC 9112, 6.3). */
static enum http_error coding_apply(http_parser *p)
{
    if (p->is_chunked)
        return HTTP_BAD_CODING;
    if (http_word_is(p, "chunked"))
        p->is_chunked = true;
    else if (p->kind == HTTP_REQUEST)
        return HTTP_OTHER_CODING;
    p->has_coding = true;
    return HTTP_OK;
}

/* An element of a list is complete. Empty ones are valid, and mean nothing (RFC 9110, 5.6.1.2). */
static enum http_error element_apply(http_parser *p)
{
    while (p->word_length > 0 && p->word_length <= HTTP_WORD_MAX &&
           is_space((unsigned char)p->word[p->word_length - 1]))
        p->word_length--;
    if (p->word_length == 0)
        return HTTP_OK;
    enum http_error error = HTTP_OK;
    if (p->field == FIELD_CODING)
        error = coding_apply(p);
    else if (p->field == FIELD_CONNECTION && http_word_is(p, "close"))
        p->says_close = true;
    else if (p->field == FIELD_CONNECTION && http_word_is(p, "keep-alive"))
        p->says_keep_alive = true;
    else if (p->field == FIELD_EXPECT && http_word_is(p, "100-continue"))
        p->says_expect = true;
    p->word_length = 0;
    return error;
}

static enum http_error list_take(http_parser *p, unsigned char byte)
{
    /* A quoted parameter could contain commas. No coding that is registered has parameters. */
    if (byte == '"' && p->field == FIELD_CODING)
        return HTTP_BAD_CODING;
    if (byte == ',')
        return element_apply(p);
    if (p->word_length > 0 || !is_space(byte))
        http_word_add(p, lower_of(byte));
    return HTTP_OK;
}

/* --- fields ---------------------------------------------------------------------------------- */

static enum field field_of(const http_parser *p)
{
    static const struct {
        const char *name;
        enum field field;
    } fields[] = {
        {"connection", FIELD_CONNECTION},
        {"content-length", FIELD_LENGTH},
        {"expect", FIELD_EXPECT},
        {"host", FIELD_HOST},
        {"transfer-encoding", FIELD_CODING},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (http_word_is(p, fields[i].name))
            return fields[i].field;
    }
    return FIELD_OTHER;
}

enum http_error http_field_begin(http_parser *p)
{
    enum field field = p->is_trailer ? FIELD_OTHER : field_of(p);
    p->field = (uint8_t)field;
    p->word_length = 0;
    p->has_gap = false;
    if (field == FIELD_CODING)
        p->has_coding_field = true;
    if (field == FIELD_LENGTH) {
        if (p->has_length)
            return HTTP_REPEATED_LENGTH;
        p->has_length = true;
    }
    if (field == FIELD_HOST && p->kind == HTTP_REQUEST) {
        if (p->has_host)
            return HTTP_REPEATED_HOST;
        p->has_host = true;
    }
    return HTTP_OK;
}

/* A value that is no list: one run of bytes, with whitespace around it only. */
static enum http_error single_take(http_parser *p, unsigned char byte)
{
    enum http_error bad = p->field == FIELD_LENGTH ? HTTP_BAD_LENGTH : HTTP_BAD_HOST;
    if (is_space(byte)) {
        p->has_gap = p->word_length > 0;
        return HTTP_OK;
    }
    if (p->has_gap)
        return bad;
    p->word_length = 1; /* The value has begun. */
    return p->field == FIELD_LENGTH ? length_take(p, byte) : host_take(byte);
}

enum http_error http_field_take(http_parser *p, unsigned char byte)
{
    switch (p->field) {
    case FIELD_OTHER:
        return HTTP_OK;
    case FIELD_LENGTH:
        return single_take(p, byte);
    case FIELD_HOST:
        return p->kind == HTTP_REQUEST ? single_take(p, byte) : HTTP_OK;
    default:
        return list_take(p, byte);
    }
}

enum http_error http_field_end(http_parser *p)
{
    switch (p->field) {
    case FIELD_OTHER:
    case FIELD_HOST:
        return HTTP_OK;
    case FIELD_LENGTH:
        return p->word_length > 0 ? HTTP_OK : HTTP_BAD_LENGTH;
    default:
        break;
    }
    enum http_error error = element_apply(p);
    if (error == HTTP_OK && p->field == FIELD_CODING && !p->has_coding)
        return HTTP_BAD_CODING;
    return error;
}
