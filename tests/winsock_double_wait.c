/* tests/winsock_double_wait.c - the waits of the double: see winsock_double.h. They wait in slices,
 * and send what is held in between. */
#define WINSOCK_DOUBLE_ITSELF
#include "tests/winsock_double.h"

#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

enum { SLICE = 10, SLICE_WHILE_HELD = 1, EVENTS = POLLRDNORM | POLLRDBAND | POLLWRNORM };

/* The next slice in milliseconds, of a timeout that began then; INFINITE has no end. */
static DWORD slice_of(DWORD timeout, uint64_t began, bool is_held)
{
    DWORD slice = is_held ? SLICE_WHILE_HELD : SLICE;
    uint64_t passed = plx__clock_now() - began;
    if (timeout == INFINITE)
        return slice;
    if (passed >= timeout * PLX_MILLISECOND)
        return 0;
    uint64_t left = timeout - passed / PLX_MILLISECOND;
    return left < slice ? (DWORD)left : slice;
}

static bool pump(void)
{
    double_lock();
    bool is_held = double_pump();
    double_unlock();
    return is_held;
}

/* --- WSAPoll ---------------------------------------------------------------------------------
 */

static unsigned parked_most;

unsigned winsock_double_count_parked(unsigned count)
{
    unsigned before = parked_most;
    parked_most = count;
    return before;
}

static void parked_count(const WSAPOLLFD *entries, ULONG count)
{
    unsigned parked = 0;
    for (ULONG i = 0; i < count; i++)
        parked += (SSIZE_T)entries[i].fd < 0;
    parked_most = parked > parked_most ? parked : parked_most;
}

/* Row 4. Negative sockets may ask for what they like (W). */
static bool asks_too_much(const WSAPOLLFD *entries, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        if ((SSIZE_T)entries[i].fd >= 0 && (entries[i].events & ~EVENTS) != 0)
            return true;
    }
    return false;
}

/* What is asked of the system beneath. */
static void entries_prepare(WSAPOLLFD *beneath, const WSAPOLLFD *entries, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        const double_socket *known = double_find(entries[i].fd);
        beneath[i] = entries[i];
        if (known != NULL && known->held > 0)
            beneath[i].events &= (SHORT)~POLLWRNORM; /* Full, whatever the system says. */
        if (known != NULL && known->is_closed)
            beneath[i].fd = INVALID_SOCKET;
    }
}

/* What it says, as Windows would. */
static SHORT revents_of(const WSAPOLLFD *entry, SHORT beneath)
{
    double_socket *known = double_find(entry->fd);
    bool has_failed = (beneath & POLLERR) != 0;
    if ((SSIZE_T)entry->fd < 0)
        return POLLNVAL;
    if (known == NULL || (beneath & POLLNVAL) != 0)
        return beneath;
    if (has_failed && !known->is_reset && !known->has_ended &&
        (known->is_connecting || known->has_met_failure))
        return double_mode == WINSOCK_OLD
                   ? 0
                   : (SHORT)(POLLHUP | POLLERR | (entry->events & POLLWRNORM));
    if (known->is_connecting && (beneath & POLLWRNORM) != 0)
        known->is_connecting = false;
    if (has_failed)
        known->is_reset = true;
    if (known->is_reset)
        return (SHORT)((beneath & POLLRDNORM) | POLLHUP);
    return known->has_ended ? (SHORT)(beneath | POLLHUP) : beneath;
}

static int entries_translate(WSAPOLLFD *entries, const WSAPOLLFD *beneath, ULONG count)
{
    int ready = 0;
    for (ULONG i = 0; i < count; i++) {
        entries[i].revents = revents_of(&entries[i], beneath[i].revents);
        ready += entries[i].revents != 0 && (entries[i].revents & POLLNVAL) == 0;
    }
    return ready;
}

int WSAAPI double_WSAPoll(WSAPOLLFD *entries, ULONG count, INT timeout)
{
    uint64_t began = plx__clock_now();
    if (double_strikes(DOUBLE_POLL)) {
        if (WSAGetLastError() != WAIT_TIMEOUT)
            return SOCKET_ERROR;
        for (ULONG i = 0; i < count; i++)
            entries[i].revents = 0;
        return 0;
    }
    if (double_mode == 0 || entries == NULL || count == 0)
        return WSAPoll(entries, count, timeout);
    if (asks_too_much(entries, count)) {
        WSASetLastError(WSAEINVAL);
        return SOCKET_ERROR;
    }
    parked_count(entries, count);
    WSAPOLLFD *beneath = malloc(count * sizeof *beneath);
    if (beneath == NULL) {
        WSASetLastError(WSAENOBUFS);
        return SOCKET_ERROR;
    }
    for (;;) {
        bool is_held = pump();
        double_lock();
        entries_prepare(beneath, entries, count);
        double_unlock();
        DWORD slice = slice_of(timeout < 0 ? INFINITE : (DWORD)timeout, began, is_held);
        /* First without waiting: that the peer has ended is known here, and not beneath. */
        int result = WSAPoll(beneath, count, 0);
        double_lock();
        int ready = entries_translate(entries, beneath, count);
        double_unlock();
        if (result >= 0 && ready == 0 && slice > 0) {
            result = WSAPoll(beneath, count, (INT)slice);
            double_lock();
            ready = entries_translate(entries, beneath, count);
            double_unlock();
            if (result > 0 && ready == 0)
                Sleep(1); /* It says what row 1 keeps to itself. */
        }
        if (result < 0 || ready > 0 || slice == 0) {
            free(beneath);
            return result < 0 ? result : ready;
        }
    }
}

