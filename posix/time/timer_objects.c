/* posix/time/timer_objects.c - timer_create() and its kin: timers that send signals or call
 * functions.
 *
 * One thread of the layer's waits for the first that is due. A timer has one signal that waits at
 * most; what expires meanwhile is counted, as POSIX wants it.
 */
#include "posix/signal/signal_queue.h"
#include "posix/time/expiry.h"

#include <string.h>

enum { BY_SIGNAL = 0, BY_NOTHING = 1, BY_FUNCTION = 2, IS_ABSOLUTE = 1 };

/* As struct sigevent. */
typedef struct event {
    void *value;
    int signal;
    int how;
    void (*function)(void *value);
    void *attributes;
} event;

typedef struct timer {
    struct timer *next;
    plx__expiry expiry;
    event event;
    plx__timer_signal signal;
    bool is_busy; /* The thread is doing what it is to do, without the lock. */
    bool is_gone; /* It was deleted meanwhile, and that thread frees it. */
} timer;

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static timer *all;
static bool has_thread;

/* --- what expires --------------------------------------------------------------------------- */

static DWORD WINAPI function_run(void *data)
{
    event what = *(event *)data;
    plx__free(data);
    what.function(what.value);
    return 0;
}

static void function_call(const event *what)
{
    event *copy = plx__allocate_zeroed(1, sizeof *copy);
    if (copy == NULL)
        return;
    *copy = *what;
    HANDLE thread = CreateThread(NULL, 0, function_run, copy, 0, NULL);
    if (thread == NULL)
        plx__free(copy);
    else
        (void)CloseHandle(thread);
}

static void CALLBACK attend(PTP_CALLBACK_INSTANCE instance, void *number)
{
    (void)instance;
    plx__signal_attend((int)(intptr_t)number);
}

/* Without the lock, for it may be the end of the process. */
static void signal_send(timer *of)
{
    int number = of->event.signal;
    plx__signal_cause cause = {
        .code = PLX__SI_TIMER, .value = of->event.value, .timer = &of->signal};
    if (plx__signal_set_cause(number, cause))
        (void)TrySubmitThreadpoolCallback(attend, (void *)(intptr_t)number, NULL);
}

/* Under the lock: whether there is something to do. */
static bool expire(timer *of, uint64_t now)
{
    uint64_t count = plx__expiry_count(&of->expiry, now);
    if (count == 0)
        return false;
    plx__expiry_pass(&of->expiry, count);
    return plx__timer_count(&of->signal, count, of->event.how == BY_FUNCTION) &&
           of->event.how != BY_NOTHING;
}

/* Under the lock. */
static void timer_free(timer *gone)
{
    plx__timer_drop(&gone->signal);
    plx__free(gone);
}

/* Under the lock: the one that is due first; NULL if there is none. */
static timer *first_due(void)
{
    timer *first = all;
    for (timer *at = all; at != NULL; at = at->next) {
        if (at->expiry.due < first->expiry.due)
            first = at;
    }
    return first;
}

/* Under the lock, which it lets go of meanwhile. In the order in which they were due, as on Linux,
 * however late this is; so one that is due all the time is not all that is done, either. */
static void one_do(timer *first, uint64_t now)
{
    if (!expire(first, now))
        return;
    first->is_busy = true;
    ReleaseSRWLockExclusive(&lock);
    if (first->event.how == BY_SIGNAL)
        signal_send(first);
    else
        function_call(&first->event);
    AcquireSRWLockExclusive(&lock);
    first->is_busy = false;
    if (first->is_gone)
        timer_free(first);
}

static DWORD WINAPI timers_run(void *data)
{
    (void)data;
    AcquireSRWLockExclusive(&lock);
    for (;;) {
        timer *first = first_due();
        uint64_t due = first != NULL ? first->expiry.due : PLX_FOREVER;
        uint64_t now = plx__clock_now();
        if (due <= now) {
            one_do(first, now);
            continue;
        }
        uint64_t left = due == PLX_FOREVER ? PLX_FOREVER : due - now;
        (void)SleepConditionVariableSRW(&changed, &lock, plx__milliseconds(left), 0);
    }
    return 0;
}

