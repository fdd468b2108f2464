/**
 * @file sim.h
 * A simulated network and clock, so that time, faults and interleavings are inputs of a test.
 *
 * While a simulation is open on a thread, the loops that this thread opens without naming a backend
 * run on it (backend "sim"): the code of an application stays as it is. Connections exist in memory
 * alone, and so do addresses: "tcp://127.0.0.1:80" and "unix:/path" name what a loop of the same
 * simulation listens at. The clock is virtual: it jumps to what happens next, so a simulated second
 * costs what its events cost.
 *
 * One number decides everything that a system leaves open: when bytes arrive and in which pieces,
 * who runs first, what fails. The same seed, options and program make the same run, on every
 * system. What a real network may do and what the faults allow is all that the simulation does.
 *
 * Run one loop by plx_loop_run() or plx_loop_run_once(), as ever. More loops are run by the
 * simulation as though each had a thread of its own (plx_sim_add()), whenever one of them waits. So
 * a callback calls for another loop only what any thread may call: plx_post(), plx_post_notify()
 * and plx_loop_stop(). Between two runs you may call everything.
 *
 * A simulation and its loops belong to the thread that opened it: no other thread may call anything
 * of them but plx_post(), plx_post_notify() and plx_loop_stop(). Nothing waits for such a thread,
 * or for a signal: a loop that has nothing else to wait for returns PLX_EDEADLK. A thread has one
 * simulation at a time; different threads may run different ones at once. Sockets of the system
 * (watches of other libraries) return PLX_EBADF. Loops that name another backend are real ones.
 *
 * The method is that of FoundationDB ("Testing Distributed Systems w/ Deterministic Simulation",
 * W. Wilson, Strange Loop 2014) and of TigerBeetle (its VOPR).
 */
#ifndef POLLUX_SIM_H
#define POLLUX_SIM_H

#include <pollux/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A simulation. */
typedef struct plx_sim plx_sim;

/**
 * How often things go wrong, each in a million times; 0 is never, and 1,000,000 always. Everything
 * here may happen on a real system, so a program has to cope with it.
 */
typedef struct plx_sim_faults {
    uint32_t short_sends;    /**< A send takes fewer bytes than there is room for, down to one. */
    uint32_t short_receives; /**< A receive brings fewer bytes than have arrived, down to one. */
    uint32_t deferred_sends; /**< A small send is taken and tried with the next wait. */
    uint32_t late_detaches;  /**< A connection that pauses or closes has operations in flight. */
    uint32_t late_wakes;     /**< A wake ends the wait later. */
    uint32_t slow_steps;     /**< A step of a turn takes up to 100 ms: a slow callback. */
    uint32_t losses;         /**< A packet is lost, and sent again 200 ms to 1.6 s later. */
    uint32_t resets;         /**< A send meets a connection that was reset on its way. */
    uint32_t refusals;       /**< A connect is refused, though somebody listens. */
    uint32_t black_holes;    /**< A connect is never answered. */
    uint32_t no_descriptors; /**< PLX_EMFILE where a socket is made or accepted. */
    uint32_t no_buffers;     /**< PLX_ENOBUFS where bytes are sent. */
    uint32_t no_memory;      /**< PLX_ENOMEM where an operation starts. */
    uint32_t short_waits;    /**< A wait brings less than what is ready, at least one. */
} plx_sim_faults;

/** Something that happened. `name` is static. This struct never grows. */
typedef struct plx_sim_record {
    uint64_t time_ns;  /**< When, since the simulation was opened. */
    const char *name;  /**< What, as "send" or "arrive". */
    uint32_t loop;     /**< Which loop, counted from 1 in the order of opening; 0: none. */
    uint32_t endpoint; /**< Which end of a connection, or listener, counted from 1; 0: none. */
    int64_t value;     /**< A number of bytes, or a code. */
} plx_sim_record;

/** Called for each record; `record` is valid until it returns. It must not call Pollux. */
typedef void (*plx_sim_trace_fn)(void *data, const plx_sim_record *record);

/** Zero-initialize it, set what you want. Valid during plx_sim_open() only. */
typedef struct plx_sim_options {
    uint64_t seed;             /**< Decides all that is left open. */
    uint64_t latency_ns;       /**< From one end to the other; 0 means 100 µs. */
    uint64_t jitter_ns;        /**< So much more at the most; 0 means 100 µs. */
    uint64_t bytes_per_second; /**< Of each direction of a connection; 0 means no limit. */
    uint32_t buffer_bytes;     /**< On their way in one direction; 0 means 65,536; 2^30 at most. */
    uint32_t backlog_max;      /**< A backlog is never longer; 0 means 4,096; 2^20 at the most. */
    uint32_t descriptors_max;  /**< Sockets at once; 0 means 65,536; 1,048,576 at the most. */
    const plx_sim_faults *faults; /**< NULL: none. */
    plx_sim_trace_fn on_record;   /**< NULL: nobody. */
    void *data;                   /**< For on_record. */
} plx_sim_options;

