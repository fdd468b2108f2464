/* tests/fuzz_watches.h - watches over sockets whose owner does whatever it likes with them. */
#ifndef FUZZ_WATCHES_H
#define FUZZ_WATCHES_H

#include <pollux/pollux.h>

/* For the loops of one round; `loops` stays valid until fuzz_watches_close(). */
void fuzz_watches_open(plx_loop *const *loops, size_t count);
/* One random call on a random watch or its socket: of this loop only, or of any if it is NULL. */
void fuzz_watches_call(plx_loop *loop, uint64_t calls);
/* Before the loops close: makes the watched sockets readable, and checks that each watch is told.
 * Ends all faults. */
void fuzz_watches_check(void);
/* After all loops are closed: closes the sockets. */
void fuzz_watches_close(void);

#endif
