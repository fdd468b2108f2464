/* tests/sim_stream.h - the streams of a run, both ends of each: what they do, and what must hold.
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <pollux/pollux.h>

#include "tests/sim_scene.h"

enum { SIM_STREAMS_MAX = 16 };

/* Begins a run, which has the scene until it ends. `on_closed` is called when an end has closed. */
void sim_streams_begin(const sim_scene *scene, void (*on_closed)(void));
/* The options of the connections that are accepted. */
plx_conn_options sim_streams_accept(void);
/* Connects to the address, a random number of times. */
void sim_streams_connect(const char *address);
/* What has happened in the simulation. */
void sim_streams_record(const plx_sim_record *record);
/* How many ends have not closed yet. */
uint32_t sim_streams_clients(void);
uint32_t sim_streams_servers(void);
/* What must hold of both directions of each stream, at last. */
void sim_streams_check(void);
/* When the loops have closed: every lent buffer has been returned. */
void sim_streams_closed_check(void);

#endif
