/* backends/backend.h - the only seam between core/ and the ways of waiting.
 *
 * Core decides, a backend performs. A backend calls no user and closes no socket that core has.
 * What it is asked for comes out of `next` as completions, one at a time, and core alone calls the
 * user in between; so nothing is dispatched while something is being iterated.
 *
 * Accepting and receiving are streams: started once, they yield until they are stopped or fail.
 * Everything else completes once. EINTR, EAGAIN and errno stay on the other side: a completion
 * carries a Pollux code, and the system's own stays with the thread for plx_os_error().
 *
 * All of it belongs to the thread of the loop, but for `wake`.
 */
#ifndef PLX__BACKEND_H
#define PLX__BACKEND_H

#include <pollux/loop.h>
#include <pollux/setting.h>
#include <pollux/watch.h>

#include "backends/host.h"

typedef struct plx__backend plx__backend; /* Each backend completes this type for itself. */

/* One socket, as core and the backend both see it. In memory the backend's own bytes (as many as
 * `endpoint_bytes` says) stand directly in front of it and are zero when it is attached. */
typedef struct plx__endpoint {
    /* What a backend hands to the kernel where the kernel hands it back: the bits of the handle,
     * which no two endpoints share, not even one after the other in the same slot. */
    uint64_t token;
    plx_socket socket;
    bool is_queued; /* Core's: bytes wait in its queue, so none that follow may be deferred. */
    bool has_more;  /* The backend's: something has come that neither this turn's `next` hands out
                     * nor a look at the socket shows. */
} plx__endpoint;

/* Whose the socket of an endpoint is. */
enum plx__origin {
    PLX__MADE,    /* Core's own: it has made or accepted it. */
    PLX__ADOPTED, /* Core's own now: somebody else has used it. */
    PLX__WATCHED  /* Somebody else's, who asks for its readiness and nothing else. */
};

enum plx__completion_kind {
    PLX__ACCEPTED,  /* `accepted` is a new socket, or `status` says why there is none. The stream
                     * goes on either way. With the socket may come its first bytes, as in
                     * PLX__RECEIVED; `length` is 0 if none do. */
    PLX__CONNECTED, /* With `status`. */
    PLX__RECEIVED,  /* `length` bytes at `bytes`, valid until the next call of `next`. It may still
                     * come after `stop`, for what had arrived already. */
    PLX__ENDED,     /* The stream of received bytes is over: `status` is PLX_EEOF or why. */
    PLX__UNSENT,    /* `length` of the bytes that `send` took were not sent: they stand at
                     * `bytes` until the next call of `next`. Or `status` says why something was
                     * lost. It comes before core is told of anything that could have it call
                     * somebody. */
    PLX__SENT,      /* `length` of the bytes of `send_start` were taken, with `status` 0; 0 bytes
                     * mean: try `send` again. */
    PLX__READY,     /* A watched socket; `ready` is bits of plx_readiness. PLX_FAILED alone: it is
                     * closed, and the backend has let go of it. */
    PLX__RELEASED,  /* What `release` waited for is over. */
    PLX__DETACHED   /* What `detach` left in flight has arrived; the socket may be closed. */
};

typedef struct plx__completion {
    plx__endpoint *endpoint;
    enum plx__completion_kind kind;
    int status;
    const unsigned char *bytes;
    size_t length;
    plx_socket accepted;
    uint32_t ready;
} plx__completion;

/* How a listener accepts; the same at each start of one endpoint. */
typedef struct plx__accept_config {
    bool receive_first;   /* A connection is wanted once its first bytes are there; a backend that
                           * cannot wait for them brings it before. */
    uint32_t silence_max; /* Of `receive_first`: for how many seconds a peer may be silent where it
                           * is in the way of others; for less if there is no way past it. */
    bool is_shared;       /* Other loops accept from the same socket, and one of them is to wake for
                           * a connection: with `shares_listeners` alone. */
} plx__accept_config;

/* Whom a backend tells of each descriptor that it opens for itself while endpoints are attached: a
 * wake, a ring. An endpoint that has the number was closed by somebody else, by mistake, and core
 * must not close what has the number now. */
