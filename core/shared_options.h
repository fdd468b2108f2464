/* core/shared_options.h - the options of connections, in one copy for all that share them. */
#ifndef PLX__SHARED_OPTIONS_H
#define PLX__SHARED_OPTIONS_H

#include <pollux/conn.h>

#include "core/loop.h"

typedef struct plx__shared_options {
    plx_conn_options options; /* Defaults filled in; `data` is NULL, each connection has its own. */
    uint32_t references;
    bool has_timeouts;                /* Some of idle, read and write. */
    struct plx__shared_options *base; /* Of a connection's own copy, what it was made of. */
} plx__shared_options;

/* 0, PLX_EINVAL when the watermarks contradict each other or flags are unknown, or PLX_ENOMEM. The
 * options come with one reference. */
int plx__shared_options_open(plx__shared_options **shared_out, const plx_conn_options *options);
/* The same, but shares the loop's last one if that has the same options. */
int plx__shared_options_find(plx_loop *loop, plx__shared_options **shared_out,
                             const plx_conn_options *options);
void plx__shared_options_release(plx__shared_options *shared);
/* Sets a timeout, 0 to what the options said at first, in a copy that is the holder's own from then
 * on. 0; PLX_EINVAL if `which` is none; or PLX_ENOMEM with nothing changed. */
int plx__shared_options_timeout_set(plx__shared_options **shared, enum plx_timeout which,
                                    uint64_t timeout_ns);

#endif
