/* tests/fuzz_couple.h - two plain sockets that are connected with each other. */
#ifndef FUZZ_COUPLE_H
#define FUZZ_COUPLE_H

#include <stdint.h>

#include "platform/platform.h"

/* An address to listen at, for one connection if it is TCP's: a system keeps a port for a minute,
 * so where there are enough of those it is a Unix-domain one without a file, if the system has
 * such. `calls` is how far the program is, for fuzz_port_take(). False when there is none to be
 * had. */
bool fuzz_address_take(char *text, size_t size, uint64_t calls);
/* The address of a socket file that nobody has; leaves the address as it is where there are no such
 * files, or have been many. */
void fuzz_path_take(char *text, size_t size);
/* Whether none of those files is there any more; forgets them. */
bool fuzz_paths_are_gone(void);
/* Over the former kind of address. `small` is the size of the system's buffers; 0: the system's
 * own. False when there is none to be had. */
bool fuzz_couple_open(plx_socket couple[2], int small, uint64_t calls);

#endif
