/* backends/readiness/epoll.c - owns the epoll set, and a table of what the kernel was told.
 *
 * Level-triggered: bench/notes/ has the figures that decided. A change of interest waits until
 * the next wait and is dropped if another one undoes it before; only the first interest of a socket
 * goes to the kernel at once, because only adding can fail. What the kernel hands back is a slot
 * in the table and its generation, never an address: a set keeps naming a file that somebody
 * duplicated and closed without telling us, and cannot be asked to forget it (epoll(7), Q6). Such a
 * set is thrown away and made anew, as libev does it (libev's documentation, "EVBACKEND_EPOLL").
 * One of the same file and the same number comes back when a duplicate is given the old number: it
 * is taken over.
 *
 * One call brings at most EVENTS_MAX events. If it brings so many, more calls follow within the
 * turn until none brings an endpoint that has not been named yet.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <pollux/loop.h>

#include "backends/readiness/readiness.h"
#include "backends/registry.h"
#include "platform/fault.h"
#include "platform/hook.h"
#include "platform/os.h"

#define FIRST_ROOM 64

/* Events that one wait brings. */
#define EVENTS_MAX 256

/* How long each wait is put off while a set with a stale registration cannot be made anew, and the
 * longest wait while the kernel refuses a change. */
#define RETRY_NS (10 * PLX_MILLISECOND)

/* What the kernel names the wake by: slot 0 in a generation that it never has. */
#define WAKE ((uint64_t)1 << 32)

#define FREE 0xff

/* One slot of the table. Slot 0 stays unused: an index of 0 means none. */
typedef struct registration {
    union {
        plx__polled *polled;
        uint32_t next_free;
    } at;
    uint32_t generation; /* One more each time the slot becomes free. */
    uint16_t wait; /* The last one before it became free; or that named it, if that matters. */
    uint8_t known; /* The interest that the kernel was told; or FREE. */
    bool is_changed : 1; /* It stands in `changed`. */
    bool has_failed : 1; /* It stands in `failed`. */
} registration;

struct plx__backend {
    plx__readiness readiness; /* First. */
    int set;
    bool has_stale;    /* The set has a stale registration: of something no longer ours. */
    bool had_stale;    /* It once did: descriptors of this process live on elsewhere. */
    bool is_full;      /* The last call brought as many events as it could. */
    bool lacks_pwait2; /* Linux before 5.11. */
    uint32_t slots;    /* Used so far, the free ones among them included. */
    uint32_t room;
    uint32_t free;                   /* The first free slot, or 0. */
    uint32_t changes;                /* Places whose interest changed since the last wait, */
    uint32_t failures;               /* and those whose change the kernel refused. */
    uint16_t wait;                   /* How many there were, wrapping. */
    uint32_t left;                   /* How many of the events were not collected yet, */
    const struct epoll_event *event; /* and the first of them. */
    registration *table;
    uint32_t *changed; /* As large as the table, and so is `failed`: noting one never fails. */
    uint32_t *failed;
    plx__wake wake;
    plx__openings openings;
    struct epoll_event events[EVENTS_MAX];
};

/* --- the table ---------------------------------------------------------------------------------
 */

PLX__SLOW static int table_grow(plx__poller *poller)
{
    uint32_t room = plx__room_next(poller->room, FIRST_ROOM);
    uint32_t *changed = plx__reallocate(poller->changed, room * sizeof *changed);
    if (changed == NULL)
        return PLX_ENOMEM; /* An array that is larger than it must be does no harm. */
    poller->changed = changed;
    uint32_t *failed = plx__reallocate(poller->failed, room * sizeof *failed);
    if (failed == NULL)
        return PLX_ENOMEM;
    poller->failed = failed;
    registration *table = plx__reallocate(poller->table, room * sizeof *table);
    if (table == NULL)
        return PLX_ENOMEM;
    poller->table = table;
    poller->room = room;
    return 0;
}

static int slot_take(plx__poller *poller, uint32_t *index_out)
{
    uint32_t index = poller->free;
    if (index != 0) {
        poller->free = poller->table[index].at.next_free;
    } else {
        int status = poller->slots == poller->room ? table_grow(poller) : 0;
        if (status != 0)
            return status;
        index = poller->slots++;
        poller->table[index] = (registration){.generation = 0};
    }
    *index_out = index;
    return 0;
}

