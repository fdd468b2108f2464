/* posix/io/eventfd.c - counters that can be waited for, as Linux's eventfd(2). */
#include "posix/fd/fd.h"

#include <string.h>

#define IS_SEMAPHORE 1
#define COUNT_MAX    (UINT64_MAX - 1)

typedef struct counter {
    SRWLOCK lock;
    uint64_t value;
    bool is_semaphore;
} counter;

static ptrdiff_t counter_read(plx__file *file, void *bytes, size_t size)
{
    counter *of = file->data;
    if (size < sizeof of->value)
        return -EINVAL;
    AcquireSRWLockExclusive(&of->lock);
    uint64_t taken = of->is_semaphore && of->value > 0 ? 1 : of->value;
    of->value -= taken;
    ReleaseSRWLockExclusive(&of->lock);
    if (taken == 0)
        return -EAGAIN;
    memcpy(bytes, &taken, sizeof taken);
    plx__file_notify(file);
    return sizeof taken;
}

static ptrdiff_t counter_write(plx__file *file, const void *bytes, size_t size)
{
    counter *of = file->data;
    uint64_t added;
    if (size < sizeof added)
        return -EINVAL;
    memcpy(&added, bytes, sizeof added);
    if (added == UINT64_MAX)
        return -EINVAL;
    AcquireSRWLockExclusive(&of->lock);
    bool fits = added <= COUNT_MAX - of->value;
    if (fits)
        of->value += added;
    ReleaseSRWLockExclusive(&of->lock);
    if (!fits)
        return -EAGAIN;
    plx__file_notify(file);
    return sizeof added;
}

static unsigned counter_ready(plx__file *file)
{
    counter *of = file->data;
    AcquireSRWLockShared(&of->lock);
    unsigned ready =
        (of->value > 0 ? PLX__POLLIN : 0u) | (of->value < COUNT_MAX ? PLX__POLLOUT : 0u);
    ReleaseSRWLockShared(&of->lock);
    return ready;
}

static void counter_close(plx__file *file)
{
    plx__free(file->data);
}

static const plx__file_kind counter_kind = {
    .mode = 0600,
    .read = counter_read,
    .write = counter_write,
    .ready = counter_ready,
    .close = counter_close,
};

PLX__CALL int plx_posix_eventfd(unsigned start, int flags)
{
    plx__start();
    if ((flags & ~(IS_SEMAPHORE | PLX__O_CLOEXEC | PLX__O_NONBLOCK)) != 0)
        return plx__answer_int(-EINVAL);
    counter *of = plx__allocate_zeroed(1, sizeof *of);
    plx__file *file = of != NULL ? plx__file_make(&counter_kind,
                                                  PLX__O_RDWR | ((unsigned)flags & PLX__O_NONBLOCK))
                                 : NULL;
    if (file == NULL) {
        plx__free(of);
        return plx__answer_int(-ENOMEM);
    }
    InitializeSRWLock(&of->lock);
    of->value = start;
    of->is_semaphore = (flags & IS_SEMAPHORE) != 0;
    file->data = of;
    return plx__answer_int(plx__fd_add(file, 0, (flags & PLX__O_CLOEXEC) != 0));
}

PLX__CALL ptrdiff_t plx_posix_read(int fd, void *bytes, size_t size);
PLX__CALL ptrdiff_t plx_posix_write(int fd, const void *bytes, size_t size);

PLX__CALL int plx_posix_eventfd_read(int fd, uint64_t *value)
{
    return plx_posix_read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

PLX__CALL int plx_posix_eventfd_write(int fd, uint64_t value)
{
    return plx_posix_write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}
