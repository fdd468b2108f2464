/* tests/sim_stage.h - a simulation with a loop that serves in it and one that connects to it, and
 * everything that has happened in it.
 *
 * Virtual time is all that a case waits for, so a case needs no patience.
 */
#ifndef SIM_STAGE_H
#define SIM_STAGE_H

#include "tests/harness.h"

enum { STAGE_RECORDS_MAX = 20000 };

typedef struct stage {
    plx_sim *sim;
    plx_loop *server, *client; /* Both keep running; the simulation runs them. */
    plx_listener listener;
    char address[PLX_ADDRESS_TEXT_MAX];
    probe served; /* What happens to the connections of the listener, */
    probe made;   /* and to those of stage_connect(). */
    size_t records;
} stage;

/* The records of the present stage, the first ones. */
extern plx_sim_record stage_records[STAGE_RECORDS_MAX];

/* Opens the simulation with these options, and both loops. `on_record` is the stage's, if they have
 * none. */
void stage_open(stage *s, plx_sim_options options);
/* Has the server listen at the address, with the probe's options. */
void stage_listen(stage *s, const char *address);
/* The same, which may fail: returns the code. */
int stage_listen_try(stage *s, const char *address);
/* Opens, and listens on a port of the simulation's choice. */
void stage_open_listening(stage *s, plx_sim_options options);
/* The client begins to connect. */
plx_conn stage_connect(stage *s);
/* Opens, listens, connects, and runs until both ends are open. */
void stage_open_pair(stage *s, plx_sim_options options);
/* Runs for so long. */
void stage_run(stage *s, uint64_t duration_ns);
/* Runs until `*count` has reached `wanted`; fails the case if an hour is not enough. */
void stage_until(stage *s, const size_t *count, size_t wanted);
/* Closes all of it. No socket may be left. */
void stage_close(stage *s);

/* How many records have that name. */
size_t stage_count(const stage *s, const char *name);
/* The one that has so many of its name before it; there must be one. */
const plx_sim_record *stage_record(const stage *s, const char *name, size_t before);
/* The values of all records of that name together. */
int64_t stage_sum(const stage *s, const char *name);

#endif
