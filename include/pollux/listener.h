/**
 * @file listener.h
 * Listeners: they accept, and hand each connection its options.
 *
 * A listener never spins and never goes deaf. When the process or the system has no descriptor or
 * memory left it pauses for 100 ms, which is counted and told to on_error once. If there still is
 * none then, those who wait are turned away with a spare descriptor rather than left hanging.
 */
#ifndef POLLUX_LISTENER_H
#define POLLUX_LISTENER_H

#include <pollux/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The listener paused because accepting failed with `status`, as PLX_EMFILE. It goes on by itself.
 * `data` is the one of plx_listen_options.
 */
typedef void (*plx_listener_error_fn)(plx_loop *loop, plx_listener listener, void *data,
                                      int status);

/** What a listener does. All zero is allowed. */
typedef struct plx_listen_options {
    plx_conn_options conn;          /**< What each accepted connection does. */
    plx_listener_error_fn on_error; /**< May be NULL. */
    void *data;                     /**< Handed to on_error. */
    uint32_t backlog;   /**< Connections the system may hold before they are accepted; 0: 511. */
    uint32_t only_ipv6; /**< A listener on [::] takes no IPv4 connections (it takes both else). */
} plx_listen_options;

/**
 * Listens at `address`: "tcp://127.0.0.1:7000", "tcp://[::]:0", "tcp://:80" for all IPv4
 * addresses, "unix:/path". With port 0 the system picks one; plx_listener_address() says which. A
 * socket file that nobody listens at any more is replaced, and removed when the listener closes.
 *
 * `listener_out` may be NULL. `options` is read during the call only and may be NULL. Returns 0,
 * PLX_EADDRESS, PLX_ESCHEME, PLX_ENAMETOOLONG, PLX_EINVAL, PLX_EADDRINUSE, PLX_EADDRNOTAVAIL,
 * PLX_EACCES, PLX_EAFNOSUPPORT, PLX_ENOENT, PLX_ENOMEM, PLX_EMFILE, PLX_ENFILE, or PLX_ECANCELED
 * while the loop closes.
 */
PLX_NODISCARD PLX_API int plx_listen(plx_loop *loop, plx_listener *listener_out,
                                     const char *address, const plx_listen_options *options);

/**
 * Writes the address that the listener has, with the real port, in the form that plx_connect()
 * takes. PLX_ADDRESS_TEXT_MAX bytes are always enough. Returns 0, PLX_ESTALE, or PLX_EINVAL when
 * `size` is too small.
 */
PLX_NODISCARD PLX_API int plx_listener_address(const plx_loop *loop, plx_listener listener,
                                               char *text, size_t size);

/**
 * Closes the listener: its address is free again when this returns. Its connections stay open.
 * No callback of the listener follows. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_listener_close(plx_loop *loop, plx_listener listener);

#ifdef __cplusplus
}
#endif
#endif
