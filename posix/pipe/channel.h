/* posix/pipe/channel.h - what a pipe or pair is made of, for channel.c, pipe_share.c and
 * socket/pair_share.c.
 */
#ifndef PLX__POSIX_CHANNEL_H
#define PLX__POSIX_CHANNEL_H

#include "posix/pipe/pipe.h"

#define PLX__RING_BYTES (64 * 1024) /* As Linux's pipes. */

typedef struct plx__ring {
    size_t head;
    size_t count;
    bool writer_is_gone;
    bool reader_is_gone;
    unsigned char *bytes; /* Made with the first write. */
    uint64_t taken;       /* Bytes that were ever read. */
    plx__rights_queue rights;
} plx__ring;

typedef struct plx__channel {
    SRWLOCK lock;
    plx__atomic_u32 ends;
    plx__file *files[2]; /* Not counted; NULL once closed. */
    int errors[2];       /* What an end is told with its next call. */
    int type;            /* SOCK_STREAM or SOCK_DGRAM. */
    bool is_pair;
    /* [0] from the second end to the first, [1] the other way (pairs only). Of a shared pipe: [0]
     * from the system's pipe to the first end, [1] from the second end to the system's pipe. */
    plx__ring rings[2];
    struct plx__pipe_share *share; /* Of pipes that a child has an end of: pipe_share.c's. */
} plx__channel;

typedef struct plx__channel_end {
    plx__channel *channel;
    int index;
} plx__channel_end;

static inline plx__channel_end *plx__channel_end_of(const plx__file *file)
{
    return file->data;
}

void plx__ring_copy_in(plx__ring *to, const void *bytes, size_t count);
void plx__ring_copy_out(const plx__ring *from, size_t skip, void *bytes, size_t count);
void plx__ring_drop(plx__ring *from, size_t count);
/* Takes one away from `ends`. */
void plx__channel_put(plx__channel *whole);

/* --- pipes that children have an end of (pipe_share.c) ---------------------------------------- */

/* All of these want a share and, but for the last two, the channel's lock. Somebody reads, or asks
 * whether he could. */
void plx__pipe_share_read(plx__channel *whole);
/* There is something in rings[1]. */
void plx__pipe_share_write(plx__channel *whole);
/* This end has been closed here. */
void plx__pipe_share_end(plx__channel *whole, int index);
/* After that, without the lock, for the reading end: its thread waits no longer. */
void plx__pipe_share_cancel(plx__channel *whole);
/* There is room in rings[0] again. */
void plx__pipe_share_room(plx__channel *whole);
void plx__pipe_share_free(struct plx__pipe_share *share);

#endif
