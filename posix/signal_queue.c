/* posix/signal_queue.c - see signal_queue.h; and the calls that wait for a signal and its value. */
#include "posix/signal_queue.h"

#include <string.h>

typedef struct waiting {
    struct waiting *next;
    DWORD thread; /* 0: any. */
    int number;
    plx__signal_cause cause;
} waiting;

static SRWLOCK lock = SRWLOCK_INIT;
static waiting *first;
static plx__atomic_u32 directed_count;
static plx__signal_cause causes[PLX__SIGRTMIN];

static int append(DWORD thread, int number, plx__signal_cause cause)
{
    waiting *made = plx__allocate_zeroed(1, sizeof *made);
    if (made == NULL)
        return -EAGAIN;
    *made = (waiting){.thread = thread, .number = number, .cause = cause};
    AcquireSRWLockExclusive(&lock);
    waiting **last = &first;
    while (*last != NULL)
        last = &(*last)->next;
    *last = made;
    if (thread != 0)
        (void)plx__atomic_add(&directed_count, 1);
    ReleaseSRWLockExclusive(&lock);
    return 0;
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

static void unlink_free(waiting **link)
{
    waiting *gone = *link;
    *link = gone->next;
    if (gone->thread != 0)
        (void)plx__atomic_add(&directed_count, UINT32_MAX);
    plx__free(gone);
}

int plx__queue_put(int number, plx__signal_cause cause)
{
    if (number >= PLX__SIGRTMIN)
        return append(0, number, cause);
    AcquireSRWLockExclusive(&lock);
    causes[number] = cause;
    ReleaseSRWLockExclusive(&lock);
    return 0;
}

bool plx__queue_take(int number, plx__signal_cause *cause_out, bool *has_more_out)
{
    bool has = true;
    *has_more_out = false;
    AcquireSRWLockExclusive(&lock);
    if (number < PLX__SIGRTMIN) {
        *cause_out = causes[number];
    } else {
        waiting **link = link_find(0, plx__signal_bit(number));
        has = *link != NULL;
        if (has) {
            *cause_out = (*link)->cause;
            unlink_free(link);
        }
        *has_more_out = *link_find(0, plx__signal_bit(number)) != NULL;
    }
    ReleaseSRWLockExclusive(&lock);
    return has;
}

/* --- for one thread ------------------------------------------------------------------------- */

int plx__directed_put(DWORD thread, int number, plx__signal_cause cause)
{
    return append(thread, number, cause);
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
    plx__signal_cause cause = {0, NULL};
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
    if (longest->tv_sec < 0 || longest->tv_nsec < 0 || longest->tv_nsec >= 1000000000)
        return plx__answer_int(-EINVAL);
    uint64_t wait = (uint64_t)longest->tv_sec * PLX_SECOND + (uint64_t)longest->tv_nsec;
    return info_wait(*set, info, plx__deadline_after(wait));
}
