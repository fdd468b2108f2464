/* tests/fuzz_loops.h - random calls that are about a loop as a whole. */
#ifndef FUZZ_LOOPS_H
#define FUZZ_LOOPS_H

#include <pollux/pollux.h>

/* Before any loop is open, and after all have closed. */
void fuzz_loops_open(void);
void fuzz_loops_close(void);
/* One call, with a handle of any kind, live or stale. */
void fuzz_loops_call(plx_loop *loop, uint64_t handle);
/* A socket of somebody else's that listens, for plx_listen_adopt(); NONE if there is none to be
 * had. */
plx_socket fuzz_loops_listening(void);

#endif
