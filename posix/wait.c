/* posix/wait.c - every wait of the layer: for files, for time, for signals.
 *
 * The sockets of the system are waited for by plx__poll(), together with the thread's wake, which
 * whoever changes the state of another file, shuts a socket down or posts a signal sends to. What
 * lives in the process (pipes, pairs, events) is asked before and after each wait.
 *
 * No wake is lost: a waiter first counts itself (waiters, the list) and then looks at the state;
 * who changes the state does so first and then looks for waiters. One of them sees the other.
 */
#include "posix/layer.h"
#include "posix/signal_queue.h"

#include <string.h>

/* Between two looks at what nobody tells about: pipes and consoles that other processes hold. */
#define TICK (10 * PLX_MILLISECOND)

#define ENTRIES_AT_HAND 8

static SRWLOCK list_lock = SRWLOCK_INIT;
static plx__waiter *list; /* The threads that wait now. */
static DWORD thread_key = FLS_OUT_OF_INDEXES;
static INIT_ONCE key_made = INIT_ONCE_STATIC_INIT;

static void WINAPI waiter_end(void *data)
{
    plx__waiter *waiter = data;
    if (waiter == NULL)
        return;
    plx__directed_end();
    plx__wake_close(&waiter->wake);
    for (int i = 0; i < 2; i++) {
        if (waiter->events[i] != NULL)
            (void)CloseHandle(waiter->events[i]);
    }
    plx__free(waiter->entries);
    plx__free(waiter);
}

static BOOL CALLBACK key_make(INIT_ONCE *once, void *data, void **context)
{
    (void)once;
    (void)data;
    (void)context;
    thread_key = FlsAlloc(waiter_end);
    return TRUE;
}

plx__waiter *plx__waiter_get(void)
{
    (void)InitOnceExecuteOnce(&key_made, key_make, NULL, NULL);
    if (thread_key == FLS_OUT_OF_INDEXES)
        return NULL;
    plx__waiter *waiter = FlsGetValue(thread_key);
    if (waiter != NULL)
        return waiter;
    plx__layer_start();
    waiter = plx__allocate_zeroed(1, sizeof *waiter);
    if (waiter == NULL)
        return NULL;
    waiter->wake.reader = waiter->wake.writer = PLX_SOCKET_NONE;
    (void)FlsSetValue(thread_key, waiter);
    return waiter;
}

void plx__waiter_enter(plx__waiter *waiter, plx__file *only)
{
    if (waiter->is_listed) /* A handler has left by longjmp(), of which nothing is known here. */
        plx__waiter_leave(waiter);
    waiter->only = only;
    waiter->mask = plx__signals_mask();
    AcquireSRWLockExclusive(&list_lock);
    waiter->is_listed = true;
    waiter->previous = NULL;
    waiter->next = list;
    if (list != NULL)
        list->previous = waiter;
    list = waiter;
    ReleaseSRWLockExclusive(&list_lock);
}

void plx__waiter_leave(plx__waiter *waiter)
{
    AcquireSRWLockExclusive(&list_lock);
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        list = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    waiter->is_listed = false;
    ReleaseSRWLockExclusive(&list_lock);
}

static void waiter_wake(plx__waiter *waiter)
{
    if (plx__atomic_exchange(&waiter->is_woken, 1) != 0)
        return;
    if (waiter->waits_for_event)
        (void)SetEvent(waiter->events[1]);
    else
        plx__wake_send(&waiter->wake);
}

void plx__file_notify(plx__file *file)
{
    if (plx__atomic_add(&file->waiters, 0) == 0) /* A full barrier, which a plain load is not. */
        return;
    AcquireSRWLockShared(&list_lock);
    for (plx__waiter *waiter = list; waiter != NULL; waiter = waiter->next) {
        if (waiter->only == NULL || waiter->only == file)
            waiter_wake(waiter);
    }
    ReleaseSRWLockShared(&list_lock);
}

void plx__wait_wake_all(void)
{
    AcquireSRWLockShared(&list_lock);
    for (plx__waiter *waiter = list; waiter != NULL; waiter = waiter->next)
        waiter_wake(waiter);
    ReleaseSRWLockShared(&list_lock);
}

