/* tools/command.c - how commands complain. */
#include "tools/command.h"

#include <stdarg.h>
#include <stdio.h>

int command_misused(const char *name, const char *format, ...)
{
    const char *space = name != NULL ? " " : "";
    va_list values;
    name = name != NULL ? name : "";
    fprintf(stderr, "pollux%s%s: ", space, name);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "\nTry 'pollux%s%s --help'.\n", space, name);
    return COMMAND_MISUSED;
}
