/* tools/options.h - options on the command line, and the values that they take. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/command.h"

/* An option that a command takes. A list of them ends with a line of zeros. */
typedef struct option_form {
    const char *name; /* "listen", for --listen. */
    int id;
    int has_value; /* True, false or OPTION_MAY_HAVE_VALUE. */
} option_form;

/* What follows the option is its value, unless that begins with "-". For commands that take no
 * operands. */
#define OPTION_MAY_HAVE_VALUE 2

/* An option as the command line has it. */
typedef struct option_given {
    int id;
    const char *name;
    char *value; /* NULL for an option without one. */
} option_given;

/* Takes an option into `data`. Returns COMMAND_DONE, or COMMAND_MISUSED after saying why. */
typedef int (*option_take_fn)(void *data, const option_given *given);

/* What options_read() returns when the command is to run. */
#define OPTIONS_TAKEN (-1)

/* Reads all options and hands each to `take`: "--name", "--name VALUE" or "--name=VALUE", before,
 * between and after the operands; "--" ends the options. It adds "--help" and "-h".
 * `*operands_out` are the operands, with NULL behind the last; they are moved within `arguments`.
 * Returns OPTIONS_TAKEN, or the command_exit to end with. */
int options_read(const command *c, int count, char **arguments, const option_form *forms,
                 option_take_fn take, void *data, char ***operands_out);

/* --- values ---------------------------------------------------------------------------------- */

/* A whole number in decimal, not less than `least` nor more than `most`. */
bool value_count(const char *text, uint64_t least, uint64_t most, uint64_t *value_out);
/* Seconds, as "3" or "0.25", in nanoseconds; up to a day. */
bool value_seconds(const char *text, uint64_t *value_ns_out);
/* Cuts "a,b,c" at its commas, in place. Returns how many pieces there are, or 0 when one is empty
 * or there are more than `max`. */
size_t value_list(char *text, char **pieces, size_t max);

#endif
