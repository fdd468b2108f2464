/* core/signal.h - a subscription to a signal, as the loop sees it. */
#ifndef PLX__SIGNAL_H
#define PLX__SIGNAL_H

#include <pollux/signal.h>

#include "core/loop.h"

typedef struct plx__signal {
    plx__object object; /* First. */
    uint64_t order;     /* Among all that were opened on the loop. */
    int number;
    plx_signal_fn on_signal;
    void *data;
} plx__signal;

/* Whether a signal has come and is to be told. */
static inline bool plx__signals_are_due(plx_loop *loop)
{
    return plx__atomic_load(&loop->signals.pending) != 0 || loop->signals_due != 0;
}

/* Calls those whose signals have come. */
void plx__signals_deliver(plx_loop *loop);
void plx__signal_close(plx_loop *loop, plx__signal *signal);

#endif
