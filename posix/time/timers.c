/* posix/time/timers.c - the clocks, sleeping, and the timer that sends SIGALRM. */
#include "posix/base/duration.h"
#include "posix/signal/signal.h"
#include "posix/wait/wait.h"

#include <string.h>

#define HUNDREDS_PER_SECOND 10000000
#define UNIX_EPOCH          INT64_C(116444736000000000) /* In FILETIME's units since 1601. */

/* --- clocks --------------------------------------------------------------------------------- */

static int64_t hundreds_of(FILETIME time)
{
    return (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime);
}

static struct timespec of_hundreds(int64_t hundreds)
{
    struct timespec time = {.tv_sec = hundreds / HUNDREDS_PER_SECOND,
                            .tv_nsec = (long)(hundreds % HUNDREDS_PER_SECOND) * 100};
    return time;
}

static int64_t now_hundreds(void)
{
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return hundreds_of(now) - UNIX_EPOCH;
}

PLX__CALL int plx_posix_clock_gettime(int clock, struct timespec *now)
{
    FILETIME made;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    if (now == NULL)
        return plx__answer_int(-EFAULT);
    switch (clock) {
    case 0: /* CLOCK_REALTIME, and COARSE. */
    case 4:
        *now = of_hundreds(now_hundreds());
        return 0;
    case 1: /* CLOCK_MONOTONIC, RAW, COARSE, BOOTTIME. */
    case 5:
    case 6:
    case 7:
        *now = plx__timespec_of(plx__clock_now());
        return 0;
    case 2: /* CLOCK_PROCESS_CPUTIME_ID */
        if (!GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user))
            return plx__answer_int(plx__errno_last());
        *now = of_hundreds(hundreds_of(kernel) + hundreds_of(user));
        return 0;
    case 3: /* CLOCK_THREAD_CPUTIME_ID */
        if (!GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel, &user))
            return plx__answer_int(plx__errno_last());
        *now = of_hundreds(hundreds_of(kernel) + hundreds_of(user));
        return 0;
    default:
        return plx__answer_int(-EINVAL);
    }
}

PLX__CALL int plx_posix_clock_getres(int clock, struct timespec *step)
{
    if (clock < 0 || clock > 7)
        return plx__answer_int(-EINVAL);
    if (step != NULL) {
        step->tv_sec = 0;
        step->tv_nsec = clock == 2 || clock == 3 ? 15625000 : 100;
    }
    return 0;
}

PLX__CALL int plx_posix_clock_settime(int clock, const struct timespec *now)
{
    (void)now;
    return plx__answer_int(clock == 0 ? -EPERM : -EINVAL);
}

PLX__CALL int plx_posix_gettimeofday(plx__timeval *now, void *zone)
{
    int64_t hundreds = now_hundreds();
    if (now != NULL) {
        now->seconds = hundreds / HUNDREDS_PER_SECOND;
        now->microseconds = (long)(hundreds % HUNDREDS_PER_SECOND / 10);
    }
    if (zone != NULL)
        memset(zone, 0, 2 * sizeof(int));
    return 0;
}

PLX__CALL int plx_posix_settimeofday(const plx__timeval *now, const void *zone)
{
    (void)now;
    (void)zone;
    return plx__answer_int(-EPERM);
}

