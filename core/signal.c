/* core/signal.c - signals, from the platform's pending bits to callbacks. */
#include "core/signal.h"

#include <string.h>

/* What lies between a number of the user's and the platform's. */
#define NUMBERS_APART ((int)PLX_SIGNAL_INTERRUPT - (int)PLX__SIGNAL_INTERRUPT)

_Static_assert((int)PLX_SIGNAL_CHILD - NUMBERS_APART == PLX__SIGNAL_CHILD, "the same order");
_Static_assert(PLX__SIGNAL_NUMBERS <= 32, "each signal has a bit");

static plx__signal *signal_find(const plx_loop *loop, plx_signal signal)
{
    return (plx__signal *)(void *)plx__find(loop, PLX__KIND_SIGNAL, signal.bits);
}

/* Takes over what the platform has noted: it came before any subscription that is opened later. */
static void pending_take(plx_loop *loop)
{
    if (plx__atomic_load(&loop->signals.pending) == 0)
        return;
    uint32_t pending = plx__atomic_exchange(&loop->signals.pending, 0);
    loop->signals_due |= pending;
    for (uint32_t number = 0; number < PLX__SIGNAL_NUMBERS; number++) {
        if ((pending & 1u << number) != 0)
            loop->signals_before[number] = loop->signals_opened;
    }
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
    pending_take(loop);
    number -= NUMBERS_APART;
    status = number_open(loop, number);
    if (status != 0) {
        plx__slab_give(slab, object);
        return status;
    }
    plx__signal *signal = (plx__signal *)(void *)object;
    signal->order = loop->signals_opened++;
    signal->number = number;
    signal->on_signal = on_signal;
    signal->data = data;
    if (signal_out != NULL)
        signal_out->bits = object->endpoint.token;
    return 0;
}

static void signal_close(plx_loop *loop, plx__object *object)
{
    const plx__signal *signal = (plx__signal *)(void *)object;
    if (--loop->signals_open[signal->number] == 0)
        plx__signal_remove(&loop->signals, signal->number);
    plx__slab_give(&loop->slabs[PLX__KIND_SIGNAL], object);
}

int plx_signal_set_background(plx_loop *loop, plx_signal signal, int is_background)
{
    return plx__set_background(loop, PLX__KIND_SIGNAL, signal.bits, is_background != 0);
}

int plx_signal_close(plx_loop *loop, plx_signal signal)
{
    plx__signal *found = signal_find(loop, signal);
    if (found == NULL)
        return PLX_ESTALE;
    signal_close(loop, &found->object);
    return 0;
}

/* Calls those whose signals have come. */
static void signals_deliver(plx_loop *loop)
{
    const plx__slab *slab = &loop->slabs[PLX__KIND_SIGNAL];
    uint64_t before[PLX__SIGNAL_NUMBERS];
    pending_take(loop);
    uint32_t due = loop->signals_due;
    loop->signals_due = 0;
    memcpy(before, loop->signals_before, sizeof before); /* Callbacks may open others. */
    for (uint32_t slot = 0; slot < slab->count; slot++) {
        plx__signal *signal = (plx__signal *)(void *)plx__slab_at(slab, slot);
        if (signal->object.state != PLX__OPEN || (due & 1u << signal->number) == 0 ||
            signal->order >= before[signal->number])
            continue;
        plx_signal handle = {signal->object.endpoint.token};
        loop->stats.signals_delivered++;
        signal->on_signal(loop, handle, signal->data, signal->number + NUMBERS_APART);
    }
}

static void signals_event(plx_loop *loop, enum plx__event event)
{
    if (event == PLX__SIGNALS_DUE)
        signals_deliver(loop);
}

const plx__class plx__signal_class = {
    .bytes = sizeof(plx__signal), .close = signal_close, .on_event = signals_event};