static void slot_give(plx__poller *poller, uint32_t index)
{
    registration *slot = &poller->table[index];
    slot->generation++;
    slot->wait = poller->wait;
    slot->known = FREE;
    slot->has_failed = false;
    slot->at.next_free = poller->free;
    poller->free = index;
}

/* --- the set -----------------------------------------------------------------------------------
 */

/* Two of epoll_ctl's codes mean something else than elsewhere (epoll_ctl(2)). */
PLX__SLOW static int set_refused(void)
{
    int status = plx__fail_last();
    if (plx_os_error() == EPERM)
        return PLX_ENOTSOCK; /* A file that cannot be waited for. */
    if (plx_os_error() == ENOSPC)
        return PLX_ENFILE; /* /proc/sys/fs/epoll/max_user_watches. */
    if (plx_os_error() == ENOENT)
        return PLX_EBADF; /* It knew the number for another file, which is closed. */
    return status;
}

/* Tells the kernel. No interest is said as EPOLLET alone: a hang-up cannot be masked out, but so it
 * is reported once only, and the slot in the set is kept, so that interest which comes back cannot
 * be refused. */
static int set_control(plx__poller *poller, int operation, uint32_t index, uint32_t interest)
{
    const registration *slot = &poller->table[index];
    struct epoll_event event = {.events = interest == 0 ? (uint32_t)EPOLLET : 0};
    int socket = plx__polled_endpoint(slot->at.polled)->socket;
    if (slot->at.polled->is_shared) {
        /* One of the loops that share it wakes, and not all. Such a registration cannot be changed
         * (epoll_ctl(2)): it is removed and added. */
        event.events |= (uint32_t)EPOLLEXCLUSIVE;
        if (operation == EPOLL_CTL_MOD)
            (void)epoll_ctl(poller->set, EPOLL_CTL_DEL, socket, &event);
        operation = EPOLL_CTL_ADD;
    }
    if ((interest & PLX_READABLE) != 0)
        event.events |= EPOLLIN;
    if ((interest & PLX_WRITABLE) != 0)
        event.events |= EPOLLOUT;
    event.data.u64 = (uint64_t)slot->generation << 32 | index;
    if (plx__fault_strikes(PLX__FAULT_REGISTER))
        return plx__fail(ENOMEM);
    return epoll_ctl(poller->set, operation, socket, &event) == 0 ? 0 : set_refused();
}

/* A set with the wake in it. Edge-triggered, each write to an eventfd is reported by itself and
 * nobody needs to read it. */
static int set_open(const plx__poller *poller, int *set_out)
{
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return plx__fail_last();
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE};
    if (epoll_ctl(set, EPOLL_CTL_ADD, poller->wake.reader, &event) != 0) {
        int status = plx__fail_last();
        close(set);
        return status;
    }
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    *set_out = set;
    return 0;
}

/* Once each, so there is room for all. */
static void failure_note(plx__poller *poller, uint32_t index)
{
    if (poller->table[index].has_failed)
        return;
    poller->table[index].has_failed = true;
    poller->failed[poller->failures++] = index;
}

/* Whether a change was refused for what may pass, and is to be tried again. */
static bool may_pass(int status)
{
    return status == PLX_ENOMEM || status == PLX_ENFILE;
}

/* The new set gets the number of the old one, which ends with that. Its own may be one that
 * somebody else has closed under an endpoint: it would be closed once more with that one. */
static int set_exchange(const plx__poller *poller, int set)
{
    int status = dup3(set, poller->set, O_CLOEXEC) >= 0 ? 0 : plx__fail_last();
    plx__socket_close(set);
    return status;
}

/* Puts what the table holds into a new set. When there is no descriptor or memory for it, the old
 * one goes on, and it is tried again at the next wait. */
