/* tools/http.c - the states of a message, one byte after the other; bodies are skipped in pieces.
 */
#include "tools/http.h"

#include "tools/http_field.h"

/* Before a byte of each. */
enum state {
    AT_START,
    AT_START_LF, /* After the CR of an empty line before a request. */
    AT_METHOD,
    AT_TARGET,
    IN_TARGET,
    AFTER_ASTERISK,
    AT_VERSION,
    AT_MINOR,
    AFTER_MINOR,
    AT_STATUS,
    AFTER_STATUS,
    IN_REASON,
    AT_LINE_LF,
    AT_FIELD,
    IN_NAME,
    IN_VALUE,
    AT_HEAD_LF, /* After the CR of the empty line that ends a head or a trailer section. */
    AT_CHUNK_SIZE,
    AFTER_CHUNK_SIZE,
    IN_CHUNK_EXTENSION,
    AT_CHUNK_LF,
    AT_CHUNK_END,
    AT_CHUNK_END_LF,
    /* These are not for bytes one by one. */
    IN_BODY,
    IN_CHUNK,
    IN_BODY_UNTIL_CLOSE,
    COMPLETE,
    FAILED
};

/* --- bytes ----------------------------------------------------------------------------------- */

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* RFC 9110, 5.6.2. */
static bool is_token(unsigned char byte)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    unsigned char letter = (unsigned char)(byte | 0x20);
    if ((letter >= 'a' && letter <= 'z') || is_digit(byte))
        return true;
    for (const char *other = others; *other != '\0'; other++) {
        if (byte == (unsigned char)*other)
            return true;
    }
    return false;
}

/* RFC 9110, 5.5: visible characters, those beyond ASCII, space and tab. */
static bool is_text(unsigned char byte)
{
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/* The value of a hexadecimal digit, or 16. */
static unsigned hex_of(unsigned char byte)
{
    unsigned char letter = (unsigned char)(byte | 0x20);
    if (is_digit(byte))
        return byte - (unsigned)'0';
    return letter >= 'a' && letter <= 'f' ? letter - (unsigned)'a' + 10 : 16;
}

/* --- steps ----------------------------------------------------------------------------------- */

static enum http_event failed(http_parser *p, enum http_error error)
{
    p->error = error;
    p->state = FAILED;
    return HTTP_FAILED;
}

static enum http_event next(http_parser *p, enum state state)
{
    p->state = (uint8_t)state;
    return HTTP_MORE;
}

static enum http_event next_if(http_parser *p, bool is_right, enum state state,
                               enum http_error error)
{
    return is_right ? next(p, state) : failed(p, error);
}

/* A byte that must be a text's or the CR at its end. */
static enum http_event text_take(http_parser *p, unsigned char byte, enum state after_cr,
                                 enum http_error error)
{
    if (byte == '\r')
        return next(p, after_cr);
    if (byte == '\n')
        return failed(p, HTTP_BAD_LINE_END);
    return is_text(byte) ? HTTP_MORE : failed(p, error);
}

/* --- start lines ----------------------------------------------------------------------------- */

static enum http_method method_of(const http_parser *p)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET},
        {"HEAD", HTTP_HEAD_METHOD},
        {"CONNECT", HTTP_CONNECT},
        {"POST", HTTP_KNOWN_METHOD},
        {"PUT", HTTP_KNOWN_METHOD},
        {"DELETE", HTTP_KNOWN_METHOD},
        {"OPTIONS", HTTP_KNOWN_METHOD},
        {"PATCH", HTTP_KNOWN_METHOD},
        {"TRACE", HTTP_KNOWN_METHOD},
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (http_word_is(p, methods[i].name))
            return methods[i].method;
    }
    return HTTP_OTHER_METHOD;
}

static enum http_event method_take(http_parser *p, unsigned char byte)
{
    if (is_token(byte)) {
        http_word_add(p, byte);
        return next(p, AT_METHOD);
    }
    if (byte != ' ' || p->word_length == 0)
        return failed(p, HTTP_BAD_METHOD);
    p->method = method_of(p);
    return next(p, AT_TARGET);
}

