/* core/assert.c - the last words. */
#include "core/assert.h"

#include <stdio.h>
#include <stdlib.h>

void plx__assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "pollux: assertion failed at %s:%d: %s\n", file, line, condition);
    abort();
}

void plx__misused(const char *text)
{
    fprintf(stderr, "pollux: %s\n", text);
    abort();
}
