/* tools/failure.h - what went wrong, with the thing that it happened to and the way out. */
#ifndef TOOLS_FAILURE_H
#define TOOLS_FAILURE_H

#include <stddef.h>

/* Room enough for any of these sentences, the closing zero included, in bytes. */
#define FAILURE_TEXT_MAX 512

/* A call about an address failed with `status`. */
void failure_of_address(char *text, size_t size, const char *address, int status);
/* A loop did not open on the backend; NULL is the default. */
void failure_of_backend(char *text, size_t size, const char *backend, int status);

/* Says it on standard error, in the name of the command. Returns COMMAND_FAILED. */
int failure_print(const char *name, const char *text);

#endif