/* Matches "HTTP/1." with the word's length as the position. */
static enum http_event version_take(http_parser *p, unsigned char byte)
{
    static const char expected[] = "HTTP/1.";
    if (byte != (unsigned char)expected[p->word_length])
        return failed(p, p->word_length == 5 && is_digit(byte) ? HTTP_OTHER_VERSION
                                                               : HTTP_BAD_VERSION);
    p->word_length++;
    return next(p, p->word_length == sizeof expected - 1 ? AT_MINOR : AT_VERSION);
}

/* A server should ignore an empty line before a request (RFC 9112, 2.2). */
static enum http_event start_take(http_parser *p, unsigned char byte)
{
    p->word_length = 0;
    if (p->kind != HTTP_REQUEST)
        return version_take(p, byte);
    return byte == '\r' ? next(p, AT_START_LF) : method_take(p, byte);
}

static enum http_event target_take(http_parser *p, unsigned char byte)
{
    bool is_first = p->state == AT_TARGET;
    if (is_first && byte == '*')
        return next(p, AFTER_ASTERISK);
    if (byte == ' ' && !is_first) {
        p->word_length = 0;
        return next(p, AT_VERSION);
    }
    return next_if(p, byte > 0x20 && byte < 0x7f && byte != '#', IN_TARGET, HTTP_BAD_TARGET);
}

static enum http_event asterisk_end(http_parser *p, unsigned char byte)
{
    p->word_length = 0;
    return next_if(p, byte == ' ', AT_VERSION, HTTP_BAD_TARGET);
}

static enum http_event minor_take(http_parser *p, unsigned char byte)
{
    p->minor = (uint8_t)(byte - '0');
    p->word_length = 0;
    return next_if(p, is_digit(byte), AFTER_MINOR, HTTP_BAD_VERSION);
}

static enum http_event minor_end(http_parser *p, unsigned char byte)
{
    if (p->kind == HTTP_REQUEST)
        return next_if(p, byte == '\r', AT_LINE_LF, HTTP_BAD_VERSION);
    return next_if(p, byte == ' ', AT_STATUS, HTTP_BAD_VERSION);
}

static enum http_event status_take(http_parser *p, unsigned char byte)
{
    if (!is_digit(byte) || (p->word_length == 0 && byte == '0'))
        return failed(p, HTTP_BAD_STATUS);
    p->status = (uint16_t)(p->status * 10 + byte - '0');
    p->word_length++;
    return next(p, p->word_length == 3 ? AFTER_STATUS : AT_STATUS);
}

/* The space before the reason is required of servers, and some do not send it. */
static enum http_event status_end(http_parser *p, unsigned char byte)
{
    if (byte == '\r')
        return next(p, AT_LINE_LF);
    return next_if(p, byte == ' ', IN_REASON, HTTP_BAD_STATUS);
}

/* --- fields ---------------------------------------------------------------------------------- */

static enum http_event name_take(http_parser *p, unsigned char byte)
{
    bool is_first = p->state == AT_FIELD;
    bool is_upper = byte >= 'A' && byte <= 'Z';
    if (is_first)
        p->word_length = 0;
    if (is_token(byte)) {
        http_word_add(p, is_upper ? (unsigned char)(byte | 0x20) : byte);
        return next(p, IN_NAME);
    }
    if (byte == ':' && !is_first) {
        enum http_error error = http_field_begin(p);
        return next_if(p, error == HTTP_OK, IN_VALUE, error);
    }
    if (byte == ' ' || byte == '\t')
        return failed(p, is_first ? HTTP_FOLDED_LINE : HTTP_SPACE_BEFORE_COLON);
    if (is_first && byte == '\r')
        return next(p, AT_HEAD_LF);
    return failed(p, is_first && byte == '\n' ? HTTP_BAD_LINE_END : HTTP_BAD_FIELD_NAME);
}

static enum http_event value_take(http_parser *p, unsigned char byte)
{
    enum http_event event = text_take(p, byte, AT_LINE_LF, HTTP_BAD_FIELD_VALUE);
    if (event == HTTP_FAILED)
        return event;
    enum http_error error = byte == '\r' ? http_field_end(p) : http_field_take(p, byte);
    return error == HTTP_OK ? event : failed(p, error);
}

/* --- framing --------------------------------------------------------------------------------- */

static enum http_error head_check(const http_parser *p)
{
    if (p->kind == HTTP_REQUEST && p->minor >= 1 && !p->has_host)
        return HTTP_NO_HOST;
    if (p->has_coding_field && p->has_length)
        return HTTP_CODING_AND_LENGTH;
    if (p->has_coding_field && p->minor == 0)
        return HTTP_CODING_IN_1_0;
    return HTTP_OK;
}

