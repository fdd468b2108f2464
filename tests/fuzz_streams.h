/* tests/fuzz_streams.h - streams whose every byte is known, for the fuzzer.
 *
 * A stream has two ends: a plain socket or a connection of a loop, and either may become the other
 * on the way. Each end writes a pattern that tells its position, and checks what it reads. What one
 * end has shut in order the other end must have seen whole.
 */
#ifndef FUZZ_STREAMS_H
#define FUZZ_STREAMS_H

#include <pollux/pollux.h>

#include <stdbool.h>

/* For the loops of one round, and each one's queued_bytes_max; both stay valid until
 * fuzz_streams_close(). A loop that has been closed is NULL there. */
void fuzz_streams_open(plx_loop *const *loops, const uint64_t *queued_max, size_t count);
/* After all loops are closed: checks what has arrived, and closes the plain ends. */
void fuzz_streams_close(void);
/* One random call on a random end: of this loop only, or of any if it is NULL. `calls` is how far
 * the program is, for fuzz_port_take(). */
void fuzz_streams_call(plx_loop *loop, uint64_t calls);

typedef struct fuzz_streams_counts {
    uint64_t streams, bytes, handed_over, ended_whole, drains;
    uint64_t high; /* Writes after which a queue was above its high watermark. */
} fuzz_streams_counts;
extern fuzz_streams_counts fuzz_streams_count;

#endif
