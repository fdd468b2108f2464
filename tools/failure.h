/* tools/failure.h - what went wrong, with the thing that it happened to and the way out. */
#ifndef TOOLS_FAILURE_H
#define TOOLS_FAILURE_H

#include <stddef.h>

/* Room enough for any of these sentences, the closing zero included, in bytes. */
#define FAILURE_TEXT_MAX 512

/* A call about an address failed with `status`. */
void failure_of_address(char *text, size_t size, const char *address, int status);
/* A loop did not open on the backend. NULL: the one that POLLUX_BACKEND names, or the default. */
void failure_of_backend(char *text, size_t size, const char *backend, int status);
/* The backend that POLLUX_BACKEND names, or NULL. */
const char *failure_backend_of_environment(void);

/* Prints it to standard error, in the name of the command. Returns COMMAND_FAILED. */
int failure_print(const char *name, const char *text);
/* The same for a call that failed with `status`. Returns COMMAND_MISUSED, after a word about help,
 * when the arguments are to blame: an address that is none, a backend that is unknown. */
int failure_print_of(const char *name, const char *text, int status);

#endif
