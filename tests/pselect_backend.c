/* tests/pselect_backend.c - a poller over pselect(), to show what a new one takes.
 *
 * Everything but the wait is backends/readiness/: an array of entries, and operations made of
 * readiness. The behaviours run on it unchanged. It is small rather than fast.
 */
#include "tests/pselect_backend.h"

#include <string.h>

#include "backends/readiness/array_poller.h"

/* Descriptors that fit; fd_set's own bound, 1,024, is too low for some behaviours. */
#define ROOM 65536

/* An fd_set consists of these, and the order of their bytes is the machine's. */
typedef unsigned long word;

#define WORD_BITS (8 * (int)sizeof(word))

typedef struct bit_sets {
    word readable[ROOM / WORD_BITS], writable[ROOM / WORD_BITS];
} bit_sets;

static void bit_set(word *set, int descriptor)
{
    set[descriptor / WORD_BITS] |= (word)1 << descriptor % WORD_BITS;
}

static bool bit_test(const word *set, int descriptor)
{
    return (set[descriptor / WORD_BITS] >> descriptor % WORD_BITS & 1) != 0;
}

/* One closed descriptor makes the whole call fail: poll() tells which. */
static int closed_find(plx__poll_entry *entries, size_t count)
{
    int closed = 0;
    for (size_t i = 0; i < count; i++) {
        struct pollfd one = {.fd = entries[i].fd};
        entries[i].revents = poll(&one, 1, 0) > 0 ? one.revents & POLLNVAL : 0;
        closed += entries[i].revents != 0;
    }
    return closed;
}

/* As plx__poll(). */
static int entries_wait(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, bit_sets *sets)
{
    int bound = 0;
    memset(sets, 0, sizeof *sets);
    for (size_t i = 0; i < count; i++) {
        if ((entries[i].events & POLLIN) != 0)
            bit_set(sets->readable, entries[i].fd);
        if ((entries[i].events & POLLOUT) != 0)
            bit_set(sets->writable, entries[i].fd);
        bound = entries[i].fd >= bound ? entries[i].fd + 1 : bound;
    }
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / PLX_SECOND),
                                     .tv_nsec = (long)(timeout_ns % PLX_SECOND)};
    int ready = pselect(bound, (fd_set *)(void *)sets->readable, (fd_set *)(void *)sets->writable,
                        NULL, timeout_ns == PLX_FOREVER ? NULL : &timeout, NULL);
    if (ready < 0 && errno == EBADF)
        return closed_find(entries, count);
    if (ready < 0 && errno != EINTR)
        return plx__fail_last();
    ready = ready < 0 ? 0 : ready;
    for (size_t i = 0; i < count; i++) {
        bool can_read = ready > 0 && bit_test(sets->readable, entries[i].fd);
        bool can_write = ready > 0 && bit_test(sets->writable, entries[i].fd);
        entries[i].revents = (short)((can_read ? POLLIN : 0) | (can_write ? POLLOUT : 0));
    }
    return ready;
}

typedef struct pselect_poller {
    plx__poller array;
    bit_sets sets;
} pselect_poller;

static int pselect_set(plx__poller *poller, plx__polled *polled, uint32_t interest)
{
    return plx__polled_endpoint(polled)->socket < ROOM
               ? plx__array_poller_set(poller, polled, interest)
               : PLX_EMFILE;
}

static int pselect_wait(plx__poller *poller, uint64_t timeout_ns)
{
    pselect_poller *own = (pselect_poller *)(void *)poller;
    int ready = plx__array_wait_begin(poller);
    if (ready == 0)
        ready = entries_wait(poller->entries, poller->count, timeout_ns, &own->sets);
    return plx__array_wait_end(poller, ready);
}

static int pselect_open(plx__poller **poller_out, const plx__backend_config *config)
{
    static const plx__poller_ops ops = {pselect_set, plx__array_poller_forget,
                                        plx__array_poller_collect};
    return plx__array_poller_open(poller_out, sizeof(pselect_poller), config, &ops);
}

const plx__backend_ops plx__pselect_backend = {
    .name = "pselect",
    .open = pselect_open,
    .close = plx__array_poller_close,
    .abandon = plx__array_poller_close,
    .renew = plx__array_poller_renew,
    .wait = pselect_wait,
    .wake = plx__array_poller_wake,
    PLX__READINESS,
};