typedef struct plx__openings {
    void (*on_open)(void *data, plx_socket descriptor); /* NULL: nobody. It only takes a note. */
    void *data;
} plx__openings;

static inline void plx__openings_tell(const plx__openings *openings, plx_socket descriptor)
{
    if (openings->on_open != NULL)
        openings->on_open(openings->data, descriptor);
}

static inline void plx__openings_tell_wake(const plx__openings *openings, const plx__wake *wake)
{
    plx__openings_tell(openings, wake->reader);
    plx__openings_tell(openings, wake->writer);
}

/* The settings of a backend (backends/settings.c). */
typedef struct plx__setting_table {
    const plx_setting_info *infos;
    size_t count; /* At most PLX__SETTINGS_MAX. */
} plx__setting_table;

#define PLX__SETTINGS_MAX 8u

/* What a backend tells core without being asked. The memory is core's. */
#define PLX__COUNTERS_MAX 8u
typedef struct plx__backend_report {
    uint64_t due_ns; /* When it has something to do in a wait, though nothing comes: core waits no
                      * longer than that. UINT64_MAX at first: never. */
    uint64_t wait_failures;             /* To be added to those of plx_loop_stats. */
    uint64_t values[PLX__COUNTERS_MAX]; /* In the order of plx__backend_ops.counters. */
} plx__backend_report;

typedef struct plx__backend_config {
    const plx_loop *loop;     /* Whose it is: a simulation runs the loops that it is told to. */
    uint32_t receive_bytes;   /* The most that one PLX__RECEIVED brings. */
    bool may_defer;           /* `send` may take what it has not sent. */
    const uint64_t *settings; /* Values in the order of the backend's table, the defaults filled in;
                               * read during `open` only. NULL for a backend without a table. */
    plx__openings openings;
    plx__backend_report *report; /* There until `close` or `abandon`. */
} plx__backend_config;

