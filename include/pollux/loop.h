/**
 * @file loop.h
 * The loop: it waits, and calls back.
 *
 * Threads: at any moment one thread at the most uses a loop. Make every call that takes a loop on
 * the thread that runs it. Four calls are excepted: any thread may call plx_post(),
 * plx_post_notify(), plx_loop_stop() and plx_loop_connections(). Calls that take no loop, such as
 * plx_error_text(), may be made by any thread. Different loops may run in different threads at
 * once; they share nothing. pollux/server.h runs several loops for one server.
 *
 * The thread may change. A loop may be opened on one thread and run on another, be run by one
 * thread after another, and be closed by any thread once none runs it. The caller orders the two
 * threads, by joining the first or by a lock. Everything is closed when plx_loop_close() returns.
 * "uring" makes a new ring for each thread that runs the loop. It returns PLX_EBUSY, and changes
 * nothing, while the thread that ran the loop before has a part in the old ring: while that thread
 * cannot be interrupted, or, before Linux 6.12, while it lives.
 *
 * Fork: plx_loop_abandon() and plx_loop_after_fork() say what a forked child may do with the loops
 * of its parent.
 */
#ifndef POLLUX_LOOP_H
#define POLLUX_LOOP_H

#include <pollux/setting.h>
#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a loop may be told when it opens. All zero is a good choice; so is NULL in its place. */
typedef struct plx_loop_options {
    /** A name from plx_backend_name(). NULL: that of a simulation that is open on this thread
     *  (pollux/sim.h), else the environment variable POLLUX_BACKEND if it is set and not empty,
     *  else the default that CMake chose, else the next one that this machine can
     *  run. A name, given here or in the environment, is that backend or an error. */
    const char *backend;
    /** How many connections may be open at once; 0 means 1,048,576; 16,777,216 (2^24) at the
     *  most. At the limit listeners stop accepting until one closes, and plx_connect() returns
     *  PLX_ELIMIT. */
    uint32_t connections_max;
    /** How many posts may be queued at once; 0 means 4,096; 1,073,741,824 (2^30) at the most. The
     *  loop takes all queued posts as one batch; a post in a running batch no longer counts. Each
     *  takes 48 bytes of memory, which is allocated when the loop opens. */
    uint32_t posts_max;
    /** How many bytes may wait in all send queues together; 0 means no limit but memory's. What the
     *  callback that is running has written may exceed it, by 16 KiB at the most. */
    uint64_t queued_bytes_max;
    /** How many bytes one receive may bring; 0 means 65,536; 67,108,864 (64 MiB) at the most. All
     *  connections of the loop share one buffer of this size; on "uring" 8 to 64 of them, together
     *  at most 1 MiB unless 8 take more. */
    uint32_t receive_bytes;
    /** plx_loop_run() returns only after plx_loop_stop(), even when nothing is open. */
    uint32_t keep_running;
    /** Settings of backends: `settings_count` of them, which are read during the call only. May be
     *  NULL when `settings_count` is 0. pollux/setting.h says which a loop takes. */
    const plx_setting *settings;
    size_t settings_count; /**< How many `settings` has. */
} plx_loop_options;

/** Counts since the loop opened, but for those whose comment says "now". What a backend alone
 * counts is in plx_loop_counter(). */
