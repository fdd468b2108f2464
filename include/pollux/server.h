/**
 * @file server.h
 * Servers: several loops, each on a thread of its own, that share the connections of listeners.
 *
 *     plx_server_options options = {.loops = 4, .on_start = started};
 *     plx_server *server;
 *     int status = plx_server_open(&server, &options);
 *     if (status == 0)
 *         status = plx_server_listen(server, "tcp://:7000", &listen_options);
 *     if (status == 0)
 *         status = plx_server_run(server);
 *     plx_server_close(server);
 *
 * The callbacks are those of a program with one loop. A connection belongs to one loop, and all its
 * callbacks run on that loop's thread. What belongs to a loop and not to a connection is
 * plx_loop_data(), which on_start sets.
 *
 * Which loop gets a connection, a policy decides (enum plx_dispatch). Under some policies a loop of
 * the server's own accepts, and hands the sockets over to the others.
 *
 * Threads: any thread may call plx_server_stop(), plx_server_drain(), plx_server_count(),
 * plx_server_set_limits() and plx_server_stats_get() from plx_server_open() until
 * plx_server_close(). All other calls belong to the thread that opens, runs and closes the server.
 *
 * Fork: a forked child may only call exec or _exit while it has a server of its parent. For several
 * processes that serve, take PLX_DISPATCH_PREFORK; or fork first, and open a server in each child.
 */
#ifndef POLLUX_SERVER_H
#define POLLUX_SERVER_H

#include <pollux/limits.h>
#include <pollux/listener.h>
#include <pollux/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which loop gets a connection. */
enum plx_dispatch {
    /** The loop that accepts serves. For one loop: the cheapest, as there is nothing to hand over.
     */
    PLX_DISPATCH_INLINE = 1,
    /** A loop of its own accepts, and the others get connections in turn. For connections that cost
     * alike and live alike, on every system. */
    PLX_DISPATCH_ROUND_ROBIN = 2,
    /** The same, but the loop with the fewest open connections gets the next one. For connections
     * that live for different times, on every system. */
    PLX_DISPATCH_LEAST_CONNECTIONS = 3,
    /** The same, but `on_choose` decides. */
    PLX_DISPATCH_CHOSEN = 4,
    /** Each loop has a listening socket of its own, and the system distributes the connections
     * among them (plx_listen_options.reuse_port). For many short connections: nothing is handed
     * over. The system counts connections and not work, so one loop may be busy while another
     * waits; and it resets what waits at a loop that ends. On Linux and FreeBSD, and not for
     * Unix-domain sockets.
     */
    PLX_DISPATCH_KERNEL = 5,
    /** All loops accept from one listening socket. The system chooses which of the loops that wait
     * wakes. For many short connections of unequal cost. With the backends "epoll" (EPOLLEXCLUSIVE)
     * and "uring", and not for Unix-domain sockets. */
    PLX_DISPATCH_SHARED = 6,
    /** One loop accepts, and each connection is a call of `on_socket` on a thread of a pool
     * (`handlers`), as a socket whose calls wait. For handlers that block: files, databases,
     * libraries without an event loop. A connection occupies a thread for as long as it lives. On
     * every system. */
    PLX_DISPATCH_THREAD = 7,
    /** `loops` forked children each run a loop, and accept from one listening socket; the process
     * that called plx_server_run() starts another for one that dies. For code that may crash, or
     * has global state that threads would share. On Unix, from a process with one thread. */
    PLX_DISPATCH_PREFORK = 8,
    /** One loop accepts, and each connection is a call of `on_socket` in a child that is forked for
     * it and then ends, `handlers` of them at a time. For rare connections that need a process of
     * their own, as inetd(8) and sshd(8) have it; the dearest. On Unix, from a process with one
     * thread. */
    PLX_DISPATCH_FORK = 9
};

