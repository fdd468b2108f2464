/* posix/wait/wait.c - every wait of the layer: for files, for time, for signals.
 *
 * The sockets of the system are waited for by plx__poll(), together with the thread's wake, which
 * whoever changes the state of another file, shuts a socket down or posts a signal sends to. What
 * lives in the process (pipes, pairs, events) is asked before and after each wait.
 */
#include "posix/wait/wait.h"
#include "posix/signal/signal.h"

#include <string.h>

/* Between two looks at what nobody tells about: pipes and consoles that other processes hold. */
#define TICK (10 * PLX_MILLISECOND)

#define ENTRIES_AT_HAND 8

static unsigned answer_cut(unsigned answer, unsigned events)
{
    if ((answer & PLX__POLLIN) != 0)
        answer |= PLX__POLLRDNORM;
    if ((answer & PLX__POLLOUT) != 0)
        answer |= PLX__POLLWRNORM;
    return answer & (events | PLX__POLLERR | PLX__POLLHUP | PLX__POLLNVAL);
}

typedef struct turn {
    int ready;    /* Items that have something to say. */
    bool ticks;   /* Some must be looked at again soon. */
    size_t count; /* Entries for the system. */
    uint64_t due; /* When the first of them becomes ready by itself. */
} turn;

/* Answers what needs no system, and lists what does. An entry stands for the item at the same index
 * among those whose kind has an `interest`. */
static turn turn_prepare(plx__poll_item *items, size_t count, plx__poll_entry *entries)
{
    turn now = {0, false, 0, PLX_FOREVER};
    for (size_t i = 0; i < count; i++) {
        plx__poll_item *item = &items[i];
        if (item->file == NULL) {
            now.ready += item->revents != 0;
            continue;
        }
        unsigned answer = item->file->kind->ready(item->file);
        if (item->version != 0 && item->file->kind->version(item->file) != item->version)
            answer |= PLX__POLLRDBAND;
        item->revents = answer_cut(answer, item->events);
        now.ready += item->revents != 0;
        now.ticks |= item->file->kind->ticks;
        if (item->file->kind->due != NULL) {
            uint64_t due = item->file->kind->due(item->file);
            now.due = due < now.due ? due : now.due;
        }
        if (item->file->kind->interest != NULL) {
            plx__poll_entry *entry = &entries[now.count++];
            entry->fd = (SOCKET)item->file->handle;
            entry->events = item->file->kind->interest(item->file, item->events);
            entry->revents = 0;
        }
    }
    return now;
}

/* Adds the system's answers. */
static int turn_collect(plx__poll_item *items, size_t count, const plx__poll_entry *entries,
                        bool *idle_out)
{
    int ready = 0;
    size_t next = 0;
    *idle_out = false;
    for (size_t i = 0; i < count; i++) {
        plx__poll_item *item = &items[i];
        if (item->file != NULL && item->file->kind->interest != NULL) {
            SHORT revents = entries[next++].revents;
            item->revents |=
                answer_cut(item->file->kind->answer(item->file, revents), item->events);
            /* It has something to say that was not asked for: the next wait must not spin. */
            *idle_out |= revents != 0 && item->revents == 0;
        }
        ready += item->revents != 0;
    }
    return ready;
}

static uint64_t time_left(uint64_t deadline)
{
    uint64_t now = plx__clock_now();
    return deadline == PLX_FOREVER ? PLX_FOREVER : deadline > now ? deadline - now : 0;
}

/* In this order: who comes in between sends nothing, but its change is seen after this; the other
 * way round its datagram could be drained, and is_woken would stay with none to come. */
static void woken(plx__waiter *waiter)
{
    bool renewed;
    (void)plx__wake_drain(&waiter->wake, &renewed);
    (void)plx__atomic_exchange(&waiter->is_woken, 0); /* A full barrier. */
}