PLX__SLOW static int set_renew(plx__poller *poller)
{
    int set = PLX_SOCKET_NONE;
    plx__hook(PLX__HOOK_ARM);
    int status = set_open(poller, &set);
    if (status != 0)
        return status;
    plx__hook(PLX__HOOK_ARMED);
    int before = poller->set;
    poller->set = set;
    for (uint32_t i = 1; i < poller->slots; i++) {
        const registration *slot = &poller->table[i];
        if (slot->known == FREE)
            continue;
        status = set_control(poller, EPOLL_CTL_ADD, i, slot->known);
        if (may_pass(status)) {
            poller->set = before;
            plx__socket_close(set);
            return status;
        }
        if (status != 0)
            failure_note(poller, i);
    }
    poller->set = before;
    status = set_exchange(poller, set);
    poller->has_stale = status != 0;
    return status;
}

/* --- a poller ----------------------------------------------------------------------------------
 */

/* The set knows this file by this number already, from a time before the number was closed while a
 * duplicate lived on. Nobody of ours has it any more, for core lets one endpoint at a time have a
 * socket: what is registered becomes this slot's. */
PLX__SLOW static int registration_take_over(plx__poller *poller, uint32_t index, uint32_t interest)
{
    poller->had_stale = true;
    return set_control(poller, EPOLL_CTL_MOD, index, interest);
}

/* The set and the wake of a child are its parent's: changing the one or sending the other would be
 * seen there. Only the child's descriptors of them are closed. */
static int epoll_poller_renew(plx__poller *poller)
{
    plx__wake_close(&poller->wake);
    int status = plx__wake_open(&poller->wake);
    if (status != 0)
        return status;
    plx__openings_tell_wake(&poller->openings, &poller->wake);
    return set_renew(poller);
}

static int registration_add(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    uint32_t index;
    int status = slot_take(poller, &index);
    if (status != 0)
        return status;
    registration *slot = &poller->table[index];
    slot->at.polled = polled;
    slot->known = (uint8_t)interest;
    status = set_control(poller, EPOLL_CTL_ADD, index, interest);
    if (status == PLX_EEXIST)
        status = registration_take_over(poller, index, interest);
    if (status != 0) {
        slot_give(poller, index);
        return status;
    }
    polled->slot.index = index;
    return 0;
}

static int epoll_poller_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    uint32_t index = polled->slot.index;
    if (index == 0)
        return registration_add(poller, polled, interest);
    registration *slot = &poller->table[index];
    if (!slot->is_changed) {
        slot->is_changed = true;
        poller->changed[poller->changes++] = index;
    }
    return 0;
}

static void epoll_poller_forget(plx__poller *poller, plx__polled *polled)
{
    uint32_t index = polled->slot.index;
    if (index == 0)
        return;
    /* The one way to know that the set names this file no more: closing the descriptor is not
     * enough when a child of ours has it too. But that is rare, a stale registration is told by
     * its generation, and the call is a sixth of those that a short connection costs: so it is
     * made for what is not closed next, for what other loops have too, and for all once there has
     * been a stale one. */
    struct epoll_event none = {.events = 0};
    if (polled->is_borrowed || polled->is_shared || poller->had_stale)
        (void)epoll_ctl(poller->set, EPOLL_CTL_DEL, plx__polled_endpoint(polled)->socket, &none);
    slot_give(poller, index);
    polled->slot.index = 0;
}

/* Tells the kernel what changed since the last wait, unless it changed back. What it refuses for
 * what may pass stays. */
static void changes_apply(plx__poller *poller)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < poller->changes; i++) {
        uint32_t index = poller->changed[i];
        registration *slot = &poller->table[index];
        slot->is_changed = false;
        if (slot->known == FREE || slot->at.polled->interest == slot->known)
            continue;
        int status = set_control(poller, EPOLL_CTL_MOD, index, slot->at.polled->interest);
        if (status == 0) {
            slot->known = slot->at.polled->interest;
        } else if (may_pass(status)) {
            slot->is_changed = true;
            poller->changed[left++] = index;
        } else {
            failure_note(poller, index);
        }
    }
    poller->changes = left;
}

/* The kernel's struct __kernel_timespec: 64 bits each, on 32-bit systems too, where the C library's
 * struct timespec may differ (linux/time_types.h). */
typedef struct kernel_timespec {
    int64_t seconds;
    int64_t nanoseconds;
} kernel_timespec;

