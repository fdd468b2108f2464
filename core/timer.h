/* core/timer.h - a timer, as the loop sees it. */
#ifndef PLX__TIMER_H
#define PLX__TIMER_H

#include <pollux/timer.h>

#include "core/loop.h"

typedef struct plx__timer {
    plx__object object; /* First. */
    plx__wheel_node node;
    uint64_t period_ns; /* 0: once. */
    plx_timer_fn on_fire;
    void *data;
} plx__timer;

void plx__timer_fired(plx_loop *loop, plx__wheel_node *node);

extern const plx__class plx__timer_class;

#endif