/**
 * A loop begins: called on its thread, before anything else of it runs. `index` counts the loops
 * that serve from 0. Return 0; any other code ends the server, and plx_server_run() returns it.
 * With `no_threads` plx_server_open() calls it, and returns that code.
 */
typedef int (*plx_server_start_fn)(plx_server *server, plx_loop *loop, uint32_t index, void *data);

/**
 * A loop has ended: called on its thread, once for each on_start that returned 0. All that was open
 * on the loop is closed, and every on_close has been called. Free here what plx_loop_data() names.
 * With `no_threads` plx_server_loop_end() calls it.
 */
typedef void (*plx_server_end_fn)(plx_server *server, plx_loop *loop, uint32_t index, void *data);

/**
 * Decides whether a connection is let in, before it exists: called on the thread of `loop`, which
 * has accepted `socket`; with PLX_DISPATCH_KERNEL and PLX_DISPATCH_SHARED on several threads at
 * once. Return 0 to let it in; any other value refuses it with a reset. plx_socket_peer() tells
 * whose connection it is. The socket stays the server's: do not close it, and do not wait for it.
 */
typedef int (*plx_admit_fn)(plx_server *server, plx_loop *loop, plx_socket socket, void *data);

/**
 * Chooses the loop for a connection that has been accepted, on the thread of the loop that accepts.
 * Returns an index; one beyond the last counts modulo the number of loops. If that loop is full or
 * has ended, the server asks the next one. While all loops are full, it is called again for the
 * same socket. plx_socket_peer() tells whose connection it is; plx_server_loop() and
 * plx_loop_connections() tell how many connections each loop has.
 */
typedef uint32_t (*plx_server_choose_fn)(plx_server *server, plx_socket socket, void *data);

/**
 * The server drains, and asks about each open connection of a loop, on the loop's thread. Return 0
 * for a connection that waits for nothing: the server finishes it (plx_conn_finish()). Return any
 * other value for one that is busy: the server asks again every 10 ms, and resets it at the
 * deadline. Tell the peer meanwhile that your next answer is the last. `data` is the connection's.
 *
 * Connections that your program has made with plx_connect() on the loop are asked about, too.
 */
typedef int (*plx_draining_fn)(plx_loop *loop, plx_conn conn, void *data);

/**
 * Serves a connection by calls that wait, recv() and send(): called on a thread of the server's
 * (PLX_DISPATCH_THREAD), several at once, or in a forked child (PLX_DISPATCH_FORK). The `length`
 * bytes at `bytes` have been received from it already (plx_listen_options.accept_receive_first);
 * `bytes` is NULL without any. A receive fails after the read timeout of the listener's connection
 * options, a send after the write timeout; the other options have no effect. Set them: a client
 * that is silent occupies a thread or a child.
 *
 * Return 0 to have the connection closed, and any other value to have it reset. The socket stays
 * the server's: do not close it. Ask plx_server_is_ending() between requests. At plx_server_stop()
 * and at the deadline of a drain, calls on the socket return, with the end of the stream or an
 * error; a child is killed.
 *
 * In threads of the server no signal handler of the program runs, SIGPIPE included. In a forked
 * child, SIGPIPE is ignored, and the child ends with _exit(): flush what you have written to
 * streams. `server` may be used for plx_server_is_ending() alone, which tells a forked child what
 * held at the fork: one that keeps its connection for long is killed at the deadline of a drain.
 */
typedef int (*plx_socket_fn)(plx_server *server, plx_socket socket, const void *bytes,
                             size_t length, void *data);