typedef struct plx_loop_stats {
    uint64_t ticks;                /**< Turns of the loop. */
    uint64_t completions;          /**< Things that the backend reported. */
    uint64_t wakes;                /**< Waits that another thread or a signal cut short. */
    uint64_t connections_accepted; /**< Connections that listeners brought. */
    uint64_t connections_started;  /**< Calls of plx_connect() that returned 0. */
    uint64_t connections_adopted;  /**< Calls of plx_conn_adopt() that returned 0. */
    uint64_t connections_closed;   /**< Calls of on_close or on_release, and those without one. */
    uint64_t connections_open;  /**< Open connections, those that are connecting included; now. */
    uint64_t timeouts;          /**< Connections closed by one of their timeouts. */
    uint64_t accept_pauses;     /**< Times a listener paused, for want of descriptors or memory most
                                     often. */
    uint64_t accepts_rejected;  /**< Connections turned away while there was no descriptor. */
    uint64_t accepts_aborted;   /**< Connections that were gone before they were accepted, that a
                                     rule of the system refused, or that were dropped because they
                                     were silent (accept_receive_first). */
    uint64_t receives;          /**< Pieces of data that arrived. */
    uint64_t sends;             /**< Times that the system took bytes. */
    uint64_t received_bytes;    /**< Bytes that arrived. */
    uint64_t sent_bytes;        /**< Bytes that the system took. */
    uint64_t queued_bytes;      /**< Bytes that wait in send queues; now. */
    uint64_t queued_bytes_peak; /**< The most that ever waited. */
    uint64_t read_pauses;       /**< Times reading paused because a send queue was high. */
    uint64_t timers_fired;      /**< Calls of timer callbacks. */
    uint64_t posts_run;         /**< Posted functions that ran. */
    uint64_t signals_delivered; /**< Calls of signal callbacks. */
    uint64_t wait_failures;     /**< Waits that failed, most often because the system was short of
                                     memory. The loop tries again. */
    uint64_t sockets_lost;      /**< Connections, listeners and watches whose descriptor somebody
                                     else had closed. */
    uint64_t accepts_taken;     /**< Sockets that an on_accept took. */
    uint64_t accepts_refused;   /**< Connections that an on_accept refused. */
    uint64_t slow_peers;        /**< Connections reset because of plx_conn_set_receive_rate(). */
} plx_loop_stats;

/**
 * What plx_post() runs. `status` is 0, or PLX_ECANCELED if the loop was closed before it ran this
 * post: nothing can be opened on the loop or posted to it any more, but `data` can be freed.
 */
typedef void (*plx_post_fn)(plx_loop *loop, void *data, int status);

/** What plx_loop_open() calls, with the size of its caller's struct (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_loop_open_sized(plx_loop **loop_out, const plx_loop_options *options,
                                              size_t options_bytes);

/**
 * Opens a loop. `*loop_out` is the new loop, or NULL if the call fails. `options` is read during
 * the call only and may be NULL.
 *
 * Returns 0, PLX_EINVAL for an option above its limit and for settings that are wrong, here or in
 * POLLUX_SETTINGS, PLX_EBACKEND for a name that is not compiled in, PLX_ENOSYS for a backend that
 * this machine cannot run, PLX_ENOMEM, PLX_EMFILE or PLX_ENFILE. On failure nothing is left behind.
 */
PLX_NODISCARD static inline int plx_loop_open(plx_loop **loop_out, const plx_loop_options *options)
{
    return plx_loop_open_sized(loop_out, options, sizeof *options);
}

/**
 * Ends the loop, all but its memory: as plx_loop_close(), but the loop exists until that is called.
 * For loops that other threads post to. The thread that runs the loop calls this at its end, so
 * every on_close runs on that thread. plx_post() then returns PLX_ECANCELED to the others, and so
 * does what opens or runs something; handles are stale. When no thread uses the loop any more,
 * plx_loop_close() frees it, which may return PLX_EBUSY as the top of this file says.
 *
 * Returns 0, also when it was called before, or PLX_EBUSY as plx_loop_close() does.
 */
PLX_API int plx_loop_cancel(plx_loop *loop);

/**
 * Closes all that is open on the loop, calls every on_close, runs the queued posts with
 * PLX_ECANCELED, and frees the loop. NULL is allowed. From the beginning of this call plx_post()
 * returns PLX_ECANCELED; when it has returned, the loop is gone, and no thread may use it. Any
 * thread may call it while none runs the loop. When it returns 0 everything is closed: addresses
 * are free, and peers see the end. It returns PLX_EBUSY when called from a callback of this very
 * loop; call plx_loop_stop() there instead. "uring" may return it, too, as the top of this file
 * says. A forked child that has not called plx_loop_after_fork() is told PLX_EBUSY too, and nothing
 * is closed.
 */
PLX_API int plx_loop_close(plx_loop *loop);

