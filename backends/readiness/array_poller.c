/* backends/readiness/array_poller.c - owns the array of entries, and beside it the array of their
 * endpoints.
 *
 * Entry 0 is the wake. Entries without interest are not in the array: a hang-up cannot be masked
 * out of one. Removing swaps the last entry into the hole. The entries are looked at from the last
 * to the first, so that what moves during that has been looked at already.
 */
#include "backends/readiness/array_poller.h"

#include "platform/fault.h"
#include "platform/hook.h"

#define FIRST_ROOM 64

static int array_grow(plx__poller *poller)
{
    uint32_t room = plx__room_next(poller->room, FIRST_ROOM);
    plx__poll_entry *entries = plx__reallocate(poller->entries, room * sizeof *entries);
    if (entries == NULL)
        return PLX_ENOMEM;
    poller->entries = entries;
    plx__polled **polled = plx__reallocate(poller->polled, room * sizeof(plx__polled *));
    if (polled == NULL)
        return PLX_ENOMEM; /* The larger array of entries does no harm. */
    poller->polled = polled;
    poller->room = room;
    return 0;
}

static bool array_is_full(const plx__poller *poller)
{
    return poller->count + poller->elsewhere >= poller->room;
}

int plx__array_poller_open(plx__poller **poller_out, size_t bytes,
                           const plx__backend_config *config, const plx__poller_ops *ops)
{
    plx__poller *poller;
    int status = plx__readiness_open(&poller, bytes, config, ops);
    if (status != 0)
        return status;
    poller->openings = config->openings;
    poller->report = config->report;
    poller->wake.reader = poller->wake.writer = PLX_SOCKET_NONE;
    status = plx__wake_open(&poller->wake);
    if (status == 0)
        status = array_grow(poller);
    if (status != 0) {
        plx__array_poller_close(poller);
        return status;
    }
    poller->entries[0] = (plx__poll_entry){.fd = poller->wake.reader, .events = PLX__POLL_READ};
    poller->polled[0] = NULL;
    poller->count = 1;
    *poller_out = poller;
    return 0;
}

void plx__array_poller_close(plx__poller *poller)
{
    plx__wake_close(&poller->wake);
    plx__free(poller->polled);
    plx__free(poller->entries);
    plx__readiness_close(poller);
}

int plx__array_poller_renew(plx__poller *poller)
{
    plx__wake_close(&poller->wake); /* The parent has it too, and would be woken. */
    int status = plx__wake_open(&poller->wake);
    if (status != 0)
        return status;
    poller->entries[0].fd = poller->wake.reader;
    plx__openings_tell_wake(&poller->openings, &poller->wake);
    return 0;
}

static short events_of(uint32_t interest)
{
    int events = 0;
    if ((interest & PLX_READABLE) != 0)
        events |= PLX__POLL_READ;
    if ((interest & PLX_WRITABLE) != 0)
        events |= PLX__POLL_WRITE;
    return (short)events;
}

static void array_add(plx__poller *poller, plx__polled *polled, plx__poll_entry entry)
{
    uint32_t index = poller->count++;
    poller->entries[index] = entry;
    poller->polled[index] = polled;
    polled->slot.index = index;
    polled->seen = poller->tick;
}

static void array_remove(plx__poller *poller, plx__polled *polled)
{
    uint32_t hole = polled->slot.index;
    uint32_t last = --poller->count;
    poller->entries[hole] = poller->entries[last];
    poller->polled[hole] = poller->polled[last];
    if (last >= poller->cursor)
        poller->entries[hole].revents = 0; /* It has been looked at; the hole may have not. */
    poller->polled[hole]->slot.index = hole;
    polled->slot.index = 0;
    if (poller->cursor > poller->count)
        poller->cursor = poller->count;
}

static plx__poll_entry entry_of(plx__polled *polled, uint32_t interest)
{
    return (plx__poll_entry){.fd = plx__polled_endpoint(polled)->socket,
                             .events = events_of(interest)};
}

PLX__SLOW static int add_slowly(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    int status = array_grow(poller);
    if (status == 0)
        array_add(poller, polled, entry_of(polled, interest));
    return status;
}

int plx__array_poller_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    if (interest == 0) {
        array_remove(poller, polled);
        return 0;
    }
    uint32_t index = polled->slot.index;
    if (index != 0) {
        poller->entries[index].events = events_of(interest);
        return 0;
    }
    if (array_is_full(poller))
        return add_slowly(poller, polled, interest);
    array_add(poller, polled, entry_of(polled, interest));
    return 0;
}

void plx__array_poller_return(plx__poller *poller, plx__polled *polled, short revents)
{
    plx__poll_entry entry = entry_of(polled, polled->interest);
    entry.revents = revents;
    array_add(poller, polled, entry);
    poller->elsewhere--;
    poller->left += revents != 0;
    poller->cursor = poller->count;
}

void plx__array_poller_forget(plx__poller *poller, plx__polled *polled)
{
    (void)poller;
    (void)polled; /* Without interest it is in no array already. */
}

/* A wake that is dead and cannot be made anew now ends each wait until it can: nobody sends one in
 * vain, and everybody else is served meanwhile. */
static void wake_take(plx__poller *poller)
{
    bool is_renewed;
    poller->entries[0].revents = 0;
    if (plx__wake_drain(&poller->wake, &is_renewed) != 0)
        poller->report->wait_failures++;
    if (is_renewed) {
        poller->entries[0].fd = poller->wake.reader;
        plx__openings_tell_wake(&poller->openings, &poller->wake);
    }
}

int plx__array_wait_begin(plx__poller *poller)
{
    plx__readiness_turn(&poller->readiness);
    plx__hook(PLX__HOOK_SLEEP);
    return plx__fault_strikes(PLX__FAULT_WAIT) ? PLX_ENOMEM : 0;
}

int plx__array_wait_end(plx__poller *poller, int ready)
{
    if (ready <= 0) {
        poller->left = 0;
        return ready;
    }
    poller->left = (uint32_t)ready;
    poller->cursor = poller->count;
    if (poller->entries[0].revents != 0) {
        poller->left--;
        wake_take(poller);
    }
    return 0;
}

PLX__SLOW static uint32_t ready_of(int revents)
{
    uint32_t ready = 0;
    if ((revents & PLX__POLL_READABLE) != 0)
        ready |= PLX_READABLE;
    if ((revents & PLX__POLL_WRITABLE) != 0)
        ready |= PLX_WRITABLE;
    if ((revents & (POLLERR | POLLNVAL)) != 0)
        ready |= PLX_FAILED;
    return ready;
}

size_t plx__array_poller_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    size_t index = poller->cursor;
    uint16_t tick = poller->tick;
    const plx__poll_entry *entries = poller->entries;
    plx__polled *const *polled = poller->polled;
    plx__poller_event *event = events;
    const plx__poller_event *end = events + (max < poller->left ? max : poller->left);
    while (event != end && --index > 0) {
        int revents = entries[index].revents;
        if (revents == 0)
            continue;
        event->ready = PLX_READABLE;
        if (revents != PLX__POLL_READ)
            event->ready = ready_of(revents);
        event->polled = polled[index];
        event->polled->seen = tick;
        event++;
    }
    size_t count = (size_t)(event - events);
    poller->cursor = (uint32_t)index;
    poller->left = event == end ? poller->left - (uint32_t)count : 0;
    return count;
}

void plx__array_poller_wake(plx__poller *poller)
{
    plx__wake_send(&poller->wake);
}
