/* tools/serve_page.h - the page that plots the counters of `pollux serve`, and what it asks for. */
#ifndef TOOLS_SERVE_PAGE_H
#define TOOLS_SERVE_PAGE_H

#include <stddef.h>

#include "tools/serve_counters.h"

/* The page, HTML in UTF-8, is all parts one behind the other. NULL behind the last. */
const char *serve_page_part(size_t index);
/* The counters of all loops as JSON: what the page asks for at /counters.json. To be freed with
 * serve_page_counters_free(). NULL without memory. Any thread. */
char *serve_page_counters(serve_counters *c);
void serve_page_counters_free(char *text);

#endif
