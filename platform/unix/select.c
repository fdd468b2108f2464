/* platform/unix/select.c - poll()'s contract kept with select().
 *
 * The kernel reads as many bits as it is told to; only the C library's fd_set type and its macros
 * stop at 1,024. So the sets are bit maps of our own, as long as the largest descriptor asks for.
 */
#include "platform/os.h"

#include <fcntl.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#define WORD_BITS (8 * sizeof(fd_mask))

typedef struct bit_sets {
    size_t words; /* In each of the two sets, which stand behind one another. */
    fd_mask bits[];
} bit_sets;

static bool bit_test(const fd_mask *set, int descriptor)
{
    return (set[(size_t)descriptor / WORD_BITS] >> ((size_t)descriptor % WORD_BITS) & 1) != 0;
}

static void bit_set(fd_mask *set, int descriptor)
{
    fd_mask *word = &set[(size_t)descriptor / WORD_BITS];
    *word = (fd_mask)((unsigned long)*word | 1ul << ((size_t)descriptor % WORD_BITS));
}

static size_t words_for(int bound)
{
    return ((size_t)bound + WORD_BITS - 1) / WORD_BITS;
}

int plx__select_reserve(void **scratch, plx_socket socket, size_t count)
{
    bit_sets *sets = *scratch;
    size_t words = words_for(socket + 1);
    (void)count; /* It is the largest descriptor that matters. */
    if (sets != NULL && sets->words >= words)
        return 0;
    words += words / 2 + FD_SETSIZE / WORD_BITS;
    sets = plx__reallocate(sets, sizeof *sets + 2 * words * sizeof(fd_mask));
    if (sets == NULL)
        return PLX_ENOMEM;
    sets->words = words;
    *scratch = sets;
    return 0;
}

/* select() fails as a whole for one closed descriptor; find out which. */
static int mark_closed(plx__poll_entry *entries, size_t count)
{
    int closed = 0;
    for (size_t i = 0; i < count; i++) {
        entries[i].revents = 0;
        if (fcntl(entries[i].fd, F_GETFD) < 0) {
            entries[i].revents = POLLNVAL;
            closed++;
        }
    }
    return closed;
}

static int collect(plx__poll_entry *entries, size_t count, const fd_mask *readable,
                   const fd_mask *writable)
{
    int ready = 0;
    for (size_t i = 0; i < count; i++) {
        short revents = 0;
        if (bit_test(readable, entries[i].fd))
            revents |= POLLIN;
        if (bit_test(writable, entries[i].fd))
            revents |= POLLOUT;
        entries[i].revents = revents;
        ready += revents != 0;
    }
    return ready;
}

int plx__select(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch)
{
    int bound = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].fd >= bound)
            bound = entries[i].fd + 1;
    }
    bit_sets *sets = scratch;
    fd_mask *readable = sets->bits;
    fd_mask *writable = sets->bits + sets->words;
    memset(readable, 0, words_for(bound) * sizeof(fd_mask));
    memset(writable, 0, words_for(bound) * sizeof(fd_mask));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].events & POLLIN)
            bit_set(readable, entries[i].fd);
        if (entries[i].events & POLLOUT)
            bit_set(writable, entries[i].fd);
    }
    uint64_t microseconds = timeout_ns / 1000 + (timeout_ns % 1000 != 0);
    struct timeval timeout = {.tv_sec = (time_t)(microseconds / 1000000),
                              .tv_usec = (suseconds_t)(microseconds % 1000000)};
    int ready = select(bound, (fd_set *)(void *)readable, (fd_set *)(void *)writable, NULL,
                       timeout_ns == PLX_FOREVER ? NULL : &timeout);
    if (ready > 0)
        return collect(entries, count, readable, writable);
    if (ready < 0 && errno == EBADF)
        return mark_closed(entries, count);
    if (ready < 0 && errno != EINTR)
        return plx__fail_last();
    for (size_t i = 0; i < count; i++)
        entries[i].revents = 0;
    return 0;
}