/* RFC 9112, 6.3, in its order. */
static enum http_framing framing_of(const http_parser *p)
{
    bool is_reply = p->kind != HTTP_REQUEST;
    if (p->kind == HTTP_REPLY_TO_HEAD ||
        (is_reply && (p->status < 200 || p->status == 204 || p->status == 304)))
        return HTTP_NO_BODY;
    if (p->is_chunked)
        return HTTP_CHUNKED;
    if (p->has_length)
        return HTTP_LENGTH;
    return is_reply ? HTTP_UNTIL_CLOSE : HTTP_NO_BODY;
}

static enum http_event chunk_next(http_parser *p, enum state state)
{
    p->budget = HTTP_CHUNK_LINE_MAX;
    p->content = 0;
    p->word_length = 0; /* Digits of the size. */
    return next(p, state);
}

static enum http_event head_end(http_parser *p)
{
    enum http_error error = head_check(p);
    if (error != HTTP_OK)
        return failed(p, error);
    p->framing = framing_of(p);
    if (p->framing == HTTP_CHUNKED)
        (void)chunk_next(p, AT_CHUNK_SIZE);
    else if (p->framing == HTTP_LENGTH)
        p->state = p->content > 0 ? IN_BODY : COMPLETE;
    else
        p->state = p->framing == HTTP_UNTIL_CLOSE ? IN_BODY_UNTIL_CLOSE : COMPLETE;
    return HTTP_HEAD;
}

static enum http_event head_lf_take(http_parser *p, unsigned char byte)
{
    if (byte != '\n')
        return failed(p, HTTP_BAD_LINE_END);
    return p->is_trailer ? next(p, COMPLETE) : head_end(p);
}

/* --- chunks ---------------------------------------------------------------------------------- */

static enum http_event chunk_size_take(http_parser *p, unsigned char byte)
{
    unsigned digit = hex_of(byte);
    if (digit < 16) {
        bool fits = p->word_length < 16 && p->content <= HTTP_LENGTH_MAX >> 4;
        p->content = p->content << 4 | digit;
        p->word_length++;
        return next_if(p, fits, AT_CHUNK_SIZE, HTTP_BAD_CHUNK_SIZE);
    }
    if (p->word_length == 0)
        return failed(p, HTTP_BAD_CHUNK_SIZE);
    if (byte == '\r')
        return next(p, AT_CHUNK_LF);
    if (byte == ';')
        return next(p, IN_CHUNK_EXTENSION);
    return next_if(p, byte == ' ' || byte == '\t', AFTER_CHUNK_SIZE, HTTP_BAD_CHUNK_SIZE);
}

/* Whitespace is there for the sake of an extension only (RFC 9112, 7.1.1). */
static enum http_event chunk_size_end(http_parser *p, unsigned char byte)
{
    if (byte == ';')
        return next(p, IN_CHUNK_EXTENSION);
    return next_if(p, byte == ' ' || byte == '\t', AFTER_CHUNK_SIZE, HTTP_BAD_CHUNK_SIZE);
}

/* Trailers say nothing about the framing, whatever they are (RFC 9110, 6.5.1). */
static enum http_event chunk_lf_take(http_parser *p, unsigned char byte)
{
    if (byte != '\n')
        return failed(p, HTTP_BAD_LINE_END);
    if (p->content > 0)
        return next(p, IN_CHUNK);
    p->is_trailer = true;
    p->budget = HTTP_HEAD_MAX;
    return next(p, AT_FIELD);
}

static enum http_event chunk_end_lf_take(http_parser *p, unsigned char byte)
{
    return byte == '\n' ? chunk_next(p, AT_CHUNK_SIZE) : failed(p, HTTP_BAD_CHUNK_END);
}

/* --- reading --------------------------------------------------------------------------------- */

static enum http_error too_long(const http_parser *p)
{
    if (p->state == IN_TARGET)
        return HTTP_TARGET_TOO_LONG;
    return p->state >= AT_CHUNK_SIZE ? HTTP_CHUNK_LINE_TOO_LONG : HTTP_HEAD_TOO_LONG;
}

