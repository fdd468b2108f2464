/* tests/stand.h - a loop with one of everything on it, and whether all of it works. */
#ifndef STAND_H
#define STAND_H

#include "tests/harness.h"

enum { STAND_PEERS = 20, STAND_DESCRIPTORS = STAND_PEERS + 2 };

typedef struct stand {
    probe conns; /* They send back what comes. */
    peer peers[STAND_PEERS];
    char address[PLX_ADDRESS_TEXT_MAX];
    char file[64]; /* Of a listener as well; empty where the system has no such sockets. */
    char file_address[80];
    couple watched; /* `ours` is. */
    plx_listener listener;
    plx_watch watch;
    plx_timer timer;
    plx_signal signal;
    size_t looks, ticks, signals, posts;
} stand;

/* Opens all of it on `w->loop`, and runs that for a while. Outside of the loop it holds
 * STAND_DESCRIPTORS descriptors. */
void stand_open(world *w, stand *s);
/* Has everything happen once more. */
void stand_check(world *w, stand *s);
/* Closes its peers, and what is on the loop but for the listeners, unless the loop has been closed:
 * then `w->loop` is NULL, or `s->watch` all zero. */
void stand_close(world *w, stand *s);
bool stand_file_is_there(const stand *s);

#endif
