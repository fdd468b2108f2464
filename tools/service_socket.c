/* tools/service_socket.c - the services for code that waits: a call for each connection. */
#include "tools/service_socket.h"

#include <string.h>

#include "platform/platform.h"
#include "tools/http_answer.h"

#define PIECE_MAX 16384u

size_t service_socket_receive(service_socket *s, unsigned char *bytes, size_t size)
{
    if (s->first_length > 0) {
        size_t length = s->first_length < size ? s->first_length : size;
        memcpy(bytes, s->first, length);
        s->first += length;
        s->first_length -= length;
        return length;
    }
    ptrdiff_t count = plx__socket_receive(s->socket, bytes, size);
    return count > 0 ? (size_t)count : 0;
}

bool service_socket_send(service_socket *s, const void *bytes, size_t length)
{
    const unsigned char *rest = bytes;
    while (length > 0) {
        ptrdiff_t count = plx__socket_send(s->socket, rest, length);
        if (count <= 0)
            return false;
        rest += count;
        length -= (size_t)count;
    }
    return true;
}

void service_echo_serve(service_socket *s)
{
    unsigned char bytes[PIECE_MAX];
    size_t length;
    while ((length = service_socket_receive(s, bytes, sizeof bytes)) > 0) {
        if (!service_socket_send(s, bytes, length))
            return;
    }
}

void service_discard_serve(service_socket *s)
{
    unsigned char bytes[PIECE_MAX];
    while (service_socket_receive(s, bytes, sizeof bytes) > 0) {}
}

/* --- http ------------------------------------------------------------------------------------ */

/* Returns whether another request may follow. */
static bool request_answer(service_socket *s, const http_parser *parser)
{
    char text[HTTP_ANSWER_MAX];
    const char *refusal = http_refusal_of(parser);
    if (refusal != NULL) {
        s->counts.refused++;
        (void)service_socket_send(s, text, http_refusal_write(text, refusal));
        return false;
    }
    bool is_kept = http_keeps_connection(parser) && plx_server_is_ending(s->server) == 0;
    s->counts.requests++;
    if (s->block_ns > 0)
        plx__sleep(s->block_ns);
    return service_socket_send(s, text, http_answer_write(text, parser, is_kept)) && is_kept;
}

/* What is to be done after the parser has read. Returns whether the connection is to continue. */
static bool event_take(service_socket *s, http_parser *parser, enum http_event event)
{
    static const char permission[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char text[HTTP_ANSWER_MAX];
    if (event == HTTP_HEAD && http_expects_continue(parser))
        return service_socket_send(s, permission, sizeof permission - 1);
    if (event == HTTP_COMPLETE) {
        bool is_kept = request_answer(s, parser);
        http_parser_init(parser, HTTP_REQUEST);
        return is_kept;
    }
    if (event != HTTP_FAILED)
        return true;
    s->counts.refused++;
    (void)service_socket_send(s, text, http_refusal_write(text, http_error_status(parser->error)));
    return false;
}

/* A request without a body is complete when its head is, which the parser tells one by one. */
static bool bytes_read(service_socket *s, http_parser *parser, const unsigned char *bytes,
                       size_t length)
{
    enum http_event event;
    size_t at = 0, used;
    do {
        event = http_parser_read(parser, bytes + at, length - at, &used);
        at += used;
        if (!event_take(s, parser, event))
            return false;
    } while (at < length || event == HTTP_HEAD);
    return true;
}

void service_http_serve(service_socket *s)
{
    unsigned char bytes[PIECE_MAX];
    http_parser parser;
    size_t length;
    http_parser_init(&parser, HTTP_REQUEST);
    while ((length = service_socket_receive(s, bytes, sizeof bytes)) > 0) {
        if (!bytes_read(s, &parser, bytes, length))
            return;
    }
}
