/* core/watch.c - the readiness of foreign sockets.
 *
 * The sockets are never closed here. One is watched once on a loop, because some backends would
 * take it twice and others would not.
 */
#include "core/watch.h"

#define INTEREST_KNOWN ((uint32_t)(PLX_READABLE | PLX_WRITABLE))

static plx__watch *watch_find(const plx_loop *loop, plx_watch watch)
{
    return (plx__watch *)(void *)plx__find(loop, PLX__KIND_WATCH, watch.bits);
}

bool plx__watch_is_over(const plx_loop *loop, plx_socket socket)
{
    uint32_t owner = plx__socket_map_get(&loop->sockets, socket);
    return owner != 0 &&
           plx__object_kind(plx__socket_map_owner(loop->slabs, owner)) == PLX__KIND_WATCH;
}

static void watch_detach(plx_loop *loop, plx__watch *watch)
{
    plx__leave_background(loop, &watch->object);
    (void)plx__socket_map_remove(&loop->sockets, &watch->object); /* Its owner closes it. */
    if (loop->ops->detach(loop->backend, &watch->object.endpoint))
        plx__defer(loop, &watch->object);
}

static void watch_close(plx_loop *loop, plx__watch *watch, int reason)
{
    watch->object.state = PLX__CLOSING;
    watch->reason = reason;
    if (!watch->is_lost)
        watch_detach(loop, watch);
}

static void watch_cancel(plx_loop *loop, plx__object *object)
{
    watch_close(loop, (plx__watch *)(void *)object, PLX_ECANCELED);
}

/* The owner closed the socket: on_ready is told in the next deferred step. */
static void watch_lost(plx_loop *loop, plx__object *object)
{
    plx__watch *watch = (plx__watch *)(void *)object;
    loop->stats.sockets_lost++;
    watch->is_lost = true;
    watch_detach(loop, watch);
}

static void watch_deferred(plx_loop *loop, plx__object *object)
{
    plx__watch *watch = (plx__watch *)(void *)object;
    const plx__watch before = *watch;
    const bool was_open = before.object.state == PLX__OPEN; /* Lost, and not closed since. */
    plx_watch handle = {before.object.endpoint.token};
    plx__slab_give(&loop->slabs[PLX__KIND_WATCH], &watch->object);
    if (was_open)
        before.on_ready(loop, handle, before.data, before.object.endpoint.socket, PLX_FAILED);
    if (before.on_close != NULL)
        before.on_close(loop, handle, before.data, was_open ? PLX_EBADF : before.reason);
}

static int watch_start(plx_loop *loop, plx__watch *watch, uint32_t interest)
{
    plx__endpoint *endpoint = &watch->object.endpoint;
    int status = plx__socket_claim(loop, &watch->object);
    if (status == 0) {
        status = loop->ops->attach(loop->backend, endpoint, PLX__WATCHED);
        if (status != 0)
            (void)plx__socket_map_remove(&loop->sockets, &watch->object);
    }
    if (status != 0) {
        plx__slab_give(&loop->slabs[PLX__KIND_WATCH], &watch->object);
        return status;
    }
    status = loop->ops->watch(loop->backend, endpoint, interest);
    watch->interest = interest;
    if (status != 0)
        watch_close(loop, watch, status);
    return status;
}

int plx_watch_open(plx_loop *loop, plx_watch *watch_out, plx_socket socket, uint32_t interest,
                   plx_watch_fn on_ready, void *data)
{
    plx__object *object;
    if (on_ready == NULL || (interest & ~INTEREST_KNOWN) != 0)
        return PLX_EINVAL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    int status = loop->host->check(socket);
    if (status != 0)
        return status;
    if (plx__watch_is_over(loop, socket))
        return PLX_EEXIST;
    status = plx__slab_take(&loop->slabs[PLX__KIND_WATCH], &object);
    if (status != 0)
        return status;
    plx__watch *watch = (plx__watch *)(void *)object;
    object->endpoint.socket = socket;
    *watch = (plx__watch){.object = *object, .on_ready = on_ready, .data = data};
    status = watch_start(loop, watch, interest);
    if (status == 0 && watch_out != NULL)
        watch_out->bits = object->endpoint.token;
    return status;
}

int plx_watch_set(plx_loop *loop, plx_watch watch, uint32_t interest)
{
    plx__watch *found = watch_find(loop, watch);
    if (found == NULL)
        return PLX_ESTALE;
    if ((interest & ~INTEREST_KNOWN) != 0)
        return PLX_EINVAL;
    if (found->is_lost)
        return 0; /* What it is about to be told says more. */
    int status = loop->ops->watch(loop->backend, &found->object.endpoint, interest);
    if (status == 0)
        found->interest = interest;
    return status;
}

uint32_t plx_watch_interest(const plx_loop *loop, plx_watch watch)
{
    const plx__watch *found = watch_find(loop, watch);
    return found != NULL ? found->interest : 0;
}

void *plx_watch_data(const plx_loop *loop, plx_watch watch)
{
    const plx__watch *found = watch_find(loop, watch);
    return found != NULL ? found->data : NULL;
}

int plx_watch_set_data(plx_loop *loop, plx_watch watch, void *data)
{
    plx__watch *found = watch_find(loop, watch);
    if (found == NULL)
        return PLX_ESTALE;
    found->data = data;
    return 0;
}

int plx_watch_set_on_close(plx_loop *loop, plx_watch watch, plx_watch_close_fn on_close)
{
    plx__watch *found = watch_find(loop, watch);
    if (found == NULL)
        return PLX_ESTALE;
    found->on_close = on_close;
    return 0;
}

void plx__watch_ready(plx_loop *loop, plx__watch *watch, const plx__completion *completion)
{
    plx_watch handle = {watch->object.endpoint.token};
    plx_socket socket = watch->object.endpoint.socket;
    if (completion->ready == PLX_FAILED) {
        loop->stats.sockets_lost++;
        watch_close(loop, watch, PLX_EBADF);
    }
    watch->on_ready(loop, handle, watch->data, socket, completion->ready);
}

int plx_watch_set_background(plx_loop *loop, plx_watch watch, int is_background)
{
    const plx__watch *found = watch_find(loop, watch);
    if (found != NULL && found->is_lost)
        return 0; /* What it is about to be told keeps the loop running. */
    return plx__set_background(loop, PLX__KIND_WATCH, watch.bits, is_background != 0);
}

int plx_watch_close(plx_loop *loop, plx_watch watch)
{
    plx__watch *found = watch_find(loop, watch);
    if (found == NULL)
        return PLX_ESTALE;
    watch_close(loop, found, 0);
    return 0;
}

const plx__class plx__watch_class = {
    .bytes = sizeof(plx__watch),
    .has_endpoint = true,
    .close = watch_cancel,
    .lost = watch_lost,
    .detached = plx__defer,
    .deferred = watch_deferred,
};
