/* tests/rest.h - a loop that has nothing to do rests, and serves all the same. */
#ifndef REST_H
#define REST_H

#include <string.h>

#include "tests/harness.h"

/* Turns of a loop that has nothing to do until a timer fires, and some to spare. */
enum { REST_TURNS_MAX = 100 };

static inline void count_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

/* Turns the loop for 50 ms, in which nothing is to happen. A loop that spins never comes so far. */
static inline void expect_rest(world *w)
{
    size_t fired = 0;
    ck_ok(plx_timer_start(w->loop, NULL, 50 * PLX_MILLISECOND, 0, count_fire, &fired));
    for (int turns = 0; turns < REST_TURNS_MAX && fired == 0; turns++)
        ck_ok(plx_loop_run_once(w->loop, PLX_SECOND));
    ck_assert_uint_eq(fired, 1);
}

/* The peer of one that sends back what comes. */
static inline void expect_service(world *w, peer *client)
{
    char answer[2];
    peer_send(w, client, "hi", 2);
    peer_receive(w, client, answer, 2);
    ck_assert_int_eq(memcmp(answer, "hi", 2), 0);
}

#endif
