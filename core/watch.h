/* core/watch.h - the watch over a foreign socket, as the loop sees it. */
#ifndef PLX__WATCH_H
#define PLX__WATCH_H

#include <pollux/watch.h>

#include "core/loop.h"

typedef struct plx__watch {
    plx__object object; /* First. Its endpoint's socket is the owner's. */
    plx_watch_fn on_ready;
    plx_watch_close_fn on_close;
    void *data;
    uint32_t interest;
    int reason;   /* Why it was closed, for on_close. */
    bool is_lost; /* The descriptor is closed. Detached already; on_ready is due, unless it closes.
                   */
} plx__watch;

void plx__watch_ready(plx_loop *loop, plx__watch *watch, const plx__completion *completion);
/* Whether the loop watches the socket. */
bool plx__watch_is_over(const plx_loop *loop, plx_socket socket);

extern const plx__class plx__watch_class;

#endif
