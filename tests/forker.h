/* tests/forker.h - a server that forks.
 *
 * Only a process with one thread may do that, so a process of its own has the server. It tells the
 * case its address and its end by a channel, and drains when the case has closed it.
 */
#ifndef FORKER_H
#define FORKER_H

#include "platform/child.h"
#include "tests/child.h"
#include "tests/hosted.h"

/* What the server's process reports when it ends. */
typedef struct ending {
    int32_t status;
    uint32_t loops;
    plx_server_stats stats;
    plx_loop_stats loop;
} ending;

typedef struct forker {
    world *w;
    plx_server_options options;
    const plx_server_limits *limits; /* NULL: none are set. */
    int start_fails;                 /* What on_start returns. */
    bool drains_first;               /* Before it runs, without a deadline. */
    bool lacks;                      /* Once while it runs, this: */
    enum plx__fault_kind what;
    uint32_t spared;       /* After so many that it gets. */
    bool children_lack;    /* Each child lacks it, and the server perhaps. */
    uint64_t drain_ns;     /* When the case has closed the channel; 0: it stops. */
    plx_socket channel[2]; /* The case's end, and the server's. */
    char address[PLX_ADDRESS_TEXT_MAX];
} forker;
/* Starts the server. False where there is no fork(), or this process has threads. */
bool forker_start(world *w, forker *f);
/* From now on the server lacks memory once, after so many that it gets; its children that are there
 * do not, and each that it starts does. */
void forker_starve(world *w, forker *f, unsigned char spared);
/* Waits until it has started so many children, and gives it memory again if it lacks any. */
void forker_feed(world *w, forker *f, unsigned char started);
/* The server stops when a child ends, in the same turn in which it sees that. */
void forker_stop_with_child(world *w, forker *f);
/* The server's process ends at once, and leaves its children to themselves. They have to end before
 * child_join(). */
void forker_kill(forker *f);
/* Waits until the server has ended by itself, and returns its report. */
ending forker_ending(world *w, forker *f);
/* Makes the server drain or stop, and returns its report. */
ending forker_end(world *w, forker *f);
/* Sends the question from the peer, and expects the answer. */
void forker_ask(world *w, peer *p, const char *question, const char *answer);

#endif
