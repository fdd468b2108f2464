/* tools/serve.h - what `pollux serve` is told, and running it. */
#ifndef TOOLS_SERVE_H
#define TOOLS_SERVE_H

#include "platform/platform.h"
#include "tools/command.h"
#include "tools/serve_counters.h"
#include "tools/serve_health.h"
#include "tools/serve_limits.h"
#include "tools/serve_live.h"
#include "tools/serve_proxy.h"
#include "tools/service.h"
#include "tools/setting.h"

#define SERVE_LISTENERS_MAX 16u
/* Of all addresses; "inherited" may stand for several. */
#define SERVE_SOCKETS_MAX 64u

typedef struct serve {
    plx_server_options options;
    plx_loop_options loop_options;
    setting_list settings;
    serve_limits limits;
    const char *addresses[SERVE_LISTENERS_MAX];
    size_t addresses_count;
    const service *service;
    serve_proxy proxy;
    serve_health health;
    serve_counters counters; /* For `health` and `live`. */
    serve_live live;
    bool has_idle_timeout;
    uint64_t idle_timeout_ns;
    uint64_t drain_ns; /* After a signal that asks for it; 0: ends at once. */
    bool is_draining;  /* Such a signal has come. */
    uint64_t block_ns; /* For the service's block(). */
    bool until_input_ends;
    bool is_json;
    plx_server *server;
    void **states; /* The service's, one for each loop. */
    plx__mutex mutex;
    service_counts counts; /* Under the mutex: of connections that threads served. */
    /* serve_sockets.c: */
    const char *takeover_path; /* Of --takeover; or NULL. */
    char takeover_address[PLX_ADDRESS_TEXT_MAX];
    plx_takeover *takeover;
    plx_sockets *inherited;
    plx_handover *handover;
    const char *names[SERVE_SOCKETS_MAX]; /* The addresses, as given, of the listeners. */
    uint32_t listeners_count;
    bool is_handed_over;       /* To the next process. */
    plx__atomic_u32 is_asking; /* serve_supervisor.c: the loops, whether they live. */
} serve;

/* Serves until something ends it. Prints what there is to say; returns a command_exit. */
int serve_until_end(serve *s);
/* Another process serves. On the thread of the first loop. */
void serve_handed_over(serve *s);
/* A call about an address failed. Prints why; returns a command_exit. */
int serve_listen_failed(const serve *s, const char *address, int status);

#endif
