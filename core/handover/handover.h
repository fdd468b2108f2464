/* core/handover/handover.h - listening sockets on their way between processes.
 *
 * sockets.c   lists of sockets with names
 * inherit.c   those that a supervisor has opened
 * frame.c     what the two processes of a handover say to each other
 * handover.c  the one that has the sockets
 * takeover.c  the one that gets them
 *
 * Each calls those above it alone, and the public interface of the loop; handover.c stages the
 * connections of those whom it refuses (core/shared_options.h).
 *
 * The conversation, each line a frame:
 *     the new process    REQUEST
 *     the old one        OFFER, and behind it the names and the sockets; or REFUSAL, with a code
 *     the new one        CONFIRM, when it listens
 *     the old one        YOURS, when its path is free; or REFUSAL
 * A new process that closes before that has changed nothing. An old one that closes has ended, as
 * far as the new one can know, which serves then.
 */
#ifndef PLX__HANDOVER_H
#define PLX__HANDOVER_H

#include <pollux/handover.h>
#include <pollux/loop.h>

#include "platform/handover.h"

/* --- sockets.c ------------------------------------------------------------------------------- */

/* All the names, each with its zero; or only how many bytes that is, if `bytes` is NULL. */
size_t plx__sockets_names(const plx_sockets *sockets, unsigned char *bytes);

/* --- frame.c --------------------------------------------------------------------------------- */

enum plx__frame_kind {
    PLX__FRAME_REQUEST = 1,
    PLX__FRAME_OFFER = 2,
    PLX__FRAME_REFUSAL = 3,
    PLX__FRAME_CONFIRM = 4,
    PLX__FRAME_YOURS = 5
};

#define PLX__FRAME_BYTES 32u

typedef struct plx__frame {
    uint32_t kind;    /* plx__frame_kind. */
    uint32_t count;   /* OFFER: sockets. REFUSAL: the code, without its sign. */
    uint32_t length;  /* OFFER: bytes of the names. */
    uint64_t process; /* Who sends it. */
} plx__frame;

void plx__frame_write(const plx__frame *frame, unsigned char *bytes);
/* 0, or PLX_EVERSION for what is no frame of this version. */
int plx__frame_read(plx__frame *frame_out, const unsigned char *bytes);

#endif
