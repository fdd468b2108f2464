/* core/watch.h - the watch over a foreign socket, as the loop sees it. */
#ifndef PLX__WATCH_H
#define PLX__WATCH_H

#include <pollux/watch.h>

#include "core/loop.h"

typedef struct plx__watch {
    plx__object object;             /* First. Its endpoint's socket is the owner's. */
    struct plx__watch *next_bucket; /* In the loop's table of watched sockets. */
    plx_watch_fn on_ready;
    void *data;
} plx__watch;

void plx__watch_ready(plx_loop *loop, plx__watch *watch, const plx__completion *completion);
void plx__watch_close(plx_loop *loop, plx__watch *watch);
void plx__watch_detached(plx_loop *loop, plx__watch *watch);
void plx__watch_deferred(plx_loop *loop, plx__watch *watch);

#endif