bool plx__wait_takes(plx__sigset signals)
{
    AcquireSRWLockShared(&list_lock);
    const plx__waiter *waiter = list;
    while (waiter != NULL && (waiter->mask & signals) != 0)
        waiter = waiter->next;
    ReleaseSRWLockShared(&list_lock);
    return waiter != NULL;
}

uint64_t plx__deadline_after(uint64_t timeout_ns)
{
    uint64_t now = plx__clock_now();
    return timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
}

/* --- sockets of the system ------------------------------------------------------------------ */

/* What poll() on Linux says of a socket without asking the system (the reference is Linux's own
 * tcp_poll: a socket that was never connected, or is no longer, hangs up and takes writes). */
static unsigned socket_known(plx__file *file)
{
    plx__socket *socket = plx__socket_of(file);
    unsigned marks = plx__atomic_load_acquire(&socket->marks);
    if (socket->type != SOCK_STREAM)
        return (marks & PLX__SHUT_RECEIVE) != 0 ? PLX__POLLIN | PLX__POLLRDHUP : 0;
    unsigned error = plx__atomic_load(&socket->error) != 0 ? PLX__POLLERR : 0;
    switch (plx__atomic_load_acquire(&socket->state)) {
    case PLX__SOCKET_FRESH:
        return PLX__POLLOUT | PLX__POLLHUP;
    case PLX__SOCKET_FAILED:
        return PLX__POLLIN | PLX__POLLOUT | PLX__POLLHUP | PLX__POLLRDHUP | error;
    case PLX__SOCKET_CONNECTED:
        if ((marks & PLX__SHUT_RECEIVE) != 0)
            error |= PLX__POLLIN | PLX__POLLRDHUP;
        if ((marks & PLX__SHUT_SEND) != 0)
            error |= PLX__POLLOUT; /* Writing fails at once, with EPIPE. */
        if ((marks & (PLX__SHUT_RECEIVE | PLX__SHUT_SEND)) == (PLX__SHUT_RECEIVE | PLX__SHUT_SEND))
            error |= PLX__POLLHUP;
        return error;
    default:
        return error;
    }
}

/* What is asked of the system for it. A hang-up is told only to who asks to read. */
static SHORT socket_interest(plx__file *file, unsigned events)
{
    plx__socket *socket = plx__socket_of(file);
    SHORT interest = 0;
    if ((events & (PLX__POLLIN | PLX__POLLRDNORM | PLX__POLLRDHUP)) != 0)
        interest |= PLX__POLL_READ;
    if ((events & (PLX__POLLPRI | PLX__POLLRDBAND)) != 0)
        interest |= POLLRDBAND; /* WSAPoll refuses POLLPRI. */
    if ((events & (PLX__POLLOUT | PLX__POLLWRNORM)) != 0 ||
        plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING)
        interest |= PLX__POLL_WRITE;
    if ((plx__atomic_load_acquire(&socket->marks) & PLX__SHUT_SEND) != 0)
        interest |= PLX__POLL_READ; /* The peer's end is the end of both sides now. */
    return interest != 0 ? interest : PLX__POLL_WRITE;
}

static unsigned connected_answer(plx__socket *socket, SHORT revents)
{
    unsigned answer = 0;
    if ((revents & PLX__POLL_READ) != 0)
        answer |= PLX__POLLIN;
    if ((revents & PLX__POLL_WRITE) != 0)
        answer |= PLX__POLLOUT;
    if ((revents & POLLRDBAND) != 0)
        answer |= PLX__POLLPRI;
    if ((revents & POLLERR) != 0) {
        /* A reset: all is over in both directions. Linux tells the error once, as a broken pipe
         * when the peer had ended its side before (tcp_reset). */
        uint32_t none = 0;
        uint32_t before = plx__atomic_or(&socket->marks, PLX__MARK_RESET);
        if ((before & PLX__MARK_RESET) == 0)
            (void)plx__atomic_compare_exchange(
                &socket->error, &none, (before & PLX__MARK_ENDED) != 0 ? EPIPE : ECONNRESET);
        answer |= PLX__POLLIN | PLX__POLLOUT | PLX__POLLHUP | PLX__POLLRDHUP;
        if (plx__atomic_load(&socket->error) != 0)
            answer |= PLX__POLLERR;
    } else if ((revents & POLLHUP) != 0) {
        plx__atomic_or(&socket->marks, PLX__MARK_ENDED);
        answer |= PLX__POLLIN | PLX__POLLRDHUP;
        if ((plx__atomic_load_acquire(&socket->marks) & PLX__SHUT_SEND) != 0)
            answer |= PLX__POLLHUP;
    }
    return answer;
}

