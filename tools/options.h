/* tools/options.h - options on the command line, and the values that they take. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <getopt.h>

#include "tools/command.h"

#define OPTION_FIRST 256

/* An option as it stands on the command line, for those who take it and complain about it. */
typedef struct option_given {
    int id;           /* `val` of the struct option. */
    const char *name; /* "listen". */
    char *value;      /* NULL for an option without one. */
} option_given;

/* Takes an option into `data`. Returns COMMAND_DONE, or COMMAND_MISUSED after saying why. */
typedef int (*option_take_fn)(void *data, const option_given *given);

/* What options_read() returns when the command is to go on. */
#define OPTIONS_TAKEN (-1)

/* Reads all options and hands each to `take`. `options` ends with a line of zeros; their `val` are
 * OPTION_FIRST and up, because what is less could be a letter. "help" is added to them.
 * `*operands_out` are the arguments that are no options, behind which stands NULL. Returns
 * OPTIONS_TAKEN, or the command_exit to end with. */
int options_read(const command *c, int count, char **arguments, const struct option *options,
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
