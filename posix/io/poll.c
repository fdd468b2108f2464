/* posix/io/poll.c - poll() and select(): both are plx__wait() with another list. */
#include "posix/base/duration.h"
#include "posix/signal/signal.h"
#include "posix/wait/wait.h"

#include <string.h>

#define ITEMS_AT_HAND 64
#define COUNT_MAX     (1u << 20)

/* Absolute, from what programs give: NULL waits without limit. */
static int deadline_of(const struct timespec *timeout, uint64_t *deadline_out)
{
    *deadline_out = PLX_FOREVER;
    if (timeout == NULL)
        return 0;
    if (!plx__timespec_is_valid(timeout))
        return -EINVAL;
    uint64_t wait = plx__timespec_ns(timeout);
    *deadline_out = wait != 0 ? plx__deadline_after(wait) : 0;
    return 0;
}

static int poll_items(plx__pollfd *entries, size_t count, uint64_t deadline)
{
    plx__poll_item at_hand[ITEMS_AT_HAND];
    plx__poll_item *items = at_hand;
    if (count > ITEMS_AT_HAND)
        items = plx__allocate(count * sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        items[i].file = plx__fd_get(entries[i].fd);
        if (items[i].file != NULL)
            plx__file_release(items[i].file, plx__file_hold(items[i].file));
        items[i].events = (unsigned short)entries[i].events;
        items[i].version = 0;
        items[i].revents = entries[i].fd >= 0 && items[i].file == NULL ? PLX__POLLNVAL : 0u;
    }
    int ready = plx__wait(items, count, deadline, false);
    for (size_t i = 0; i < count; i++) {
        entries[i].revents = ready >= 0 ? (short)items[i].revents : entries[i].revents;
        if (items[i].file != NULL)
            plx__file_put(items[i].file);
    }
    if (items != at_hand)
        plx__free(items);
    return ready;
}

/* With another mask for as long as it waits, as ppoll() and pselect() want it. */
static int poll_masked(plx__pollfd *entries, size_t count, uint64_t deadline,
                       const plx__sigset *mask)
{
    plx__sigset before = 0;
    if (mask != NULL) {
        before = plx__signals_mask();
        plx__signals_mask_set(*mask);
    }
    int ready = poll_items(entries, count, deadline);
    if (mask != NULL)
        plx__signals_mask_set(before);
    return ready;
}

PLX__CALL int plx_posix_ppoll(plx__pollfd *entries, unsigned long count,
                              const struct timespec *timeout, const plx__sigset *mask)
{
    uint64_t deadline;
    int status = deadline_of(timeout, &deadline);
    if (status != 0)
        return plx__answer_int(status);
    if (count > COUNT_MAX)
        return plx__answer_int(-EINVAL);
    if (entries == NULL && count > 0)
        return plx__answer_int(-EFAULT);
    return plx__answer_int(poll_masked(entries, count, deadline, mask));
}

