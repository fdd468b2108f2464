/* core/server/inbox.c - sockets on their way to a loop.
 *
 * A lock, taken for a moment: beside accepting and the rest of a connection it costs nothing. The
 * loop is told of the first alone, by a post; it takes all that there are.
 */
#include "core/server/server.h"

int plx__inbox_open(plx__inbox *inbox)
{
    inbox->items = plx__allocate_zeroed(PLX__INBOX_MAX, sizeof *inbox->items);
    if (inbox->items == NULL)
        return PLX_ENOMEM;
    plx__mutex_open(&inbox->mutex);
    return 0;
}

int plx__holdings_open(plx_server *server)
{
    int status = 0;
    if (server->loops_count > server->workers_count)
        return 0; /* The one that accepts has that from the beginning. */
    for (uint32_t i = 0; i < server->loops_count && status == 0; i++) {
        plx__inbox *held = &server->workers[i].holding.held;
        if (held->items == NULL)
            status = plx__inbox_open(held);
    }
    return status;
}

void plx__inbox_close(plx__inbox *inbox)
{
    if (inbox->items == NULL)
        return;
    plx__mutex_close(&inbox->mutex);
    plx__free(inbox->items);
}

int plx__inbox_put(plx__inbox *inbox, const plx__handoff *handoff, bool *is_first_out)
{
    int status = 0;
    plx__mutex_lock(&inbox->mutex);
    if (inbox->is_closed) {
        status = PLX_ECANCELED;
    } else if (inbox->count == PLX__INBOX_MAX) {
        status = PLX_ENOBUFS;
    } else {
        inbox->items[(inbox->first + inbox->count++) % PLX__INBOX_MAX] = *handoff;
        (void)plx__atomic_add(&inbox->pending, 1);
        *is_first_out = !inbox->is_announced;
        inbox->is_announced = true;
    }
    plx__mutex_unlock(&inbox->mutex);
    return status;
}

bool plx__inbox_take(plx__inbox *inbox, plx__handoff *handoff_out)
{
    plx__mutex_lock(&inbox->mutex);
    bool has_one = inbox->count > 0;
    if (has_one) {
        *handoff_out = inbox->items[inbox->first];
        inbox->first = (inbox->first + 1) % PLX__INBOX_MAX;
        inbox->count--;
    } else {
        inbox->is_announced = false;
    }
    plx__mutex_unlock(&inbox->mutex);
    return has_one;
}

void plx__inbox_done(plx__inbox *inbox)
{
    (void)plx__atomic_add(&inbox->pending, UINT32_MAX);
}

void plx__inbox_end(plx__inbox *inbox)
{
    plx__mutex_lock(&inbox->mutex);
    inbox->is_closed = true;
    plx__mutex_unlock(&inbox->mutex);
}

bool plx__inbox_is_empty(plx__inbox *inbox)
{
    return plx__atomic_load(&inbox->pending) == 0;
}
