/**
 * @file listener.h
 * Listeners: they accept, and hand each connection its options.
 *
 * A listener never spins and never goes deaf. When accepting fails, for want of descriptors or
 * memory most often, it pauses for 100 ms, counts that, reports it through on_error, and tries
 * again. If there still is no descriptor then, it uses a spare one to turn away those who wait, so
 * that they are not left hanging. What is wrong with one connection only is counted
 * (accepts_aborted) and does not pause it, unless 16 accepts in a row fail so: a filter of system
 * calls or a security module refuses them all then.
 */
#ifndef POLLUX_LISTENER_H
#define POLLUX_LISTENER_H

#include <pollux/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The listener paused because accepting failed with `status`, as PLX_EMFILE. It resumes
 * automatically.
 * `data` is the one of plx_listen_options.
 *
 * PLX_EBADF: somebody else closed the listener's descriptor. The listener is closed, and `listener`
 * names nothing any more. Call plx_listen() to listen again.
 */
typedef void (*plx_listener_error_fn)(plx_loop *loop, plx_listener listener, void *data,
                                      int status);

/** What becomes of a connection that a listener has accepted; for on_accept. */
enum plx_accept_verdict {
    PLX_ACCEPT_OPEN = 0,   /**< It becomes a connection of the loop, as without on_accept. */
    PLX_ACCEPT_TAKEN = 1,  /**< The callee owns the socket. The loop knows nothing of it. */
    PLX_ACCEPT_REFUSED = 2 /**< The loop resets and closes it. */
};

/**
 * The listener has accepted `socket`, and decides here what becomes of it, before any connection
 * exists. Use it to refuse peers (plx_socket_peer() tells who it is), or to take sockets for
 * another loop, thread or process: plx_conn_adopt() makes a connection of one. The socket is
 * non-blocking (plx_socket_set_blocking() changes that) and is not inherited by children.
 *
 * The `length` bytes at `bytes` have been received from it already, which happens with
 * accept_receive_first alone; they are valid until the callback returns. `data` is the one of
 * plx_listen_options. If the callback closes the listener, PLX_ACCEPT_OPEN means
 * PLX_ACCEPT_REFUSED.
 */
typedef enum plx_accept_verdict (*plx_accept_fn)(plx_loop *loop, plx_listener listener, void *data,
                                                 plx_socket socket, const void *bytes,
                                                 size_t length);

/**
 * Decides whether a peer is let in, by the addresses alone: on the loop's thread, before on_accept.
 * Return 0 to let it in, and any other value to refuse it. `peer` and `local` are the addresses of
 * the two sides as plx_connect() takes them, or "" if the peer has gone already; valid until the
 * callback returns. `data` is the one of plx_listen_options. Do not open or close anything here.
 *
 * The connection has been accepted by then, and a peer that is refused sees a reset, unless
 * plx_listen_options.conditional_accept says otherwise.
 */
typedef int (*plx_peer_fn)(void *data, const char *peer, const char *local);

