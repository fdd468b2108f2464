/* core/signal.c - signals, from the platform's pending bits to callbacks. */
#include "core/signal.h"

_Static_assert(PLX_SIGNAL_CHILD < PLX__SIGNAL_NUMBERS, "every signal has a count");

static plx__signal *signal_find(const plx_loop *loop, plx_signal signal)
{
    return (plx__signal *)(void *)plx__find(loop, PLX__KIND_SIGNAL, signal.bits);
}

static int number_open(plx_loop *loop, int number)
{
    if (loop->signals_open[number] == 0) {
        int status = plx__signal_add(&loop->signals, number);
        if (status != 0)
            return status;
    }
    loop->signals_open[number]++;
    return 0;
}

int plx_signal_open(plx_loop *loop, plx_signal *signal_out, int number, plx_signal_fn on_signal,
                    void *data)
{
    plx__object *object;
    plx__slab *slab = &loop->slabs[PLX__KIND_SIGNAL];
    if (on_signal == NULL || number < PLX_SIGNAL_INTERRUPT || number > PLX_SIGNAL_CHILD)
        return PLX_EINVAL;
    int refusal = plx__refusal(loop);
    if (refusal != 0)
        return refusal;
    int status = plx__slab_take(slab, &object);
    if (status != 0)
        return status;
    status = number_open(loop, number);
    if (status != 0) {
        plx__slab_give(slab, object);
        return status;
    }
    plx__signal *signal = (plx__signal *)(void *)object;
    signal->number = number;
    signal->on_signal = on_signal;
    signal->data = data;
    if (signal_out != NULL)
        signal_out->bits = object->endpoint.token;
    return 0;
}

void plx__signal_close(plx_loop *loop, plx__signal *signal)
{
    if (--loop->signals_open[signal->number] == 0)
        plx__signal_remove(&loop->signals, signal->number);
    plx__slab_give(&loop->slabs[PLX__KIND_SIGNAL], &signal->object);
}

int plx_signal_close(plx_loop *loop, plx_signal signal)
{
    plx__signal *found = signal_find(loop, signal);
    if (found == NULL)
        return PLX_ESTALE;
    plx__signal_close(loop, found);
    return 0;
}

void plx__signals_deliver(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_SIGNAL];
    uint32_t pending = plx__atomic_exchange(&loop->signals.pending, 0);
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__signal *signal = (plx__signal *)(void *)plx__slab_at(slab, slot);
        if (signal->object.state != PLX__OPEN || (pending & 1u << signal->number) == 0)
            continue;
        plx_signal handle = {signal->object.endpoint.token};
        loop->stats.signals_delivered++;
        signal->on_signal(loop, handle, signal->data, signal->number);
    }
}