static int set_wait(plx__poller *poller, uint64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    if (timeout_ns != 0 && timeout_ns != PLX_FOREVER && !poller->lacks_pwait2 &&
        !plx__fault_strikes(PLX__FAULT_FEATURE)) {
        const kernel_timespec timeout = {.seconds = (int64_t)(timeout_ns / PLX_SECOND),
                                         .nanoseconds = (int64_t)(timeout_ns % PLX_SECOND)};
        long count =
            syscall(SYS_epoll_pwait2, poller->set, poller->events, EVENTS_MAX, &timeout, NULL, 0);
        /* Old filters of system calls refuse what they do not know with EPERM. */
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)count;
        poller->lacks_pwait2 = true;
        plx__hook(PLX__HOOK_SLEEP);
    }
#endif
    return epoll_wait(poller->set, poller->events, EVENTS_MAX, (int)plx__milliseconds(timeout_ns));
}

/* Brings the set up to date. Returns how long may then be waited, up to `timeout_ns`. */
PLX__SLOW static uint64_t set_update(plx__poller *poller, uint64_t timeout_ns)
{
    uint64_t shortest_ns = timeout_ns < RETRY_NS ? timeout_ns : RETRY_NS;
    if (poller->has_stale)
        (void)set_renew(poller);
    if (poller->has_stale) /* No descriptor was free for that; it would end each wait. */
        (void)plx__poll(NULL, 0, shortest_ns);
    changes_apply(poller);
    if (poller->failures > 0)
        return 0;
    return poller->changes > 0 ? shortest_ns : timeout_ns;
}

static int epoll_poller_wait(plx__poller *poller, uint64_t timeout_ns)
{
    int count = -1;
    plx__readiness_turn(&poller->readiness);
    plx__hook(PLX__HOOK_PREPARE);
    if (poller->has_stale || poller->changes > 0 || poller->failures > 0)
        timeout_ns = set_update(poller, timeout_ns);
    plx__hook(PLX__HOOK_SLEEP);
    if (plx__fault_strikes(PLX__FAULT_WAIT))
        errno = ENOMEM;
    else
        count = set_wait(poller, timeout_ns);
    poller->wait++;
    poller->event = poller->events;
    poller->left = count > 0 ? (uint32_t)count : 0;
    poller->is_full = count == EVENTS_MAX;
    return count >= 0 || errno == EINTR ? 0 : plx__fail_last();
}

PLX__SLOW static uint32_t ready_of(uint32_t events)
{
    uint32_t ready = 0;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        ready |= PLX_READABLE;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        ready |= PLX_WRITABLE;
    if ((events & EPOLLERR) != 0)
        ready |= PLX_FAILED;
    return ready;
}

/* An event that names no present slot: the wake, one that was forgotten after the wait that found
 * it ready, or a stale one. If that is taken for the second, it is ready at the next wait too. */
PLX__SLOW static void event_drop(plx__poller *poller, uint64_t name)
{
    const registration *slot = &poller->table[(uint32_t)name];
    bool is_late = slot->generation == (uint32_t)(name >> 32) + 1 && slot->wait == poller->wait;
    if (name != WAKE && !is_late)
        poller->has_stale = poller->had_stale = true;
}

/* Those whose descriptor turned out to be closed. */
PLX__SLOW static size_t failures_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    size_t count = 0;
    while (poller->failures > 0 && count < max) {
        registration *slot = &poller->table[poller->failed[--poller->failures]];
        if (!slot->has_failed)
            continue; /* It has gone since, and another one may be there. */
        slot->has_failed = false;
        events[count++] = (plx__poller_event){.polled = slot->at.polled, .ready = PLX_FAILED};
    }
    return count;
}

/* The slot that an event names, or NULL. */
static registration *event_slot(plx__poller *poller, const struct epoll_event *event)
{
    registration *slot = &poller->table[(uint32_t)event->data.u64];
    return slot->generation == (uint32_t)(event->data.u64 >> 32) ? slot : NULL;
}