/** What a server does. All zero is allowed. */
typedef struct plx_server_options {
    uint32_t loops;    /**< How many loops serve; 0: one for each processor that this process may
                            use; 1,024 at the most. */
    uint32_t dispatch; /**< One of plx_dispatch. 0: PLX_DISPATCH_INLINE for one loop, and
                            PLX_DISPATCH_LEAST_CONNECTIONS for more. */
    const plx_loop_options *loop;   /**< Of each loop; NULL: all zero. Limits are for each loop, and
                                         `keep_running` has no effect. */
    plx_server_start_fn on_start;   /**< May be NULL. */
    plx_server_end_fn on_end;       /**< May be NULL. */
    plx_server_choose_fn on_choose; /**< For PLX_DISPATCH_CHOSEN alone. */
    plx_draining_fn on_draining;    /**< NULL: the server finishes each connection as soon as it has
                                         neither unconsumed input nor bytes to send. */
    plx_admit_fn on_admit;          /**< NULL: everybody is let in. */
    void *data;                     /**< Handed to on_start, on_end, on_choose and on_admit. */
    /** Not 0: each loop's thread runs on a processor of its own, as far as there are so many. The
     * thread that calls plx_server_run() then only waits. Systems without such a call ignore it,
     * and so do PLX_DISPATCH_THREAD and PLX_DISPATCH_FORK. */
    uint32_t pin;
    /** Not 0: the server starts no thread. You run each of its loops (plx_server_loop()), on
     * threads of yours or in a simulation (plx_sim_add()), and call plx_server_loop_end() when it
     * returns. */
    uint32_t no_threads;
    plx_socket_fn on_socket; /**< For PLX_DISPATCH_THREAD and PLX_DISPATCH_FORK alone. */
    uint32_t handlers;       /**< How many calls of on_socket run at once; 0: 64; 1,024 at the most.
                                  As many connections again wait for one, the rest in the system's
                                  queue. */
} plx_server_options;

/** What plx_server_open() calls, with the sizes of its caller's structs (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_server_open_sized(plx_server **server_out,
                                                const plx_server_options *options,
                                                size_t options_bytes, size_t loop_bytes);

/**
 * Opens a server and its loops; nothing runs yet. `*server_out` is the server, or NULL if the call
 * fails. `options` and what it points to are read during the call only, and may be NULL.
 *
 * Returns 0; PLX_EINVAL for an option beyond its bounds, for PLX_DISPATCH_INLINE, _THREAD or _FORK
 * with more than one loop, for _THREAD, _FORK or _PREFORK with `no_threads`, and for an `on_choose`
 * or an `on_socket` without its policy or the other way round; or as plx_loop_open(). On failure
 * nothing is left behind.
 */
PLX_NODISCARD static inline int plx_server_open(plx_server **server_out,
                                                const plx_server_options *options)
{
    return plx_server_open_sized(server_out, options, sizeof *options, sizeof(plx_loop_options));
}

/** What plx_server_listen() calls, with the sizes of its caller's structs (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_server_listen_sized(plx_server *server, const char *address,
                                                  const plx_listen_options *options,
                                                  size_t options_bytes, size_t conn_bytes);

/**
 * Listens at `address`, as plx_listen() does; for up to 64 addresses, each before plx_server_run().
 * The options have no on_accept. on_error is called on the thread of the loop that accepts. The
 * server pauses and resumes its listeners itself: do not call plx_listener_pause() for them.
 *
 * Returns 0; PLX_EINVAL also for an on_accept; PLX_ENOSYS for a policy that this system, or the
 * loops' backend, does not have (plx_dispatch_needs() tells what to take instead); PLX_ELIMIT;
 * PLX_EBUSY while the server runs; PLX_ECANCELED after it ran; or as plx_listen().
 */
PLX_NODISCARD static inline int plx_server_listen(plx_server *server, const char *address,
                                                  const plx_listen_options *options)
{
    return plx_server_listen_sized(server, address, options, sizeof *options,
                                   sizeof *options->conn);
}

/** What plx_server_listen_adopt() calls, with the sizes of its caller's structs (docs/growing.md).
 */
PLX_NODISCARD PLX_API int plx_server_listen_adopt_sized(plx_server *server,
                                                        const plx_socket *sockets, uint32_t count,
                                                        const plx_listen_options *options,
                                                        size_t options_bytes, size_t conn_bytes);

