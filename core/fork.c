/* core/fork.c - a child's copy of its parent's loop: dropped, or taken over.
 *
 * fork() copies memory and descriptors. What the descriptors stand for is shared: sockets, event
 * queues of the kernel, and the files of Unix-domain listeners. Dropping a copy closes descriptors
 * and touches nothing shared. Taking a loop over has the backend make anew what cannot be shared;
 * all that core has is memory, and goes on as it is.
 */
#include "core/conn.h"
#include "core/listener.h"
#include "core/signal.h"
#include "core/watch.h"

/* --- dropping -------------------------------------------------------------------------------- */

static void segments_drop(plx_loop *loop, plx__segment_list *list)
{
    for (plx__segment *segment; (segment = plx__segment_list_take(list)) != NULL;)
        plx__segment_give(&loop->segments, segment);
}

/* The parent has the socket too, so the peer does not learn of this. One that is detached has none
 * any more; the number of one that was lost is another's. */
static void socket_drop(plx_socket socket, bool is_lost)
{
    if (!is_lost)
        plx__socket_close(socket);
    else if (socket != PLX_SOCKET_NONE)
        plx__socket_disown(socket);
}

static void conn_drop(plx_loop *loop, plx__conn *conn)
{
    socket_drop(conn->object.endpoint.socket, (conn->flags & PLX__CONN_LOST) != 0);
    plx__free(conn->kept);
    segments_drop(loop, &conn->queue);
    segments_drop(loop, &conn->sent);
    plx__profile_give(conn->profile);
}

static void listener_drop(plx__listener *listener)
{
    plx__socket_path_forget(listener->path);
    socket_drop(listener->object.endpoint.socket, listener->is_lost);
    plx__profile_give(listener->profile);
}

static void object_drop(plx_loop *loop, plx__object *object)
{
    switch (plx__object_kind(object)) {
    case PLX__KIND_LISTENER:
        listener_drop((plx__listener *)(void *)object);
        break;
    case PLX__KIND_CONN:
        conn_drop(loop, (plx__conn *)(void *)object);
        break;
    default:
        break; /* The others are memory alone; a watched socket is its owner's. */
    }
    object->is_deferred = 0;
    plx__slab_give(&loop->slabs[plx__object_kind(object)], object);
}

static void objects_drop(plx_loop *loop)
{
    for (int kind = PLX__KIND_LISTENER; kind < PLX__KINDS; kind++) {
        const plx__slab *slab = &loop->slabs[kind];
        for (uint32_t slot = 0; slot < slab->count; slot++) {
            plx__object *object = plx__slab_at(slab, slot);
            if (object->state != PLX__FREE)
                object_drop(loop, object);
        }
    }
}

/* Before anything else goes: a signal that comes now would wake the loop. */
static void signals_unsubscribe(plx_loop *loop)
{
    for (int number = 0; number < (int)PLX__SIGNAL_NUMBERS; number++) {
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
    objects_drop(loop);
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
    loop->forks = plx__forks();
    return 0;
}
