/* tools/json.h - printing what cJSON has built. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* Prints the value on standard output, indented or on one line, and frees it. Returns a
 * command_exit: running out of memory, while building it too, is the one failure. */
int json_print(const char *name, cJSON *value, bool is_indented);

#endif
