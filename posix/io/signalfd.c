/* posix/io/signalfd.c - signals that are read instead of handled, as Linux's signalfd(2).
 * They have to be blocked, or their handlers come first; and in the main thread too, for signals of
 * the console and of timers.
 */
#include "posix/signal/signal.h"

#include <string.h>

/* As struct signalfd_siginfo. */
typedef struct signal_report {
    uint32_t number;
    int32_t error;
    int32_t code;
    uint32_t process;
    uint32_t user;
    uint32_t unused[3]; /* ssi_fd, ssi_tid, ssi_band. */
    uint32_t overrun;
    uint32_t others[2]; /* ssi_trapno, ssi_status. */
    int32_t integer;    /* Of a union sigval, as the next is. */
    uint64_t pointer;
    uint32_t rest[18];
} signal_report;

typedef struct watch {
    SRWLOCK lock;
    plx__sigset mask;
} watch;

static plx__sigset mask_of(plx__file *file)
{
    watch *of = file->data;
    AcquireSRWLockShared(&of->lock);
    plx__sigset mask = of->mask;
    ReleaseSRWLockShared(&of->lock);
    return mask;
}

static ptrdiff_t watch_read(plx__file *file, void *bytes, size_t size)
{
    plx__sigset mask = mask_of(file);
    size_t count = 0;
    if (size < sizeof(signal_report))
        return -EINVAL;
    for (; count < size / sizeof(signal_report); count++) {
        signal_report report;
        plx__signal_cause cause = {.code = 0};
        int number = plx__signal_take(mask, &cause);
        if (number == 0)
            break;
        memset(&report, 0, sizeof report);
        report.number = (uint32_t)number;
        report.code = cause.code;
        report.overrun = (uint32_t)cause.overrun;
        report.integer = (int32_t)(intptr_t)cause.value;
        report.pointer = (uintptr_t)cause.value;
        if (cause.code != PLX__SI_KERNEL) {
            report.process = GetCurrentProcessId();
            report.user = PLX__USER;
        }
        memcpy((char *)bytes + count * sizeof report, &report, sizeof report);
    }
    return count > 0 ? (ptrdiff_t)(count * sizeof(signal_report)) : -EAGAIN;
}

static unsigned watch_ready(plx__file *file)
{
    return plx__signals_wait(mask_of(file)) ? PLX__POLLIN : 0u;
}

static void watch_close(plx__file *file)
{
    plx__free(file->data);
}

static const plx__file_kind watch_kind = {
    .mode = 0600,
    .read = watch_read,
    .ready = watch_ready,
    .close = watch_close,
};

static int watch_make(plx__sigset mask, int flags)
{
    watch *of = plx__allocate_zeroed(1, sizeof *of);
    plx__file *file =
        of != NULL ? plx__file_make(&watch_kind, PLX__O_RDWR | ((unsigned)flags & PLX__O_NONBLOCK))
                   : NULL;
    if (file == NULL) {
        plx__free(of);
        return -ENOMEM;
    }
    InitializeSRWLock(&of->lock);
    of->mask = mask;
    file->data = of;
    plx__signals_connect();
    return plx__fd_add(file, 0, (flags & PLX__O_CLOEXEC) != 0);
}

static int watch_change(int fd, plx__sigset mask)
{
    plx__file *file = plx__fd_get(fd);
    if (file == NULL)
        return -EBADF;
    if (file->kind == &watch_kind) {
        watch *of = file->data;
        AcquireSRWLockExclusive(&of->lock);
        of->mask = mask;
        ReleaseSRWLockExclusive(&of->lock);
        plx__file_notify(file);
    } else {
        fd = -EINVAL;
    }
    plx__file_put(file);
    return fd;
}

PLX__CALL int plx_posix_signalfd(int fd, const plx__sigset *mask, int flags)
{
    plx__start();
    if ((flags & ~(PLX__O_CLOEXEC | PLX__O_NONBLOCK)) != 0)
        return plx__answer_int(-EINVAL);
    if (mask == NULL)
        return plx__answer_int(-EFAULT);
    return plx__answer_int(fd == -1 ? watch_make(*mask, flags) : watch_change(fd, *mask));
}
