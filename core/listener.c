/* core/listener.c - accepting, and what to do when that fails.
 *
 * A listener accepts unless its user has paused it, the loop has no slot for a connection, or the
 * process no descriptor or memory. In the second case all listeners stop until a connection closes.
 * In the third the listener pauses for RETRY_NS; the connections wait in the system's queue
 * meanwhile. If accepting fails again after that, it lets go of a spare descriptor to accept one
 * connection and close it, so that those who wait learn something, and pauses again.
 *
 * An accept that fails for what is wrong with one connection is counted, and the next is tried.
 * What fails so again and again is not of one connection (a filter of system calls, a security
 * module): then the listener pauses too.
 */
#include "core/listener.h"

#include "core/conn/conn.h"
#include "core/watch.h"
#include "platform/sized.h"

#define RETRY_NS    (100 * PLX_MILLISECOND)
#define REJECTS_MAX 64
#define ABORTS_MAX  16
/* The most that a system lets wait at a listener. */
#define QUEUE_MAX 65536

static plx__listener *listener_find(const plx_loop *loop, plx_listener listener)
{
    return (plx__listener *)(void *)plx__find(loop, PLX__KIND_LISTENER, listener.bits);
}

plx_listener plx__listener_handle(const plx__listener *listener)
{
    plx_listener handle = {listener->object.endpoint.token};
    return handle;
}

static bool is_open(const plx__listener *listener)
{
    return listener->object.state == PLX__OPEN;
}

int plx__listener_update(plx_loop *loop, plx__listener *listener)
{
    bool is_wanted =
        !listener->is_paused && !loop->is_accepting_stopped && !plx__wheel_has(&listener->retry);
    int status = 0;
    if (is_wanted == listener->is_accepting)
        return 0;
    if (is_wanted)
        status =
            loop->ops->accept_start(loop->backend, &listener->object.endpoint, &listener->accept);
    else
        loop->ops->stop(loop->backend, &listener->object.endpoint);
    if (status == 0)
        listener->is_accepting = is_wanted;
    return status;
}

/* --- closing --------------------------------------------------------------------------------- */

static void listener_detached(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    PLX_ASSERT(listener->object.state == PLX__CLOSING || listener->is_lost);
    bool is_ours = plx__socket_map_remove(&loop->sockets, &listener->object);
    plx__accept_condition_remove(&listener->condition);
    if (listener->path != NULL)
        plx__socket_path_remove(listener->path); /* Before its socket is closed. */
    listener->path = NULL;
    if (listener->is_lost || !is_ours)
        loop->host->disown(listener->object.endpoint.socket);
    else
        loop->host->close(listener->object.endpoint.socket);
    listener->object.endpoint.socket = PLX_SOCKET_NONE;
    plx__defer(loop, &listener->object);
}

static void listener_detach(plx_loop *loop, plx__listener *listener)
{
    plx__leave_background(loop, &listener->object);
    if (plx__wheel_has(&listener->retry))
        plx__wheel_remove(&loop->wheel, &listener->retry);
    if (loop->ops->detach(loop->backend, &listener->object.endpoint))
        listener_detached(loop, &listener->object);
}

void plx__listener_close(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    PLX_ASSERT(is_open(listener));
    listener->object.state = PLX__CLOSING;
    if (!listener->is_lost)
        listener_detach(loop, listener);
}

static void listener_lost(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    if (listener->is_lost)
        return;
    loop->stats.sockets_lost++;
    listener->is_lost = true;
    if (is_open(listener))
        listener_detach(loop, listener);
}

static void listener_deferred(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    const plx__listener before = *listener;
    PLX_ASSERT(before.object.state == PLX__CLOSING || before.is_lost);
    plx__shared_options_release(before.shared);
    plx__slab_give(&loop->slabs[PLX__KIND_LISTENER], &listener->object);
    /* Lost, and not closed since. */
    if (before.object.state == PLX__OPEN && before.on_error != NULL)
        before.on_error(loop, plx__listener_handle(&before), before.data, PLX_EBADF);
}

static void listener_drop(plx_loop *loop, plx__object *object)
{
    plx__listener *listener = (plx__listener *)(void *)object;
    plx__accept_condition_remove(&listener->condition);
    plx__socket_path_forget(listener->path);
    plx__socket_drop(loop, object->endpoint.socket, listener->is_lost);
    plx__shared_options_release(listener->shared);
}

int plx_listener_set_background(plx_loop *loop, plx_listener listener, int is_background)
{
    const plx__listener *found = listener_find(loop, listener);
    if (found != NULL && found->is_lost)
        return 0; /* What on_error is about to tell keeps the loop running. */
    return plx__set_background(loop, PLX__KIND_LISTENER, listener.bits, is_background != 0);
}

int plx_listener_close(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    plx__listener_close(loop, &found->object);
    return 0;
}

int plx_listener_keep_file(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->path != NULL)
        plx__socket_path_forget(found->path);
    found->path = NULL;
    return 0;
}