/**
 * @name Forked children
 *
 * After fork() the child has a copy of each loop of its parent: of its memory, and of its
 * descriptors. The sockets behind the descriptors, and epoll sets and rings, are shared with the
 * parent. Decide for each loop what the child does with its copy:
 *
 * | the child | calls |
 * |---|---|
 * | soon calls exec or _exit | nothing: all descriptors are closed on exec |
 * | does not need the loop, and the parent goes on with it | plx_loop_abandon() |
 * | goes on with the loop, and the parent never uses it again | plx_loop_after_fork() |
 *
 * - The thread that calls fork() must be the one that runs the loop, in a callback or between two
 *   turns; or no thread may run it at that time. Other threads may post to the loop meanwhile. A
 *   loop that another thread was running cannot be used in the child at all, not even abandoned.
 * - Until the child calls one of the two, all else does nothing there: what opens or runs something
 *   and plx_loop_close() return PLX_EBUSY, and handles are stale (PLX_ESTALE). plx_loop_stop() and
 *   plx_post() work, and take effect after plx_loop_after_fork().
 * - A child that was forked in a callback, and calls neither of the two, must not return from the
 *   callback: it would go on with its parent's events.
 * - A new loop that the child opens for itself needs no special care.
 * - On Windows there is no fork(): plx_loop_after_fork() always returns 0, and plx_loop_abandon()
 *   has no loop that it may be called for.
 *
 * The loop notices children of fork(), by pthread_atfork(). It does not notice those of _Fork() and
 * of a bare clone(), which may only call exec or _exit.
 * @{
 */

/**
 * Drops a forked child's copy of the loop; NULL is allowed. Nothing of the parent's changes: its
 * connections, listeners and watches go on, and its socket files stay. Peers notice nothing.
 *
 * Frees the memory of the loop and closes the child's descriptors of its sockets. No callback is
 * called, neither on_close nor on_sent nor posted functions: what their `data` points to is the
 * child's own copy, and so are buffers that were lent; free them or leave them. Watched sockets
 * stay open, for they are their owner's. Signals that the loop subscribed to have the effect in the
 * child that they had before, unless another loop of the child subscribes to them too.
 *
 * Call it from a callback if the child was forked there, but then do not return from the callback,
 * which would return into the loop: end the child with exec or _exit, or longjmp() out. Bytes that
 * the callback was shown are gone.
 *
 * Calling it for a loop that is not a forked child's copy is a mistake, and aborts.
 */
PLX_API void plx_loop_abandon(plx_loop *loop);

/**
 * Makes a forked child's copy of the loop its own, to go on with it; for a program that becomes a
 * daemon, say. The parent must never use its loop again, and ends without closing it: with _exit(),
 * for instance. Otherwise both would receive from the same connections.
 *
 * All goes on as it was: connections with what they have queued, listeners, timers, watches,
 * signals, and posts that wait. Epoll sets, rings, wakes and helper threads are made anew. The
 * socket files of listeners are the child's now, and are removed when it closes them. Threads that
 * posted to the loop are the parent's: a post that one of them was making at the fork may be lost.
 *
 * The thread that calls it becomes the loop's. Call it in the callback if the child was forked
 * there: then the callback may return, and what arrived with it is delivered in the child.
 *
 * Returns 0, also for a loop that is not a forked child's copy, where nothing needs to be done;
 * PLX_ENOSYS from a backend that cannot; PLX_EBUSY from one that finds the parent still using it
 * ("uring"); PLX_ENOMEM, PLX_EMFILE or PLX_ENFILE. After any code but 0 only plx_loop_abandon() may
 * be called.
 */
PLX_NODISCARD PLX_API int plx_loop_after_fork(plx_loop *loop);

/** @} */

/**
 * Runs until plx_loop_stop(), or until nothing is open that could still call back: no connection,
 * listener, timer, watch or signal, and no post that waits. What is in the background does not
 * count (plx_timer_set_background() and its like). Returns 0, PLX_EBUSY when the loop runs already,
 * is a forked child's copy (plx_loop_after_fork()), or cannot be run by this thread yet (the top of
 * this file), or the code with which waiting failed for good; what was open then still is.
 *
 * A wait that fails because the system is short of memory (PLX_ENOMEM, PLX_ENOBUFS, PLX_EAGAIN)
 * does not end the run: the loop counts it in `wait_failures`, pauses for 10 ms or until a timer is
 * due, runs timers, signals and posts, and waits again. The call returns the code when no wait has
 * succeeded for 5 seconds; the loop may be run again then.
 */
