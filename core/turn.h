/* core/turn.h - the steps of a turn, for the loop that closes; turn.c orders them. */
#ifndef PLX__TURN_H
#define PLX__TURN_H

#include "core/loop.h"

/* Waits and delivers what has arrived. */
int plx__turn_arrivals(plx_loop *loop, uint64_t timeout_ns);
/* Calls the posts that are there when it begins, so that posts that post again do not keep the loop
 * here. Returns whether it has called any. */
PLX__SLOW bool plx__turn_posts(plx_loop *loop, int status);
/* What was deferred before now; what these defer in their turn comes in the next one. */
PLX__SLOW void plx__turn_deferred(plx_loop *loop);
/* Whether anything could still call back. */
bool plx__turn_is_due(plx_loop *loop);

#endif
