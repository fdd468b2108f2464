/* posix/io/epoll.c - epoll(7) over plx__wait(): a set of descriptors that is asked anew in
 * each wait. It costs what poll() costs, for there is nothing below it that remembers a set.
 *
 * An edge is what has not been told since the program last read (or wrote): after that it is told
 * again if it still stands. A program that is written for Linux's edges sees each of those, and now
 * and then one more.
 *
 * A set keeps nothing open. An entry stands for an open file, as on Linux: it stays while another
 * descriptor of that file does, and goes with the last. Its pointer is good under the set's lock,
 * which plx__epoll_forget() takes before the file's memory goes. So nobody gives back a reference
 * under that lock: it could be the last.
 */
#include "posix/base/duration.h"
#include "posix/io/io.h"
#include "posix/signal/signal.h"
#include "posix/wait/wait.h"

#include <string.h>

enum { DO_ADD = 1, DO_DELETE = 2, DO_CHANGE = 3 };

#define ONE_SHOT      (UINT32_C(1) << 30)
#define BY_EDGE       (UINT32_C(1) << 31)
#define ITEMS_AT_HAND 64
#define ALWAYS        (PLX__POLLERR | PLX__POLLHUP)
#define NESTS_MAX     4 /* As Linux's EP_MAX_NESTS. */

typedef struct entry {
    plx__file *file; /* No reference. */
    int fd;
    uint32_t events;
    uint32_t told; /* By edge: what was told, and how much the file had been used by then. */
    uint32_t reads;
    uint32_t writes;
    uint64_t data;
} entry;

typedef struct epoll_set {
    SRWLOCK lock;
    plx__file *file; /* That has it. */
    struct epoll_set *next;
    struct epoll_set *previous;
    plx__atomic_u32 version; /* Odd, and another after each change. */
    entry *entries;
    size_t count;
    size_t room;
} epoll_set;

/* As struct epoll_event. */
typedef struct epoll_event {
    uint32_t events;
    uint64_t data;
} epoll_event;

static SRWLOCK all_lock = SRWLOCK_INIT; /* Comes before the lock of a set. */
static epoll_set *all;                  /* The sets of the process. */

static void entry_remove(epoll_set *set, entry *one)
{
    (void)plx__atomic_add(&one->file->sets, UINT32_MAX);
    *one = set->entries[--set->count];
}

static bool set_has(epoll_set *set, const void *file)
{
    bool is_in = false;
    AcquireSRWLockShared(&set->lock);
    for (size_t i = 0; i < set->count && !is_in; i++)
        is_in = set->entries[i].file == file;
    ReleaseSRWLockShared(&set->lock);
    return is_in;
}

void plx__epoll_recheck(const void *file)
{
    AcquireSRWLockShared(&all_lock);
    for (epoll_set *set = all; set != NULL; set = set->next) {
        if (!set_has(set, file))
            continue;
        (void)plx__atomic_add(&set->version, 2);
        plx__file_notify(set->file);
    }
    ReleaseSRWLockShared(&all_lock);
}

void plx__epoll_forget(plx__file *file)
{
    AcquireSRWLockExclusive(&all_lock);
    for (epoll_set *set = all; set != NULL && plx__atomic_load(&file->sets) != 0; set = set->next) {
        AcquireSRWLockExclusive(&set->lock);
        for (size_t i = set->count; i-- > 0;) {
            if (set->entries[i].file == file)
                entry_remove(set, &set->entries[i]);
        }
        ReleaseSRWLockExclusive(&set->lock);
    }
    ReleaseSRWLockExclusive(&all_lock);
}

static void set_list(epoll_set *set)
{
    AcquireSRWLockExclusive(&all_lock);
    set->next = all;
    if (all != NULL)
        all->previous = set;
    all = set;
    ReleaseSRWLockExclusive(&all_lock);
}

static void set_close(plx__file *file)
{
    epoll_set *set = file->data;
    AcquireSRWLockExclusive(&all_lock);
    if (set->previous != NULL)
        set->previous->next = set->next;
    else
        all = set->next;
    if (set->next != NULL)
        set->next->previous = set->previous;
    while (set->count > 0)
        entry_remove(set, &set->entries[set->count - 1]);
    ReleaseSRWLockExclusive(&all_lock);
    plx__free(set->entries);
    plx__free(set);
}

