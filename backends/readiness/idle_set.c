/* backends/readiness/idle_set.c - owns the table of the idle set, and the thread that polls it.
 *
 * The thread polls a copy of the table, so the loop may change the table at any time; the thread
 * never follows a pointer to an endpoint. It reports a slot and its generation, and the loop
 * believes a report only if the slot still contains what it contained when the copy was made. So
 * closing an idle socket waits for nobody. But on Linux a thread in poll() keeps references to the
 * files that it polls (fs/select.c, __pollwait), and close() of such a file sends no FIN. That is
 * why the thread is told of what was removed, at the end of the turn.
 *
 * After a report the thread waits until the loop has taken it: so it polls no more often than the
 * loop turns, and a burst that wakes thousands costs it one call.
 *
 * When its poll fails (ENOMEM, EAGAIN) the thread reports that and polls no more: the loop takes
 * all sockets back, so that each socket is polled by somebody.
 */
#include "backends/readiness/idle_set.h"

#include "platform/atomic.h"
#include "platform/fault.h"
#include "platform/hook.h"

#define FIRST_ROOM 256

typedef struct idle_slot {
    plx__polled *polled; /* NULL when the slot is free. */
    union {
        plx_socket socket;
        uint32_t next_free; /* The next free slot plus one, or 0. */
    } is;
    uint32_t generation;
} idle_slot;

typedef struct idle_report {
    uint32_t index;
    uint32_t generation;
    short revents;
} idle_report;

/* What the thread polls: its wake, and then the sockets. */
typedef struct idle_copy {
    plx__poll_entry *entries;
    idle_report *reports; /* What each entry would report. */
    uint32_t count;
} idle_copy;

struct plx__idle_set {
    plx__wake *loop_wake;
    plx__wake wake;
    plx__thread thread;
    plx__mutex mutex; /* Guards all below but the copy. */
    plx__condition taken;
    plx__atomic_u32 has_reports; /* May be read without the mutex. */
    bool is_closing;
    bool has_failed; /* The thread's poll: it waits for nothing any more. */
    bool is_changed; /* Since the copy was made; */
    bool is_told;    /* and the thread was woken for that. */
    uint32_t slots;  /* Used so far, the free ones among them included. */
    uint32_t room;
    uint32_t free;     /* The first free slot plus one, or 0. */
    uint32_t reported; /* How many reports wait. */
    idle_slot *table;
    idle_report *reports; /* As large as the table. */
    idle_copy larger;     /* For the thread to take in place of its own; entries NULL: none. */
    idle_copy copy;       /* The thread's. */
};

/* --- the thread --------------------------------------------------------------------------------
 */

static void copy_free(idle_copy *copy)
{
    plx__free(copy->entries);
    plx__free(copy->reports);
}

static void copy_renew(plx__idle_set *set)
{
    if (set->larger.entries != NULL) {
        copy_free(&set->copy);
        set->copy = set->larger;
        set->larger = (idle_copy){.entries = NULL};
    }
    idle_copy *copy = &set->copy;
    copy->entries[0] = (plx__poll_entry){.fd = set->wake.reader, .events = PLX__POLL_READ};
    copy->count = 1;
    for (uint32_t i = 0; i < set->slots; i++) {
        const idle_slot *slot = &set->table[i];
        if (slot->polled == NULL)
            continue;
        copy->entries[copy->count] =
            (plx__poll_entry){.fd = slot->is.socket, .events = PLX__POLL_READ};
        copy->reports[copy->count++] = (idle_report){.index = i, .generation = slot->generation};
    }
    set->is_changed = set->is_told = false;
}

/* Moves the sockets that are ready from the copy into the reports. */
static void reports_make(plx__idle_set *set)
{
    idle_copy *copy = &set->copy;
    for (uint32_t i = copy->count; --i > 0;) {
        if (copy->entries[i].revents == 0)
            continue;
        idle_report *report = &set->reports[set->reported++];
        *report = copy->reports[i];
        report->revents = copy->entries[i].revents;
        copy->entries[i] = copy->entries[--copy->count];
        copy->reports[i] = copy->reports[copy->count];
    }
    if (set->reported == 0)
        return;
    plx__atomic_store(&set->has_reports, 1);
    plx__wake_send(set->loop_wake);
}