PLX__CALL int plx_posix_poll(plx__pollfd *entries, unsigned long count, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    return plx_posix_ppoll(entries, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

/* --- select --------------------------------------------------------------------------------- */

/* The bits of an fd_set, of which the caller says how many there are. Its words are of
 * 32 bits, which is a long of Windows. */
static bool bit_get(const uint32_t *set, int fd)
{
    return set != NULL && (set[fd / 32] >> (fd % 32) & 1) != 0;
}

static void bits_clear(uint32_t *set, int count)
{
    if (set == NULL)
        return;
    for (int fd = 0; fd < count; fd++)
        set[fd / 32] &= ~(UINT32_C(1) << (fd % 32));
}

static int bit_set(uint32_t *set, int fd)
{
    set[fd / 32] |= UINT32_C(1) << (fd % 32);
    return 1;
}

#define FOR_READ   (PLX__POLLIN | PLX__POLLHUP | PLX__POLLERR | PLX__POLLRDNORM)
#define FOR_WRITE  (PLX__POLLOUT | PLX__POLLERR | PLX__POLLWRNORM)
#define FOR_EXCEPT PLX__POLLPRI

typedef struct select_sets {
    uint32_t *readable;
    uint32_t *writable;
    uint32_t *exceptional;
} select_sets;

static size_t entries_fill(plx__pollfd *entries, int count, const select_sets *sets)
{
    size_t filled = 0;
    for (int fd = 0; fd < count; fd++) {
        unsigned events = (bit_get(sets->readable, fd) ? PLX__POLLIN : 0u) |
                          (bit_get(sets->writable, fd) ? PLX__POLLOUT : 0u) |
                          (bit_get(sets->exceptional, fd) ? PLX__POLLPRI : 0u);
        if (events == 0)
            continue;
        entries[filled].fd = fd;
        entries[filled].events = (short)events;
        entries[filled].revents = 0;
        filled++;
    }
    return filled;
}

/* How many bits are set, or -EBADF. */
static int entries_spread(const plx__pollfd *entries, size_t filled, int count,
                          const select_sets *sets)
{
    int bits = 0;
    for (size_t i = 0; i < filled; i++) {
        if ((entries[i].revents & PLX__POLLNVAL) != 0)
            return -EBADF;
    }
    bits_clear(sets->readable, count);
    bits_clear(sets->writable, count);
    bits_clear(sets->exceptional, count);
    for (size_t i = 0; i < filled; i++) {
        unsigned events = (unsigned short)entries[i].events;
        unsigned revents = (unsigned short)entries[i].revents;
        if ((events & PLX__POLLIN) != 0 && (revents & FOR_READ) != 0)
            bits += bit_set(sets->readable, entries[i].fd);
        if ((events & PLX__POLLOUT) != 0 && (revents & FOR_WRITE) != 0)
            bits += bit_set(sets->writable, entries[i].fd);
        if ((events & PLX__POLLPRI) != 0 && (revents & FOR_EXCEPT) != 0)
            bits += bit_set(sets->exceptional, entries[i].fd);
    }
    return bits;
}

static int select_masked(int count, const select_sets *sets, uint64_t deadline,
                         const plx__sigset *mask)
{
    if (count < 0)
        return -EINVAL;
    if (count > PLX__DESCRIPTORS_MAX)
        count = PLX__DESCRIPTORS_MAX;
    plx__pollfd *entries = plx__allocate(((size_t)count + 1) * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    size_t filled = entries_fill(entries, count, sets);
    int ready = poll_masked(entries, filled, deadline, mask);
    if (ready > 0)
        ready = entries_spread(entries, filled, count, sets);
    else if (ready == 0)
        (void)entries_spread(entries, 0, count, sets);
    plx__free(entries);
    return ready;
}

PLX__CALL int plx_posix_pselect(int count, uint32_t *readable, uint32_t *writable,
                                uint32_t *exceptional, const struct timespec *timeout,
                                const plx__sigset *mask)
{
    select_sets sets = {readable, writable, exceptional};
    uint64_t deadline;
    int status = deadline_of(timeout, &deadline);
    if (status != 0)
        return plx__answer_int(status);
    return plx__answer_int(select_masked(count, &sets, deadline, mask));
}

/* Linux leaves in `timeout` what was not waited for, and programs count on either; so does this. */
PLX__CALL int plx_posix_select(int count, uint32_t *readable, uint32_t *writable,
                               uint32_t *exceptional, plx__timeval *timeout)
{
    struct timespec wait = {0, 0};
    uint64_t start = timeout != NULL ? plx__clock_now() : 0;
    if (timeout != NULL) {
        if (timeout->seconds < 0 || timeout->microseconds < 0)
            return plx__answer_int(-EINVAL);
        int64_t more = timeout->microseconds / 1000000;
        wait.tv_sec = timeout->seconds < INT64_MAX - more ? timeout->seconds + more : INT64_MAX;
        wait.tv_nsec = timeout->microseconds % 1000000 * 1000;
    }
    int ready = plx_posix_pselect(count, readable, writable, exceptional,
                                  timeout != NULL ? &wait : NULL, NULL);
    if (timeout != NULL) {
        uint64_t wanted = plx__timespec_ns(&wait);
        uint64_t spent = plx__clock_now() - start;
        *timeout = plx__timeval_of(spent < wanted ? wanted - spent : 0);
    }
    return ready;
}