PLX_NODISCARD PLX_API int plx_loop_run(plx_loop *loop);

/**
 * Runs one turn: waits up to `timeout_ns` for the first thing to happen, and delivers all that has:
 * what arrived, timers that are due, signals, posts, closes, in this order. 0 does not wait;
 * PLX_FOREVER waits without limit, also when nothing is open: plx_loop_run() returns then, this
 * call does not. Returns 0, or as plx_loop_run() does.
 */
PLX_NODISCARD PLX_API int plx_loop_run_once(plx_loop *loop, uint64_t timeout_ns);

/**
 * Runs one turn of plx_loop_run(), for programs that run several things in one thread: as
 * plx_loop_run_once(), but it knows when to end. Returns 1 when it ran a turn, 0 when
 * plx_loop_run() would return 0 instead (nothing keeps the loop running, or it was stopped), or
 * what plx_loop_run() would fail with.
 */
PLX_NODISCARD PLX_API int plx_loop_run_turn(plx_loop *loop, uint64_t timeout_ns);

/**
 * Makes the running plx_loop_run() return at the end of the present turn, and the running
 * plx_loop_run_once() stop waiting. If neither runs, the next call of one of them returns without
 * waiting. One stop ends one call; several stops before that call returns count as one. Any thread
 * may call it, and so may a signal handler.
 */
PLX_API void plx_loop_stop(plx_loop *loop);

/**
 * How long from now plx_loop_run_once() may wait at the most before a timer is due, in nanoseconds:
 * 0 when something is due already (a timer, a post, a close, a signal, a stop), PLX_FOREVER when no
 * timer runs. It changes nothing: in a callback, plx_loop_now() stays the time of the turn.
 */
PLX_API uint64_t plx_loop_next_timeout(plx_loop *loop);

/** The time of the present turn, in nanoseconds from an arbitrary start. It never goes back. */
PLX_API uint64_t plx_loop_now(const plx_loop *loop);

/**
 * Whether the loop is in a turn, so that one of its callbacks may be running: what runs or closes
 * it returns PLX_EBUSY then. 1 or 0.
 */
PLX_API int plx_loop_is_in_turn(const plx_loop *loop);

/**
 * How many connections are open now, those that are connecting or closing included. Any thread: one
 * that does not run the loop is told what it was a moment ago.
 */
PLX_API uint32_t plx_loop_connections(const plx_loop *loop);

/** What plx_loop_set_data() has stored; NULL before that. */
PLX_API void *plx_loop_data(const plx_loop *loop);

/** Stores a pointer of yours with the loop, for its callbacks. The loop never uses it. */
PLX_API void plx_loop_set_data(plx_loop *loop, void *data);

/** What plx_loop_each_conn() calls. Return 0 to go on. */
typedef int (*plx_each_conn_fn)(plx_loop *loop, plx_conn conn, void *data);

/**
 * Calls `visit` once for each open connection of the loop, from within this call and in no order.
 * plx_conn_data() returns the data of each. Those that plx_connect() or plx_conn_adopt() has made
 * are visited before their on_open, too: plx_conn_is_open() returns 0 for them. An accepted
 * connection is not visited before its on_open runs, unless its PROXY header is awaited
 * (pollux/proxy_protocol.h): then plx_conn_is_open() returns 0, and plx_conn_data() NULL. The same
 * holds for processes that an offer of sockets has refused (pollux/handover.h).
 *
 * `visit` may do what every callback may: write to, close and open connections. Those that are
 * closed are not visited any more; those that are opened meanwhile may be visited or not.
 *
 * Returns 0, or what `visit` returned if that was not 0, which ends the visits; PLX_EINVAL without
 * `visit`; PLX_EBUSY for a forked child's copy (plx_loop_after_fork()), also if `visit` has forked.
 */
PLX_API int plx_loop_each_conn(plx_loop *loop, plx_each_conn_fn visit, void *data);

/** What plx_loop_stats_get() calls, with the size of its caller's struct (docs/growing.md). */
PLX_API void plx_loop_stats_get_sized(const plx_loop *loop, plx_loop_stats *stats_out,
                                      size_t stats_bytes);

