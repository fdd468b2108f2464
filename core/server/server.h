/* core/server/server.h - a server, as the files that make it up see it.
 *
 * ending.c    whether the server is to end, and why
 * clients.c, address_list.c  the clients that limits remember; blocks of addresses
 * limits.c    the limits of the server, and who is within them
 * inbox.c     sockets on their way to a loop
 * handoff.c   one of them
 * dispatch.c  which loop gets one
 * admission.c whether a connection is let in
 * accepting.c loops that accept, for others or with limits, and what they hold for a while
 * handler.c   a call of on_socket
 * pool.c      threads that make such calls
 * children.c  forked children
 * forking.c   one of them for each socket
 * queueing.c  accepting for calls of on_socket
 * loop_options.c what the loops of forked children are told when they open
 * count.c     the counters of all loops
 * worker.c    a loop of the server, from on_start to on_end, and the end of all
 * listening.c a listener, on each loop that the policy has accept
 * drain.c     the end in order
 * prefork.c   children that each run a loop
 * server.c    opening, running, closing
 *
 * Each calls those above it alone. They use the public interface of the loop, and of the platform
 * threads, forks, locks, memory and addresses alone.
 */
#ifndef PLX__SERVER_H
#define PLX__SERVER_H

#include <pollux/server.h>
#include <pollux/signal.h>
#include <pollux/timer.h>

#include "core/assert.h"
#include "core/server/limits.h"
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
    plx_socket duplicate;  /* For the loops of forked children; or PLX_SOCKET_NONE. */
} plx__server_listener;

/* --- inbox.c --------------------------------------------------------------------------------- */