/**
 * Listens with sockets that are bound and listen already, as plx_listen_adopt() does: from systemd,
 * from a parent, or from an earlier process of the same service (pollux/handover.h). Otherwise like
 * plx_server_listen(). `count` is 1; under PLX_DISPATCH_KERNEL it is the number of loops that
 * serve, because each loop has a socket of its own: give as many sockets, all at one address, each
 * opened to share the port.
 *
 * The server owns the sockets if the call returns 0; else they stay the caller's, and listen as
 * before. Returns 0, PLX_EINVAL also for another `count`, or as plx_server_listen() and
 * plx_listen_adopt().
 */
PLX_NODISCARD static inline int plx_server_listen_adopt(plx_server *server,
                                                        const plx_socket *sockets, uint32_t count,
                                                        const plx_listen_options *options)
{
    return plx_server_listen_adopt_sized(server, sockets, count, options, sizeof *options,
                                         sizeof *options->conn);
}

/**
 * Duplicates the sockets of the listener number `index`, to hand them over to another process while
 * the server runs (plx_handover_open()). Call it before plx_server_run(). `*count_out` sockets at
 * `sockets_out`, which has `room`, are the caller's: as many as plx_server_listen_adopt() takes.
 * They listen until they are closed. So close them before you drain the server, unless another
 * process has got them: clients that connect to them meanwhile would wait for nobody.
 * Children that the server forks have them, too, until they end.
 *
 * Returns 0, PLX_EINVAL when there is no such listener or too little room, PLX_EBUSY while the
 * server runs, PLX_ESTALE after it ran, or as plx_listener_duplicate().
 */
PLX_NODISCARD PLX_API int plx_server_listener_duplicate(plx_server *server, uint32_t index,
                                                        plx_socket *sockets_out, uint32_t room,
                                                        uint32_t *count_out);

/**
 * Writes the address of the listener number `index`, counted from 0 in the order of
 * plx_server_listen() and plx_server_listen_adopt(), as plx_listener_address() does. Returns 0,
 * PLX_EINVAL when there is none or `size` is too small, PLX_EBUSY while the server runs, or
 * PLX_ESTALE after it ran.
 */
PLX_NODISCARD PLX_API int plx_server_address(plx_server *server, uint32_t index, char *text,
                                             size_t size);

/**
 * Runs the server: starts a thread for each loop but one, which the calling thread runs. Returns
 * when all loops have ended: after plx_server_stop(), at the end of plx_server_drain(), or when the
 * last loop that serves has ended by itself. A server runs once.
 *
 * A loop that ends by itself, because plx_loop_stop() was called or because its waits fail, closes
 * its connections; the other loops continue without it. If it is the loop that accepts, the server
 * ends, as after plx_server_stop().
 *
 * With PLX_DISPATCH_PREFORK, each child runs the server as one with one loop: on_start and on_end
 * are called there, with the child's number as `index`, and so are all other callbacks. A child
 * ends with _exit(), and not by returning from here. What you opened on plx_server_loop(server, 0)
 * stays in this process; open in on_start what each child needs, signals too. The children drain
 * when this process dies. One that has died is started again: at once, or, when it has lived for
 * less than a second, after 0.1 s, and twice as long each time. plx_server_count() counts those
 * that have ended.
 *
 * Returns 0; what an on_start returned; PLX_ETHREADS with PLX_DISPATCH_PREFORK or PLX_DISPATCH_FORK
 * in a process that has other threads (as far as the system tells: Linux); the code with which the
 * last loop, or the one that accepts, failed; PLX_EINVAL with `no_threads`; PLX_EBUSY when it runs,
 * PLX_ECANCELED after it ran; PLX_ENOMEM or PLX_ELIMIT when a thread cannot be started: the server
 * has ended then, too.
 */