static void failure_report(plx__idle_set *set)
{
    set->has_failed = true;
    plx__atomic_store(&set->has_reports, 1);
    plx__wake_send(set->loop_wake);
}

static void thread_poll(plx__idle_set *set)
{
    plx__mutex_unlock(&set->mutex);
    plx__hook(PLX__HOOK_SECOND);
    int ready = plx__fault_strikes(PLX__FAULT_IDLE_WAIT)
                    ? PLX_ENOMEM
                    : plx__poll(set->copy.entries, set->copy.count, PLX_FOREVER);
    bool is_renewed = false;
    if (ready > 0 && set->copy.entries[0].revents != 0)
        (void)plx__wake_drain(&set->wake, &is_renewed);
    plx__mutex_lock(&set->mutex);
    set->is_changed |= is_renewed;
    if (ready > 0)
        reports_make(set);
    else if (ready < 0)
        failure_report(set);
}

static void thread_run(void *data)
{
    plx__idle_set *set = data;
    plx__mutex_lock(&set->mutex);
    while (!set->is_closing) {
        if (set->reported > 0 || set->has_failed) {
            (void)plx__condition_wait(&set->taken, &set->mutex, PLX_FOREVER);
            continue;
        }
        if (set->is_changed)
            copy_renew(set);
        thread_poll(set);
    }
    plx__mutex_unlock(&set->mutex);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

/* Each step leaves what is good as it is. */
static int table_grow(plx__idle_set *set)
{
    uint32_t room = plx__room_next(set->room, FIRST_ROOM);
    idle_copy larger = {.entries = plx__allocate((room + 1) * sizeof(plx__poll_entry)),
                        .reports = plx__allocate((room + 1) * sizeof(idle_report))};
    if (larger.entries == NULL || larger.reports == NULL) {
        copy_free(&larger);
        return PLX_ENOMEM;
    }
    plx__mutex_lock(&set->mutex);
    idle_report *reports = plx__reallocate(set->reports, room * sizeof *reports);
    if (reports != NULL)
        set->reports = reports;
    idle_slot *table = reports != NULL ? plx__reallocate(set->table, room * sizeof *table) : NULL;
    if (table != NULL) {
        set->table = table;
        set->room = room;
        idle_copy before = set->larger;
        set->larger = larger;
        larger = before;
    }
    plx__mutex_unlock(&set->mutex);
    copy_free(&larger);
    return table != NULL ? 0 : PLX_ENOMEM;
}

static void set_free(plx__idle_set *set)
{
    plx__wake_close(&set->wake);
    plx__condition_close(&set->taken);
    plx__mutex_close(&set->mutex);
    copy_free(&set->copy);
    copy_free(&set->larger);
    plx__free(set->reports);
    plx__free(set->table);
    plx__free(set);
}

int plx__idle_set_open(plx__idle_set **set_out, plx__wake *loop_wake, const plx__openings *openings)
{
    plx__idle_set *set = plx__allocate_zeroed(1, sizeof *set);
    if (set == NULL)
        return PLX_ENOMEM;
    set->loop_wake = loop_wake;
    set->is_changed = true;
    plx__mutex_open(&set->mutex);
    plx__condition_open(&set->taken);
    int status = plx__wake_open(&set->wake);
    if (status == 0)
        status = table_grow(set);
    if (status == 0)
        status = plx__thread_start(&set->thread, thread_run, set);
    if (status != 0) {
        set_free(set);
        return status;
    }
    (void)plx__atomic_add(&plx__helpers, 1);
    plx__openings_tell_wake(openings, &set->wake);
    *set_out = set;
    return 0;
}

void plx__idle_set_close(plx__idle_set *set)
{
    plx__mutex_lock(&set->mutex);
    set->is_closing = true;
    plx__condition_signal(&set->taken);
    plx__mutex_unlock(&set->mutex);
    plx__wake_send(&set->wake);
    plx__thread_join(&set->thread);
    (void)plx__atomic_add(&plx__helpers, UINT32_MAX);
    set_free(set);
}

/* The thread may have locked the mutex or have waited for the condition: neither can be closed then
 * (glibc's pthread_cond_destroy() waits for those who wait), and both hold no memory. Of the
 * thread's copies nothing is known if it was about to exchange them: they stay allocated then. The
 * table is the loop's. */
void plx__idle_set_abandon(plx__idle_set *set, plx__poller *poller,
                           void (*returned)(plx__poller *poller, plx__polled *polled))
{
    for (uint32_t i = 0; returned != NULL && i < set->slots; i++) {
        plx__polled *polled = set->table[i].polled;
        if (polled == NULL)
            continue;
        polled->slot.index = 0;
        returned(poller, polled);
    }
    plx__wake_close(&set->wake);
    (void)plx__atomic_add(&plx__helpers, UINT32_MAX);
    if (plx__mutex_try(&set->mutex)) {
        copy_free(&set->copy);
        copy_free(&set->larger);
        /* musl keeps the mutexes of some types that a thread has locked in a list of the
         * thread's: one that is freed with its lock held would be written to later. */
        plx__mutex_unlock(&set->mutex);
    }
    plx__free(set->reports);
    plx__free(set->table);
    plx__free(set);
}

int plx__idle_set_add(plx__idle_set *set, plx__polled *polled)
{
    int status = set->free == 0 && set->slots == set->room ? table_grow(set) : 0;
    if (status != 0)
        return status;
    plx__mutex_lock(&set->mutex);
    uint32_t index = set->free;
    if (index != 0) {
        set->free = set->table[--index].is.next_free;
    } else {
        index = set->slots++;
        set->table[index].generation = 0;
    }
    idle_slot *slot = &set->table[index];
    slot->polled = polled;
    slot->is.socket = plx__polled_endpoint(polled)->socket;
    set->is_changed = true;
    plx__mutex_unlock(&set->mutex);
    polled->slot.index = index;
    return 0;
}

/* With the mutex held. */
static void slot_give(plx__idle_set *set, uint32_t index)
{
    idle_slot *slot = &set->table[index];
    slot->polled = NULL;
    slot->generation++;
    slot->is.next_free = set->free;
    set->free = index + 1;
}

void plx__idle_set_remove(plx__idle_set *set, plx__polled *polled)
{
    plx__mutex_lock(&set->mutex);
    slot_give(set, polled->slot.index);
    set->is_changed = true;
    plx__mutex_unlock(&set->mutex);
    polled->slot.index = 0;
}

void plx__idle_set_apply(plx__idle_set *set)
{
    plx__mutex_lock(&set->mutex);
    bool is_news = set->is_changed && !set->is_told;
    set->is_told |= is_news;
    plx__mutex_unlock(&set->mutex);
    if (is_news)
        plx__wake_send(&set->wake);
}

/* With the mutex held: nobody waits for these any more. */
PLX__SLOW static void slots_empty(plx__idle_set *set, plx__poller *poller,
                                  void (*returned)(plx__poller *poller, plx__polled *polled,
                                                   short revents))
{
    for (uint32_t i = 0; i < set->slots; i++) {
        plx__polled *polled = set->table[i].polled;
        if (polled == NULL)
            continue;
        slot_give(set, i);
        returned(poller, polled, 0);
    }
}

bool plx__idle_set_take(plx__idle_set *set, plx__poller *poller,
                        void (*returned)(plx__poller *poller, plx__polled *polled, short revents))
{
    if (plx__atomic_load(&set->has_reports) == 0)
        return true;
    plx__mutex_lock(&set->mutex);
    plx__atomic_store(&set->has_reports, 0);
    for (uint32_t i = 0; i < set->reported; i++) {
        const idle_report *report = &set->reports[i];
        const idle_slot *slot = &set->table[report->index];
        plx__polled *polled = slot->polled;
        if (slot->generation != report->generation)
            continue; /* It is free, or another one has it. */
        slot_give(set, report->index);
        returned(poller, polled, report->revents);
    }
    set->reported = 0;
    bool has_failed = set->has_failed;
    if (has_failed)
        slots_empty(set, poller, returned);
    plx__condition_signal(&set->taken);
    plx__mutex_unlock(&set->mutex);
    return !has_failed;
}
