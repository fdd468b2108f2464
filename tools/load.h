/* tools/load.h - a load: connections that ask, and what came of it.
 *
 * As a closed loop each connection asks again when it has its answer: the load then follows the
 * server, and a server that stops for a second loses one request per connection, not the thousands
 * that would have come meanwhile. As an open loop, with a rate, requests have times at which they
 * are due, whatever the server does; their latency counts from then on, also while they wait for a
 * connection to be free. (Gil Tene calls the difference coordinated omission.)
 *
 * With a connection for each request, what is called a connection here is a slot for one.
 */
#ifndef TOOLS_LOAD_H
#define TOOLS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <pollux/setting.h>

#include "tools/histogram.h"
#include "tools/tally.h"

#define LOAD_CONNECTIONS_MAX 100000u
#define LOAD_PIPELINE_MAX    1024u
#define LOAD_BYTES_MAX       (1u << 20) /* On their way on one connection. */
#define LOAD_RATE_MAX        1000000000u

enum load_mode { LOAD_ECHO, LOAD_HTTP };

typedef struct load_result {
    uint64_t elapsed_ns;
    uint64_t requests; /* Requests that were answered, whatever the answer says. */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t connections; /* Connections that opened, in all, */
    uint64_t connects;    /* and of those, the ones that opened after time had started. */
    uint64_t closed;      /* Connections that the server closed, before an answer if each is to
                             have one only. */
    uint64_t retried;     /* Requests that were sent again: see load.c. */
    uint64_t in_flight;   /* Requests that had no answer yet at the end. */
    uint64_t unsent;      /* Requests that were due, and had no connection to go on yet. */
    bool is_interrupted;  /* A signal ended it. */
    tally errors;
    histogram latency_ns;
} load_result;

/* How far it is, once a second. */
typedef void (*load_progress_fn)(void *data, const load_result *so_far);

typedef struct load_options {
    const char *address;
    const char *backend;         /* NULL: the default. */
    const plx_setting *settings; /* Of the loop. */
    size_t settings_count;
    enum load_mode mode;
    uint32_t connections;
    uint32_t pipeline;      /* Requests that a connection may have on their way. */
    uint32_t echo_bytes;    /* Of each request to be echoed. */
    uint32_t proxy_version; /* Of the PROXY header that each connection begins with; 0: none. */
    uint64_t duration_ns;
    uint64_t rate; /* Requests per second, of all connections together; 0: a closed loop. */
    /* A connection for each request, and latency counts from its connect: but for the first one of
     * each, which is open when time starts. With a pipeline of 1. */
    bool is_reconnecting;
    /* So many of the connections send each request in pieces, over `slow_ns`; latency counts from
     * the last piece. As a closed loop, with a pipeline of 1. */
    uint32_t slow;
    uint64_t slow_ns;
    load_progress_fn on_second; /* May be NULL. */
    void *data;                 /* Handed to it. */
} load_options;

/* Runs the load. Time starts when every connection has opened, or has failed to. Returns 0, the
 * code of the first failure when no connection opened at all, or that of the loop. */
int load_run(const load_options *options, load_result *result);

#endif