/** plx_sim_open() with the sizes of the caller's structs; for bindings. */
PLX_NODISCARD PLX_API int plx_sim_open_sized(plx_sim **sim_out, const plx_sim_options *options,
                                             size_t options_bytes, size_t faults_bytes);

/**
 * Opens a simulation on this thread. `*sim_out` is it, or NULL if the call fails. `options` may be
 * NULL.
 *
 * Returns 0, PLX_EBUSY when this thread has one already, PLX_EINVAL for an option beyond its
 * bounds, or PLX_ENOMEM.
 */
PLX_NODISCARD static inline int plx_sim_open(plx_sim **sim_out, const plx_sim_options *options)
{
    return plx_sim_open_sized(sim_out, options, sizeof *options, sizeof(plx_sim_faults));
}

/**
 * Closes the simulation and forgets the sockets that are left. NULL is allowed. Returns 0, or
 * PLX_EBUSY while a loop of it is open, in plx_sim_run(), and on another thread.
 */
PLX_API int plx_sim_close(plx_sim *sim);

/** plx_sim_add() for bindings: `turn` is plx_loop_run_turn, `next_timeout` plx_loop_next_timeout.
 */
PLX_NODISCARD PLX_API int plx_sim_add_calls(plx_sim *sim, plx_loop *loop,
                                            int (*turn)(plx_loop *loop, uint64_t timeout_ns),
                                            uint64_t (*next_timeout)(plx_loop *loop));

/**
 * From now on the simulation runs the loop, as a thread would that calls plx_loop_run() once, while
 * plx_sim_run() or another loop waits. It ends with the loop's last work, a stop, or its close.
 *
 * Returns 0, PLX_EINVAL for a loop that is not of this simulation, PLX_EBUSY for one that it runs
 * already and on another thread, or PLX_ENOMEM.
 */
PLX_NODISCARD static inline int plx_sim_add(plx_sim *sim, plx_loop *loop)
{
    return plx_sim_add_calls(sim, loop, plx_loop_run_turn, plx_loop_next_timeout);
}

/**
 * Runs the loops that were added, until `duration_ns` of virtual time have passed, or until none of
 * them runs any more. The last turn may end a little later. Do not call it from a callback.
 *
 * Returns 0, PLX_EBUSY from a callback of a loop that it runs, or PLX_ETIMEDOUT when the time is
 * over and a loop still runs. With PLX_FOREVER it returns PLX_EDEADLK when all of them wait and
 * nothing will ever happen, unless you mend the network; so does plx_loop_run().
 */
PLX_NODISCARD PLX_API int plx_sim_run(plx_sim *sim, uint64_t duration_ns);

/** The virtual time since the simulation was opened, in nanoseconds. */
PLX_API uint64_t plx_sim_now(const plx_sim *sim);

/** How many sockets are open: 0 when loops and programs have closed all of theirs. */
PLX_API uint32_t plx_sim_sockets(const plx_sim *sim);

/**
 * Cuts the network, or mends it: while `is_cut` is not 0 nothing arrives. What was sent arrives
 * after it was mended, as late as its retransmission. No connection ends by being cut, however
 * long: the timeouts of its owner end it.
 */
PLX_API void plx_sim_cut(plx_sim *sim, int is_cut);

/**
 * Cuts the connections between two loops in both directions, or mends them, while those of other
 * loops go on: a partition. Connects are cut, too. You may call it in a callback. `one` and `other`
 * may be the same loop; to separate groups of loops, call it for each pair. plx_sim_cut() does not
 * change what this call has cut. When one of the loops closes, the cut stays, and what that loop
 * has sent never arrives.
 *
 * Returns 0, also if nothing changes; PLX_EINVAL for a loop that is not of this simulation,
 * PLX_EBUSY on another thread, or PLX_ENOMEM, which mending never returns.
 */
PLX_NODISCARD PLX_API int plx_sim_cut_between(plx_sim *sim, const plx_loop *one,
                                              const plx_loop *other, int is_cut);

/**
 * Writes the record as a line of text, which ends with a line feed. Returns its length, or
 * PLX_EINVAL when `size` is too small; 128 bytes always suffice.
 */
PLX_API int plx_sim_record_text(const plx_sim_record *record, char *text, size_t size);

/**
 * Writes the record as an event of the Trace Event Format, which Perfetto and Chrome open: put the
 * events of a run into brackets, with commas between them. Loops are threads there. Returns its
 * length, or PLX_EINVAL when `size` is too small; 192 bytes always suffice.
 */
PLX_API int plx_sim_record_json(const plx_sim_record *record, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