/* Others answer for it. */
static unsigned set_ready(plx__file *file)
{
    (void)file;
    return 0;
}

static uint32_t set_version(plx__file *file)
{
    epoll_set *set = file->data;
    return plx__atomic_load_acquire(&set->version);
}

static size_t set_members(plx__file *file, plx__poll_item *items, size_t room);

static const plx__file_kind set_kind = {
    .mode = 0600,
    .ready = set_ready,
    .close = set_close,
    .members = set_members,
    .version = set_version,
};

PLX__CALL int plx_posix_epoll_create1(int flags)
{
    plx__start();
    if ((flags & ~PLX__O_CLOEXEC) != 0)
        return plx__answer_int(-EINVAL);
    epoll_set *set = plx__allocate_zeroed(1, sizeof *set);
    plx__file *file = set != NULL ? plx__file_make(&set_kind, PLX__O_RDWR) : NULL;
    if (file == NULL) {
        plx__free(set);
        return plx__answer_int(-ENOMEM);
    }
    InitializeSRWLock(&set->lock);
    plx__atomic_store(&set->version, 1);
    file->data = set;
    set->file = file;
    set_list(set);
    return plx__answer_int(plx__fd_add(file, 0, (flags & PLX__O_CLOEXEC) != 0));
}

PLX__CALL int plx_posix_epoll_create(int size)
{
    return size > 0 ? plx_posix_epoll_create1(0) : plx__answer_int(-EINVAL);
}

static entry *entry_find(epoll_set *set, int fd, const plx__file *file)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->entries[i].fd == fd && set->entries[i].file == file)
            return &set->entries[i];
    }
    return NULL;
}

static int entry_add(epoll_set *set, int fd, plx__file *file)
{
    if (set->count == set->room) {
        size_t room = set->room != 0 ? 2 * set->room : 16;
        entry *more = plx__reallocate(set->entries, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        set->entries = more;
        set->room = room;
    }
    entry *one = &set->entries[set->count++];
    memset(one, 0, sizeof *one);
    one->file = file;
    one->fd = fd;
    (void)plx__atomic_add(&file->sets, 1);
    return 0;
}

static int set_change(epoll_set *set, int operation, int fd, plx__file *file,
                      const epoll_event *event)
{
    entry *one = entry_find(set, fd, file);
    if (operation != DO_ADD && operation != DO_DELETE && operation != DO_CHANGE)
        return -EINVAL;
    if (operation == DO_ADD && one != NULL)
        return -EEXIST;
    if (operation != DO_ADD && one == NULL)
        return -ENOENT;
    if (operation == DO_DELETE) {
        entry_remove(set, one);
        return 0;
    }
    if (event == NULL)
        return -EFAULT;
    if (operation == DO_ADD) {
        int status = entry_add(set, fd, file);
        if (status != 0)
            return status;
        one = &set->entries[set->count - 1];
    }
    one->events = event->events | ALWAYS;
    one->data = event->data;
    one->told = 0;
    return 0;
}

static int set_get(int fd, plx__file **file_out)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    *file_out = file;
    if (file->kind == &set_kind)
        return 0;
    plx__file_put(file);
    return -EINVAL;
}

/* How many sets are within each other from this one on; too many when `outer` is among them. */
static int depth_of(plx__file *file, const plx__file *outer)
{
    epoll_set *set = file->data;
    int deepest = 0;
    if (file == outer)
        return NESTS_MAX + 1;
    AcquireSRWLockShared(&set->lock);
    for (size_t i = 0; i < set->count; i++) {
        plx__file *inner = set->entries[i].file;
        int depth = inner->kind == &set_kind ? depth_of(inner, outer) : 0;
        deepest = depth > deepest ? depth : deepest;
    }
    ReleaseSRWLockShared(&set->lock);
    return deepest + 1;
}