/* --- select ----------------------------------------------------------------------------------
 */

static size_t set_bytes(const fd_set *set)
{
    return set != NULL ? offsetof(fd_set, fd_array) + set->fd_count * sizeof(SOCKET) : 0;
}

/* A copy of the set, without those that are full if they are to be left out. */
static fd_set *set_copy(void *memory, const fd_set *set, bool without_full)
{
    fd_set *copy = memory;
    if (set == NULL)
        return NULL;
    copy->fd_count = 0;
    for (u_int i = 0; i < set->fd_count; i++) {
        const double_socket *known = double_find(set->fd_array[i]);
        if (!without_full || known == NULL || known->held == 0)
            copy->fd_array[copy->fd_count++] = set->fd_array[i];
    }
    return copy;
}

static void set_return(fd_set *set, const fd_set *copy)
{
    if (set != NULL)
        memcpy(set, copy, set_bytes(copy));
}

int WSAAPI double_select(int unused, fd_set *readable, fd_set *writable, fd_set *failed,
                         PTIMEVAL timeout)
{
    uint64_t began = plx__clock_now();
    if (double_strikes(DOUBLE_SELECT))
        return SOCKET_ERROR;
    if (double_mode == 0)
        return select(unused, readable, writable, failed, timeout);
    size_t sizes[3] = {set_bytes(readable), set_bytes(writable), set_bytes(failed)};
    char *memory = malloc(sizes[0] + sizes[1] + sizes[2] + 1);
    DWORD left = INFINITE;
    if (memory == NULL) {
        WSASetLastError(WSAENOBUFS);
        return SOCKET_ERROR;
    }
    if (timeout != NULL)
        left = (DWORD)timeout->tv_sec * 1000 + (DWORD)(timeout->tv_usec + 999) / 1000;
    for (;;) {
        DWORD slice = slice_of(left, began, pump());
        struct timeval at_most = {.tv_sec = 0, .tv_usec = (long)slice * 1000};
        double_lock();
        fd_set *reads = set_copy(memory, readable, false);
        fd_set *writes = set_copy(memory + sizes[0], writable, true);
        fd_set *fails = set_copy(memory + sizes[0] + sizes[1], failed, false);
        double_unlock();
        int ready = 0;
        if ((reads == NULL || reads->fd_count == 0) && (writes == NULL || writes->fd_count == 0) &&
            (fails == NULL || fails->fd_count == 0))
            Sleep(slice); /* All are full. */
        else
            ready = select(0, reads, writes, fails, &at_most);
        if (ready == 0 && slice > 0)
            continue;
        if (ready >= 0) {
            set_return(readable, reads);
            set_return(writable, writes);
            set_return(failed, fails);
        }
        free(memory);
        return ready;
    }
}

/* --- completion ports ------------------------------------------------------------------------
 */

BOOL WINAPI double_GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG max,
                                               ULONG *count, DWORD timeout, BOOL is_alertable)
{
    uint64_t began = plx__clock_now();
    if (double_strikes(DOUBLE_DEQUEUE))
        return FALSE;
    if (double_mode == 0)
        return GetQueuedCompletionStatusEx(port, entries, max, count, timeout, is_alertable);
    for (;;) {
        bool is_held = pump();
        DWORD slice = is_held ? slice_of(timeout, began, true) : timeout;
        if (GetQueuedCompletionStatusEx(port, entries, max, count, slice, is_alertable))
            return TRUE;
        if (GetLastError() != WAIT_TIMEOUT || !is_held || slice == 0)
            return FALSE;
    }
}

static bool is_refusing_modes;

void winsock_double_refuse_modes(bool is_refusing)
{
    is_refusing_modes = is_refusing;
}

HANDLE WINAPI double_CreateIoCompletionPort(HANDLE handle, HANDLE port, ULONG_PTR key,
                                            DWORD threads)
{
    if (double_strikes(DOUBLE_PORT))
        return NULL;
    HANDLE result = CreateIoCompletionPort(handle, port, key, threads);
    double_socket *known = double_find((SOCKET)handle);
    if (handle == INVALID_HANDLE_VALUE)
        double_handles_add(result != NULL);
    else if (result != NULL && known != NULL) {
        known->port_of_completions = port;
        known->key = key;
    }
    return result;
}

BOOL WINAPI double_SetFileCompletionNotificationModes(HANDLE handle, UCHAR modes)
{
    return is_refusing_modes ? FALSE : SetFileCompletionNotificationModes(handle, modes);
}
