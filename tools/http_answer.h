/* tools/http_answer.h - what the HTTP service answers, as text. */
#ifndef TOOLS_HTTP_ANSWER_H
#define TOOLS_HTTP_ANSWER_H

#include "tools/http.h"

#define HTTP_ANSWER_MAX 256u

/* To a plain request: a GET of HTTP/1.1 that keeps the connection. */
extern const char http_plain_answer[];
extern const size_t http_plain_answer_length;

/* Writes the answer to a request that is complete, and returns its length. `is_kept`: another
 * request may follow on the connection. */
size_t http_answer_write(char text[HTTP_ANSWER_MAX], const http_parser *parser, bool is_kept);
/* The same for one that is turned away: `status` is as "501 Not Implemented". It is the last. */
size_t http_refusal_write(char text[HTTP_ANSWER_MAX], const char *status);
/* NULL for a request that can be answered, else the status with which it is turned away. */
const char *http_refusal_of(const http_parser *parser);

#endif
