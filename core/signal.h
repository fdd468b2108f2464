/* core/signal.h - a subscription to a signal, as the loop sees it. */
#ifndef PLX__SIGNAL_H
#define PLX__SIGNAL_H

#include <pollux/signal.h>

#include "core/loop.h"

typedef struct plx__signal {
    plx__object object; /* First. */
    int number;
    plx_signal_fn on_signal;
    void *data;
} plx__signal;

/* Calls those whose signals have come. */
void plx__signals_deliver(plx_loop *loop);
void plx__signal_close(plx_loop *loop, plx__signal *signal);

#endif