/* Ready items, 0 for another turn, or a negative errno. */
static int turn_take(plx__waiter *waiter, plx__poll_item *items, size_t count,
                     plx__poll_entry *entries, uint64_t left)
{
    turn now = turn_prepare(items, count, entries);
    if (now.count == 0 && now.ready > 0)
        return now.ready;
    plx__poll_entry *wake = &entries[now.count];
    wake->fd = waiter->wake.reader;
    wake->events = PLX__POLL_READ;
    wake->revents = 0;
    if (now.ready > 0)
        left = 0;
    else if (now.ticks && left > TICK)
        left = TICK;
    if (now.due != PLX_FOREVER && time_left(now.due) < left)
        left = time_left(now.due);
    int status = plx__poll(entries, now.count + 1, left);
    if (status < 0)
        return -ENOMEM;
    if (wake->revents != 0)
        woken(waiter);
    bool is_idle;
    int ready = turn_collect(items, count, entries, &is_idle);
    if (ready == 0 && is_idle && left > 0)
        Sleep(1);
    return ready;
}

static int turns(plx__waiter *waiter, plx__poll_item *items, size_t count, uint64_t deadline,
                 bool is_restarted, plx__poll_entry *entries)
{
    for (;;) {
        unsigned handled = plx__handlers_run();
        if ((handled & PLX__SIGNALS_NO_RESTART) != 0 ||
            ((handled & PLX__SIGNALS_HANDLED) != 0 && !is_restarted))
            return -EINTR;
        uint64_t left = time_left(deadline);
        int ready = turn_take(waiter, items, count, entries, left);
        if (ready != 0)
            return ready;
        if (left == 0)
            return 0;
    }
}

static plx__poll_entry *entries_reserve(plx__waiter *waiter, size_t count)
{
    if (waiter->room < count) {
        plx__poll_entry *more = plx__reallocate(waiter->entries, 2 * count * sizeof *more);
        if (more == NULL)
            return NULL;
        waiter->entries = more;
        waiter->room = 2 * count;
    }
    return waiter->entries;
}

int plx__wait(plx__poll_item *items, size_t count, uint64_t deadline, bool is_restarted)
{
    plx__poll_entry at_hand[ENTRIES_AT_HAND];
    plx__poll_entry *entries = at_hand;
    for (size_t i = 0; i < count; i++) {
        if (plx__item_is_nested(&items[i]))
            return plx__wait_nested(items, count, deadline, is_restarted);
    }
    plx__waiter *waiter = plx__waiter_get();
    if (waiter == NULL)
        return -ENOMEM;
    if (waiter->wake.reader == PLX_SOCKET_NONE && plx__wake_open(&waiter->wake) != 0)
        return -ENOBUFS;
    if (count + 1 > ENTRIES_AT_HAND)
        entries = entries_reserve(waiter, count + 1);
    if (entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (items[i].file != NULL)
            (void)plx__atomic_add(&items[i].file->waiters, 1);
    }
    waiter->items = items;
    waiter->count = count;
    waiter->waits_for_event = false; /* A jump out of a handler may have left it. */
    plx__waiter_enter(waiter, count == 1 ? items[0].file : NULL, plx__signals_mask());
    int result = turns(waiter, items, count, deadline, is_restarted, entries);
    plx__waiter_leave(waiter);
    for (size_t i = 0; i < count; i++) {
        if (items[i].file != NULL)
            (void)plx__atomic_add(&items[i].file->waiters, UINT32_MAX);
    }
    return result;
}

int plx__wait_for(plx__file *file, unsigned events, uint64_t deadline)
{
    plx__poll_item item = {file, events, 0, 0};
    int ready = plx__wait(&item, 1, deadline, deadline == PLX_FOREVER);
    return ready > 0 ? 0 : ready < 0 ? ready : -EAGAIN;
}

int plx__wait_until(uint64_t deadline)
{
    return plx__wait(NULL, 0, deadline, false);
}
