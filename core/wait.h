/* core/wait.h - the wait of a turn. */
#ifndef PLX__WAIT_H
#define PLX__WAIT_H

#include "core/loop.h"

/* The longest that the backend may block before core has work to do: at most `timeout_ns`. */
uint64_t plx__wait_timeout(plx_loop *loop, uint64_t now_ns, uint64_t timeout_ns);
/* After a wait that failed with `status`, and was to last for `timeout_ns` at the most: 0 if the
 * loop is to go on, after a pause, or the status. */
PLX__SLOW int plx__wait_failed(plx_loop *loop, int status, uint64_t timeout_ns);
/* Waits, and sets the time of the turn. 0, also after a failure that may pass, before which it has
 * paused; or a code. */
int plx__loop_wait(plx_loop *loop, uint64_t timeout_ns);

#endif