/* A socket that somebody has accepted. */
typedef struct plx__handoff {
    plx_socket socket;
    const plx__server_listener *listener;
    void *bytes; /* Received from it already, `length` of them, allocated; or NULL. */
    size_t length;
    uint32_t hops;       /* Loops that could not take it. */
    plx__client *client; /* Whose connection it is, as the limits count it; NULL: they do not. */
    bool is_admitted;    /* By the limits and on_admit. */
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
/* Room for what loops hold that serve themselves; with limits they may have to. 0 or PLX_ENOMEM. */
int plx__holdings_open(plx_server *server);

/* --- the server ------------------------------------------------------------------------------- */

/* What a loop has accepted and cannot hand to anybody yet. */
typedef struct plx__holding {
    plx__inbox held;
    plx_timer retry; /* While there is some, or was at its last look. */
    bool is_holding;
} plx__holding;

/* A loop of the server. */
struct plx__worker {
    plx_server *server;
    plx_loop *loop;
    uint32_t index;
    plx__thread thread;
    plx__inbox inbox;     /* Not of the one that accepts. */
    plx_post_fn take;     /* Takes what is in it. */
    plx__holding holding; /* Of one that accepts for others, or with limits. */
    /* Gives to somebody what it has accepted. 0; or, with the handoff still the caller's,
     * PLX_ENOBUFS when that has to wait, or another code. */
    int (*give)(plx__worker *worker, plx__handoff *handoff);
    bool is_started; /* on_start has returned 0. */
    bool is_draining;
    bool has_drained;
    uint64_t drain_until_ns;
    /* Under the server's mutex: */
    bool has_ended;
    plx_loop_stats final;           /* Of one that has ended. */
    struct plx__count_part *counts; /* That wait for its end. */
};

typedef struct plx__pool_thread plx__pool_thread;

/* Threads that call on_socket. */
typedef struct plx__pool {
    plx__mutex mutex;
    plx__condition condition;  /* There is a socket, or the end has come. */
    plx__pool_thread *threads; /* NULL without a pool. */
    uint32_t started;
    bool is_ending;
} plx__pool;

/* A forked process. The rest is for those that run a loop. */
typedef struct plx__child {
    int64_t process;      /* 0: there is none now. */
    plx__handoff handoff; /* Of one that serves a socket: what it counts for. */
    plx_server *server;
    plx_socket channel; /* The parent's end. */
    plx_timer restart;
    uint64_t since_ns;    /* When it was started. */
    uint32_t short_lives; /* In a row. */
    bool is_due;          /* To be started. */
} plx__child;

/* What the parent tells such a child: to end at once, or to drain. */
typedef struct plx__child_order {
    uint64_t drains;
    uint64_t wait_ns;
} plx__child_order;

enum plx__server_state { PLX__SERVER_OPEN, PLX__SERVER_RUNNING, PLX__SERVER_OVER };

struct plx_server {
    plx_server_options options;
    uint32_t workers_count; /* Those that serve. */
    uint32_t loops_count;   /* And the one that accepts, if there is one: it is the last. */
    plx__worker *workers;
    uint32_t connections_max; /* Of each loop. */
    plx__server_listener *listeners[PLX__LISTENERS_MAX];
    uint32_t listeners_count;
    uint32_t next;               /* The loop whose turn is next. */
    plx__atomic_u32 state;       /* plx__server_state. */
    plx__limits *limits;         /* NULL until some are set, which is before it listens. */
    bool is_holding;             /* Listeners pause while calls of on_socket are too many. */
    plx_loop_options child_loop; /* Of forked children; its list of settings is allocated. */
    uint32_t first_index;        /* That of worker 0: not 0 in a forked child. */
    plx__pool pool;
    plx__child *children; /* NULL without forks. */
    uint32_t children_max, children_count;
    plx_signal children_signal;
    void (*on_child_end)(plx_server *server, plx__child *child, int code);
    bool is_parent;          /* Of children that run loops. */
    bool fork_failed;        /* The last one, for want of something. */
    bool is_retrying;        /* A timer is to try again. */
    bool has_killed;         /* Children. */
    plx__atomic_u32 serving; /* Loops that have not ended. */
    plx__atomic_u32 is_stopping;
    plx__atomic_u32 calling; /* Callbacks of the server's own that are running. */
    plx__mutex mutex;
    /* Under the mutex: */
    plx_server_stats stats;
    plx_loop_stats children_final; /* Of children that have ended, added up. */
    int status;                    /* The first failure that ends the server. */
    bool is_draining;
    bool keeps_files;       /* Of its listeners: another process has their sockets. */
    uint64_t drain_wait_ns; /* Until the deadline; for loops that have been told to drain. */
};

static inline plx__worker *plx__server_acceptor(plx_server *server)
{
    return server->loops_count > server->workers_count ? &server->workers[server->workers_count]
                                                       : NULL;
}

/* Whether each loop that serves accepts for itself. */
static inline bool plx__dispatch_is_everywhere(uint32_t dispatch)
{
    return dispatch == PLX_DISPATCH_KERNEL || dispatch == PLX_DISPATCH_SHARED;
}

/* Whose loop it is, which is one of the server's. */
static inline plx__worker *plx__server_worker(plx_server *server, const plx_loop *loop)
{
    plx__worker *worker = server->workers;
    while (worker->loop != loop)
        worker++;
    return worker;
}

/* The loop that accepts what this one serves. */
static inline plx__worker *plx__server_acceptor_of(plx__worker *worker)
{
    plx__worker *acceptor = plx__server_acceptor(worker->server);
    return acceptor != NULL ? acceptor : worker;
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

/* Adds to a counter of the server's. */
static inline void plx__server_tally_many(plx_server *server, uint64_t *counter, uint32_t count)
{
    plx__mutex_lock(&server->mutex);
    *counter += count;
    plx__mutex_unlock(&server->mutex);
}

static inline void plx__server_tally(plx_server *server, uint64_t *counter)
{
    plx__server_tally_many(server, counter, 1);
}

/* Has `run` called on the loop, exactly once, also if its queue is full now. 0; or PLX_ECANCELED or
 * PLX_ENOMEM: then never. */
static inline int plx__server_post(plx_loop *loop, plx_post_fn run, void *data)
{
    int status = plx_post(loop, run, data);
    return status == PLX_ENOBUFS ? plx_post_notify(loop, run, data) : status;
}

/* --- ending.c -------------------------------------------------------------------------------- */

/* Notes why the server ends, and ends it. The first reason stays. */
void plx__server_fail(plx_server *server, int status);

/* --- handoff.c ------------------------------------------------------------------------------- */

/* Copies the bytes, which are the loop's and valid for a moment only. 0 or PLX_ENOMEM. */
int plx__handoff_fill(plx__handoff *handoff, const void *bytes, size_t length);
/* It counts for the limits no more. */
void plx__handoff_leave(plx__handoff *handoff);
/* Closes the socket with a reset, frees the bytes, and leaves the limits. */
void plx__handoff_drop(plx__handoff *handoff);
/* The same, and counts it. */
void plx__handoff_refuse(plx_server *server, plx__handoff *handoff);
/* All listeners of a loop that accepts. */
void plx__listeners_pause(plx_server *server, plx_loop *loop, bool is_paused);

/* --- dispatch.c ------------------------------------------------------------------------------ */

/* Whether one loop accepts for the others. */
bool plx__dispatch_hands_over(uint32_t dispatch);
/* For plx__worker.give: gives it to a loop that the policy names, or to this one. */
int plx__dispatch_any(plx__worker *worker, plx__handoff *handoff);
int plx__dispatch_own(plx__worker *worker, plx__handoff *handoff);
/* Gives the socket to a loop: the one that the policy names, or the next that can take it, but not
 * `except`. 0; or PLX_ENOBUFS when none can now, PLX_ECANCELED when all have ended: then the
 * handoff stays the caller's. */
int plx__dispatch(plx_server *server, const plx__handoff *handoff, const plx__worker *except);

/* --- admission.c ----------------------------------------------------------------------------- */

/* Asks the limits, and then the user. 0: it is admitted, and its `client` is set; PLX_EACCES: it is
 * refused, and has been counted; PLX_ENOBUFS: as plx__limits_enter(). */
int plx__admit(plx_loop *loop, plx__handoff *handoff, uint64_t *wait_ns_out);
/* The on_accept of listeners on loops that serve themselves, of a server without limits. */
enum plx_accept_verdict plx__admission_decide(plx_loop *loop, plx_listener listener, void *data,
                                              plx_socket socket, const void *bytes, size_t length);

/* --- accepting.c ----------------------------------------------------------------------------- */

/* The on_accept of listeners whose sockets are handed over, or have limits. */
enum plx_accept_verdict plx__accepting_hand_over(plx_loop *loop, plx_listener listener, void *data,
                                                 plx_socket socket, const void *bytes,
                                                 size_t length);
/* The loop has ended: drops what it holds. */
void plx__accepting_end(plx__worker *worker);

/* --- handler.c ------------------------------------------------------------------------------- */

/* Calls on_socket. Returns its code, or why the socket could not be prepared for it. */
int plx__handler_call(plx_server *server, const plx__handoff *handoff);

/* --- pool.c ---------------------------------------------------------------------------------- */

/* 0 or PLX_ENOMEM. */
int plx__pool_open(plx_server *server);
void plx__pool_close(plx_server *server);
/* Starts the threads. 0, or why one did not start; the others run until plx__pool_end(). */
int plx__pool_start(plx_server *server);
/* There is a socket in the inbox. */
void plx__pool_wake(plx_server *server);
/* Has those that wait for a peer see its end, and counts them. */
void plx__pool_cut(plx_server *server);
/* Has all threads end, and waits for that. The inbox has been ended. */
void plx__pool_end(plx_server *server);

/* --- children.c ------------------------------------------------------------------------------ */

/* A table of so many. 0 or PLX_ENOMEM. */
int plx__children_open(plx_server *server, uint32_t count);
void plx__children_close(plx_server *server);
/* From now on the loop is told of children's ends. 0, PLX_ETHREADS, or as plx_signal_open(). */
int plx__children_watch(plx_server *server);
/* Forks. 0 in both, and `*process_out` is 0 in the child; PLX_ETHREADS, PLX_ELIMIT, PLX_ENOMEM or
 * PLX_ENOSYS. */
int plx__children_fork(plx_server *server, int64_t *process_out);
/* Returns a slot without a process. Only while fewer than `children_max` are in use. */
plx__child *plx__children_free_slot(plx_server *server);
/* Calls on_child_end for those that have ended; for all, if it waits. */
void plx__children_reap(plx_server *server, bool waits);
void plx__children_order(plx_server *server, plx__child_order order);
/* Returns how many there were. */
uint32_t plx__children_kill(plx_server *server);

/* --- forking.c ------------------------------------------------------------------------------- */

/* 0, or as plx__children_watch(). */
int plx__forking_start(plx_server *server);
/* Starts children for what is in the inbox. */
void plx__forking_pump(plx_server *server);
/* Kills those that are left, and counts them. */
void plx__forking_cut(plx_server *server);
/* Kills them and waits for their ends. */
void plx__forking_end(plx_server *server);

/* --- queueing.c ------------------------------------------------------------------------------ */

/* Whether sockets are for on_socket. */
bool plx__dispatch_handles(uint32_t dispatch);
/* The on_accept of listeners then, of a server without limits. */
enum plx_accept_verdict plx__queueing_accept(plx_loop *loop, plx_listener listener, void *data,
                                             plx_socket socket, const void *bytes, size_t length);
/* For plx__worker.give. */
int plx__queueing_put(plx__worker *worker, plx__handoff *handoff);
/* At the deadline: ends the calls that are under way, as far as that can be done. */
void plx__queueing_cut(plx_server *server);

/* --- loop_options.c -------------------------------------------------------------------------- */

/* A copy that does not need the caller's strings and list. `backend_name` is static. 0 or
 * PLX_ENOMEM. */
int plx__loop_options_copy(plx_loop_options *copy_out, const plx_loop_options *options,
                           const char *backend_name);
void plx__loop_options_free(plx_loop_options *copy);

/* --- count.c --------------------------------------------------------------------------------- */

void plx__loop_stats_add(plx_loop_stats *total, const plx_loop_stats *one);
/* What the loop has counted, on its thread. */
void plx__count_read(const plx__worker *worker, plx_loop_stats *stats_out);
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

/* Duplicates the sockets, for forked children. 0, or as plx_listener_duplicate(). */
int plx__listening_duplicate(plx_server *server);
/* In such a child: gives them to its loop. 0, or as plx_listen_adopt(). */
int plx__listening_adopt(plx_server *server);
/* Has those of the worker's loop accept no more, and close in order. */
void plx__listening_end(plx_server *server, const plx__worker *worker);
/* They have closed. On the worker's thread. */
bool plx__listening_is_over(const plx_server *server, const plx__worker *worker);
void plx__listening_free(plx_server *server);

/* --- prefork.c ------------------------------------------------------------------------------- */

/* All of its life, in the parent; children do not return. 0, or why a child could not be started.
 */
int plx__prefork_run(plx_server *server);

#endif
