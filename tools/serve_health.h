/* tools/serve_health.h - what load balancers and Prometheus ask `pollux serve`. */
#ifndef TOOLS_SERVE_HEALTH_H
#define TOOLS_SERVE_HEALTH_H

#include <pollux/pollux.h>

#include "platform/platform.h"
#include "tools/serve_counters.h"

typedef struct serve_health {
    const char *address; /* NULL: nobody is to be asked. */
    plx_server *server;
    serve_counters *counters;
    plx_loop *loop; /* Its own, on a thread of its own. NULL before serve_health_open(). */
    plx_listener listener;
    plx__thread thread;
    bool is_running;
} serve_health;

/* Before plx_server_run(), with counters that are open. GET /health answers 200, and 503 while the
 * server drains; GET /metrics the counters of each loop, in Prometheus' text format 0.0.4; GET / a
 * page that plots what GET /counters.json answers. 0, or as plx_listen(). */
int serve_health_open(serve_health *h, plx_server *server, serve_counters *counters);
/* From now on it answers. 0, PLX_ENOMEM or PLX_ELIMIT. */
int serve_health_run(serve_health *h);
/* When the server has ended: it answers no more. */
void serve_health_stop(serve_health *h);
/* When the server is closed. */
void serve_health_close(serve_health *h);

#endif
