/* core/fork.c - a child's copy of its parent's loop: dropped, or taken over.
 *
 * fork() copies memory and descriptors. What the descriptors stand for is shared: sockets, event
 * queues of the kernel, and the files of Unix-domain listeners. Dropping a copy closes descriptors
 * and touches nothing shared. Taking a loop over has the backend make anew what cannot be shared;
 * all that core has is memory, and goes on as it is.
 */
#include "core/loop.h"

/* --- dropping -------------------------------------------------------------------------------- */

static void object_drop(plx_loop *loop, plx__object *object)
{
    const plx__class *of = plx__class_of(loop, object);
    if (of->drop != NULL) /* The others are memory alone; a watched socket is its owner's. */
        of->drop(loop, object);
    object->is_deferred = 0;
    plx__slab_give(&loop->slabs[plx__object_kind(object)], object);
}

/* Before anything else goes: a signal that comes now would wake the loop. */
static void signals_unsubscribe(plx_loop *loop)
{
    for (int number = 0; number < PLX__SIGNAL_NUMBERS; number++) {
        if (loop->signals_open[number] > 0)
            plx__signal_remove(&loop->signals, number);
    }
}

void plx_loop_abandon(plx_loop *loop)
{
    if (loop == NULL)
        return;
    PLX_ASSERT(plx__is_inherited(loop)); /* plx_loop_abandon() is for a child that was forked. */
    signals_unsubscribe(loop);
    if (loop->ops->abandon != NULL)
        loop->ops->abandon(loop->backend);
    plx__objects_each(loop, object_drop);
    plx__loop_free(loop);
}

/* --- taking over ------------------------------------------------------------------------------ */

int plx_loop_after_fork(plx_loop *loop)
{
    if (!plx__is_inherited(loop))
        return 0;
    if (loop->ops->renew == NULL)
        return PLX_ENOSYS;
    int status = loop->ops->renew(loop->backend);
    if (status != 0)
        return status;
    plx__post_queue_renew(&loop->posts);
    plx__post_waiters_renew(&loop->post_waiters);
    loop->forks = plx__forks();
    if (plx__atomic_load(&loop->post_waiters.count) > 0)
        plx__room_look(loop); /* The thread that was about to is not here. */
    return 0;
}