/* In a later turn the backend has nothing of it in flight. */
static void finish_continue(plx_loop *loop, plx__listener *listener)
{
    if (plx__wheel_has(&listener->retry))
        plx__wheel_remove(&loop->wheel, &listener->retry);
    plx__wheel_add(&loop->wheel, &listener->retry, loop->now_ns);
}

int plx_listener_finish(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->is_finishing)
        return 0;
    found->is_finishing = true;
    found->is_paused = true;
    if (!found->is_lost)
        (void)plx__listener_update(loop, found); /* Stopping does not fail. */
    if (found->is_lost)
        plx__listener_close(loop, &found->object);
    else if (loop->ops->release(loop->backend, &found->object.endpoint))
        finish_continue(loop, found);
    return 0;
}

/* --- accepting ------------------------------------------------------------------------------- */

static void listener_pause(plx_loop *loop, plx__listener *listener, int status)
{
    if (listener->is_finishing)
        return; /* Others accept who waits. */
    if (plx__wheel_has(&listener->retry))
        return; /* A backend may bring what it had accepted before it was stopped. */
    plx__wheel_add(&loop->wheel, &listener->retry, plx__deadline(loop, RETRY_NS));
    listener->aborts = 0;
    loop->stats.accept_pauses++;
    (void)plx__listener_update(loop, listener);
    if (listener->on_error != NULL)
        listener->on_error(loop, plx__listener_handle(listener), listener->data, status);
}

/* The next of those who wait: the backend may have accepted it already. */
static int waiting_accept(plx_loop *loop, plx__listener *listener, plx_socket *socket_out)
{
    plx__endpoint *endpoint = &listener->object.endpoint;
    int status = PLX_EAGAIN;
    if (loop->ops->accept_held != NULL)
        status = loop->ops->accept_held(loop->backend, endpoint, socket_out);
    return status == PLX_EAGAIN ? loop->host->accept(endpoint->socket, socket_out) : status;
}

static void spare_open(plx_loop *loop)
{
    loop->host->spare_open(&loop->spare);
    if (loop->spare.descriptor != PLX_SOCKET_NONE)
        plx__socket_map_take(&loop->sockets, loop->spare.descriptor);
}

/* Lets go of the spare descriptor to turn away who waits. */
static void listener_reject(plx_loop *loop, plx__listener *listener)
{
    for (int i = 0; i < REJECTS_MAX && loop->spare.descriptor != PLX_SOCKET_NONE; i++) {
        plx_socket socket;
        loop->host->spare_close(&loop->spare);
        int status = waiting_accept(loop, listener, &socket);
        if (status == 0) {
            loop->stats.accepts_rejected++;
            loop->host->close(socket);
        }
        spare_open(loop);
        if (status != 0)
            return;
    }
}

/* Whether only one connection is concerned, as far as one can know; it is counted. A firewall may
 * refuse one (accept(2): EPERM), and so may a security module refuse all. */
static bool accept_aborted(plx_loop *loop, plx__listener *listener, int status)
{
    if (status != PLX_ECONNABORTED && status != PLX_EACCES)
        return false;
    loop->stats.accepts_aborted++;
    return ++listener->aborts < ABORTS_MAX;
}

static void accept_failed(plx_loop *loop, plx__listener *listener, int status)
{
    if (status == PLX_EBADF || status == PLX_ENOTSOCK) {
        listener_lost(loop, &listener->object);
        return;
    }
    if ((status == PLX_EMFILE || status == PLX_ENFILE) && listener->has_retried)
        listener_reject(loop, listener);
    listener_pause(loop, listener, status);
}

/* There is no slot or no memory for a connection. */
PLX__SLOW static void accepted_reject(plx_loop *loop, plx__listener *listener, plx_socket accepted,
                                      int status)
{
    loop->host->close(accepted);
    loop->stats.accepts_rejected++;
    if (status == PLX_ENOMEM && is_open(listener))
        listener_pause(loop, listener, status);
}

static void accepted_open(plx_loop *loop, plx__listener *listener,
                          const plx__completion *completion)
{
    int status = plx__conn_accepted(loop, completion, listener->shared, listener->conn_data);
    if (status != 0)
        accepted_reject(loop, listener, completion->accepted, status);
}

static void accepted_refuse(plx_loop *loop, plx_socket accepted)
{
    loop->stats.accepts_refused++;
    (void)loop->host->set(accepted, PLX__SOCKET_RESET_ON_CLOSE, 1);
    loop->host->close(accepted);
}

/* The user decides, and may close the listener, which then opens no more. */
PLX__SLOW static void accepted_offer(plx_loop *loop, plx__listener *listener,
                                     const plx__completion *completion)
{
    const plx_socket socket = completion->accepted;
    enum plx_accept_verdict verdict =
        listener->on_accept(loop, plx__listener_handle(listener), listener->data, socket,
                            completion->bytes, completion->length);
    if (verdict == PLX_ACCEPT_TAKEN) {
        loop->stats.accepts_taken++;
        loop->host->disown(socket);
    } else if (verdict == PLX_ACCEPT_OPEN && is_open(listener)) {
        accepted_open(loop, listener, completion);
    } else {
        accepted_refuse(loop, socket);
    }
}

