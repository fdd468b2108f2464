/* core/profile.h - the options of connections, in one copy for all that share them. */
#ifndef PLX__PROFILE_H
#define PLX__PROFILE_H

#include <pollux/conn.h>

#include "core/loop.h"

typedef struct plx__profile {
    plx_conn_options options; /* Defaults filled in; `data` is NULL, each connection has its own. */
    uint32_t references;
    bool has_timeouts;         /* Some of idle, read and write. */
    struct plx__profile *base; /* Of a connection's own copy: what it was made of. Else NULL. */
} plx__profile;

/* 0, PLX_EINVAL when the watermarks contradict each other or flags are unknown, or PLX_ENOMEM. The
 * profile comes with one reference. */
int plx__profile_open(plx__profile **profile_out, const plx_conn_options *options);
/* The same, but shares the loop's last one if that has the same options. */
int plx__profile_share(plx_loop *loop, plx__profile **profile_out, const plx_conn_options *options);
void plx__profile_give(plx__profile *profile);
/* Sets a timeout, 0 to what the options said at first, in a copy that is the holder's own from then
 * on. 0; PLX_EINVAL if `which` is none; or PLX_ENOMEM with nothing changed. */
int plx__profile_timeout_set(plx__profile **profile, enum plx_timeout which, uint64_t timeout_ns);

#endif
