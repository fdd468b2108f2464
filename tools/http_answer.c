/* tools/http_answer.c - what the HTTP service answers, as text. */
#include "tools/http_answer.h"

#include <stdio.h>
#include <string.h>

#define PAGE "Hello, World!"

/* http_answer_write() writes the same, with more cases. */
const char http_plain_answer[] = "HTTP/1.1 200 OK\r\n"
                                 "Content-Length: 13\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "\r\n" PAGE;
const size_t http_plain_answer_length = sizeof http_plain_answer - 1;

size_t http_answer_write(char text[HTTP_ANSWER_MAX], const http_parser *parser, bool is_kept)
{
    const char *connection = "";
    if (!is_kept)
        connection = "Connection: close\r\n";
    else if (parser->minor == 0)
        connection = "Connection: keep-alive\r\n";
    return (size_t)snprintf(text, HTTP_ANSWER_MAX,
                            "HTTP/1.1 200 OK\r\n"
                            "Content-Length: %d\r\n"
                            "Content-Type: text/plain\r\n"
                            "%s\r\n%s",
                            (int)(sizeof PAGE - 1), connection,
                            parser->method == HTTP_HEAD_METHOD ? "" : PAGE);
}

size_t http_refusal_write(char text[HTTP_ANSWER_MAX], const char *status)
{
    return (size_t)snprintf(text, HTTP_ANSWER_MAX,
                            "HTTP/1.1 %s\r\n"
                            "Content-Length: 0\r\n"
                            "Connection: close\r\n\r\n",
                            status);
}

const char *http_refusal_of(const http_parser *parser)
{
    bool is_known = parser->method != HTTP_CONNECT && parser->method != HTTP_OTHER_METHOD;
    return is_known ? NULL : "501 Not Implemented";
}