/* The system has asked on_peer, which said no. */
static bool refused_before(plx_loop *loop, plx__listener *listener, int status)
{
    if (status != PLX_ECONNREFUSED || !listener->condition.was_asked)
        return false;
    listener->condition.was_asked = false;
    listener->aborts = 0;
    loop->stats.accepts_refused++;
    return true;
}

void plx__listener_accepted(plx_loop *loop, plx__listener *listener,
                            const plx__completion *completion)
{
    if (completion->status != 0) {
        if (refused_before(loop, listener, completion->status))
            return;
        if (!accept_aborted(loop, listener, completion->status))
            accept_failed(loop, listener, completion->status);
        return;
    }
    listener->has_retried = false;
    listener->aborts = 0;
    if (listener->on_peer != NULL && !plx__listener_admits(loop, listener, completion->accepted))
        accepted_refuse(loop, completion->accepted);
    else if (listener->on_accept != NULL)
        accepted_offer(loop, listener, completion);
    else
        accepted_open(loop, listener, completion);
}

/* Starting may fail for want of what accepting fails for: the next retry tries that too. */
static void accept_restart(plx_loop *loop, plx__listener *listener)
{
    int status = plx__listener_update(loop, listener);
    if (status != 0)
        accept_failed(loop, listener, status);
}

/* The system may have woken this loop, and no other one that accepts from the socket, for somebody
 * who waits (Linux does so for exclusive waits): nobody else would look before the next one comes.
 * So the queue is emptied once, when the system has nothing to wake any more for this listener. */
static void finish_end(plx_loop *loop, plx__listener *listener)
{
    plx__completion completion = {.endpoint = &listener->object.endpoint, .kind = PLX__ACCEPTED};
    uint32_t left = QUEUE_MAX;
    while (left-- > 0 && is_open(listener) && !listener->is_lost && !loop->is_accepting_stopped) {
        int status = loop->host->accept(listener->object.endpoint.socket, &completion.accepted);
        if (status == 0)
            plx__listener_accepted(loop, listener, &completion);
        else if (status != PLX_ECONNABORTED && !refused_before(loop, listener, status))
            break;
    }
    if (is_open(listener) && !listener->is_lost)
        plx__listener_close(loop, &listener->object);
}

static void listener_released(plx_loop *loop, plx__object *object)
{
    finish_end(loop, (plx__listener *)(void *)object);
}

void plx__listener_retry(plx_loop *loop, plx__wheel_node *node)
{
    plx__listener *listener =
        (plx__listener *)(void *)((unsigned char *)node - offsetof(plx__listener, retry));
    if (listener->is_finishing) {
        finish_end(loop, listener);
        return;
    }
    listener->has_retried = true;
    if (loop->spare.descriptor == PLX_SOCKET_NONE)
        spare_open(loop);
    accept_restart(loop, listener);
}

int plx_listener_pause(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    found->is_paused = true;
    if (!found->is_lost)
        (void)plx__listener_update(loop, found); /* Stopping does not fail. */
    return 0;
}

int plx_listener_resume(plx_loop *loop, plx_listener listener)
{
    plx__listener *found = listener_find(loop, listener);
    if (found == NULL)
        return PLX_ESTALE;
    if (found->is_finishing)
        return 0;
    found->is_paused = false;
    plx__time_look(loop);
    /* If it fails, a turn tries again, and reports it. */
    if (!found->is_lost && plx__listener_update(loop, found) != 0)
        plx__wheel_add(&loop->wheel, &found->retry, loop->now_ns);
    return 0;
}

static void listeners_stop(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_LISTENER];
    if (loop->is_accepting_stopped)
        return;
    loop->is_accepting_stopped = true;
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__listener *listener = (plx__listener *)(void *)plx__slab_at(slab, slot);
        if (is_open(listener) && !listener->is_lost)
            (void)plx__listener_update(loop, listener); /* Stopping does not fail. */
    }
}

static void listeners_resume(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_LISTENER];
    loop->is_accepting_stopped = false;
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__listener *listener = (plx__listener *)(void *)plx__slab_at(slab, slot);
        if (is_open(listener) && !listener->is_lost)
            accept_restart(loop, listener);
    }
}

static void listeners_event(plx_loop *loop, enum plx__event event)
{
    if (event == PLX__SLOTS_GONE)
        listeners_stop(loop);
    else if (event == PLX__SLOTS_LEFT)
        listeners_resume(loop);
}

int plx_listener_address(const plx_loop *loop, plx_listener listener, char *text, size_t size)
{
    const plx__listener *found = listener_find(loop, listener);
    plx__address address;
    if (found == NULL)
        return PLX_ESTALE;
    if (found->is_lost)
        return PLX_EBADF;
    int status = loop->host->name(found->object.endpoint.socket, &address);
    return status == 0 ? plx__address_print(&address, text, size) : status;
}

const plx__class plx__listener_class = {
    .bytes = sizeof(plx__listener),
    .has_endpoint = true,
    .close = plx__listener_close,
    .lost = listener_lost,
    .detached = listener_detached,
    .released = listener_released,
    .deferred = listener_deferred,
    .drop = listener_drop,
    .on_event = listeners_event,
};