/** What a listener does. All zero is allowed. */
typedef struct plx_listen_options {
    const plx_conn_options *conn;   /**< What each accepted connection does; NULL: all zero. */
    plx_listener_error_fn on_error; /**< May be NULL. */
    void *data;                     /**< Handed to on_error, on_accept and on_peer. */
    uint32_t backlog;   /**< Connections the system may hold before they are accepted; 0: 511. */
    uint32_t only_ipv6; /**< A listener on [::] takes no IPv4 connections (it takes both else). */
    /**
     * Not 0: connections are wanted with their first bytes, for protocols in which clients speak
     * first. on_open comes, and on_data right behind it, which saves a wait and a receive for each
     * connection where the system can do it: on Windows the iocp backend's AcceptEx receives them
     * (Microsoft's documentation of AcceptEx, dwReceiveDataLength), on Linux the kernel holds the
     * connection back for them (tcp(7), TCP_DEFER_ACCEPT). Elsewhere, and for Unix-domain sockets,
     * it changes nothing.
     *
     * The risk: a client that connects and sends nothing occupies a slot. on_open has not been
     * called for it, so none of the connection's timeouts runs. Two things limit it:
     * - iocp drops clients that have been silent for 10 seconds, or for one second while such
     *   clients take all posted accepts ("accepts_ahead"). It counts them in accepts_aborted.
     * - Linux hands a silent client over after about 10 seconds: on_open is called without data.
     *
     * So set read_timeout_ns, as for any listener that strangers can reach. Leave this off where
     * clients wait to be greeted.
     */
    uint32_t accept_receive_first;
    /**
     * Not 0: other sockets of the same user may listen at the same address, if they ask for this
     * too, and the system distributes new connections among them: one listener for each thread or
     * process (SO_REUSEPORT on Linux, SO_REUSEPORT_LB on FreeBSD). Connections that wait for a
     * listener which closes are reset; on Linux net.ipv4.tcp_migrate_req changes that. PLX_ENOSYS
     * on systems that do not distribute connections, PLX_EINVAL for Unix-domain addresses.
     */
    uint32_t reuse_port;
    /**
     * The permission bits of the socket file of "unix:/path", as 0660; 0777 at the most. 0: what
     * the umask of the process leaves of 0777. The call sets them between bind() and listen(), so
     * nobody can connect before; the umask does not change them. Linux lets those connect who may
     * write to the file. PLX_EINVAL for an address without a file; PLX_ENOSYS on Windows, where the
     * access list of the directory does the same.
     */
    uint32_t path_mode;
    uint32_t unused;         /**< Has no effect. */
    plx_accept_fn on_accept; /**< NULL: every socket becomes a connection. */
    /**
     * Not 0: several loops accept from this socket; each has a duplicate of it
     * (plx_listener_duplicate()) and sets this. One of them wakes for a connection, as far as the
     * system can tell ("epoll": EPOLLEXCLUSIVE; "uring"). PLX_ENOSYS from all other backends: all
     * loops would wake, and on Windows a socket belongs to one completion port.
     */
    uint32_t shared;
    plx_peer_fn on_peer; /**< NULL: everybody is let in. */
    /**
     * Not 0: the system asks on_peer before a connection is complete, where it can: on Windows with
     * every backend but "iocp" (the condition function of WSAAccept). A peer that is refused sees
     * its connect refused. Elsewhere, and with plx_listen_adopt(), it has no effect.
     *
     * The price (Microsoft, "SOL_SOCKET Socket Options", SO_CONDITIONAL_ACCEPT): the system does
     * not complete connections in the backlog by itself any more, so a loop in a long callback lets
     * peers wait for their handshake, and they may give up; and Windows' own protection against SYN
     * floods is off. Where refusing is for load and not for secrecy, leave it off.
     *
     * PLX_EINVAL without on_peer.
     */
    uint32_t conditional_accept;
} plx_listen_options;

/** What plx_listen() calls, with the sizes of its caller's structs (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_listen_sized(plx_loop *loop, plx_listener *listener_out,
                                           const char *address, const plx_listen_options *options,
                                           size_t options_bytes, size_t conn_bytes);

/**
 * Listens at `address`: "tcp://127.0.0.1:7000", "tcp://[::]:0", "tcp://:80" for all IPv4
 * addresses, "unix:/path". "localhost" means 127.0.0.1; other names are not looked up. With port 0
 * the system picks one; plx_listener_address() tells which.
 *
 * "unix:/path" makes a socket file. The call replaces a socket file that a dead server has left. It
 * never removes anything else: a file, a directory, a symbolic link, the socket of a server that
 * listens there or is just starting, or any socket file in a directory that cannot be locked
 * (flock(2) needs to open it for reading) returns PLX_EADDRINUSE. Closing the listener removes its
 * own file and no other: one that has replaced it meanwhile stays. The process may change its
 * directory in between. On Windows the path is UTF-8.
 *
 * On Windows the address is in exclusive use (SO_EXCLUSIVEADDRUSE), so that no other program can
 * take it over. PLX_EACCES there means a port that the system reserves: `netsh interface ipv4 show
 * excludedportrange protocol=tcp` lists them.
 *
 * On Linux the kernel keeps the sockets of a process that is killed, or ends without closing its
 * loop, for some milliseconds if that ran on io_uring; connections that are made meanwhile are
 * reset. So there the call waits for an address that is in use, up to 100 ms, before it returns
 * PLX_EADDRINUSE.
 *
 * `listener_out` may be NULL. `options` and what it points to are read during the call only;
 * `options` may be NULL. Returns 0, PLX_EADDRESS, PLX_ESCHEME, PLX_ENAMETOOLONG, PLX_EINVAL for
 * options that contradict each other, PLX_EADDRINUSE, PLX_EADDRNOTAVAIL, PLX_EACCES,
 * PLX_EAFNOSUPPORT, PLX_ENOENT, PLX_ENOMEM, PLX_EMFILE, PLX_ENFILE, or PLX_ECANCELED while the loop
 * closes.
 */
PLX_NODISCARD static inline int plx_listen(plx_loop *loop, plx_listener *listener_out,
                                           const char *address, const plx_listen_options *options)
{
    return plx_listen_sized(loop, listener_out, address, options, sizeof *options,
                            sizeof *options->conn);
}

/** What plx_listen_adopt() calls, with the sizes of its caller's structs (docs/growing.md). */
PLX_NODISCARD PLX_API int plx_listen_adopt_sized(plx_loop *loop, plx_listener *listener_out,
                                                 plx_socket socket,
                                                 const plx_listen_options *options,
                                                 size_t options_bytes, size_t conn_bytes);

