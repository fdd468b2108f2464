/* tools/command.h - what a command of the program is, and how one ends. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdbool.h>

/* What the program ends with. The last two are what shells report of a program that SIGINT or
 * SIGTERM has ended. */
enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_MISUSED = 2, /* The command line, POLLUX_BACKEND or POLLUX_SETTINGS is wrong. */
    COMMAND_INTERRUPTED = 130,
    COMMAND_TERMINATED = 143
};

typedef struct command {
    const char *name;
    const char *summary;   /* A line for the program's help. */
    const char *help;      /* The command's own help, */
    const char *help_rest; /* and the rest of it, if a string cannot be as long; or NULL. */
    /* `arguments[0]` is the command's name. Returns a command_exit. */
    int (*run)(int count, char **arguments);
} command;

extern const command serve_command;
extern const command load_command;
extern const command compare_command;
extern const command backends_command;

/* Prints to standard error what is wrong with the arguments, and where help is. `name` is the
 * command's, or NULL. Returns COMMAND_MISUSED. */
#if defined(__MINGW32__)
__attribute__((format(gnu_printf, 2, 3)))
#elif defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int command_misused(const char *name, const char *format, ...);

#endif
