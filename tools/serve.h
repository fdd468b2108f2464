/* tools/serve.h - what `pollux serve` is told, and running it. */
#ifndef TOOLS_SERVE_H
#define TOOLS_SERVE_H

#include "platform/platform.h"
#include "tools/command.h"
#include "tools/service.h"
#include "tools/setting.h"

#define SERVE_LISTENERS_MAX 16u

typedef struct serve {
    plx_server_options options;
    plx_loop_options loop_options;
    setting_list settings;
    const char *addresses[SERVE_LISTENERS_MAX];
    size_t addresses_count;
    const service *service;
    bool has_idle_timeout;
    uint64_t idle_timeout_ns;
    uint64_t drain_ns; /* After a signal that asks for it; 0: ends at once. */
    bool is_draining;  /* Such a signal has come. */
    bool until_input_ends;
    bool is_json;
    plx_server *server;
    void **states; /* The service's, one for each loop. */
    plx__mutex mutex;
    service_counts counts; /* Under the mutex: of connections that threads served. */
} serve;

/* Serves until something ends it. Prints what there is to say; returns a command_exit. */
int serve_until_end(serve *s);

#endif
