/* core/turn.c - the one place that orders a turn.
 *
 * A turn: the wait; what has arrived; timers that are due; signals; posts; what was deferred,
 * closes above all. docs/design.md draws it. Objects are called through their classes.
 */
#include "core/turn.h"

#include "core/classes.h"
#include "core/wait.h"

/* The steps of a turn return whether they may have called somebody. */
static bool timers_run(plx_loop *loop)
{
    if (!plx__wheel_advance(&loop->wheel, loop->now_ns))
        return false;
    for (plx__wheel_node *node; (node = plx__wheel_take(&loop->wheel)) != NULL;)
        plx__fired[node->kind](loop, node);
    return true;
}

/* Tells who waits for room in the queue while there is some, but nobody who comes meanwhile: each
 * of those has a batch of its own to follow. */
PLX__SLOW static void post_waiters_tell(plx_loop *loop)
{
    plx__post waiter;
    for (uint32_t left = plx__atomic_load(&loop->post_waiters.count);
         left > 0 && plx__post_queue_has_room(&loop->posts); left--) {
        if (!plx__post_waiters_take(&loop->post_waiters, &waiter))
            return;
        waiter.run(loop, waiter.data, 0);
    }
}

bool plx__turn_posts(plx_loop *loop, int status)
{
    plx__post post;
    bool has_run = false;
    plx__post_queue_take(&loop->posts);
    while (plx__post_queue_pop(&loop->posts, &post)) {
        has_run = true;
        loop->stats.posts_run++;
        post.run(loop, post.data, status);
    }
    if (plx__atomic_load(&loop->post_waiters.count) != 0)
        post_waiters_tell(loop);
    return has_run;
}

void plx__turn_deferred(plx_loop *loop)
{
    plx__object *object = loop->deferred_first;
    loop->deferred_first = NULL;
    loop->deferred_end = &loop->deferred_first;
    for (plx__object *next; object != NULL; object = next) {
        next = object->next;
        object->is_deferred = 0;
        plx__class_of(loop, object)->deferred(loop, object);
    }
    if (loop->starved > 0)
        plx__classes_tell(loop, PLX__STEP_OVER);
}

bool plx__turn_is_due(plx_loop *loop)
{
    if (loop->keeps_running)
        return true;
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        if (loop->slabs[kind].taken > loop->slabs[kind].background)
            return true;
    }
    return !plx__post_queue_is_empty(&loop->posts);
}

int plx__turn_arrivals(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx__loop_wait(loop, timeout_ns);
    /* A wait that failed may have brought something all the same. Only who is not to run the loop
     * must not deliver it. */
    if (status == 0 || loop->is_closing)
        plx__completions_deliver(loop);
    return status;
}

/* The order is a promise; docs/design.md says why it is this one. */
static int turn_run(plx_loop *loop, uint64_t timeout_ns)
{
    loop->is_in_turn = true;
    loop->stats.ticks++;
    int status = plx__turn_arrivals(loop, timeout_ns);
    loop->now_ns = loop->host->now();
    bool has_fired = timers_run(loop);
    bool has_heard = plx__signals_are_due(loop);
    if (has_heard)
        plx__classes_tell(loop, PLX__SIGNALS_DUE);
    bool has_posted = !plx__post_queue_is_empty(&loop->posts) && plx__turn_posts(loop, 0);
    bool has_deferred = loop->deferred_first != NULL || loop->starved > 0;
    if (has_deferred)
        plx__turn_deferred(loop);
    if (has_fired || has_heard || has_posted || has_deferred)
        loop->now_ns = loop->host->now(); /* For the next wait: what was called took time. */
    if (has_posted)
        loop->posts_ran_ns = loop->now_ns;
    if (loop->now_ns - loop->turn_ns >= PLX__TURN_LONG_NS)
        plx__classes_tell(loop, PLX__TURN_WAS_LONG);
    loop->is_in_turn = false;
    return status;
}

/* The wait or the run that a stop was to end has ended. Whoever reads what the stopping thread has
 * written before its stop sees it: the exchange reads what plx_loop_stop() has stored. */
static void stop_consume(plx_loop *loop)
{
    if (plx__atomic_load(&loop->is_stopped) != 0)
        (void)plx__atomic_exchange(&loop->is_stopped, 0);
}

int plx_loop_run_once(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx__run_refusal(loop);
    if (status != 0)
        return status;
    loop->now_ns = loop->host->now(); /* Who knows how long ago the last turn was. */
    status = turn_run(loop, timeout_ns);
    stop_consume(loop);
    return status;
}

int plx_loop_run_turn(plx_loop *loop, uint64_t timeout_ns)
{
    int status = plx__run_refusal(loop);
    if (status != 0)
        return status;
    if (plx__atomic_load(&loop->is_stopped) || !plx__turn_is_due(loop)) {
        stop_consume(loop);
        return 0;
    }
    loop->now_ns = loop->host->now(); /* Who knows how long ago the last turn was. */
    status = turn_run(loop, timeout_ns);
    if (plx__is_inherited(loop)) /* A callback has forked. */
        return PLX_EBUSY;
    return status == 0 ? 1 : status;
}

int plx_loop_run(plx_loop *loop)
{
    int status = plx__run_refusal(loop);
    if (status != 0)
        return status;
    loop->now_ns = loop->host->now();
    /* A child has no part in a stop that was meant for its parent. */
    while (!plx__is_inherited(loop) && status == 0 && !plx__atomic_load(&loop->is_stopped) &&
           plx__turn_is_due(loop))
        status = turn_run(loop, PLX_FOREVER);
    if (plx__is_inherited(loop))
        return PLX_EBUSY;
    if (status == 0)
        stop_consume(loop);
    return status;
}