/* How many sets are around each other around this one. The caller has all_lock. */
static int height_of(const plx__file *file)
{
    int highest = 0;
    for (epoll_set *set = all; set != NULL; set = set->next) {
        int height = set_has(set, file) ? height_of(set->file) + 1 : 0;
        highest = height > highest ? height : highest;
    }
    return highest;
}

/* Whether this set can be put into that one: no set is in itself, and no chain is longer than
 * Linux allows, whichever end it is made from (there since 6.17). */
static bool nest_is_allowed(plx__file *inner, const plx__file *outer)
{
    AcquireSRWLockShared(&all_lock);
    bool is_allowed = depth_of(inner, outer) + height_of(outer) <= NESTS_MAX;
    ReleaseSRWLockShared(&all_lock);
    return is_allowed;
}

static int set_control(plx__file *of, int operation, int fd, plx__file *file,
                       const epoll_event *event)
{
    static SRWLOCK nest_lock = SRWLOCK_INIT; /* Two sets are never put into each other. */
    epoll_set *set = of->data;
    bool is_set = file->kind == &set_kind;
    int status = 0;
    if (file == of)
        return -EINVAL;
    if (file->kind->mode == PLX__S_IFREG)
        return -EPERM; /* As on Linux: files of the disk are always ready. */
    if (is_set)
        AcquireSRWLockExclusive(&nest_lock);
    if (is_set && operation == DO_ADD && !nest_is_allowed(file, of))
        status = -ELOOP;
    AcquireSRWLockExclusive(&set->lock);
    if (status == 0)
        status = set_change(set, operation, fd, file, event);
    (void)plx__atomic_add(&set->version, 2);
    ReleaseSRWLockExclusive(&set->lock);
    if (is_set)
        ReleaseSRWLockExclusive(&nest_lock);
    plx__file_notify(of);
    return status;
}

PLX__CALL int plx_posix_epoll_ctl(int number, int operation, int fd, const epoll_event *event)
{
    plx__file *file = plx__fd_get(fd);
    plx__file *of = NULL;
    int status = file != NULL ? set_get(number, &of) : -EBADF;
    if (status == 0) {
        status = set_control(of, operation, fd, file, event);
        plx__file_put(of);
    }
    if (file != NULL)
        plx__file_put(file);
    return plx__answer_int(status);
}

/* What is still to be told of an entry. */
static uint32_t entry_wants(entry *one)
{
    if ((one->events & BY_EDGE) == 0)
        return one->events & 0xFFFFu;
    if (one->reads != plx__atomic_load(&one->file->reads))
        one->told &= ~(uint32_t)(PLX__POLLIN | PLX__POLLRDHUP | PLX__POLLRDNORM | ALWAYS);
    if (one->writes != plx__atomic_load(&one->file->writes))
        one->told &= ~(uint32_t)(PLX__POLLOUT | PLX__POLLWRNORM | ALWAYS);
    return one->events & 0xFFFFu & ~one->told;
}

/* Fills in who is to be asked, each with a reference. */
static void items_fill(epoll_set *set, plx__poll_item *items)
{
    for (size_t i = 0; i < set->count; i++) {
        entry *one = &set->entries[i];
        uint32_t wants = entry_wants(one);
        items[i] = (plx__poll_item){.events = wants};
        if (wants != 0 && plx__file_try_take(one->file))
            items[i].file = one->file;
    }
}

/* Adds one, with a reference, if there is room. How many there would be with it. */
static size_t item_add(plx__poll_item *items, size_t room, size_t count, plx__file *file,
                       unsigned events, uint32_t version)
{
    if (count >= room)
        return count + 1;
    if (!plx__file_try_take(file))
        return count;
    items[count] = (plx__poll_item){.file = file, .events = events, .version = version};
    return count + 1;
}

/* For who waits for the set itself: it, for its changes, and what it would ask about. */
static size_t set_members(plx__file *file, plx__poll_item *items, size_t room)
{
    epoll_set *set = file->data;
    AcquireSRWLockExclusive(&set->lock);
    size_t count = item_add(items, room, 0, file, PLX__POLLRDBAND, set_version(file));
    for (size_t i = 0; i < set->count; i++) {
        plx__file *inner = set->entries[i].file;
        uint32_t wants = entry_wants(&set->entries[i]);
        size_t used = count < room ? count : room;
        if (inner->kind == &set_kind && (wants & PLX__POLLIN) != 0)
            count += set_members(inner, items + used, room - used);
        else if (wants != 0)
            count = item_add(items, room, count, inner, wants, 0);
    }
    ReleaseSRWLockExclusive(&set->lock);
    return count;
}