/** Copies the counters of the loop. */
static inline void plx_loop_stats_get(const plx_loop *loop, plx_loop_stats *stats_out)
{
    plx_loop_stats_get_sized(loop, stats_out, sizeof *stats_out);
}

/**
 * Reads a counter that the loop's backend alone has. Returns 0, or PLX_EINVAL for a name that it
 * does not have; `*value_out` is 0 then. The counters are:
 *
 * - poll: "idle_set_sockets", connections and watches in the idle set, now;
 * - poll: "idle_set_added", times that one joined the idle set;
 * - poll: "idle_set_returned", times that one returned because something arrived;
 * - poll: "idle_set_failures", times that there was no thread or memory for the idle set, or that
 *   its wait failed. The loop then polls all sockets itself, and tries again later.
 */
PLX_API int plx_loop_counter(const plx_loop *loop, const char *name, uint64_t *value_out);

/** The name of the counter number `index` of the loop's backend, or NULL past the last. The string
 *  is static. */
PLX_API const char *plx_loop_counter_name(const plx_loop *loop, size_t index);

/** The name of the backend that runs, as "poll". The string is static. */
PLX_API const char *plx_loop_backend_name(const plx_loop *loop);

/**
 * The system's own code (errno, or a Winsock code) of the last failure on this thread. For logs
 * only; 0 if there was none. Ask right after the call that returned an error. In on_close it may be
 * the code of something else that has failed since. Any thread.
 */
PLX_API int plx_os_error(void);

/**
 * Has `run` called on the loop's thread, soon, and never from within this call. Any thread may call
 * it. Posts of one thread run in their order; one that a post's callback makes runs in a later
 * turn. `data` stays the caller's.
 *
 * Returns 0, PLX_EINVAL without `run`, PLX_ENOBUFS when `posts_max` posts are queued: try again
 * later, or let plx_post_notify() tell when; or PLX_ECANCELED while the loop closes. If it returns
 * 0, `run` is called exactly once; else never.
 */
PLX_NODISCARD PLX_API int plx_post(plx_loop *loop, plx_post_fn run, void *data);

/**
 * Has `on_room` called on the loop's thread, once, when the queue of posts has room: when at most
 * half of `posts_max` posts are queued. Call it when plx_post() has returned PLX_ENOBUFS, from any
 * thread, instead of trying again and again. `on_room` may post, and the thread that was refused
 * may try again when `on_room` has told it to. The room is not reserved: others may post meanwhile.
 *
 * Any number of calls may be pending, also several of one thread. The loop serves them in their
 * order, among the posts of a turn, and stops when more than half of the queue is in use again. A
 * call that finds room right away is served in this turn or the next. `status` and `data` are as
 * for plx_post(): a loop that closes calls `on_room` with PLX_ECANCELED. That may happen before the
 * call has returned in its own thread, so end your posting threads before plx_loop_close() returns.
 *
 * Returns 0, PLX_EINVAL without `on_room`, PLX_ENOMEM, PLX_ECANCELED while the loop closes, or
 * PLX_EBUSY for a forked child's copy (plx_loop_after_fork()). If it returns 0, `on_room` is called
 * exactly once; else never.
 */
PLX_NODISCARD PLX_API int plx_post_notify(plx_loop *loop, plx_post_fn on_room, void *data);

/** The name of the compiled-in backend number `index`, or NULL past the last. Any thread. */
PLX_API const char *plx_backend_name(size_t index);

/**
 * What a machine must have to run the backend of that name, in words, for those whom
 * plx_backend_probe() has told PLX_ENOSYS, or PLX_ENOMEM where there is memory enough. The string
 * is static; NULL for a backend that runs wherever it is compiled in, or that is not. Any thread.
 */
PLX_API const char *plx_backend_needs(const char *name);

/** The name of the backend that a loop takes when none is asked for. Any thread. */
PLX_API const char *plx_backend_default(void);

/**
 * Whether this machine can run the backend: 0, PLX_EBACKEND, PLX_ENOSYS, or the code with which
 * it failed to open. Any thread.
 */
PLX_NODISCARD PLX_API int plx_backend_probe(const char *name);

#ifdef __cplusplus
}
#endif
#endif