/* The system's answer in Linux's words. */
static unsigned socket_answer(plx__file *file, SHORT revents)
{
    plx__socket *socket = plx__socket_of(file);
    if ((revents & POLLNVAL) != 0)
        return PLX__POLLNVAL;
    if (revents == 0)
        return 0;
    if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING) {
        if ((revents & (PLX__POLL_WRITE | POLLERR | POLLHUP)) == 0)
            return 0;
        plx__socket_settle(file);
        if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTING)
            return 0;
        if (plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_FAILED)
            return socket_known(file);
    }
    if (socket->type == SOCK_STREAM &&
        plx__atomic_load_acquire(&socket->state) == PLX__SOCKET_CONNECTED)
        return connected_answer(socket, revents);
    unsigned answer = 0;
    if ((revents & PLX__POLL_READ) != 0)
        answer |= PLX__POLLIN;
    if ((revents & PLX__POLL_WRITE) != 0)
        answer |= PLX__POLLOUT;
    if ((revents & (POLLERR | POLLHUP)) != 0)
        answer |= PLX__POLLIN; /* The next call meets the error. */
    return answer;
}

/* --- one turn ------------------------------------------------------------------------------- */

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

/* Answers what needs no system, and lists the sockets that do. An entry stands for the item at the
 * same place among those with `revents` of 0 that are sockets. */
static turn turn_prepare(plx__poll_item *items, size_t count, plx__poll_entry *entries)
{
    turn now = {0, false, 0, PLX_FOREVER};
    for (size_t i = 0; i < count; i++) {
        plx__poll_item *item = &items[i];
        if (item->file == NULL) {
            now.ready += item->revents != 0;
            continue;
        }
        bool is_socket = plx__file_is_socket(item->file);
        unsigned answer =
            is_socket ? socket_known(item->file) : item->file->kind->ready(item->file);
        if (item->version != 0 && item->file->kind->version(item->file) != item->version)
            answer |= PLX__POLLRDBAND;
        item->revents = answer_cut(answer, item->events);
        now.ready += item->revents != 0;
        now.ticks |= item->file->kind->ticks;
        if (item->file->kind->due != NULL) {
            uint64_t due = item->file->kind->due(item->file);
            now.due = due < now.due ? due : now.due;
        }
        if (is_socket) {
            plx__poll_entry *entry = &entries[now.count++];
            entry->fd = plx__socket_handle(item->file);
            entry->events = socket_interest(item->file, item->events);
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
        if (item->file != NULL && plx__file_is_socket(item->file)) {
            SHORT revents = entries[next++].revents;
            item->revents |= answer_cut(socket_answer(item->file, revents), item->events);
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
    plx__waiter_enter(waiter, count == 1 ? items[0].file : NULL);
    int result = turns(waiter, items, count, deadline, is_restarted, entries);
    plx__waiter_leave(waiter);
    for (size_t i = 0; i < count; i++) {
        if (items[i].file != NULL)
            (void)plx__atomic_add(&items[i].file->waiters, UINT32_MAX);
    }
    return result;
}

/* Each file that is waited for is held by the call that waits, which will not return. */
void plx__wait_abandon(void)
{
    plx__waiter *waiter = plx__waiter_get();
    if (waiter == NULL || !waiter->is_listed)
        return;
    plx__waiter_leave(waiter);
    for (size_t i = 0; i < waiter->count; i++) {
        plx__file *file = waiter->items[i].file;
        if (file == NULL)
            continue;
        (void)plx__atomic_add(&file->waiters, UINT32_MAX);
        plx__file_put(file);
    }
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