/* Tells up to `room` of them. The set may have changed meanwhile: a file is looked up again. */
static int events_give(epoll_set *set, const plx__poll_item *items, size_t count,
                       epoll_event *events, int room)
{
    int given = 0;
    for (size_t i = 0; i < count && given < room; i++) {
        entry *one = NULL;
        for (size_t k = 0; items[i].file != NULL && k < set->count && one == NULL; k++) {
            size_t at = (i + k) % set->count;
            if (set->entries[at].file == items[i].file)
                one = &set->entries[at];
        }
        uint32_t ready = one != NULL ? items[i].revents & entry_wants(one) : 0;
        if (ready == 0)
            continue;
        events[given].events = ready;
        events[given].data = one->data;
        given++;
        one->told |= ready;
        one->reads = plx__atomic_load(&one->file->reads);
        one->writes = plx__atomic_load(&one->file->writes);
        if ((one->events & ONE_SHOT) != 0)
            one->events &= ONE_SHOT | BY_EDGE;
    }
    return given;
}

/* One wait: how many are told, 0 for none yet, or a negative errno. */
static int set_wait_once(plx__file *of, epoll_event *events, int room, uint64_t deadline)
{
    epoll_set *set = of->data;
    plx__poll_item at_hand[ITEMS_AT_HAND];
    plx__poll_item *items = at_hand;
    int given = 0;
    AcquireSRWLockExclusive(&set->lock);
    if (set->count + 1 > ITEMS_AT_HAND)
        items = plx__allocate((set->count + 1) * sizeof *items);
    if (items == NULL) {
        ReleaseSRWLockExclusive(&set->lock);
        return -ENOMEM;
    }
    size_t count = set->count;
    items_fill(set, items);
    /* When another thread changes the set. */
    items[count] =
        (plx__poll_item){.file = of, .events = PLX__POLLRDBAND, .version = set_version(of)};
    ReleaseSRWLockExclusive(&set->lock);
    plx__file_take(of);
    for (size_t i = 0; i < count; i++) {
        if (items[i].file != NULL)
            plx__file_release(items[i].file, plx__file_hold(items[i].file));
    }
    int status = plx__wait(items, count + 1, deadline, false);
    if (status > 0) {
        AcquireSRWLockExclusive(&set->lock);
        given = events_give(set, items, count, events, room);
        ReleaseSRWLockExclusive(&set->lock);
    }
    for (size_t i = 0; i <= count; i++) {
        if (items[i].file != NULL)
            plx__file_put(items[i].file);
    }
    if (items != at_hand)
        plx__free(items);
    return status < 0 ? status : given;
}

PLX__CALL int plx_posix_epoll_pwait(int number, epoll_event *events, int count, int timeout_ms,
                                    const plx__sigset *mask)
{
    plx__file *of = NULL;
    int status = set_get(number, &of);
    if (status != 0)
        return plx__answer_int(status);
    uint64_t timeout = (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * PLX_MILLISECOND;
    uint64_t deadline = timeout_ms < 0 ? PLX_FOREVER : plx__deadline_after(timeout);
    plx__sigset before = plx__signals_mask();
    if (mask != NULL)
        plx__signals_mask_set(*mask);
    status = count > 0 ? 0 : -EINVAL;
    while (status == 0) {
        status = set_wait_once(of, events, count, deadline);
        if (status == 0 && deadline != PLX_FOREVER && plx__clock_now() >= deadline)
            break;
    }
    if (mask != NULL)
        plx__signals_mask_set(before);
    (void)plx__atomic_add(&of->reads, 1); /* Of a set by edge around it. */
    plx__file_put(of);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_epoll_wait(int number, epoll_event *events, int count, int timeout_ms)
{
    return plx_posix_epoll_pwait(number, events, count, timeout_ms, NULL);
}
