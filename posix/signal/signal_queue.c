/* posix/signal/signal_queue.c - see signal_queue.h. */
#include "posix/signal/signal_queue.h"

#include <string.h>

typedef struct waiting {
    struct waiting *next;
    DWORD thread; /* 0: any. */
    int number;
    plx__signal_cause cause;
} waiting;

static SRWLOCK lock = SRWLOCK_INIT;
static waiting *first;
static waiting **end = &first; /* The link that the next one is to be at. */
static plx__atomic_u32 directed_count;
static volatile LONG64 pending;           /* For any thread. Written under the lock only. */
static unsigned counts[PLX__SIGNALS + 1]; /* Of those for any thread. */
/* Of these one waits at most, and so they need no memory. */
static waiting standard[PLX__SIGRTMIN];

static bool needs_memory(DWORD thread, int number, const plx__signal_cause *cause)
{
    return thread != 0 || number >= PLX__SIGRTMIN || cause->timer != NULL;
}

/* The link to the first of these for that thread. Under the lock. */
static waiting **link_find(DWORD thread, plx__sigset set)
{
    waiting **link = &first;
    while (*link != NULL &&
           ((*link)->thread != thread || (plx__signal_bit((*link)->number) & set) == 0))
        link = &(*link)->next;
    return link;
}

/* Under the lock. */
static void append(waiting *made)
{
    *end = made;
    end = &made->next;
    if (made->thread != 0)
        (void)plx__atomic_add(&directed_count, 1);
    else if (counts[made->number]++ == 0)
        (void)InterlockedOr64(&pending, (LONG64)plx__signal_bit(made->number));
}

/* Under the lock. */
static void unlink_free(waiting **link)
{
    waiting *gone = *link;
    *link = gone->next;
    if (gone->next == NULL)
        end = link;
    if (gone->thread != 0)
        (void)plx__atomic_add(&directed_count, UINT32_MAX);
    else if (--counts[gone->number] == 0)
        (void)InterlockedAnd64(&pending, (LONG64)~plx__signal_bit(gone->number));
    if (gone->cause.timer != NULL)
        gone->cause.timer->is_waiting = false;
    if (needs_memory(gone->thread, gone->number, &gone->cause))
        plx__free(gone);
}

/* As on Linux, each timer's signal is kept, whatever waits already. */
static int put(DWORD thread, int number, plx__signal_cause cause)
{
    bool is_allocated = needs_memory(thread, number, &cause);
    waiting *made = is_allocated ? plx__allocate_zeroed(1, sizeof *made) : &standard[number];
    if (made == NULL)
        return -EAGAIN;
    AcquireSRWLockExclusive(&lock);
    bool is_told = number < PLX__SIGRTMIN && cause.timer == NULL &&
                   *link_find(thread, plx__signal_bit(number)) != NULL;
    if (!is_told) {
        *made = (waiting){.thread = thread, .number = number, .cause = cause};
        append(made);
        if (cause.timer != NULL)
            cause.timer->is_waiting = true;
    }
    ReleaseSRWLockExclusive(&lock);
    if (is_told && is_allocated)
        plx__free(made);
    return 0;
}

int plx__queue_put(int number, plx__signal_cause cause)
{
    return put(0, number, cause);
}

plx__sigset plx__queue_set(void)
{
    return (plx__sigset)pending;
}

int plx__queue_take(plx__sigset set, plx__signal_cause *cause_out)
{
    int number = 0;
    if ((plx__queue_set() & set) == 0)
        return 0;
    AcquireSRWLockExclusive(&lock);
    plx__sigset wanted = plx__queue_set() & set;
    if (wanted != 0) {
        number = __builtin_ctzll(wanted) + 1;
        waiting **link = link_find(0, plx__signal_bit(number));
        *cause_out = (*link)->cause;
        if (cause_out->timer != NULL)
            cause_out->overrun = cause_out->timer->overrun = cause_out->timer->more;
        unlink_free(link);
    }
    ReleaseSRWLockExclusive(&lock);
    return number;
}

void plx__queue_drop(int number)
{
    AcquireSRWLockExclusive(&lock);
    waiting **link = &first;
    while (*link != NULL) {
        if ((*link)->number == number)
            unlink_free(link);
        else
            link = &(*link)->next;
    }
    ReleaseSRWLockExclusive(&lock);
}

/* --- of timers ------------------------------------------------------------------------------ */

bool plx__timer_count(plx__timer_signal *of, uint64_t count, bool is_told_now)
{
    AcquireSRWLockExclusive(&lock);
    bool is_first = !of->is_waiting;
    if (is_first) {
        of->more = 0;
        count--;
    }
    of->more = count < (uint64_t)(INT_MAX - of->more) ? of->more + (int)count : INT_MAX;
    if (is_told_now)
        of->overrun = of->more;
    ReleaseSRWLockExclusive(&lock);
    return is_first;
}

int plx__timer_overrun(const plx__timer_signal *of)
{
    AcquireSRWLockShared(&lock);
    int overrun = of->overrun;
    ReleaseSRWLockShared(&lock);
    return overrun;
}

void plx__timer_drop(const plx__timer_signal *of)
{
    AcquireSRWLockExclusive(&lock);
    waiting **link = &first;
    while (of->is_waiting && *link != NULL && (*link)->cause.timer != of)
        link = &(*link)->next;
    if (of->is_waiting && *link != NULL)
        unlink_free(link);
    ReleaseSRWLockExclusive(&lock);
}

/* --- for one thread ------------------------------------------------------------------------- */

int plx__directed_put(DWORD thread, int number, plx__signal_cause cause)
{
    return put(thread, number, cause);
}

int plx__directed_take(plx__sigset set, plx__signal_cause *cause_out)
{
    int number = 0;
    if (plx__atomic_load_acquire(&directed_count) == 0)
        return 0;
    AcquireSRWLockExclusive(&lock);
    waiting **link = link_find(GetCurrentThreadId(), set);
    if (*link != NULL) {
        number = (*link)->number;
        *cause_out = (*link)->cause;
        unlink_free(link);
    }
    ReleaseSRWLockExclusive(&lock);
    return number;
}

plx__sigset plx__directed_set(void)
{
    plx__sigset set = 0;
    if (plx__atomic_load_acquire(&directed_count) == 0)
        return 0;
    AcquireSRWLockShared(&lock);
    for (const waiting *at = first; at != NULL; at = at->next)
        set |= at->thread == GetCurrentThreadId() ? plx__signal_bit(at->number) : 0;
    ReleaseSRWLockShared(&lock);
    return set;
}

void plx__directed_end(void)
{
    plx__signal_cause cause;
    while (plx__directed_take(UINT64_MAX, &cause) != 0)
        ;
}
