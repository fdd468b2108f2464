/**
 * @file signal.h
 * Signals of Unix, and the console control events of Windows, as callbacks on the loop.
 *
 * While any loop subscribes to a signal, its usual effect (ending the process, say) does not
 * happen. When the last subscription closes, the action that was set before is restored. A
 * subscription keeps plx_loop_run() running, unless plx_signal_set_background() says that it does
 * not. The system may deliver the signal to any thread of the process; the callback runs on the
 * loop's thread. Other threads need not block it.
 */
#ifndef POLLUX_SIGNAL_H
#define POLLUX_SIGNAL_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The signals. In brackets: what they are on Windows; those without are PLX_ENOSYS there. The
 * numbers are Pollux's own. No system has a signal of such a number, so SIGINT, passed by mistake,
 * is refused with PLX_EINVAL.
 */
enum plx_signal_number {
    PLX_SIGNAL_INTERRUPT = 1001, /**< SIGINT (Ctrl-C). */
    PLX_SIGNAL_TERMINATE = 1002, /**< SIGTERM (the system shuts down). */
    PLX_SIGNAL_HANGUP = 1003,    /**< SIGHUP (the console window closes; the user logs off). */
    PLX_SIGNAL_QUIT = 1004,      /**< SIGQUIT (Ctrl-Break). */
    PLX_SIGNAL_USER1 = 1005,     /**< SIGUSR1. */
    PLX_SIGNAL_USER2 = 1006,     /**< SIGUSR2. */
    PLX_SIGNAL_CHILD = 1007      /**< SIGCHLD. */
};

/**
 * The signal came, once or more often since the last call. A subscription is told of signals that
 * come after it was opened, never of one that came before, though others may yet be told of that.
 */
typedef void (*plx_signal_fn)(plx_loop *loop, plx_signal signal, void *data, int number);

/**
 * Subscribes to a signal. Several loops may subscribe to the same one; each is told.
 *
 * `number` is one of plx_signal_number, and not one of <signal.h>. `signal_out` may be NULL.
 * Returns 0, PLX_EINVAL for a number that is none or without a callback,
 * PLX_ENOSYS for one that this system does not have, PLX_ELIMIT when 64 loops of this process
 * subscribe already, or PLX_ENOMEM.
 */
PLX_NODISCARD PLX_API int plx_signal_open(plx_loop *loop, plx_signal *signal_out, int number,
                                          plx_signal_fn on_signal, void *data);

/**
 * Chooses whether the subscription keeps plx_loop_run() running, as it does at first. While
 * `is_background` is not 0, it works as before, but plx_loop_run() returns when nothing else is
 * open. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_signal_set_background(plx_loop *loop, plx_signal signal, int is_background);

/** Ends the subscription. Returns 0 or PLX_ESTALE. */
PLX_API int plx_signal_close(plx_loop *loop, plx_signal signal);

#ifdef __cplusplus
}
#endif
#endif