typedef struct plx__backend_ops {
    const char *name;        /* What plx_loop_options.backend accepts. */
    const plx__host *host;   /* Whose its sockets are, and its time. */
    uint32_t deferred_max;   /* The most bytes of an endpoint that it has deferred at a time. */
    const char *needs;       /* What a machine must have to run it, in words; or NULL. */
    uint32_t endpoint_bytes; /* A multiple of 8. */
    bool shares_listeners;   /* It can accept as plx__accept_config.is_shared says. */
    bool asks_conditions;    /* It accepts by plx__socket_accept(). */
    const plx__setting_table *settings; /* NULL: it has none. */
    const char *const *counters; /* Names of what it counts, with NULL behind the last; or NULL. */

    /* PLX_ENOSYS: this machine lacks the facility. On failure nothing is left behind. */
    int (*open)(plx__backend **backend_out, const plx__backend_config *config);
    /* Everything has been detached by now. */
    void (*close)(plx__backend *backend);
    /* The calling thread is about to close the loop, whichever thread ran it. PLX_EBUSY: that one
     * still has a part in it, and nothing has been done. NULL where any thread can. */
    int (*own)(plx__backend *backend);
    /* In a child that fork() has made, which has copies of the memory and of the descriptors, and
     * no thread but the one that forked. Endpoints may be attached, and completions of the last
     * wait not handed out yet.
     *
     * Frees the backend, and closes its copies of descriptors. What the parent has too stays as it
     * is: nothing is cancelled, removed from a set or submitted, and no lock is waited for. NULL:
     * the memory and the descriptors stay with the child. */
    void (*abandon)(plx__backend *backend);
    /* Makes anew what a child cannot use or must not change: sets, rings, wakes, threads. The
     * parent never uses its own again. Endpoints, operations and completions go on, those included
     * that were not handed out yet. On failure only `abandon` follows. NULL: PLX_ENOSYS. */
    int (*renew)(plx__backend *backend);

    /* Around the life of one socket. Core detaches before it closes the socket, because a closed
     * number may be used again while something of the old one is still queued. No completion of
     * the endpoint comes after `detach`, but PLX__DETACHED if that returned false.
     *
     * `attach` returns 0, or why the socket cannot be used; then there is nothing to detach. */
    int (*attach)(plx__backend *backend, plx__endpoint *endpoint, enum plx__origin origin);
    bool (*detach)(plx__backend *backend, plx__endpoint *endpoint);
    /* Before `detach`, for a connection whose socket is to live on elsewhere; nothing is received
     * any more, or being sent. False: not before PLX__RELEASED, and what had been received until
     * then still comes as PLX__RECEIVED. So for a listener that was stopped, with PLX__ACCEPTED. */
    bool (*release)(plx__backend *backend, plx__endpoint *endpoint);

    int (*accept_start)(plx__backend *backend, plx__endpoint *endpoint,
                        const plx__accept_config *config);
    /* For backends that accept ahead, else NULL. Takes a connection that it has accepted and has
     * not brought, because it was stopped or lacked a descriptor: PLX_EAGAIN when there is none. */
    int (*accept_held)(plx__backend *backend, plx__endpoint *endpoint, plx_socket *socket_out);
    /* 0, and PLX__CONNECTED comes later, even when the system knows the outcome at once; or what
     * failed before anything was under way. */
    int (*connect)(plx__backend *backend, plx__endpoint *endpoint, const plx__address *address);
    int (*receive_start)(plx__backend *backend, plx__endpoint *endpoint);
    /* Ends the stream: of accepted connections, or of received bytes. */
    void (*stop)(plx__backend *backend, plx__endpoint *endpoint);
    /* What the system takes at once: 0 on backends that cannot know, or a code. PLX_ENOBUFS, here,
     * from `send_start` and as the status of PLX__SENT, says that nothing was taken because the
     * system lacks memory, which may pass: core tries again. After any other code something was
     * lost, and core closes the connection or reads what it still has. A backend may defer the
     * send of an endpoint that is not `is_queued`, if the configuration allows it: it copies the
     * bytes and sends them with the next wait, all or none of them, at most `deferred_max` of an
     * endpoint at a time. What then does not go comes back as PLX__UNSENT. */
    ptrdiff_t (*send)(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                      size_t count);
    /* Sends what is deferred, at once, as far as the system takes it. True: `*unsent_out` is the
     * PLX__UNSENT that would have come, its bytes valid until the backend is called again. In any
     * case nothing is deferred any more. Core calls it before it queues anything, shuts the socket,
     * or holds a write against a limit. `detach` does the same, and drops what is left. NULL:
     * nothing ever is. */
    bool (*send_flush)(plx__backend *backend, plx__endpoint *endpoint, plx__completion *unsent_out);
    /* After `send` has not taken all: has PLX__SENT come when the system takes more. These are the
     * first of the bytes that are left, which a backend may copy and send; whatever it does with
     * them is done when this returns. Once at a time. */
    int (*send_start)(plx__backend *backend, plx__endpoint *endpoint, const plx__slice *slices,
                      size_t count);
    /* Readiness for `interest` (PLX_READABLE, PLX_WRITABLE) until it is changed; 0 for none. */
    int (*watch)(plx__backend *backend, plx__endpoint *endpoint, uint32_t interest);

    /* Waits for at most `timeout_ns`, or until something completes, a signal, or a wake. */
    int (*wait)(plx__backend *backend, uint64_t timeout_ns);
    /* The next completion of the last wait, the backend's own until the call after this one; NULL
     * when there is none left. */
    const plx__completion *(*next)(plx__backend *backend);
    /* Ends the present wait, or the next one. Any thread, and signal handlers. */
    void (*wake)(plx__backend *backend);
} plx__backend_ops;

/* The compiled-in backends in the order in which they are tried, the default first (registry.c).
 * NULL past the last. */
const plx__backend_ops *plx__backend_at(size_t index);
/* The one that a loop of the calling thread gets, unless it names another: that of a simulation
 * that is open on the thread. NULL: any of the list. */
const plx__backend_ops *plx__backend_here(void);
/* NULL when no backend of that name is compiled in. That of simulations always is, though it is not
 * in the list. */
const plx__backend_ops *plx__backend_find(const char *name);
/* The settings of all backends, compiled in or not (settings.c). NULL past the last. */
const plx__setting_table *plx__settings_at(size_t index);

#endif