PLX_NODISCARD PLX_API int plx_server_run(plx_server *server);

/**
 * Ends the server at once: every loop closes what is open on it, and ends. Connections are closed
 * with PLX_ECANCELED. Any thread, and signal handlers.
 */
PLX_API void plx_server_stop(plx_server *server);

/**
 * Ends the server in order. It stops listening, and hands over what it has accepted. Each loop asks
 * on_draining about its connections, and ends when none is left. After `deadline_ns` it resets
 * those that are left (plx_server_stats.connections_cut counts them), and ends. Each loop counts
 * the time from when it is told, which a long callback delays. Timers, watches and signals of yours
 * work until then, and do not delay the end. PLX_FOREVER: no deadline.
 *
 * Calling it again changes nothing. Any thread may call it. Returns 0, PLX_ENOMEM with nothing
 * begun, or PLX_ECANCELED when the server has ended.
 */
PLX_API int plx_server_drain(plx_server *server, uint64_t deadline_ns);

/** Whether the server has been told to drain or to stop. Any thread. */
PLX_API int plx_server_is_ending(plx_server *server);

/**
 * As plx_server_drain(), for a server whose listening sockets another process has got: socket files
 * stay (plx_listener_keep_file()), and what connects from now on is for that process. What waits in
 * the system's queue at that moment, this server still accepts, unless it had paused because it was
 * full.
 */
PLX_API int plx_server_hand_over(plx_server *server, uint64_t deadline_ns);

/**
 * With `no_threads`: ends a loop of the server, which has returned `status` from plx_loop_run(). It
 * closes what is open on the loop and calls on_end; call it on the thread that ran the loop. From
 * then on the others get the loop's share. A loop of which the server has not been told gets
 * sockets on and on, and does not serve them.
 *
 * Returns 0, also when it was called before; PLX_EINVAL for a loop that is not the server's, and
 * for a server with threads; or PLX_EBUSY from a callback of the loop.
 */
PLX_API int plx_server_loop_end(plx_server *server, plx_loop *loop, int status);

/**
 * Closes the server and its loops. NULL is allowed. With `no_threads`, loops that have not ended
 * are ended here, on the calling thread; none may be running. Returns 0; or PLX_EBUSY while the
 * server runs, and from a callback of the server or of one of its loops: nothing has been closed
 * then.
 */
PLX_API int plx_server_close(plx_server *server);

/**
 * A loop of the server: first those that serve, by their index, then the one that accepts, if the
 * policy has one. NULL beyond the last. Any thread.
 */
PLX_API plx_loop *plx_server_loop(const plx_server *server, uint32_t index);

/** How many loops serve in this process: 1 with PLX_DISPATCH_PREFORK. Any thread. */
PLX_API uint32_t plx_server_loops(const plx_server *server);

/** The policy, one of plx_dispatch, also where the options named none. Any thread. */
PLX_API uint32_t plx_server_dispatch(const plx_server *server);

/** What the server itself counts, since it was opened. Its loops count the rest. */
typedef struct plx_server_stats {
    uint64_t handed_over;      /**< Sockets that one loop accepted and another one got. */
    uint64_t handed_on;        /**< Of those, what the first loop could not take and another got. */
    uint64_t refused;          /**< Connections that were reset because no loop could take them. */
    uint64_t accept_pauses;    /**< Times that accepting paused because all loops were full. */
    uint64_t connections_cut;  /**< Connections that were reset at the deadline of a drain. */
    uint64_t loops_lost;       /**< Loops that have ended by themselves. */
    uint64_t denied;           /**< Connections that on_admit refused. */
    uint64_t children_started; /**< Processes that were forked. */
    uint64_t children_lost;    /**< Of those, which died. */
    /* Connections that plx_server_limits refused: */
    uint64_t refused_address;     /**< by the lists, or as the peer was gone already. */
    uint64_t refused_client_open; /**< by `client_open_max`. */
    uint64_t refused_client_rate; /**< by `client_rate`. */
    uint64_t refused_server_open; /**< by `server_open_max`. */
    uint64_t refused_server_rate; /**< by `server_rate`. */
    uint64_t slow_peers;          /**< Connections reset as plx_conn_set_receive_rate() says. */
    uint64_t limit_pauses;        /**< Times that accepting paused for a limit of the server. */
    uint64_t clients;             /**< Clients that the limits remember; now. */
} plx_server_stats;

