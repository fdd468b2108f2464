/* tests/adapter_fixture.h - what the suites of the adapters share: a server on a loop, which each
 * suite scripts, a loop for the server alone, and loops that run out of memory.
 *
 * adapter_fixture.c has their main(): each suite defines `adapter_cases`.
 */
#ifndef ADAPTER_FIXTURE_H
#define ADAPTER_FIXTURE_H

#include "tests/harness.h"

extern const test_case adapter_cases[];

/* The server that the library under test talks to. There is one for the process, which runs one
 * case: the loop closes its connections after the case has returned. */
typedef struct server {
    char address[PLX_ADDRESS_TEXT_MAX]; /* "tcp://127.0.0.1:PORT"; empty before server_open(). */
    probe conns;                        /* Its connections, */
    size_t asked;                       /* and requests, which the script counts. */
} server;

extern server the_server;

/* Plays the server: a probe's then_data. */
typedef size_t (*server_script)(plx_loop *loop, plx_conn conn, probe *conns, const void *bytes,
                                size_t length);

/* Opens the server, or opens it anew, on the case's loop. Its connections send and receive more at
 * once than any suite asks for. */
plx_listener server_open(world *w, server_script script);
/* The PORT of "tcp://127.0.0.1:PORT". */
unsigned address_port(const char *address);

/* Closes the loop before the client that uses it. */
void world_loop_close(world *w);
/* The same configuration with a loop of its own, for a server: the client's loop has nothing else
 * on it then. Close it with world_loop_close(). */
world world_for_server(const world *w);
/* Turns both loops until `*count` has reached `wanted`. */
void turn_both_until(world *w, world *of_server, const size_t *count, size_t wanted);

/* Rounds in each of which another allocation of the case's loop fails: the first, the second, and
 * so on. In the last round none is left to fail.
 *
 *     shortage lack = {0};
 *     while (shortage_next(w, &lack)) {
 *         shortage_begin(&lack);
 *         int status = plx_NAME_open(...);
 *         shortage_end(&lack, status);
 *     }
 */
typedef struct shortage {
    uint32_t rounds;
    bool has_struck; /* An allocation failed in this round. */
    size_t refused;  /* Rounds in which the adapter did not open. */
} shortage;

/* Begins a round with a new loop. Returns false when all of them are over. */
bool shortage_next(world *w, shortage *lack);
void shortage_begin(const shortage *lack);
/* `status` is what opening the adapter returned, which may fail with PLX_ENOMEM only. */
void shortage_end(shortage *lack, int status);

#endif
