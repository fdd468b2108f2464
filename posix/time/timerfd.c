/* posix/time/timerfd.c - timers that can be waited for, as Linux's timerfd_create(2).
 *
 * Nothing runs when one expires: who waits for it knows when that will be, and whoever asks counts
 * how often it has been.
 */
#include "posix/fd/fd.h"
#include "posix/time/expiry.h"

#include <string.h>

#define IS_ABSOLUTE    1
#define CANCELS_ON_SET 2

typedef struct timer {
    SRWLOCK lock;
    plx__expiry expiry;
} timer;

static ptrdiff_t timer_read(plx__file *file, void *bytes, size_t size)
{
    timer *of = file->data;
    uint64_t count;
    if (size < sizeof count)
        return -EINVAL;
    AcquireSRWLockExclusive(&of->lock);
    count = plx__expiry_count(&of->expiry, plx__clock_now());
    plx__expiry_pass(&of->expiry, count);
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
    uint64_t due = of->expiry.due;
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
    plx__start();
    if ((flags & ~(PLX__O_CLOEXEC | PLX__O_NONBLOCK)) != 0 ||
        (clock != PLX__CLOCK_REALTIME && clock != PLX__CLOCK_MONOTONIC &&
         clock != PLX__CLOCK_BOOTTIME))
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
    of->expiry = (plx__expiry){.clock = clock, .due = PLX_FOREVER};
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

PLX__CALL int plx_posix_timerfd_settime(int fd, int flags, const plx__timer_value *value,
                                        plx__timer_value *old)
{
    plx__file *file;
    if (value == NULL)
        return plx__answer_int(-EFAULT);
    if ((flags & ~(IS_ABSOLUTE | CANCELS_ON_SET)) != 0 || !plx__timer_value_is_valid(value))
        return plx__answer_int(-EINVAL);
    int status = timer_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    timer *of = file->data;
    plx__timer_value wanted = *value; /* `old` may be the same. */
    AcquireSRWLockExclusive(&of->lock);
    if (old != NULL)
        plx__expiry_tell(&of->expiry, old);
    plx__expiry_set(&of->expiry, &wanted, (flags & IS_ABSOLUTE) != 0);
    ReleaseSRWLockExclusive(&of->lock);
    plx__file_notify(file);
    plx__file_put(file);
    return 0;
}

PLX__CALL int plx_posix_timerfd_gettime(int fd, plx__timer_value *value)
{
    plx__file *file;
    if (value == NULL)
        return plx__answer_int(-EFAULT);
    int status = timer_get(fd, &file);
    if (status != 0)
        return plx__answer_int(status);
    timer *of = file->data;
    AcquireSRWLockShared(&of->lock);
    plx__expiry_tell(&of->expiry, value);
    ReleaseSRWLockShared(&of->lock);
    plx__file_put(file);
    return 0;
}
