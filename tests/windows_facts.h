/* tests/windows_facts.h - what the files of the probe windows_facts share.
 *
 * Each fact is something that platform/windows or backends/iocp relies on, or is written to deal
 * with. The ids of those about WSAPoll are the rows of the table "WSAPoll" in docs/windows.md.
 */
#ifndef WINDOWS_FACTS_H
#define WINDOWS_FACTS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
/* winsock2.h must come before windows.h, and both before mswsock.h. */
/* clang-format off */
#include <winsock2.h>
#include <windows.h>
#include <ws2tcpip.h>
#include <mswsock.h>
/* clang-format on */
#include <stdbool.h>
#include <stdint.h>

/* Prints the fact as confirmed, or as refuted; what was seen is printed with both. */
void fact(const char *id, const char *text, bool is_so, const char *seen, ...);
/* Prints that it cannot be tested here, and why. */
void fact_untested(const char *id, const char *text, const char *why, ...);

/* Two connected sockets that do not block. */
typedef struct facts_pair {
    SOCKET ours, theirs;
} facts_pair;

facts_pair pair_open(void);
void pair_close(facts_pair *pair);
void socket_reset(SOCKET socket);
SOCKET socket_made(int type);
void socket_unblock(SOCKET socket);
/* Bound to the loopback and a port of the system's choice, and listening. */
SOCKET listener_open(struct sockaddr_in *name_out);
struct sockaddr_in name_of(SOCKET socket);
/* A port of the loopback at which nobody listens. */
struct sockaddr_in name_of_nobody(void);
/* Sends until the socket takes no more, for a while: bytes taken. */
size_t socket_fill(SOCKET socket);
/* WSAPoll of one: its revents, or -1 when the call failed. */
int polled(SOCKET socket, SHORT events, INT timeout);
double milliseconds(void);

void facts_of_poll(void);
void facts_of_waits(void);
void facts_of_sends(void);
void facts_of_addresses(void);
void facts_of_ports(void);

#endif
