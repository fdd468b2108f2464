/* tools/serve_limits.h - the limits of `pollux serve`: its options, and what came of them. */
#ifndef TOOLS_SERVE_LIMITS_H
#define TOOLS_SERVE_LIMITS_H

#include <pollux/server.h>

#include "tools/options.h"

#define SERVE_BLOCKS_MAX 64u

typedef struct serve_limits {
    plx_server_limits limits; /* Its lists are the two below. */
    const char *allow[SERVE_BLOCKS_MAX];
    const char *deny[SERVE_BLOCKS_MAX];
} serve_limits;

/* Ids of options; those of serve_command.c are smaller. */
enum {
    SERVE_LIMIT_CONNECTIONS = 100,
    SERVE_LIMIT_PER_ADDRESS,
    SERVE_LIMIT_RATE,
    SERVE_LIMIT_SLOW,
    SERVE_ALLOW,
    SERVE_DENY
};

/* One of those options: COMMAND_DONE, or COMMAND_MISUSED after saying why. */
int serve_limits_take(serve_limits *limits, const option_given *given);
/* Sets them, if any were given. 0, or a code. */
int serve_limits_set(serve_limits *limits, plx_server *server);

#endif
