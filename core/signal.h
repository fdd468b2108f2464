/* core/signal.h - a subscription to a signal, as the loop sees it. */
#ifndef PLX__SIGNAL_H
#define PLX__SIGNAL_H

#include <pollux/signal.h>

#include "core/loop.h"

typedef struct plx__signal {
    plx__object object; /* First. */
    uint64_t order;     /* Among all that were opened on the loop. */
    int number;         /* plx__signal_number. */
    plx_signal_fn on_signal;
    void *data;
} plx__signal;

extern const plx__class plx__signal_class;

#endif
