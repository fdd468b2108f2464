/**
 * @file loop.h
 * The loop: it waits, and calls back.
 *
 * A loop belongs to one thread at a time. Every call that takes a loop must come from the thread
 * that runs it, except plx_post() and plx_loop_stop(), which any thread may call. While no thread
 * runs it, any thread may call, run or close it, if the program sees to it that they take turns; so
 * a loop may be opened by one thread, run by another one, run by a third and closed by a fourth.
 * The backend "uring" makes a new ring for each thread that runs the loop. Different loops may run
 * in different threads at once; they share nothing.
 */
#ifndef POLLUX_LOOP_H
#define POLLUX_LOOP_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For plx_loop_options.poll_cold_min. */
#define PLX_POLL_COLD_NEVER UINT32_MAX

/** What a loop may be told when it opens. All zero is a good choice; so is NULL in its place. */
typedef struct plx_loop_options {
    /** A name from plx_backend_name(). NULL: the environment variable POLLUX_BACKEND if it is set,
     *  else the default that CMake chose, else the next one that this machine can run. */
    const char *backend;
    /** How many connections may be open at once; 0 means 1,048,576. At the limit listeners stop
     *  accepting until one closes, and plx_connect() returns PLX_ELIMIT. */
    uint32_t connections_max;
    /** How many posts may wait at once; 0 means 4,096. Those do not count that the loop has begun
     * to run, which it does with all that wait. */
    uint32_t posts_max;
    /** How many bytes may wait in all send queues together; 0 means no limit but memory's. What the
     *  callback that is running has written may exceed it, by 16 KiB at the most. */
    uint64_t queued_bytes_max;
    /** How many bytes one receive may bring; 0 means 65,536. One buffer of this size is shared by
     *  all connections of the loop. */
    uint32_t receive_bytes;
    /** plx_loop_run() returns only after plx_loop_stop(), even when nothing is open. */
    uint32_t keep_running;
    /** Backend "poll": from so many sockets on, those that are idle are waited for by a thread of
     *  the loop's own, so that they cost the busy ones nothing. 0 means 512; PLX_POLL_COLD_NEVER
     *  means that no such thread is ever started. */
    uint32_t poll_cold_min;
    /** Backend "poll": how long a connection must have been idle before it goes there, in
     *  nanoseconds; 0 means 300 ms. One that comes back soon stays longer the next time. */
    uint64_t poll_cold_after_ns;
} plx_loop_options;

/** Counts since the loop opened, but for those whose comment says "now". */
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
    uint64_t accept_pauses;     /**< Times a listener paused for want of descriptors or memory. */
    uint64_t accepts_rejected;  /**< Connections turned away while there was no descriptor. */
    uint64_t accepts_aborted;   /**< Connections that were gone before they were accepted, or
                                     dropped because they were silent (accept_receive_first). */
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
    uint64_t poll_cold;         /**< Connections that the second thread of "poll" waits for; now. */
    uint64_t poll_demotions;    /**< Times that one went there, */
    uint64_t poll_promotions;   /**< and came back because something arrived. */
    uint64_t poll_cold_failures; /**< Times that there was no thread or memory for it. The loop
                                      waits for all of them itself then, and tries again later. */
} plx_loop_stats;

/**
 * What plx_post() runs. `status` is 0, or PLX_ECANCELED when the loop closes before it came to
 * this post: then nothing can be opened on the loop any more, but `data` can be freed.
 */
typedef void (*plx_post_fn)(plx_loop *loop, void *data, int status);

/**
 * Opens a loop. `*loop_out` is the new loop, or NULL if the call fails. `options` is read during
 * the call only and may be NULL.
 *
 * Returns 0, PLX_EBACKEND for a name that is not compiled in, PLX_ENOSYS for a backend that this
 * machine cannot run, PLX_ENOMEM, PLX_EMFILE or PLX_ENFILE. On failure nothing is left behind.
 */
PLX_NODISCARD PLX_API int plx_loop_open(plx_loop **loop_out, const plx_loop_options *options);

/**
 * Closes all that is open on the loop, delivers every on_close, cancels the posts that wait, and
 * frees the loop. NULL is allowed. No other thread may post to the loop any more. When it returns 0
 * everything is closed: addresses are free, and peers see the end. It returns PLX_EBUSY, and closes
 * nothing, when called from a callback of this very loop (stop the loop there instead), and on
 * "uring" while the thread that ran the loop last keeps the kernel from letting go of the ring:
 * while it cannot be interrupted, or, before Linux 6.12, while it lives.
 */
PLX_API int plx_loop_close(plx_loop *loop);

/**
 * Runs until plx_loop_stop(), or until nothing is open that could still call back: no connection,
 * listener, timer, watch or signal, and no post that waits. Returns 0, PLX_EBUSY when the loop
 * runs already (or as plx_loop_close() does, on "uring"), or the code of a wait that failed for
 * good; what was open then still is.
 */
PLX_NODISCARD PLX_API int plx_loop_run(plx_loop *loop);

/**
 * Runs one turn: waits up to `timeout_ns` for the first thing to happen, and delivers all that has:
 * what arrived, timers that are due, signals, posts, closes, in this order. 0 does not wait;
 * PLX_FOREVER waits without limit. Returns 0, or as plx_loop_run() does.
 */
PLX_NODISCARD PLX_API int plx_loop_run_once(plx_loop *loop, uint64_t timeout_ns);

/**
 * Makes the running plx_loop_run() return at the end of the present turn, or the next one return
 * at once. Any thread may call it, and a signal handler too.
 */
PLX_API void plx_loop_stop(plx_loop *loop);

/**
 * How long plx_loop_run_once() may wait at the most before a timer is due, in nanoseconds: 0 when
 * something is due already, PLX_FOREVER when no timer runs.
 */
PLX_API uint64_t plx_loop_next_timeout(plx_loop *loop);

/** The time of the present turn, in nanoseconds from an arbitrary start. It never goes back. */
PLX_API uint64_t plx_loop_now(const plx_loop *loop);

/** Copies the counters of the loop. */
PLX_API void plx_loop_stats_get(const plx_loop *loop, plx_loop_stats *stats_out);

/** The name of the backend that runs, as "poll". The string is static. */
PLX_API const char *plx_loop_backend_name(const plx_loop *loop);

/**
 * The system's own code (errno, or a Winsock code) behind the last call on this thread that
 * failed because of the system. For logs only; 0 if there was none.
 */
PLX_API int plx_os_error(void);

/**
 * Has `run` called on the loop's thread, soon, and never from within this call. Any thread may call
 * it. Posts of one thread run in their order. `data` stays the caller's.
 *
 * Returns 0, or PLX_ENOBUFS when `posts_max` posts wait: try again later, nothing was lost.
 */
PLX_NODISCARD PLX_API int plx_post(plx_loop *loop, plx_post_fn run, void *data);

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
