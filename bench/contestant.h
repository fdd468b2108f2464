/* bench/contestant.h - what every contestant is made of: a program that the driver can ask to
 * serve, to run timers, or to run posts, in one or more variants.
 *
 * bench/contestant.c owns main() and all that is measured from inside; a contestant only does the
 * work. Each program knows:
 *
 *   bench_NAME --list                    one line a variant: GROUP NAME WORK...
 *   bench_NAME VARIANT serve http|echo   a server, on a port that the system picks
 *   bench_NAME VARIANT watch http|echo   the same, which receives and sends by itself
 *   bench_NAME VARIANT hand http|echo    the same; one thread accepts, another one's loop serves
 *   bench_NAME VARIANT loops COUNT STEPS so many loops, whose handler computes before it answers
 *   bench_NAME VARIANT timers COUNT
 *   bench_NAME VARIANT posts THREADS COUNT
 *   bench_NAME --keep                    does nothing until its input ends
 *   bench_NAME --calibrate MICROSECONDS  prints how many STEPS take so long
 */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_BACKLOG       4096  /* Connections wait here rather than be refused. */
#define BENCH_LOOPS_MAX     64    /* Of one server. */
#define BENCH_RECEIVE_BYTES 65536 /* What one receive may bring, for all contestants. */

#ifdef __cplusplus
extern "C" {
#endif

enum bench_mode {
    BENCH_HTTP, /* Each request gets the fixed response of bench/http.h. */
    BENCH_ECHO  /* Each byte comes back. */
};

/* What has been served. Contestants count; the driver reads it by signal. */
typedef struct bench_counters {
    uint64_t requests;
    uint64_t echoed_bytes;
} bench_counters;

extern bench_counters bench_count;

/* The same for servers of several loops: each counts where no other one writes, in cache lines of
 * its own. */
typedef struct bench_loop_counter {
    uint64_t requests;
    char apart[120];
} bench_loop_counter;

extern bench_loop_counter bench_loop_count[BENCH_LOOPS_MAX];

/* Timers of one loop, numbered from 0. Times are milliseconds from the loop's present. */
typedef struct bench_timer_ops {
    bool (*open)(size_t count);
    void (*update)(void); /* Makes the loop look at the clock. */
    void (*start)(size_t index, uint32_t timeout_ms);
    void (*restart)(size_t index, uint32_t timeout_ms);
    void (*cancel)(size_t index);
    void (*turn)(void); /* Fires what is due, and does not wait. */
    /* Does the work in a callback of the loop, where programs have their timers, if that is not the
     * same to the loop; `update` need not do anything there. NULL: it is. */
    void (*inside)(void (*work)(void *data), void *data);
} bench_timer_ops;

/* Posts to one loop. `post` may be called by any thread, and is false while the queue is full. Each
 * post that runs calls bench_post_ran(), and the loop stops when that is false. */
typedef struct bench_post_ops {
    bool (*open)(void);
    bool (*post)(void);
    void (*run)(void);
} bench_post_ops;

typedef struct bench_variant {
    const char *group;                   /* "pollux", "floor" or "peer". */
    const char *name;                    /* As the tables name it. */
    const char *engine;                  /* The contestant's own. */
    void (*serve)(enum bench_mode mode); /* Returns only when it fails. NULL: none. */
    void (*watch)(enum bench_mode mode); /* The same: the loop tells only who is ready. */
    void (*hand)(enum bench_mode mode);  /* The same: with two threads, one of which accepts. */
    /* The same: with so many loops, whose handler computes for so many steps. */
    void (*loops)(uint32_t loops, uint64_t steps);
    const bench_timer_ops *timers; /* NULL: none. */
    const bench_post_ops *posts;   /* NULL: none. */
} bench_variant;

/* The contestant defines this one: its variant number `index`, or false past the last. */
bool bench_variant_at(size_t index, bench_variant *variant_out);

/* The variant that runs. */
extern bench_variant bench_self;

/* Says on which port the server listens; the driver connects from then on. */
void bench_ready(unsigned port);

/* Ends the process with a message, after "bench: WHAT". */
void bench_fail(const char *what);

/* For timers' callbacks. */
void bench_timer_fired(void);

/* For posts, on the loop's thread: whether more are to come. */
bool bench_post_ran(void);

/* bench/timers.c and bench/posts.c: run the work and print the result as JSON. */
void bench_timers_run(const bench_timer_ops *ops, size_t count);
void bench_posts_run(const bench_post_ops *ops, unsigned threads, size_t count);

/* CPU time of this process where the system tells it truly, else the time of day; nanoseconds. */
uint64_t bench_cpu_ns(void);
/* A clock that does not go back; nanoseconds. */
uint64_t bench_clock_ns(void);

#ifdef __cplusplus
}
#endif
#endif
