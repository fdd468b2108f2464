/* tests/harness.h - runs cases, and gives them a loop, peers and patience.
 *
 * A case is a function and a sentence for a name. A process runs the cases of a file, one after the
 * other, until one fails. After each nothing may be held: no memory, no descriptor; the counters of
 * platform/fault.h say so on every system. A watchdog ends a case that hangs.
 *
 * Everything happens in one thread: peers are plain sockets, and whoever waits for something turns
 * the loop meanwhile. Nobody sleeps.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <pollux/pollux.h>

#include "platform/fault.h"
#include "platform/platform.h"
#include "tests/net.h"

typedef struct world {
    const char *configuration; /* The name that the case runs under (tests/configuration.h), */
    const char *backend;       /* and that of the backend which it means. */
    plx_loop *loop;
} world;

typedef struct test_case {
    const char *name;
    void (*run)(world *w);
} test_case;

/* tests/CMakeLists.txt reads these lines to know the cases of a suite. */
#define CASE(function)                                                                             \
    {                                                                                              \
        .name = #function, .run = (function)                                                       \
    }
/* One that leaves its process otherwise than it was, and so has one to itself. */
#define CASE_ALONE(function) CASE(function)
#define CASES_END                                                                                  \
    {                                                                                              \
        .name = NULL, .run = NULL                                                                  \
    }

/* A suite's main: `suite [--backend CONFIGURATION] [--list | CASE...]`. `groups` ends with NULL.
 * `has_loop` opens `w->loop` on the backend before each case, and closes it after. */
int suite_main(int argc, char **argv, const test_case *const *groups, bool has_loop);

/* Opens the case's loop anew with these options and what the configuration adds. */
void world_reopen(world *w, plx_loop_options options);
/* The options with what the case's configuration adds. */
plx_loop_options world_options(const world *w, plx_loop_options options);
/* A second loop in the same configuration. */
plx_loop *world_loop_open(const world *w);

/* How long to wait for what must happen, in nanoseconds: POLLUX_TEST_PATIENCE seconds, 10 if that
 * is not set. Never a time that a case should take. */
uint64_t patience(void);
/* The seconds that this environment variable has, or `by_default`, in nanoseconds. */
uint64_t seconds_of(const char *variable, unsigned by_default);

/* Turns the loop once, waiting up to a millisecond. */
void turn(world *w);
/* Turns it until `*count` has reached `wanted`; fails the case when patience is over. */
void turn_until(world *w, const size_t *count, size_t wanted);
/* Turns it until the function says so. */
void turn_until_true(world *w, bool (*is_done)(void *data), void *data);
/* Reads a counter of the loop, by its place in plx_loop_stats. */
uint64_t counter_at(const world *w, size_t offset);
#define counter(w, member) counter_at((w), offsetof(plx_loop_stats, member))
/* Turns it until the counter has reached `wanted`. */
void turn_until_counter_at(world *w, size_t offset, uint64_t wanted);
#define turn_until_counter(w, member, wanted)                                                      \
    turn_until_counter_at((w), offsetof(plx_loop_stats, member), (wanted))
/* Reads a counter of the backend's own; 0 where the backend has none. */
uint64_t backend_counter(const world *w, const char *name);
/* Turns the loop until that counter has reached `wanted`. */
void turn_until_backend_counter(world *w, const char *name, uint64_t wanted);
/* Turns it for so long, by a timer of its own. */
void turn_for(world *w, uint64_t time_ns);
/* Turns it some times, for what must not happen to have had its chance. */
void turn_some(world *w);

/* --- peers: plain sockets on the other side --------------------------------------------------- */

typedef struct peer {
    plx_socket socket;
} peer;

/* Begins to connect, and does not turn the loop. */
peer peer_start(const char *address);
/* Connects, turning the loop until that is done. */
peer peer_open(world *w, const char *address);
/* Sends all of it. */
void peer_send(world *w, peer *p, const void *bytes, size_t length);
/* Receives exactly so much. */
void peer_receive(world *w, peer *p, void *bytes, size_t length);
/* Receives up to the end; returns PLX_EEOF, or the code of a reset. `*count_out` bytes were
 * dropped. */
int peer_drain(world *w, peer *p, size_t *count_out);
/* Receives what is there, without waiting: a count, 0 at the end, or a code. */
ptrdiff_t peer_try(peer *p, void *bytes, size_t size);
/* Fails the case unless that is what a receive of a peer returns which is told of a reset. */
void expect_reset(int status);
void peer_shutdown(peer *p);
void peer_reset(peer *p);
void peer_close(peer *p);

/* Two plain sockets that are connected with each other, and that no loop knows of. */
typedef struct couple {
    peer ours, theirs;
} couple;

couple couple_open(void);
/* Closes what is still open of it. */
void couple_close(couple *c);
/* A plain listening socket, and its address, PLX_ADDRESS_TEXT_MAX bytes. */
plx_socket socket_listening(char *address);
/* One that does not listen: connections to its address are refused while it is open. A port that
 * is closed the system may give to another process. */
plx_socket socket_refusing(char *address);
/* One whose connection is being refused. */
peer peer_refused(void);

/* --- listeners and what happens to their connections ------------------------------------------ */

/* What happened to connections, in numbers, and what to do when it happens. */
typedef struct probe {
    size_t opened, shown, drained, ended, closed;
    size_t received;           /* Bytes that on_data was shown and consumed. */
    int reason;                /* Of the last on_close. */
    plx_conn conn;             /* The last one that opened. */
    plx_conn gone;             /* The last one that closed. */
    unsigned char bytes[4096]; /* The first of what was received. */
    void (*then_open)(plx_loop *loop, plx_conn conn, struct probe *p);
    size_t (*then_data)(plx_loop *loop, plx_conn conn, struct probe *p, const void *bytes,
                        size_t length);
    void (*then_drain)(plx_loop *loop, plx_conn conn, struct probe *p);
    void (*then_end)(plx_loop *loop, plx_conn conn, struct probe *p);
    void (*then_close)(plx_loop *loop, plx_conn conn, struct probe *p);
    void *more; /* The case's own. */
} probe;

/* Options whose callbacks count in `p` and then do what it says. on_end is set only if then_end is.
 */
plx_conn_options probe_options(probe *p);
/* Listens on a port of the system's choice, and writes the address, PLX_ADDRESS_TEXT_MAX bytes. */
plx_listener listen_at(world *w, const plx_conn_options *options, char *address);
/* A listener with the probe's options, one peer connected to it, and the connection open. */
peer connect_pair(world *w, probe *p, const plx_conn_options *options);

/* A then_data that sends back what comes. */
size_t echo_back(plx_loop *loop, plx_conn conn, probe *p, const void *bytes, size_t length);

/* PLENTY bytes, more than any system takes at once: zeroed, and the same ones for the whole case,
 * which may write into them. Not a static array: LeakSanitizer reads all of a program's static
 * bytes at the end of each case. */
enum { PLENTY = 16 << 20 };
unsigned char *plenty(void);
void plenty_end(void);

/* Writes until not even `least` bytes are taken any more: `most` at a time, then less and less. */
void conn_fill(world *w, plx_conn conn, size_t most, size_t least);

/* Bytes that tell their position: byte number N of a stream. */
unsigned char pattern(size_t position);
void pattern_fill(unsigned char *bytes, size_t length, size_t position);
/* Fails the case unless the bytes are those. One assertion: each costs a write to a file. */
void pattern_check(const void *bytes, size_t length, size_t position);

/* Fails the case unless a call returned 0. */
#define ck_ok(call) ck_assert_int_eq((call), 0)

#endif
