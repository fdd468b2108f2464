/* backends/sim/deferred.c - sends that are taken, and tried with the next wait. */
#include <string.h>

#include "backends/sim/endpoint.h"
#include "platform/fault.h"

static void deferred_forget(plx__backend *backend, plx__sim_endpoint *front)
{
    uint32_t remaining = 0;
    for (uint32_t i = 0; i < backend->deferred_count; i++) {
        if (backend->deferred[i] != front)
            backend->deferred[remaining++] = backend->deferred[i];
    }
    backend->deferred_count = remaining;
    plx__free(front->deferred);
    front->deferred = NULL;
    front->deferred_length = 0;
    front->is_unsent = false;
    front->unsent_status = 0;
}

/* Sends what is deferred. What is left, or why it failed, is the endpoint's unsent then. */
static void deferred_send(plx__backend *backend, plx__sim_endpoint *front)
{
    const plx__slice slice = plx__slice_of(front->deferred, front->deferred_length);
    ptrdiff_t sent =
        front->is_lost ? PLX_EBADF : plx__sim_send(backend->sim, front->socket, &slice, 1);
    if (sent == (ptrdiff_t)front->deferred_length) {
        deferred_forget(backend, front);
        return;
    }
    front->is_unsent = true;
    backend->has_unsent = true;
    if (sent < 0 && sent != PLX_ENOBUFS) {
        front->unsent_status = (int)sent;
    } else if (sent > 0) {
        front->deferred_length -= (size_t)sent;
        memmove(front->deferred, front->deferred + sent, front->deferred_length);
    }
}

void plx__sim_deferred_submit(plx__backend *backend)
{
    for (uint32_t i = backend->deferred_count; i-- > 0;) {
        if (!backend->deferred[i]->is_unsent)
            deferred_send(backend, backend->deferred[i]);
    }
}

static void unsent_tell(plx__sim_endpoint *front, plx__completion *completion)
{
    *completion = (plx__completion){.endpoint = plx__sim_endpoint_of(front),
                                    .kind = PLX__UNSENT,
                                    .status = front->unsent_status,
                                    .bytes = front->deferred,
                                    .length = front->deferred_length};
}

/* All of them, or none. */
static bool defer(plx__backend *backend, plx__sim_endpoint *front, const plx__slice *slices,
                  size_t count)
{
    size_t length = front->deferred_length;
    for (size_t i = 0; i < count; i++)
        length += slices[i].length;
    if (length > PLX__SIM_DEFERRED_MAX)
        return false;
    if (front->deferred == NULL) {
        if (plx__sim_grow((void **)&backend->deferred, backend->deferred_count,
                          &backend->deferred_room, sizeof(plx__sim_endpoint *)) != 0 ||
            (front->deferred = plx__allocate(PLX__SIM_DEFERRED_MAX)) == NULL)
            return false;
        backend->deferred[backend->deferred_count++] = front;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(front->deferred + front->deferred_length, slices[i].bytes, slices[i].length);
        front->deferred_length += slices[i].length;
    }
    return true;
}

bool plx__sim_send_flush(plx__backend *backend, plx__endpoint *endpoint,
                         plx__completion *unsent_out)
{
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    if (front->deferred == NULL)
        return false;
    if (!front->is_unsent)
        deferred_send(backend, front);
    if (front->deferred == NULL)
        return false;
    /* The bytes are valid until the next call. In the buffer is what on_data sees now. */
    memcpy(backend->unsent, front->deferred, front->deferred_length);
    unsent_tell(front, unsent_out);
    unsent_out->bytes = backend->unsent;
    deferred_forget(backend, front);
    return true;
}

ptrdiff_t plx__sim_send_or_defer(plx__backend *backend, plx__endpoint *endpoint,
                                 const plx__slice *slices, size_t count)
{
    plx_sim *sim = backend->sim;
    plx__sim_endpoint *front = plx__sim_front_of(endpoint);
    size_t length = 0;
    int fault = plx__fault_send();
    if (fault != 0)
        return fault;
    if (front->is_lost)
        return PLX_EBADF;
    for (size_t i = 0; i < count; i++)
        length += slices[i].length;
    bool may_defer =
        backend->may_defer && !endpoint->is_queued && !front->is_unsent && !front->socket->is_reset;
    if (may_defer && plx__sim_happens(sim, sim->faults.deferred_sends) &&
        defer(backend, front, slices, count))
        return (ptrdiff_t)length;
    if (front->deferred != NULL && !front->is_unsent)
        deferred_send(backend, front);
    if (front->deferred != NULL)
        return 0; /* First what is left of that. */
    return plx__sim_send(sim, front->socket, slices, count);
}

void plx__sim_deferred_end(plx__backend *backend, plx__sim_endpoint *front)
{
    if (front->deferred != NULL && !front->is_unsent)
        deferred_send(backend, front);
    if (front->deferred != NULL)
        deferred_forget(backend, front);
}

const plx__completion *plx__sim_unsent_next(plx__backend *backend)
{
    plx__completion unsent;
    for (uint32_t i = 0; i < backend->deferred_count; i++) {
        plx__sim_endpoint *front = backend->deferred[i];
        if (front->is_unsent &&
            plx__sim_send_flush(backend, plx__sim_endpoint_of(front), &unsent)) {
            backend->completion = unsent;
            return &backend->completion;
        }
    }
    backend->has_unsent = false;
    return NULL;
}
