/* core/timer.c - the user's timers. */
#include <pollux/timer.h>

#include "core/timer.h"

static plx__timer *timer_find(const plx_loop *loop, plx_timer timer)
{
    return (plx__timer *)(void *)plx__find(loop, PLX__KIND_TIMER, timer.bits);
}

static void timer_close(plx_loop *loop, plx__object *object)
{
    plx__timer *timer = (plx__timer *)(void *)object;
    if (plx__wheel_has(&timer->node))
        plx__wheel_remove(&loop->wheel, &timer->node);
    plx__slab_give(&loop->slabs[PLX__KIND_TIMER], object);
}

/* The first of the following periods that is still ahead. */
static uint64_t next_deadline(const plx__timer *timer, uint64_t now_ns)
{
    uint64_t deadline = timer->node.deadline_ns;
    uint64_t behind = now_ns > deadline ? (now_ns - deadline) / timer->period_ns : 0;
    uint64_t left = PLX_FOREVER - deadline;
    if (left / timer->period_ns <= behind)
        return PLX_FOREVER;
    return deadline + (behind + 1) * timer->period_ns;
}

void plx__timer_fired(plx_loop *loop, plx__wheel_node *node)
{
    plx__timer *timer = (plx__timer *)(void *)((unsigned char *)node - offsetof(plx__timer, node));
    plx_timer handle = {timer->object.endpoint.token};
    if (timer->period_ns != 0)
        plx__wheel_add(&loop->wheel, &timer->node, next_deadline(timer, loop->now_ns));
    loop->stats.timers_fired++;
    timer->on_fire(loop, handle, timer->data);
    /* It may be gone by now, and its slot another's. */
    plx__timer *left = timer_find(loop, handle);
    if (left != NULL && !plx__wheel_has(&left->node))
        timer_close(loop, &left->object);
}

int plx_timer_start(plx_loop *loop, plx_timer *timer_out, uint64_t timeout_ns, uint64_t period_ns,
                    plx_timer_fn on_fire, void *data)
{
    plx__object *object;
    if (on_fire == NULL)
        return PLX_EINVAL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    int status = plx__slab_take(&loop->slabs[PLX__KIND_TIMER], &object);
    if (status != 0)
        return status;
    plx__timer *timer = (plx__timer *)(void *)object;
    plx__time_look(loop);
    timer->node = (plx__wheel_node){.kind = PLX__DEADLINE_TIMER};
    timer->period_ns = period_ns;
    timer->on_fire = on_fire;
    timer->data = data;
    plx__wheel_add(&loop->wheel, &timer->node, plx__deadline(loop, timeout_ns));
    if (timer_out != NULL)
        timer_out->bits = object->endpoint.token;
    return 0;
}

int plx_timer_restart(plx_loop *loop, plx_timer timer, uint64_t timeout_ns)
{
    plx__timer *found = timer_find(loop, timer);
    if (found == NULL)
        return PLX_ESTALE;
    plx__time_look(loop);
    uint64_t deadline_ns = plx__deadline(loop, timeout_ns);
    if (plx__wheel_has(&found->node)) { /* In its own callback it is in no wheel. */
        if (plx__wheel_postpone(&loop->wheel, &found->node, deadline_ns))
            return 0;
        plx__wheel_remove(&loop->wheel, &found->node);
    }
    plx__wheel_add(&loop->wheel, &found->node, deadline_ns);
    return 0;
}

int plx_timer_set_background(plx_loop *loop, plx_timer timer, int is_background)
{
    return plx__set_background(loop, PLX__KIND_TIMER, timer.bits, is_background != 0);
}

int plx_timer_cancel(plx_loop *loop, plx_timer timer)
{
    plx__timer *found = timer_find(loop, timer);
    if (found == NULL)
        return PLX_ESTALE;
    timer_close(loop, &found->object);
    return 0;
}

const plx__class plx__timer_class = {.bytes = sizeof(plx__timer), .close = timer_close};
