/* core/classes.c - names every class, and brings completions to the objects that they are for. */
#include "core/classes.h"

#include "core/conn/conn.h"
#include "core/listener.h"
#include "core/signal.h"
#include "core/timer.h"
#include "core/watch.h"

const plx__class *const plx__classes[PLX__KINDS] = {
    [PLX__KIND_LISTENER] = &plx__listener_class, [PLX__KIND_CONN] = &plx__conn_class,
    [PLX__KIND_TIMER] = &plx__timer_class,       [PLX__KIND_WATCH] = &plx__watch_class,
    [PLX__KIND_SIGNAL] = &plx__signal_class,
};

void (*const plx__fired[PLX__DEADLINE_KINDS])(plx_loop *, plx__wheel_node *) = {
    [PLX__DEADLINE_TIMER] = plx__timer_fired,
    [PLX__DEADLINE_CONN] = plx__conn_timeout_fired,
    [PLX__DEADLINE_CONN_DUE] = plx__conn_timeout_due,
    [PLX__DEADLINE_PACE] = plx__conn_pace_fired,
    [PLX__DEADLINE_SEND_RETRY] = plx__conn_send_retry,
    [PLX__DEADLINE_LISTENER_RETRY] = plx__listener_retry,
};

PLX__SLOW static void completion_deliver(plx_loop *loop, const plx__completion *completion)
{
    plx__object *object = (plx__object *)(void *)completion->endpoint;
    PLX_ASSERT(object->state == PLX__OPEN || completion->kind == PLX__DETACHED);
    loop->stats.completions++;
    switch (completion->kind) {
    case PLX__ENDED:
        plx__conn_stream_ended(loop, (plx__conn *)(void *)object, completion->status);
        break;
    case PLX__UNSENT:
        plx__conn_unsent(loop, (plx__conn *)(void *)object, completion);
        break;
    case PLX__SENT:
        plx__conn_sent(loop, (plx__conn *)(void *)object, completion);
        break;
    case PLX__ACCEPTED:
        plx__listener_accepted(loop, (plx__listener *)(void *)object, completion);
        break;
    case PLX__CONNECTED:
        plx__conn_connected(loop, (plx__conn *)(void *)object, completion->status);
        break;
    case PLX__RELEASED:
        plx__class_of(loop, object)->released(loop, object);
        break;
    case PLX__DETACHED:
        plx__class_of(loop, object)->detached(loop, object);
        break;
    default:
        PLX_ASSERT(false);
    }
}

/* What was not received. Watches come first: some programs have nothing else. */
PLX__APART static void other_deliver(plx_loop *loop, const plx__completion *completion)
{
    if (completion->kind != PLX__READY) {
        completion_deliver(loop, completion);
        return;
    }
    loop->stats.completions++;
    plx__watch_ready(loop, (plx__watch *)(void *)completion->endpoint, completion);
}

void plx__completions_deliver(plx_loop *loop)
{
    const plx__completion *(*next)(plx__backend *) = loop->ops->next;
    plx__backend *backend = loop->backend;
    for (const plx__completion *one; (one = next(backend)) != NULL;) {
        if (PLX__LIKELY(one->kind == PLX__RECEIVED)) /* Most are, and are counted as `receives`. */
            plx__conn_received(loop, (plx__conn *)(void *)one->endpoint, one);
        else
            other_deliver(loop, one);
    }
}
