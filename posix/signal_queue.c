/* posix/signal_queue.c - see signal_queue.h; and the calls that wait for a signal and its value. */
#include "posix/signal_queue.h"

#include "posix/duration.h"

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

/* --- waiting for one ------------------------------------------------------------------------ */

PLX__CALL unsigned plx_posix_getuid(void);

/* Blocked signals wake nobody, so this looks again and again. The number, or a negative errno. */
static int wait_for(plx__sigset set, uint64_t deadline, plx__signal_cause *cause_out)
{
    for (;;) {
        int number = plx__signal_take(set, cause_out);
        if (number != 0)
            return number;
        uint64_t now = plx__clock_now();
        if (now >= deadline)
            return -EAGAIN;
        uint64_t next = plx__deadline_after(10 * PLX_MILLISECOND);
        int status = plx__wait_until(next < deadline ? next : deadline);
        if (status != 0)
            return status;
    }
}

/* Returns the code. Handlers of other signals do not end it. */
PLX__CALL int plx_posix_sigwait(const plx__sigset *set, int *number_out)
{
    plx__signal_cause cause;
    do {
        *number_out = wait_for(*set, PLX_FOREVER, &cause);
    } while (*number_out < 0);
    return 0;
}

static int info_wait(plx__sigset set, plx__signal_info *info, uint64_t deadline)
{
    plx__signal_cause cause = {.code = 0};
    int number = wait_for(set, deadline, &cause);
    if (number > 0 && info != NULL) {
        memset(info, 0, sizeof *info);
        info->number = number;
        info->code = cause.code;
        info->value = cause.value;
        if (cause.code != PLX__SI_KERNEL) {
            info->process = (int)GetCurrentProcessId();
            info->user = plx_posix_getuid();
        }
    }
    return plx__answer_int(number);
}

PLX__CALL int plx_posix_sigwaitinfo(const plx__sigset *set, plx__signal_info *info)
{
    return info_wait(*set, info, PLX_FOREVER);
}

PLX__CALL int plx_posix_sigtimedwait(const plx__sigset *set, plx__signal_info *info,
                                     const struct timespec *longest)
{
    if (longest == NULL)
        return info_wait(*set, info, PLX_FOREVER);
    if (!plx__timespec_is_valid(longest))
        return plx__answer_int(-EINVAL);
    return info_wait(*set, info, plx__deadline_after(plx__timespec_ns(longest)));
}