/* Gets more of those that were ready, after a call that brought as many as it could. The kernel
 * names those last that it has named already (fs/eventpoll.c, ep_send_events: to the tail of the
 * list), so a call that brings any of those again is the last. So is one that brings nothing but
 * stale ones, which cannot be told from each other. False: there is none left. */
PLX__SLOW static bool events_refill(plx__poller *poller)
{
    if (!poller->is_full)
        return false;
    for (uint32_t i = 0; i < EVENTS_MAX; i++) { /* So many, for it was full. */
        registration *slot = event_slot(poller, &poller->events[i]);
        if (slot != NULL)
            slot->wait = poller->wait;
    }
    int count = epoll_wait(poller->set, poller->events, EVENTS_MAX, 0);
    uint32_t fresh = 0;
    bool has_slot = false;
    for (int i = 0; i < count; i++) {
        const registration *slot = event_slot(poller, &poller->events[i]);
        if (slot != NULL && slot->wait == poller->wait)
            continue;
        has_slot = has_slot || slot != NULL;
        poller->events[fresh++] = poller->events[i];
    }
    poller->event = poller->events;
    poller->left = fresh;
    poller->is_full = fresh == EVENTS_MAX && has_slot;
    return fresh > 0;
}

/* Up to `max` of the events that the last call brought. */
static size_t events_take(plx__poller *poller, plx__poller_event *events, size_t max)
{
    uint32_t count = poller->left < max ? poller->left : (uint32_t)max;
    const registration *table = poller->table;
    const struct epoll_event *event = poller->event;
    const struct epoll_event *end = event + count;
    plx__poller_event *found = events;
    for (; event != end; event++) {
        uint64_t name = event->data.u64;
        const registration *slot = &table[(uint32_t)name];
        if (slot->generation != (uint32_t)(name >> 32)) {
            event_drop(poller, name);
            continue;
        }
        found->ready = PLX_READABLE;
        if (event->events != EPOLLIN)
            found->ready = ready_of(event->events);
        found->polled = slot->at.polled;
        found++;
    }
    poller->event = end;
    poller->left -= count;
    return (size_t)(found - events);
}

static size_t epoll_poller_collect(plx__poller *poller, plx__poller_event *events, size_t max);

/* What there is beside the events of one call. */
PLX__SLOW static size_t more_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    size_t count = failures_collect(poller, events, max);
    if (count == max || (poller->left == 0 && !events_refill(poller)))
        return count;
    return count + epoll_poller_collect(poller, events + count, max - count);
}

static size_t epoll_poller_collect(plx__poller *poller, plx__poller_event *events, size_t max)
{
    size_t count = events_take(poller, events, max);
    if (PLX__LIKELY(poller->left == 0 && !poller->is_full && poller->failures == 0))
        return count;
    return count + more_collect(poller, events + count, max - count);
}

static void epoll_poller_wake(plx__poller *poller)
{
    plx__wake_send(&poller->wake);
}

static void epoll_close(plx__poller *poller)
{
    plx__socket_close(poller->set);
    plx__wake_close(&poller->wake);
    plx__free(poller->failed);
    plx__free(poller->changed);
    plx__free(poller->table);
    plx__readiness_close(poller);
}

static int epoll_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {epoll_poller_set, epoll_poller_forget,
                                        epoll_poller_collect};
    plx__poller *poller;
    int status = plx__readiness_open(&poller, sizeof *poller, config, &ops);
    if (status != 0)
        return status;
    poller->openings = config->openings;
    poller->set = PLX_SOCKET_NONE;
    poller->slots = 1;
    status = plx__wake_open(&poller->wake);
    if (status == 0)
        status = table_grow(poller);
    if (status == 0)
        poller->table[0] = (registration){.known = FREE};
    if (status == 0)
        status = set_open(poller, &poller->set);
    if (status == 0)
        *poller_out = poller;
    else
        epoll_close(poller);
    return status;
}

const plx__backend_ops plx__epoll_backend = {
    .name = "epoll",
    .shares_listeners = true,
    .open = epoll_open,
    .close = epoll_close,
    .abandon = epoll_close,
    .renew = epoll_poller_renew,
    .wait = epoll_poller_wait,
    .wake = epoll_poller_wake,
    PLX__READINESS,
};
