/* core/shared_options.h - the options of connections, in one copy for all that share them. */
#ifndef PLX__SHARED_OPTIONS_H
#define PLX__SHARED_OPTIONS_H

#include <pollux/conn.h>

#include "core/loop.h"

/* A flag of plx_conn_options that is not public: the connection is not the user's yet, who sees it
 * as one that connects. It awaits a first message, for which its read timeout counts from its
 * opening. plx__conn_become() ends that. */
#define PLX__CONN_OPTION_STAGED (1u << 30)

typedef struct plx__shared_options {
    plx_conn_options options; /* Defaults filled in; `data` is NULL, each connection has its own. */
    uint64_t quiet_max_ns;    /* The shorter of its idle and read timeouts. */
    uint32_t references;
    struct plx__shared_options *base; /* Of a connection's own copy, what it was made of. */
} plx__shared_options;

/* 0, PLX_EINVAL when the watermarks contradict each other or flags are unknown, or PLX_ENOMEM. The
 * options come with one reference. */
int plx__shared_options_open(plx__shared_options **shared_out, const plx_conn_options *options);
/* The same, but shares the loop's last one if that has the same options. */
int plx__shared_options_find(plx_loop *loop, plx__shared_options **shared_out,
                             const plx_conn_options *options);
/* The part of plx__shared_options_release() for the last reference. */
PLX__SLOW void plx__shared_options_close(plx__shared_options *shared);

static inline void plx__shared_options_release(plx__shared_options *shared)
{
    PLX_ASSERT(shared->references > 0);
    if (--shared->references == 0)
        plx__shared_options_close(shared);
}

/* Sets a timeout, 0 to what the options said at first, in a copy that is the holder's own from then
 * on. 0; PLX_EINVAL if `which` is none; or PLX_ENOMEM with nothing changed. */
int plx__shared_options_timeout_set(plx__shared_options **shared, enum plx_timeout which,
                                    uint64_t timeout_ns);

#endif
