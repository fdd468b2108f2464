/* posix/socket/receive.c - a receive that waits, in one call of the system.
 *
 * Trying, waiting and trying again are three; a blocking receive of Winsock is one, and so is an
 * overlapped one that nobody has to interrupt. Who must (a signal, shutdown(), the deadline) sets
 * an event; the receive is then cancelled, and what it has got in the meantime is not lost.
 * Handlers run only while none is under way.
 */
#include "posix/signal/signal.h"
#include "posix/socket/socket.h"

#include <string.h>

static bool events_reserve(plx__waiter *waiter)
{
    for (int i = 0; i < 2; i++) {
        if (waiter->events[i] == NULL)
            waiter->events[i] = CreateEventW(NULL, i == 0, FALSE, NULL);
        if (waiter->events[i] == NULL)
            return false;
    }
    return true;
}

static bool is_shut(plx__file *file)
{
    return (plx__atomic_load_acquire(&plx__socket_of(file)->marks) & PLX__SHUT_RECEIVE) != 0;
}

/* How an overlapped receive ended, once it has: a count, or a code. */
static void result_take(SOCKET socket, WSAOVERLAPPED *overlapped, int *count_out, int *os_code_out)
{
    DWORD count = 0;
    DWORD flags = 0;
    *os_code_out = 0;
    if (WSAGetOverlappedResult(socket, overlapped, &count, TRUE, &flags))
        *count_out = (int)count;
    else
        *os_code_out = WSAGetLastError();
}

/* 0: it has ended. -EAGAIN: it was called off, and has got nothing. */
static int receive_once(plx__waiter *waiter, plx__file *file, WSABUF *buffer, uint64_t left,
                        int *count_out, int *os_code_out)
{
    SOCKET socket = plx__socket_handle(file);
    WSAOVERLAPPED overlapped;
    DWORD flags = 0;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = waiter->events[0];
    if (WSARecv(socket, buffer, 1, NULL, &flags, &overlapped, NULL) != 0) {
        *os_code_out = WSAGetLastError();
        if (*os_code_out != WSA_IO_PENDING)
            return 0;
        DWORD ended = WaitForMultipleObjects(2, waiter->events, FALSE, plx__milliseconds(left));
        if (ended != WAIT_OBJECT_0)
            (void)CancelIoEx((HANDLE)socket, (OVERLAPPED *)&overlapped);
    }
    result_take(socket, &overlapped, count_out, os_code_out);
    return *os_code_out == WSA_OPERATION_ABORTED ? -EAGAIN : 0;
}

static int receive(plx__waiter *waiter, plx__file *file, WSABUF *buffer, uint64_t deadline,
                   int *count_out, int *os_code_out)
{
    for (;;) {
        unsigned handled = plx__handlers_run();
        if ((handled & PLX__SIGNALS_NO_RESTART) != 0 ||
            ((handled & PLX__SIGNALS_HANDLED) != 0 && deadline != PLX_FOREVER))
            return -EINTR;
        uint64_t now = plx__clock_now();
        uint64_t left = deadline == PLX_FOREVER ? PLX_FOREVER : deadline > now ? deadline - now : 0;
        /* What has arrived before a shutdown can still be read. */
        int status =
            receive_once(waiter, file, buffer, is_shut(file) ? 0 : left, count_out, os_code_out);
        if (status == 0)
            return 0;
        if (is_shut(file)) {
            *count_out = 0;
            *os_code_out = 0;
            return 0;
        }
        if (left == 0)
            return -EAGAIN;
        (void)plx__atomic_exchange(&waiter->is_woken, 0); /* A full barrier. */
    }
}

int plx__receive_wait(plx__file *file, void *bytes, size_t size, uint64_t deadline, int *count_out,
                      int *os_code_out)
{
    WSABUF buffer = {.len = size < INT32_MAX ? (ULONG)size : INT32_MAX, .buf = bytes};
    plx__waiter *waiter = plx__waiter_get();
    plx__poll_item item = {file, 0, 0, 0};
    if (waiter == NULL || !events_reserve(waiter))
        return -ENOMEM;
    waiter->items = &item;
    waiter->count = 1;
    (void)plx__atomic_add(&file->waiters, 1);
    waiter->waits_for_event = true;
    plx__atomic_store(&waiter->is_woken, 0); /* An event left over costs one turn, and no call. */
    plx__waiter_enter(waiter, file, plx__signals_mask());
    int status = receive(waiter, file, &buffer, deadline, count_out, os_code_out);
    plx__waiter_leave(waiter);
    waiter->waits_for_event = false;
    plx__atomic_store(&waiter->is_woken, 0);
    (void)plx__atomic_add(&file->waiters, UINT32_MAX);
    return status;
}
