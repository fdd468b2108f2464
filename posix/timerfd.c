/* posix/timerfd.c - timers that can be waited for, as Linux's timerfd_create(2).
 *
 * Nothing runs when one expires: who waits for it knows when that will be, and whoever asks counts
 * how often it has been. A timer of CLOCK_REALTIME is set by the clock as it stands then, and does
 * not follow when that is set anew.
 */
#include "posix/layer.h"

#include <string.h>

#define IS_ABSOLUTE    1
#define CANCELS_ON_SET 2

enum { REALTIME = 0, MONOTONIC = 1, BOOTTIME = 7 };

typedef struct timer {
    SRWLOCK lock;
    int clock;
    uint64_t due;      /* When the next expiry that was not read is or was; PLX_FOREVER: none. */
    uint64_t interval; /* 0: it expires once. */
} timer;

/* As struct itimerspec. */
typedef struct timer_value {
    struct timespec interval;
    struct timespec value;
} timer_value;

/* Expiries that were not read yet. */
static uint64_t count_of(const timer *of, uint64_t now)
{
    if (of->due > now)
        return 0;
    return of->interval != 0 ? (now - of->due) / of->interval + 1 : 1;
}

static ptrdiff_t timer_read(plx__file *file, void *bytes, size_t size)
{
    timer *of = file->data;
    uint64_t count;
    if (size < sizeof count)
        return -EINVAL;
    AcquireSRWLockExclusive(&of->lock);
    count = count_of(of, plx__clock_now());
    if (count > 0)
        of->due = of->interval != 0 ? of->due + count * of->interval : PLX_FOREVER;
    ReleaseSRWLockExclusive(&of->lock);
    if (count == 0)
        return -EAGAIN;
    memcpy(bytes, &count, sizeof count);
    return sizeof count;
}

static uint64_t timer_due(plx__file *file)
{
    timer *of = file->data;
    AcquireSRWLockShared(&of->lock);
    uint64_t due = of->due;
    ReleaseSRWLockShared(&of->lock);
    return due;
}

static unsigned timer_ready(plx__file *file)
{
    return timer_due(file) <= plx__clock_now() ? PLX__POLLIN : 0u;
}

static void timer_close(plx__file *file)
{
    plx__free(file->data);
}

static const plx__file_kind timer_kind = {
    .mode = 0600,
    .read = timer_read,
    .ready = timer_ready,
    .due = timer_due,
    .close = timer_close,
};

PLX__CALL int plx_posix_timerfd_create(int clock, int flags)
{
    plx__layer_start();
    if ((flags & ~(PLX__O_CLOEXEC | PLX__O_NONBLOCK)) != 0 ||
        (clock != REALTIME && clock != MONOTONIC && clock != BOOTTIME))
        return plx__answer_int(-EINVAL);
    timer *of = plx__allocate_zeroed(1, sizeof *of);
    plx__file *file =
        of != NULL ? plx__file_make(&timer_kind, PLX__O_RDWR | ((unsigned)flags & PLX__O_NONBLOCK))
                   : NULL;
    if (file == NULL) {
        plx__free(of);
        return plx__answer_int(-ENOMEM);
    }
    InitializeSRWLock(&of->lock);
    of->clock = clock;
    of->due = PLX_FOREVER;
    file->data = of;
    return plx__answer_int(plx__fd_add(file, 0, (flags & PLX__O_CLOEXEC) != 0));
}

static int timer_get(int fd, plx__file **file_out)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    *file_out = file;
    if (file->kind == &timer_kind)
        return 0;
    plx__file_put(file);
    return -EINVAL;
}

static bool is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

static uint64_t nanoseconds_of(const struct timespec *time)
{
    if ((uint64_t)time->tv_sec >= PLX_FOREVER / PLX_SECOND / 2)
        return PLX_FOREVER / 2;
    return (uint64_t)time->tv_sec * PLX_SECOND + (uint64_t)time->tv_nsec;
}

static struct timespec timespec_of(uint64_t time)
{
    struct timespec value = {.tv_sec = (time_t)(time / PLX_SECOND),
                             .tv_nsec = (long)(time % PLX_SECOND)};
    return value;
}

/* What is left to the next expiry, read or not. */
static void value_give(const timer *of, uint64_t now, timer_value *value_out)
{
    uint64_t left = 0;
    if (of->due > now && of->due != PLX_FOREVER)
        left = of->due - now;
    else if (of->due <= now && of->interval != 0)
        left = of->interval - (now - of->due) % of->interval;
    value_out->value = timespec_of(left);
    value_out->interval = timespec_of(of->interval);
}

PLX__CALL int plx_posix_clock_gettime(int clock, struct timespec *now);

/* When it is first due, by plx__clock_now(). */
static uint64_t first_due(const timer *of, const struct timespec *value, bool is_absolute)
{
    uint64_t wanted = nanoseconds_of(value);
    uint64_t now = plx__clock_now();
    if (!is_absolute)
        return plx__deadline_after(wanted);
    if (of->clock != REALTIME)
        return wanted;
    struct timespec date = {0, 0};
    (void)plx_posix_clock_gettime(REALTIME, &date);
    uint64_t today = nanoseconds_of(&date);
    return wanted > today ? plx__deadline_after(wanted - today) : now;
}

PLX__CALL int plx_posix_timerfd_settime(int fd, int flags, const timer_value *value,
                                        timer_value *old)
{
    plx__file *file;
    if (value == NULL)
        return plx__answer_int(-EFAULT);
    if ((flags & ~(IS_ABSOLUTE | CANCELS_ON_SET)) != 0 || !is_time(&value->value) ||
        !is_time(&value->interval))
        return plx__answer_int(-EINVAL);
    int status = timer_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    timer *of = file->data;
    timer_value wanted = *value; /* `old` may be the same. */
    bool is_armed = wanted.value.tv_sec != 0 || wanted.value.tv_nsec != 0;
    AcquireSRWLockExclusive(&of->lock);
    if (old != NULL)
        value_give(of, plx__clock_now(), old);
    of->due = is_armed ? first_due(of, &wanted.value, (flags & IS_ABSOLUTE) != 0) : PLX_FOREVER;
    of->interval = is_armed ? nanoseconds_of(&wanted.interval) : 0;
    ReleaseSRWLockExclusive(&of->lock);
    plx__file_notify(file);
    plx__file_put(file);
    return 0;
}

PLX__CALL int plx_posix_timerfd_gettime(int fd, timer_value *value)
{
    plx__file *file;
    if (value == NULL)
        return plx__answer_int(-EFAULT);
    int status = timer_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    timer *of = file->data;
    AcquireSRWLockShared(&of->lock);
    value_give(of, plx__clock_now(), value);
    ReleaseSRWLockShared(&of->lock);
    plx__file_put(file);
    return 0;
}
