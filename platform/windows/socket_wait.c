/* platform/windows/socket_wait.c - sockets of code that waits in the calls of the system. */
#include "platform/os.h"

/* At least a millisecond, for 0 is none (Microsoft, "SOL_SOCKET Socket Options", SO_RCVTIMEO). */
static int limit_set(plx_socket socket, int option, uint64_t limit_ns)
{
    DWORD limit_ms = plx__milliseconds(limit_ns);
    if (limit_ns == 0)
        return 0;
    return setsockopt(socket, SOL_SOCKET, option, (const char *)&limit_ms, sizeof limit_ms) == 0
               ? 0
               : plx__fail_last();
}

int plx__socket_wait_limit(plx_socket socket, uint64_t receive_ns, uint64_t send_ns)
{
    int status = limit_set(socket, SO_RCVTIMEO, receive_ns);
    return status == 0 ? limit_set(socket, SO_SNDTIMEO, send_ns) : status;
}

/* shutdown() has later calls fail. Whether it ends a recv() that waits already, Microsoft does not
 * say; CancelIoEx() does ("CancelIoEx function": the operations of all threads on the handle). */
void plx__socket_wait_end(plx_socket socket)
{
    (void)shutdown(socket, SD_BOTH);
    (void)CancelIoEx((HANDLE)socket, NULL);
}