/** What plx_server_stats_get() calls, with the size of its caller's struct (docs/growing.md). */
PLX_API void plx_server_stats_get_sized(plx_server *server, plx_server_stats *stats_out,
                                        size_t stats_bytes);

/** Copies the counters of the server. Any thread. */
static inline void plx_server_stats_get(plx_server *server, plx_server_stats *stats_out)
{
    plx_server_stats_get_sized(server, stats_out, sizeof *stats_out);
}

/** The counters of all loops at one time. Valid in the callback that is handed it. */
typedef struct plx_server_counts plx_server_counts;

/** The loops have been counted. */
typedef void (*plx_server_count_fn)(plx_server *server, const plx_server_counts *counts,
                                    void *data);

/** How many loops were counted: those of plx_server_loop(). */
PLX_API uint32_t plx_server_counts_loops(const plx_server_counts *counts);

/** What plx_server_counts_total() calls, with the size of its caller's struct (docs/growing.md). */
PLX_API void plx_server_counts_total_sized(const plx_server_counts *counts,
                                           plx_loop_stats *stats_out, size_t stats_bytes);

/** Copies the counters of all loops, added up, `queued_bytes_peak` too: the sum of the peaks. */
static inline void plx_server_counts_total(const plx_server_counts *counts,
                                           plx_loop_stats *stats_out)
{
    plx_server_counts_total_sized(counts, stats_out, sizeof *stats_out);
}

/** What plx_server_counts_get() calls, with the size of its caller's struct (docs/growing.md). */
PLX_API int plx_server_counts_get_sized(const plx_server_counts *counts, uint32_t index,
                                        plx_loop_stats *stats_out, size_t stats_bytes);

/** Copies the counters of the loop plx_server_loop(server, index). Returns 0, or PLX_EINVAL when
 *  there is none of that index. */
static inline int plx_server_counts_get(const plx_server_counts *counts, uint32_t index,
                                        plx_loop_stats *stats_out)
{
    return plx_server_counts_get_sized(counts, index, stats_out, sizeof *stats_out);
}

/**
 * Reads the counters of all loops, each on its own thread between two callbacks, and calls
 * `on_count` once, from within this call or later, on any of the server's threads. To continue on a
 * loop of yours, post to it there. A loop in a long callback delays it; a loop that has ended
 * counts as it ended. When the system is short of memory, `on_count` may be called only when a loop
 * ends. Any thread.
 *
 * Returns 0, PLX_EINVAL without `on_count`, or PLX_ENOMEM. If it returns 0, `on_count` is called
 * exactly once, before plx_server_close() returns; else never.
 */
PLX_NODISCARD PLX_API int plx_server_count(plx_server *server, plx_server_count_fn on_count,
                                           void *data);

/** The policy's name, as "round-robin"; NULL for a number that is none. Static. Any thread. */
PLX_API const char *plx_dispatch_name(uint32_t dispatch);

/** The policy of that name, or 0. Any thread. */
PLX_API uint32_t plx_dispatch_find(const char *name);

/**
 * What a policy needs, and which one to take where that is missing, in words, for those whom
 * plx_server_listen() has told PLX_ENOSYS. Static; NULL for a policy that works everywhere, and for
 * a number that is none. Any thread.
 */
PLX_API const char *plx_dispatch_needs(uint32_t dispatch);

#ifdef __cplusplus
}
#endif
#endif
