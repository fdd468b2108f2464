/**
 * @file timer.h
 * Timers: once or periodic. Starting, restarting and cancelling cost O(1).
 *
 * Times count from plx_loop_now(), the time of the present turn. A timer never fires early. Timers
 * fire in the order of their deadlines, and those with the same deadline in the order in which they
 * were started. One that a timer's callback starts fires in a later turn, whatever its timeout.
 */
#ifndef POLLUX_TIMER_H
#define POLLUX_TIMER_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Called when the timer is due. */
typedef void (*plx_timer_fn)(plx_loop *loop, plx_timer timer, void *data);

/**
 * Starts a timer that fires `timeout_ns` from now, and then every `period_ns` if that is not 0.
 * A period that passes while the loop is busy is left out, not made up for.
 *
 * `timer_out` may be NULL. A timer that fires once is gone when its callback returns, unless the
 * callback restarted it. Returns 0, PLX_EINVAL without a callback, PLX_ENOMEM, or PLX_ECANCELED
 * while the loop closes.
 */
PLX_NODISCARD PLX_API int plx_timer_start(plx_loop *loop, plx_timer *timer_out, uint64_t timeout_ns,
                                          uint64_t period_ns, plx_timer_fn on_fire, void *data);

/**
 * Makes a running timer fire `timeout_ns` from now instead; for a timeout of your own, on each
 * message that puts it off. Its period stays as it is. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_timer_restart(plx_loop *loop, plx_timer timer, uint64_t timeout_ns);

/**
 * Chooses whether the timer keeps plx_loop_run() running, as it does at first. While
 * `is_background` is not 0, it works as before, but plx_loop_run() returns when nothing else is
 * open. Returns 0 or PLX_ESTALE.
 */
PLX_API int plx_timer_set_background(plx_loop *loop, plx_timer timer, int is_background);

/** Ends a timer: its callback is not called any more. Returns 0 or PLX_ESTALE. */
PLX_API int plx_timer_cancel(plx_loop *loop, plx_timer timer);

#ifdef __cplusplus
}
#endif
#endif
