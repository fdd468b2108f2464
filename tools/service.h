/* tools/service.h - what `pollux serve` can do for a connection. */
#ifndef TOOLS_SERVICE_H
#define TOOLS_SERVICE_H

#include <stdbool.h>

#include <pollux/pollux.h>

/* What a service counts beyond what the loop does. */
typedef struct service_counts {
    uint64_t requests; /* Requests that were answered. */
    uint64_t refused;  /* Requests that were turned away, for instance with 400. */
} service_counts;

typedef struct service_socket service_socket;

typedef struct service {
    const char *name;
    bool has_requests;           /* Whether `counts` has something to say. */
    uint64_t idle_timeout_ns;    /* Where the command line names none. */
    plx_draining_fn on_draining; /* Of pollux/server.h; may be NULL. */
    /* Sets the callbacks of connections, the same on each loop. What differs from loop to loop is
     * the state, which lives until close(), and may be plx_loop_data(). */
    int (*open)(void **state_out, plx_loop *loop, plx_conn_options *options);
    void (*counts)(const void *state, service_counts *counts_out);
    void (*close)(void *state);       /* NULL is allowed. */
    void (*serve)(service_socket *s); /* A whole connection, by calls that wait. */
    /* Before each answer the thread then sleeps for so long. NULL: the service cannot do that. */
    void (*block)(void *state, uint64_t block_ns);
} service;

/* Number `index` of them, or NULL past the last. */
const service *service_at(size_t index);
const service *service_find(const char *name);

extern const service service_http;

#endif
