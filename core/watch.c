/* core/watch.c - the readiness of foreign sockets.
 *
 * The sockets are never closed here. The loop's table of those that are watched is there because
 * some backends would take a socket twice and others would not.
 */
#include "core/watch.h"

#define INTEREST_KNOWN ((uint32_t)(PLX_READABLE | PLX_WRITABLE))

static plx__watch *watch_find(const plx_loop *loop, plx_watch watch)
{
    return (plx__watch *)(void *)plx__find(loop, PLX__KIND_WATCH, watch.bits);
}

static plx__watch **bucket_of(plx_loop *loop, plx_socket socket)
{
    /* SOCKETs are multiples of four. */
    uintptr_t number = (uintptr_t)socket;
    return &loop->watches[(number / 4 + number) % PLX__WATCH_BUCKETS];
}

static bool is_watched(plx_loop *loop, plx_socket socket)
{
    for (plx__watch *watch = *bucket_of(loop, socket); watch != NULL; watch = watch->next_bucket) {
        if (watch->object.endpoint.socket == socket)
            return true;
    }
    return false;
}

static void bucket_add(plx_loop *loop, plx__watch *watch)
{
    plx__watch **bucket = bucket_of(loop, watch->object.endpoint.socket);
    watch->next_bucket = *bucket;
    *bucket = watch;
}

static void bucket_remove(plx_loop *loop, plx__watch *watch)
{
    plx__watch **place = bucket_of(loop, watch->object.endpoint.socket);
    while (*place != watch)
        place = &(*place)->next_bucket;
    *place = watch->next_bucket;
}

static int watch_start(plx_loop *loop, plx__watch *watch, uint32_t interest)
{
    plx__endpoint *endpoint = &watch->object.endpoint;
    int status = loop->ops->attach(loop->backend, endpoint);
    if (status != 0) {
        plx__slab_give(&loop->slabs[PLX__KIND_WATCH], &watch->object);
        return status;
    }
    bucket_add(loop, watch);
    status = loop->ops->watch(loop->backend, endpoint, interest);
    if (status != 0)
        plx__watch_close(loop, watch);
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
    int status = plx__socket_check(socket);
    if (status != 0)
        return status;
    if (is_watched(loop, socket))
        return PLX_EEXIST;
    status = plx__slab_take(&loop->slabs[PLX__KIND_WATCH], &object);
    if (status != 0)
        return status;
    plx__watch *watch = (plx__watch *)(void *)object;
    object->endpoint.socket = socket;
    watch->on_ready = on_ready;
    watch->data = data;
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
    return loop->ops->watch(loop->backend, &found->object.endpoint, interest);
}

void plx__watch_ready(plx_loop *loop, plx__watch *watch, const plx__completion *completion)
{
    plx_watch handle = {watch->object.endpoint.token};
    plx_socket socket = watch->object.endpoint.socket;
    if (completion->ready == PLX_FAILED)
        plx__watch_close(loop, watch);
    watch->on_ready(loop, handle, watch->data, socket, completion->ready);
}

void plx__watch_close(plx_loop *loop, plx__watch *watch)
{
    watch->object.state = PLX__CLOSING;
    bucket_remove(loop, watch);
    if (loop->ops->detach(loop->backend, &watch->object.endpoint))
        plx__watch_detached(loop, watch);
}

void plx__watch_detached(plx_loop *loop, plx__watch *watch)
{
    plx__defer(loop, &watch->object);
}

void plx__watch_deferred(plx_loop *loop, plx__watch *watch)
{
    plx__slab_give(&loop->slabs[PLX__KIND_WATCH], &watch->object);
}

int plx_watch_close(plx_loop *loop, plx_watch watch)
{
    plx__watch *found = watch_find(loop, watch);
    if (found == NULL)
        return PLX_ESTALE;
    plx__watch_close(loop, found);
    return 0;
}
