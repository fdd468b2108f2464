/* tests/fuzz_peers.h - what fuzz_api.c has on the other side: plain sockets, and a budget of ports.
 */
#ifndef FUZZ_PEERS_H
#define FUZZ_PEERS_H

#include "platform/platform.h"

/* A pair that is connected with each other, to be watched. */
extern plx_socket fuzz_foreign[2];

/* No peer, and the pair. False when there is no socket to be had. */
bool fuzz_peers_open(void);
void fuzz_peers_close(void);
/* Has one of them do something: connect to the address, send, receive, end, reset. `length` bytes
 * at `bytes` may be sent, and as many received there. `calls` is how far the program is. */
void fuzz_peers_call(const char *address, unsigned char *bytes, size_t length, uint64_t calls);

/* A system keeps a port for a minute after the side that has it has closed first, and has 28,000 of
 * them. Whether another may be spent on that: those who run after us want some too. */
bool fuzz_port_take(uint64_t calls);
/* The same for a connection to this address, which may take none. */
bool fuzz_port_take_for(const char *address, uint64_t calls);

#endif
