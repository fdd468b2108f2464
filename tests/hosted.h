/* tests/hosted.h - a server beside a case: on threads of its own, or run by the case's simulation.
 *
 * Its connections send back what comes, and note on which loop each callback was called. The case's
 * own loop serves to pass the time: turn(w) and its like.
 */
#ifndef HOSTED_H
#define HOSTED_H

#include "tests/harness.h"

enum { HOSTED_LOOPS = 8 };

/* What a loop has seen. Its thread writes, the case reads. */
typedef struct hosted_loop {
    struct hosted *hosted;
    uint32_t index;
    plx__atomic_u32 started, ended, opened, closed, asked;
    plx__atomic_u32 received; /* Bytes. */
    plx__atomic_u32 strays; /* Callbacks that were called on another thread, or for another loop. */
    plx__atomic_u32 cancelled; /* on_close with PLX_ECANCELED. */
} hosted_loop;

typedef struct hosted {
    plx_server *server;
    char address[PLX_ADDRESS_TEXT_MAX];
    plx__thread thread;
    int status;              /* Of plx_server_run(), when it has returned. */
    plx__atomic_u32 is_over; /* It has; or all of its loops have, in a simulation. */
    uint32_t running;        /* How many of those have not. */
    hosted_loop loops[HOSTED_LOOPS];
    int start_fails;                 /* What the on_start of the last loop returns. */
    bool admits_half;                /* There is an on_admit, which refuses each second one. */
    plx__atomic_u32 admissions;      /* How often it was called. */
    uint32_t chosen;                 /* What on_choose returns. */
    bool is_asked;                   /* There is an on_draining, which counts and */
    int is_busy;                     /* returns this. */
    size_t least;                    /* Of fewer bytes than these, on_data consumes none. */
    const plx_server_limits *limits; /* Set when it opens; NULL: none are set. */
} hosted;

/* Opens the server: echoes, with these options, and those of the case's configuration. */
int hosted_try(world *w, hosted *h, plx_server_options options, plx_loop_options loop);
/* It must succeed; and then listens on a port of the system's choice. */
void hosted_open(world *w, hosted *h, plx_server_options options, plx_loop_options loop);
/* What its connections do: the echo. */
plx_conn_options hosted_conn(void);
/* plx_server_listen() with its echo. */
int hosted_listen(hosted *h, const char *address, plx_listen_options options);
/* Runs it from now on. */
void hosted_run(hosted *h);
/* Waits until it has ended by itself. Returns what plx_server_run() did, and 0 in a simulation. */
int hosted_wait(world *w, hosted *h);
/* Ends it, and closes it. */
void hosted_close(world *w, hosted *h);

/* Sends these bytes from the peer, and waits until they have come back. */
void hosted_ask(world *w, peer *p, const char *question);
/* Connects peers one by one, each when the one before has opened. */
void hosted_peers_open(world *w, hosted *h, peer *peers, size_t count);
void hosted_peers_close(peer *peers, size_t count);
/* Connects again and again, until that is refused. */
void hosted_until_refused(world *w, const char *address);
/* A counter of the server's. */
uint64_t hosted_stat_at(hosted *h, size_t offset);
#define hosted_stat(h, member) hosted_stat_at((h), offsetof(plx_server_stats, member))
/* Turns the case's loop until that counter has reached `wanted`. */
void hosted_until_stat_at(world *w, hosted *h, size_t offset, uint64_t wanted);
#define hosted_until_stat(w, h, member, wanted)                                                    \
    hosted_until_stat_at((w), (h), offsetof(plx_server_stats, member), (wanted))
/* What its loops have counted, added up. */
plx_loop_stats hosted_total(world *w, hosted *h);
/* Turns the case's loop until accepting has paused because all loops are full. */
void hosted_until_full(world *w, hosted *h);
/* Opens and runs a server with room for one: the first peer is served, and the other waits. */
void hosted_full_open(world *w, hosted *h, peer peers[2]);
/* The sum of a counter over all loops. */
uint32_t hosted_sum(hosted *h, size_t offset);
#define hosted_count(h, member) hosted_sum((h), offsetof(hosted_loop, member))
/* Turns the case's loop until the sum has reached `wanted`. */
void hosted_until_at(world *w, hosted *h, size_t offset, uint32_t wanted);
#define hosted_until(w, h, member, wanted)                                                         \
    hosted_until_at((w), (h), offsetof(hosted_loop, member), (wanted))

#endif
