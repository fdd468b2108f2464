/**
 * @file watch.h
 * Watches: the readiness of sockets that belong to somebody else, as libcurl, libpq, c-ares and
 * hiredis need it.
 *
 * Readiness is level-triggered: in each turn the loop calls the callback once for each watch whose
 * socket is ready for what was asked, and never twice. On backend "uring" one turn may report only
 * some of many sockets that are ready, since Linux 6.14 about 20; the turns that follow report the
 * others. Readiness is a hint, as with every poller: it may have passed when the callback runs. So
 * the owner of the socket makes it non-blocking. The owner closes it, after its watch.
 *
 * A watch whose socket is idle costs the busy ones nothing, on backend "poll" too.
 *
 * A socket has one watch on a loop. Two owners of one socket share it: plx_watch_set() asks for all
 * that either of them wants, and the callback calls each owner that waits for what is ready.
 *
 * libpq closes its socket and opens another one inside PQconnectPoll(), often of the same number.
 * Close the watch before each call of PQconnectPoll(), and watch PQsocket() after it.
 */
#ifndef POLLUX_WATCH_H
#define POLLUX_WATCH_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a watch asks for, and what its callback is told. */
enum plx_readiness {
    PLX_READABLE = 1, /**< Reading would not block; the end of the stream counts as readable. */
    PLX_WRITABLE = 2, /**< Writing would not block; a connect that ended counts as writable. */
    PLX_FAILED = 4    /**< Told, never asked for: the socket failed, or its descriptor is closed. */
};

/**
 * The socket is ready for `ready`, bits of plx_readiness. PLX_FAILED comes together with what was
 * asked for, so that the owner's next call meets the error.
 *
 * If the owner closes a socket under its watch, the loop ends the watch as soon as it finds out:
 * `ready` is PLX_FAILED alone, and `watch` names nothing any more. Do not close `socket` then: its
 * number may be another one's by now. A backend may find out only when the loop opens or accepts a
 * socket of the same number.
 */
typedef void (*plx_watch_fn)(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                             uint32_t ready);

/**
 * The watch is over: it was closed by you (`reason` is 0), the loop found its socket closed
 * (PLX_EBADF), or the loop closes (PLX_ECANCELED). `watch` names nothing any more. It is the last
 * callback of the watch, so what `data` points to may be freed.
 */
typedef void (*plx_watch_close_fn)(plx_loop *loop, plx_watch watch, void *data, int reason);

/**
 * Watches `socket` for `interest`, bits of plx_readiness; 0 asks for nothing yet.
 *
 * On Unix, anything that can be waited for will do: sockets, pipes, terminals, and on Linux
 * eventfds and their like. Regular files, directories, block devices and devices that cannot be
 * polled, as /dev/null, are refused with PLX_ENOTSOCK on every backend; read(2) on them never
 * waits.
 *
 * Standard input may be any of these, and shares its flags with other processes: do not make it
 * non-blocking. Call read(2) once for each call of `on_ready`; that does not block unless another
 * process reads the same terminal or pipe.
 *
 * Do not watch the socket of a connection or a listener of the same loop: the loop takes it for a
 * new one with an old number, and closes the other with PLX_EBADF.
 *
 * `watch_out` may be NULL. Returns 0, PLX_EINVAL without a callback or with unknown bits,
 * PLX_EEXIST when this loop watches that socket already, PLX_EBADF, PLX_ENOTSOCK for what cannot
 * be waited for (on Windows anything but a socket), PLX_ENOMEM, PLX_EMFILE or PLX_ENFILE when there
 * is no descriptor to find that out with, or PLX_ECANCELED while the loop closes.
 */
PLX_NODISCARD PLX_API int plx_watch_open(plx_loop *loop, plx_watch *watch_out, plx_socket socket,
                                         uint32_t interest, plx_watch_fn on_ready, void *data);

/**
 * Changes what is asked for; 0 asks for nothing. Returns 0, PLX_ESTALE, PLX_EINVAL with unknown
 * bits, PLX_ENOMEM, PLX_ENFILE, or PLX_EBADF from a backend that finds the descriptor closed; the
 * others report that to the callback. After any code but 0 the watch asks for what it asked before.
 */
PLX_API int plx_watch_set(plx_loop *loop, plx_watch watch, uint32_t interest);

/**
 * Chooses whether the watch keeps plx_loop_run() running, as it does at first. While
 * `is_background` is not 0, it works as before, but plx_loop_run() returns when nothing else is
 * open. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_watch_set_background(plx_loop *loop, plx_watch watch, int is_background);

/** What the watch asks for, bits of plx_readiness; 0 for a stale handle too. */
PLX_API uint32_t plx_watch_interest(const plx_loop *loop, plx_watch watch);

/** What its callbacks get as `data`; NULL for a stale handle too. */
PLX_API void *plx_watch_data(const plx_loop *loop, plx_watch watch);

/** Changes what its callbacks get as `data`. Returns 0 or PLX_ESTALE. */
PLX_API int plx_watch_set_data(plx_loop *loop, plx_watch watch, void *data);

/**
 * Has `on_close` called when the watch is over: once, in a later step, and never from within
 * plx_watch_close(). It comes after every other callback of the watch. NULL: nobody is called.
 * Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_watch_set_on_close(plx_loop *loop, plx_watch watch, plx_watch_close_fn on_close);

/** Ends the watch. The socket may be closed as soon as this returns. Returns 0 or PLX_ESTALE. */
PLX_API int plx_watch_close(plx_loop *loop, plx_watch watch);

#ifdef __cplusplus
}
#endif
#endif