/**
 * Listens with a socket that is bound and listens already: from systemd (sd_listen_fds(3)), from a
 * parent process, or from code of yours that sets options of its own. The loop owns the socket if
 * the call returns 0, and closes it with the listener. Connections that wait are accepted.
 *
 * The socket is made non-blocking, for all processes that share it, and is not inherited by
 * children. Its socket file is not removed: that is up to whoever bound the socket. Of the options,
 * `backlog`, `only_ipv6`, `reuse_port` and `path_mode` have no effect.
 *
 * `listener_out` may be NULL. `options` is read during the call only and may be NULL. On failure
 * the socket stays the caller's and listens as before, though it may be non-blocking: PLX_EBADF,
 * PLX_ENOTSOCK, PLX_EINVAL for a socket that is no stream or does not listen, or for options that
 * contradict each other, PLX_EAFNOSUPPORT for one that is neither IP nor Unix-domain, PLX_EEXIST
 * while a watch of this loop has it, PLX_EBUSY where it belongs to another completion port (as with
 * plx_conn_adopt(); before Windows 8.1 also after a call on iocp that failed), PLX_ENOMEM,
 * PLX_EMFILE, PLX_ENFILE, or PLX_ECANCELED while the loop closes.
 */
PLX_NODISCARD static inline int plx_listen_adopt(plx_loop *loop, plx_listener *listener_out,
                                                 plx_socket socket,
                                                 const plx_listen_options *options)
{
    return plx_listen_adopt_sized(loop, listener_out, socket, options, sizeof *options,
                                  sizeof *options->conn);
}

/**
 * Duplicates the listening socket, for plx_listen_adopt() on another loop or in another process.
 * `*socket_out` is the caller's; it listens until it is closed, also when the listener is. Returns
 * 0, PLX_ESTALE, PLX_EBADF, PLX_EMFILE, PLX_ENFILE, or PLX_ENOSYS in a simulation.
 */
PLX_NODISCARD PLX_API int plx_listener_duplicate(const plx_loop *loop, plx_listener listener,
                                                 plx_socket *socket_out);

/**
 * Writes the address that the listener has, with the real port, in the form that plx_connect()
 * takes; one that stands for all addresses (0.0.0.0, [::]) connects to this machine. Text of
 * PLX_ADDRESS_TEXT_MAX bytes is always enough. Returns 0, PLX_ESTALE, or PLX_EINVAL when `size` is
 * too small.
 */
PLX_NODISCARD PLX_API int plx_listener_address(const plx_loop *loop, plx_listener listener,
                                               char *text, size_t size);

/**
 * Chooses whether the listener keeps plx_loop_run() running, as it does at first. While
 * `is_background` is not 0, it works as before, but plx_loop_run() returns when nothing else is
 * open. Connections that it has accepted count as all others do. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_listener_set_background(plx_loop *loop, plx_listener listener, int is_background);

/**
 * Stops accepting until plx_listener_resume(). Connections wait in the system's queue meanwhile; a
 * client notices nothing before that is full. Those that the system or the backend has handed over
 * already still open. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_listener_pause(plx_loop *loop, plx_listener listener);

/** Accepts again. No callback is called from within this call. Returns 0 or PLX_ESTALE. */
PLX_API int plx_listener_resume(plx_loop *loop, plx_listener listener);

/**
 * Closes the listener in order, for a socket that others listen with, too: a duplicate
 * (plx_listener_duplicate()), a child, or another process (pollux/handover.h). The backend stops
 * accepting. Connections that it has accepted ahead ("uring" and "iocp" do that) open as before,
 * and so do those that wait in the system's queue then, because the system may have woken this loop
 * alone for them; at the limit of connections they are left there. Then the listener closes, which
 * takes a turn or more: from then on plx_listener_address() returns PLX_ESTALE. Clients that
 * connect later are for the others; if there are none, they are refused.
 *
 * plx_listener_resume() does not undo it, and plx_listener_close() closes at once. Returns 0, also
 * when it was called before, or PLX_ESTALE.
 */
PLX_API int plx_listener_finish(plx_loop *loop, plx_listener listener);

/**
 * Leaves the listener's socket file alone when the listener closes: another process has a duplicate
 * of the socket, and its clients connect by that file. It is removed by the plx_listen() that
 * replaces it, or by you. Changes nothing for a listener without a file. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_listener_keep_file(plx_loop *loop, plx_listener listener);

/**
 * Closes the listener: its address is free again when this returns. It accepts no more: after this
 * call, neither on_error nor the on_open of another connection of this listener is called.
 * Connections that are open stay open. Returns 0 or PLX_ESTALE.
 *
 * On Windows plx_listen() at the same address may return PLX_EADDRINUSE for as long as connections
 * that this listener accepted are open (Microsoft, "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
 * Close or drain them first, or try again.
 */
PLX_API int plx_listener_close(plx_loop *loop, plx_listener listener);

#ifdef __cplusplus
}
#endif
#endif