static enum http_event line_byte_take(http_parser *p, unsigned char byte)
{
    switch (p->state) {
    case AT_START:
        return start_take(p, byte);
    case AT_START_LF:
        return next_if(p, byte == '\n', AT_START, HTTP_BAD_LINE_END);
    case AT_METHOD:
        return method_take(p, byte);
    case AT_TARGET:
    case IN_TARGET:
        return target_take(p, byte);
    case AFTER_ASTERISK:
        return asterisk_end(p, byte);
    case AT_VERSION:
        return version_take(p, byte);
    case AT_MINOR:
        return minor_take(p, byte);
    case AFTER_MINOR:
        return minor_end(p, byte);
    case AT_STATUS:
        return status_take(p, byte);
    case AFTER_STATUS:
        return status_end(p, byte);
    case IN_REASON:
        return text_take(p, byte, AT_LINE_LF, HTTP_BAD_STATUS);
    case AT_LINE_LF:
        return next_if(p, byte == '\n', AT_FIELD, HTTP_BAD_LINE_END);
    case AT_FIELD:
    case IN_NAME:
        return name_take(p, byte);
    case IN_VALUE:
        return value_take(p, byte);
    default:
        return head_lf_take(p, byte);
    }
}

static enum http_event chunk_byte_take(http_parser *p, unsigned char byte)
{
    switch (p->state) {
    case AT_CHUNK_SIZE:
        return chunk_size_take(p, byte);
    case AFTER_CHUNK_SIZE:
        return chunk_size_end(p, byte);
    case IN_CHUNK_EXTENSION:
        return text_take(p, byte, AT_CHUNK_LF, HTTP_BAD_CHUNK_EXTENSION);
    case AT_CHUNK_LF:
        return chunk_lf_take(p, byte);
    case AT_CHUNK_END:
        return next_if(p, byte == '\r', AT_CHUNK_END_LF, HTTP_BAD_CHUNK_END);
    default:
        return chunk_end_lf_take(p, byte);
    }
}

static enum http_event byte_take(http_parser *p, unsigned char byte)
{
    if (p->budget == 0)
        return failed(p, too_long(p));
    p->budget--;
    return p->state >= AT_CHUNK_SIZE ? chunk_byte_take(p, byte) : line_byte_take(p, byte);
}

/* Uses as many of `length` bytes as the body or the chunk has left. */
static size_t body_take(http_parser *p, size_t length)
{
    if (p->state != IN_BODY_UNTIL_CLOSE) {
        length = length < p->content ? length : (size_t)p->content;
        p->content -= length;
    }
    p->body_bytes += length;
    if (p->state == IN_BODY && p->content == 0)
        (void)next(p, COMPLETE);
    else if (p->state == IN_CHUNK && p->content == 0)
        (void)chunk_next(p, AT_CHUNK_END);
    return length;
}

void http_parser_init(http_parser *p, enum http_kind kind)
{
    *p = (http_parser){.kind = kind, .state = AT_START, .budget = HTTP_HEAD_MAX};
}

enum http_event http_parser_read(http_parser *p, const unsigned char *bytes, size_t length,
                                 size_t *used_out)
{
    enum http_event event = HTTP_MORE;
    size_t used = 0;
    while (event == HTTP_MORE) {
        if (p->state >= IN_BODY && p->state <= IN_BODY_UNTIL_CLOSE)
            used += body_take(p, length - used);
        if (p->state == COMPLETE)
            event = HTTP_COMPLETE;
        else if (p->state == FAILED)
            event = HTTP_FAILED;
        else if (used == length)
            break;
        else
            event = byte_take(p, bytes[used++]);
    }
    *used_out = used;
    return event;
}

enum http_event http_parser_end(http_parser *p)
{
    if (p->state == IN_BODY_UNTIL_CLOSE)
        p->state = COMPLETE;
    if (p->state == COMPLETE)
        return HTTP_COMPLETE;
    return failed(p, p->state == FAILED ? p->error : HTTP_ENDED_EARLY);
}

bool http_keeps_connection(const http_parser *p)
{
    if (p->says_close || p->framing == HTTP_UNTIL_CLOSE)
        return false;
    return p->minor >= 1 || p->says_keep_alive;
}

bool http_expects_continue(const http_parser *p)
{
    return p->kind == HTTP_REQUEST && p->minor >= 1 && p->says_expect && p->state != COMPLETE;
}