/* --- the calls ------------------------------------------------------------------------------ */

/* Under the lock. */
static int thread_start(void)
{
    if (has_thread)
        return 0;
    HANDLE thread = CreateThread(NULL, 0, timers_run, NULL, 0, NULL);
    if (thread == NULL)
        return -EAGAIN;
    (void)CloseHandle(thread);
    has_thread = true;
    return 0;
}

/* Under the lock: the link to it, or to NULL. */
static timer **link_find(const timer *wanted)
{
    timer **link = &all;
    while (*link != NULL && *link != wanted)
        link = &(*link)->next;
    return link;
}

static int event_check(const event *what)
{
    bool is_valid = what->how == BY_NOTHING ||
                    (what->how == BY_FUNCTION && what->function != NULL) ||
                    (what->how == BY_SIGNAL && what->signal > 0 && what->signal <= PLX__SIGNALS);
    return is_valid ? 0 : -EINVAL;
}

PLX__CALL int plx_posix_timer_create(int clock, const event *what, timer **timer_out)
{
    plx__start();
    if (clock == 2 || clock == 3)
        return plx__answer_int(-ENOTSUP); /* The processor's time. */
    if ((clock != PLX__CLOCK_REALTIME && clock != PLX__CLOCK_MONOTONIC &&
         clock != PLX__CLOCK_BOOTTIME) ||
        (what != NULL && event_check(what) != 0))
        return plx__answer_int(-EINVAL);
    timer *made = plx__allocate_zeroed(1, sizeof *made);
    if (made == NULL)
        return plx__answer_int(-EAGAIN);
    made->expiry = (plx__expiry){.clock = clock, .due = PLX_FOREVER};
    if (what != NULL)
        made->event = *what;
    else
        made->event = (event){.value = made, .signal = PLX__SIGALRM, .how = BY_SIGNAL};
    AcquireSRWLockExclusive(&lock);
    int status = thread_start();
    if (status == 0) {
        made->next = all;
        all = made;
    }
    ReleaseSRWLockExclusive(&lock);
    if (status == 0)
        *timer_out = made;
    else
        plx__free(made);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_timer_delete(timer *gone)
{
    AcquireSRWLockExclusive(&lock);
    timer **link = link_find(gone);
    bool is_there = *link != NULL;
    if (is_there) {
        *link = gone->next;
        gone->is_gone = true;
        if (!gone->is_busy)
            timer_free(gone);
    }
    ReleaseSRWLockExclusive(&lock);
    return plx__answer_int(is_there ? 0 : -EINVAL);
}

PLX__CALL int plx_posix_timer_settime(timer *of, int flags, const plx__timer_value *value,
                                      plx__timer_value *old)
{
    if (value == NULL || !plx__timer_value_is_valid(value))
        return plx__answer_int(-EINVAL);
    plx__timer_value wanted = *value; /* `old` may be the same. */
    AcquireSRWLockExclusive(&lock);
    bool is_there = *link_find(of) != NULL;
    if (is_there && old != NULL)
        plx__expiry_tell(&of->expiry, old);
    if (is_there) {
        plx__timer_drop(&of->signal);
        plx__expiry_set(&of->expiry, &wanted, (flags & IS_ABSOLUTE) != 0);
    }
    ReleaseSRWLockExclusive(&lock);
    WakeConditionVariable(&changed);
    return plx__answer_int(is_there ? 0 : -EINVAL);
}

PLX__CALL int plx_posix_timer_gettime(timer *of, plx__timer_value *value)
{
    AcquireSRWLockShared(&lock);
    bool is_there = *link_find(of) != NULL;
    if (is_there)
        plx__expiry_tell(&of->expiry, value);
    ReleaseSRWLockShared(&lock);
    return plx__answer_int(is_there ? 0 : -EINVAL);
}

PLX__CALL int plx_posix_timer_getoverrun(timer *of)
{
    AcquireSRWLockShared(&lock);
    bool is_there = *link_find(of) != NULL;
    int overrun = is_there ? plx__timer_overrun(&of->signal) : -EINVAL;
    ReleaseSRWLockShared(&lock);
    return plx__answer_int(overrun);
}
