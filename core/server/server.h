/* core/server/server.h - a server, as the files that make it up see it.
 *
 * inbox.c     sockets on their way to a loop
 * dispatch.c  which loop gets one
 * admission.c whether a connection is let in
 * accepting.c the loop that accepts for others, and what it holds while all are full
 * count.c     the counters of all loops
 * worker.c    a loop of the server, from on_start to on_end, and the end of all
 * listening.c a listener, on each loop that the policy has accept
 * drain.c     the end in order
 * server.c    opening, running, closing
 *
 * Each calls those above it alone. They use the public interface of the loop, and of the platform
 * threads, locks and memory alone.
 */
#ifndef PLX__SERVER_H
#define PLX__SERVER_H

#include <pollux/server.h>
#include <pollux/timer.h>

#include "core/assert.h"
#include "platform/platform.h"

#define PLX__LISTENERS_MAX 64u
#define PLX__WORKERS_MAX   1024u

typedef struct plx__worker plx__worker;

/* A listener of the server: under some policies each loop has one of its own for it. */
typedef struct plx__server_listener {
    plx_server *server;
    plx_listen_options options; /* The caller's; `conn` points to the next. */
    plx_conn_options conn;
    plx_listener *handles; /* One for each loop that listens. */
} plx__server_listener;

/* --- inbox.c --------------------------------------------------------------------------------- */

/* A socket that somebody has accepted. */
typedef struct plx__handoff {
    plx_socket socket;
    const plx__server_listener *listener;
    void *bytes; /* Received from it already, `length` of them, allocated; or NULL. */
    size_t length;
    uint32_t hops; /* Loops that could not take it. */
} plx__handoff;

#define PLX__INBOX_MAX 1024u

/* Handoffs on their way to a loop, from any thread. */
typedef struct plx__inbox {
    plx__mutex mutex;
    plx__handoff *items; /* A ring of PLX__INBOX_MAX. */
    uint32_t first, count;
    bool is_announced; /* The loop has been told that there are some. */
    bool is_closed;
    plx__atomic_u32 pending; /* Put, and not done yet. */
} plx__inbox;

/* 0 or PLX_ENOMEM. */
int plx__inbox_open(plx__inbox *inbox);
/* What is left in it is the caller's to take out before. */
void plx__inbox_close(plx__inbox *inbox);
/* 0; PLX_ENOBUFS when it is full, PLX_ECANCELED when it was ended: then the handoff stays the
 * caller's. `*is_first_out`: the loop has to be told. */
int plx__inbox_put(plx__inbox *inbox, const plx__handoff *handoff, bool *is_first_out);
/* False when there is none; then the next one that is put is the first. The loop calls
 * plx__inbox_done() when the handoff is a connection of its own, or somebody else's. */
bool plx__inbox_take(plx__inbox *inbox, plx__handoff *handoff_out);
void plx__inbox_done(plx__inbox *inbox);
/* Nothing can be put any more. */
void plx__inbox_end(plx__inbox *inbox);
/* Whether something waits in it. */
bool plx__inbox_is_empty(plx__inbox *inbox);

/* --- the server ------------------------------------------------------------------------------- */

/* A loop of the server. */
struct plx__worker {
    plx_server *server;
    plx_loop *loop;
    uint32_t index;
    plx__thread thread;
    plx__inbox inbox; /* Not of the one that accepts. */
    plx_post_fn take; /* Takes what is in it. */
    bool is_started;  /* on_start has returned 0. */
    bool has_drained;
    uint64_t drain_until_ns;
    /* Under the server's mutex: */
    bool has_ended;
    plx_loop_stats final;           /* Of one that has ended. */
    struct plx__count_part *counts; /* That wait for its end. */
};

enum plx__server_state { PLX__SERVER_OPEN, PLX__SERVER_RUNNING, PLX__SERVER_OVER };

