/* tools/http_field.h - what the fields mean on which framing and connections depend. Private to the
 * parser in tools/http.c. */
#ifndef TOOLS_HTTP_FIELD_H
#define TOOLS_HTTP_FIELD_H

#include "tools/http.h"

/* Appends to the parser's word. */
void http_word_add(http_parser *p, unsigned char byte);
bool http_word_is(const http_parser *p, const char *text);

/* The word is a complete field name, in lower case. */
enum http_error http_field_begin(http_parser *p);
/* A byte of the field's value; whitespace around the value included, its line end not. */
enum http_error http_field_take(http_parser *p, unsigned char byte);
enum http_error http_field_end(http_parser *p);

#endif