/* The C library's own counts the time that passes, not the processor's. */
PLX__CALL int64_t plx_posix_clock(void)
{
    FILETIME start;
    FILETIME end;
    FILETIME kernel;
    FILETIME user;
    if (!GetProcessTimes(GetCurrentProcess(), &start, &end, &kernel, &user))
        return -1;
    uint64_t hundreds = ((uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
                        ((uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime);
    return (int64_t)(hundreds / 10);
}

/* --- sleeping ------------------------------------------------------------------------------- */

static int sleep_until(uint64_t deadline, struct timespec *left)
{
    int status = plx__wait_until(deadline);
    if (status == 0 || left == NULL)
        return status;
    uint64_t now = plx__clock_now();
    *left = plx__timespec_of(deadline > now ? deadline - now : 0);
    return status;
}

PLX__CALL int plx_posix_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (wanted == NULL)
        return plx__answer_int(-EFAULT);
    if (!plx__timespec_is_valid(wanted))
        return plx__answer_int(-EINVAL);
    uint64_t wait = plx__timespec_ns(wanted);
    return plx__answer_int(sleep_until(plx__deadline_after(wait), left));
}

/* Returns the code. */
PLX__CALL int plx_posix_clock_nanosleep(int clock, int flags, const struct timespec *wanted,
                                        struct timespec *left)
{
    struct timespec now = {0, 0};
    if (wanted == NULL || !plx__timespec_is_valid(wanted) ||
        plx_posix_clock_gettime(clock, &now) != 0)
        return EINVAL;
    uint64_t wait = plx__timespec_ns(wanted);
    uint64_t passed = flags != 0 ? plx__timespec_ns(&now) : 0;
    if (wait <= passed)
        return 0;
    return -sleep_until(plx__deadline_after(wait - passed), flags != 0 ? NULL : left);
}

PLX__CALL unsigned plx_posix_sleep(unsigned seconds)
{
    struct timespec left = {0, 0};
    if (sleep_until(plx__deadline_after(seconds * PLX_SECOND), &left) == 0)
        return 0;
    return (unsigned)left.tv_sec;
}

PLX__CALL int plx_posix_usleep(unsigned microseconds)
{
    return plx__answer_int(sleep_until(plx__deadline_after((uint64_t)microseconds * 1000), NULL));
}

/* --- SIGALRM -------------------------------------------------------------------------------- */

typedef struct itimer {
    plx__timeval interval;
    plx__timeval value;
} itimer;

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;
static bool has_thread;
static uint64_t due = PLX_FOREVER;
static uint64_t interval;

static DWORD WINAPI timer_run(void *data)
{
    (void)data;
    AcquireSRWLockExclusive(&lock);
    for (;;) {
        uint64_t now = plx__clock_now();
        if (due > now) {
            uint64_t left = due == PLX_FOREVER ? PLX_FOREVER : due - now;
            (void)SleepConditionVariableSRW(&changed, &lock, plx__milliseconds(left), 0);
            continue;
        }
        due = interval != 0 ? now + interval : PLX_FOREVER;
        ReleaseSRWLockExclusive(&lock);
        plx__signal_post(PLX__SIGALRM);
        AcquireSRWLockExclusive(&lock);
    }
    return 0;
}

static int thread_start(void)
{
    if (has_thread)
        return 0;
    HANDLE thread = CreateThread(NULL, 0, timer_run, NULL, 0, NULL);
    if (thread == NULL)
        return -EAGAIN;
    (void)CloseHandle(thread);
    has_thread = true;
    return 0;
}

static int timer_set(uint64_t first, uint64_t then, uint64_t *left_out, uint64_t *interval_out)
{
    AcquireSRWLockExclusive(&lock);
    uint64_t now = plx__clock_now();
    *left_out = due == PLX_FOREVER ? 0 : due > now ? due - now : 1000;
    *interval_out = interval;
    int status = first != 0 ? thread_start() : 0;
    if (status == 0) {
        due = first != 0 ? now + first : PLX_FOREVER;
        interval = then;
    }
    ReleaseSRWLockExclusive(&lock);
    WakeConditionVariable(&changed);
    return status;
}

PLX__CALL int plx_posix_setitimer(int which, const itimer *value, itimer *old)
{
    uint64_t left;
    uint64_t then;
    if (which != 0)
        return plx__answer_int(which == 1 || which == 2 ? -EOPNOTSUPP : -EINVAL);
    if (value == NULL)
        return plx__answer_int(-EFAULT);
    if (!plx__timeval_is_valid(&value->value) || !plx__timeval_is_valid(&value->interval))
        return plx__answer_int(-EINVAL);
    int status =
        timer_set(plx__timeval_ns(&value->value), plx__timeval_ns(&value->interval), &left, &then);
    if (status == 0 && old != NULL) {
        old->value = plx__timeval_of(left);
        old->interval = plx__timeval_of(then);
    }
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_getitimer(int which, itimer *value)
{
    if (which != 0)
        return plx__answer_int(-EINVAL);
    AcquireSRWLockShared(&lock);
    uint64_t now = plx__clock_now();
    value->value = plx__timeval_of(due == PLX_FOREVER ? 0 : due > now ? due - now : 1000);
    value->interval = plx__timeval_of(interval);
    ReleaseSRWLockShared(&lock);
    return 0;
}

PLX__CALL unsigned plx_posix_alarm(unsigned seconds)
{
    uint64_t left = 0;
    uint64_t then;
    (void)timer_set(seconds * PLX_SECOND, 0, &left, &then);
    return (unsigned)((left + PLX_SECOND / 2) / PLX_SECOND) + (left > 0 && left < PLX_SECOND / 2);
}

PLX__CALL unsigned plx_posix_ualarm(unsigned first, unsigned then)
{
    uint64_t left = 0;
    uint64_t before;
    (void)timer_set((uint64_t)first * 1000, (uint64_t)then * 1000, &left, &before);
    return (unsigned)(left / 1000);
}