struct plx_server {
    plx_server_options options;
    uint32_t workers_count; /* Those that serve. */
    uint32_t loops_count;   /* And the one that accepts, if there is one: it is the last. */
    plx__worker *workers;
    uint32_t connections_max; /* Of each loop. */
    plx__server_listener *listeners[PLX__LISTENERS_MAX];
    uint32_t listeners_count;
    uint32_t next;         /* The loop whose turn is next. */
    plx__atomic_u32 state; /* plx__server_state. */
    plx__inbox held;       /* What the accepting loop could hand to nobody yet. */
    plx_timer hold_retry;  /* While there is some of that. */
    bool is_holding;
    plx__atomic_u32 serving; /* Loops that have not ended. */
    plx__atomic_u32 is_stopping;
    plx__atomic_u32 calling; /* Callbacks of the server's own that are running. */
    plx__mutex mutex;
    /* Under the mutex: */
    plx_server_stats stats;
    int status; /* The first failure that ends the server. */
    bool is_draining;
    uint64_t drain_wait_ns; /* Until the deadline; for loops that have been told to drain. */
};

static inline plx__worker *plx__server_acceptor(plx_server *server)
{
    return server->loops_count > server->workers_count ? &server->workers[server->workers_count]
                                                       : NULL;
}

static inline bool plx__server_is_stopping(plx_server *server)
{
    return plx__atomic_load_acquire(&server->is_stopping) != 0;
}

/* Around what the server itself calls: it cannot be closed there. */
static inline void plx__server_call_begin(plx_server *server)
{
    (void)plx__atomic_add(&server->calling, 1);
}

static inline void plx__server_call_end(plx_server *server)
{
    (void)plx__atomic_add(&server->calling, UINT32_MAX);
}

/* Adds one to a counter of the server's. */
static inline void plx__server_tally(plx_server *server, uint64_t *counter)
{
    plx__mutex_lock(&server->mutex);
    ++*counter;
    plx__mutex_unlock(&server->mutex);
}

/* Has `run` called on the loop, exactly once, also if its queue is full now. 0; or PLX_ECANCELED or
 * PLX_ENOMEM: then never. */
static inline int plx__server_post(plx_loop *loop, plx_post_fn run, void *data)
{
    int status = plx_post(loop, run, data);
    return status == PLX_ENOBUFS ? plx_post_notify(loop, run, data) : status;
}

/* --- dispatch.c ------------------------------------------------------------------------------ */

/* Closes the socket with a reset, and frees the bytes. */
void plx__handoff_drop(plx__handoff *handoff);
/* Whether one loop accepts for the others. */
bool plx__dispatch_hands_over(uint32_t dispatch);
/* Gives the socket to a loop: the one that the policy names, or the next that can take it, but not
 * `except`. 0; or PLX_ENOBUFS when none can now, PLX_ECANCELED when all have ended: then the
 * handoff stays the caller's. */
int plx__dispatch(plx_server *server, const plx__handoff *handoff, const plx__worker *except);

/* --- admission.c ----------------------------------------------------------------------------- */

bool plx__admits(plx_loop *loop, const plx__server_listener *of, plx_socket socket);
/* The on_accept of listeners on loops that serve themselves. */
enum plx_accept_verdict plx__admission_decide(plx_loop *loop, plx_listener listener, void *data,
                                              plx_socket socket, const void *bytes, size_t length);

/* --- accepting.c ----------------------------------------------------------------------------- */

/* The on_accept of listeners whose sockets are handed over. */
enum plx_accept_verdict plx__accepting_hand_over(plx_loop *loop, plx_listener listener, void *data,
                                                 plx_socket socket, const void *bytes,
                                                 size_t length);
/* Drops what is held: no loop is left that could take it. */
void plx__accepting_end(plx_server *server);

/* --- count.c --------------------------------------------------------------------------------- */

/* The loop has ended, and `final` is there. */
void plx__count_ended(plx__worker *worker);

/* --- worker.c -------------------------------------------------------------------------------- */

/* Opens the loop, and its inbox if it serves. On failure nothing is left behind. */
int plx__worker_open(plx_server *server, uint32_t index, const plx_loop_options *options,
                     size_t options_bytes);
/* Calls on_start. 0, or its code. */
int plx__worker_start(plx__worker *worker);
/* All of its life, on the calling thread. */
void plx__worker_run(plx__worker *worker);
/* Frees the loop, which has ended. */
void plx__worker_close(plx__worker *worker);
/* The loop has returned `status`: closes what is open on it, and calls on_end. 0, also when that
 * was done before; or PLX_EBUSY in a callback of the loop. */
int plx__worker_end(plx__worker *worker, int status);

/* --- listening.c ----------------------------------------------------------------------------- */

/* Closes those of the worker's loop. */
void plx__listening_end(plx_server *server, const plx__worker *worker);
void plx__listening_free(plx_server *server);

#endif
