/* platform/windows/select.c - poll()'s contract kept with Winsock's select().
 *
 * An fd_set here is a count and an array, and select() reads as many as the count says; only the
 * type and its macros stop at FD_SETSIZE. So the sets are arrays of our own. What select() leaves
 * in them is in no documented order, so it is sorted and searched.
 */
#include "platform/os.h"

#include <stdlib.h>

typedef struct socket_set {
    u_int count; /* These two are laid out as in fd_set. */
    SOCKET sockets[];
} socket_set;

_Static_assert(offsetof(socket_set, sockets) == offsetof(fd_set, fd_array),
               "an fd_set, but longer");

typedef struct socket_sets {
    size_t room; /* Sockets in each set. */
    socket_set *readable;
    socket_set *writable;
    socket_set *failed; /* A connect that failed is reported only here. */
} socket_sets;

static size_t set_bytes(size_t room)
{
    return sizeof(socket_set) + room * sizeof(SOCKET);
}

int plx__select_reserve(void **scratch, plx_socket socket, size_t count)
{
    socket_sets *sets = *scratch;
    (void)socket;
    if (sets != NULL && sets->room >= count)
        return 0;
    size_t room = count + count / 2 + 64;
    sets = plx__reallocate(sets, sizeof *sets + 3 * set_bytes(room));
    if (sets == NULL)
        return PLX_ENOMEM;
    char *first = (char *)(sets + 1);
    sets->room = room;
    sets->readable = (socket_set *)(void *)first;
    sets->writable = (socket_set *)(void *)(first + set_bytes(room));
    sets->failed = (socket_set *)(void *)(first + 2 * set_bytes(room));
    *scratch = sets;
    return 0;
}

static void set_add(socket_set *set, SOCKET socket)
{
    set->sockets[set->count++] = socket;
}

static int socket_compare(const void *left, const void *right)
{
    SOCKET a = *(const SOCKET *)left;
    SOCKET b = *(const SOCKET *)right;
    return (a > b) - (a < b);
}

static void set_sort(socket_set *set)
{
    qsort(set->sockets, set->count, sizeof(SOCKET), socket_compare);
}

static bool set_has(const socket_set *set, SOCKET socket)
{
    return bsearch(&socket, set->sockets, set->count, sizeof(SOCKET), socket_compare) != NULL;
}

static int collect(plx__poll_entry *entries, size_t count, socket_sets *sets)
{
    int ready = 0;
    set_sort(sets->readable);
    set_sort(sets->writable);
    set_sort(sets->failed);
    for (size_t i = 0; i < count; i++) {
        short revents = 0;
        if (set_has(sets->readable, entries[i].fd))
            revents |= PLX__POLL_READ;
        if (set_has(sets->writable, entries[i].fd))
            revents |= PLX__POLL_WRITE;
        if (set_has(sets->failed, entries[i].fd))
            revents |= POLLERR;
        entries[i].revents = revents;
        ready += revents != 0;
    }
    return ready;
}

/* select() fails as a whole for one closed socket; find out which. */
static int mark_closed(plx__poll_entry *entries, size_t count)
{
    int closed = 0;
    for (size_t i = 0; i < count; i++) {
        entries[i].revents = 0;
        if (plx__socket_check(entries[i].fd) != 0) {
            entries[i].revents = POLLNVAL;
            closed++;
        }
    }
    return closed;
}

static int none_ready(plx__poll_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entries[i].revents = 0;
    return 0;
}

int plx__select(plx__poll_entry *entries, size_t count, uint64_t timeout_ns, void *scratch)
{
    socket_sets *sets = scratch;
    sets->readable->count = sets->writable->count = sets->failed->count = 0;
    for (size_t i = 0; i < count; i++) {
        if ((entries[i].events & PLX__POLL_READ) != 0)
            set_add(sets->readable, entries[i].fd);
        if ((entries[i].events & PLX__POLL_WRITE) != 0) {
            set_add(sets->writable, entries[i].fd);
            set_add(sets->failed, entries[i].fd);
        }
    }
    if (sets->readable->count + sets->writable->count == 0) {
        Sleep(plx__milliseconds(timeout_ns)); /* Without a socket select() is WSAEINVAL. */
        return none_ready(entries, count);
    }
    uint64_t microseconds = timeout_ns / 1000 + (timeout_ns % 1000 != 0);
    uint64_t seconds = microseconds / 1000000;
    struct timeval timeout = {.tv_sec = seconds < INT32_MAX ? (long)seconds : INT32_MAX,
                              .tv_usec = (long)(microseconds % 1000000)};
    int ready = select(0, (fd_set *)(void *)sets->readable, (fd_set *)(void *)sets->writable,
                       (fd_set *)(void *)sets->failed, timeout_ns == PLX_FOREVER ? NULL : &timeout);
    if (ready != SOCKET_ERROR)
        return ready == 0 ? none_ready(entries, count) : collect(entries, count, sets);
    int status = plx__fail_last();
    return status == PLX_ENOTSOCK || status == PLX_EBADF ? mark_closed(entries, count) : status;
}
