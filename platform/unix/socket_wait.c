/* platform/unix/socket_wait.c - sockets of code that waits in the calls of the system. */
#include "platform/os.h"

#include <sys/time.h>

/* At least a microsecond, for 0 is none (socket(7), SO_RCVTIMEO). */
static int limit_set(plx_socket socket, int option, uint64_t limit_ns)
{
    struct timeval limit = {.tv_sec = (time_t)(limit_ns / PLX_SECOND),
                            .tv_usec = (suseconds_t)(limit_ns % PLX_SECOND / PLX_MICROSECOND)};
    if (limit_ns == 0)
        return 0;
    if (limit.tv_sec == 0 && limit.tv_usec == 0)
        limit.tv_usec = 1;
    return setsockopt(socket, SOL_SOCKET, option, &limit, sizeof limit) == 0 ? 0 : plx__fail_last();
}

int plx__socket_wait_limit(plx_socket socket, uint64_t receive_ns, uint64_t send_ns)
{
    int status = limit_set(socket, SO_RCVTIMEO, receive_ns);
    return status == 0 ? limit_set(socket, SO_SNDTIMEO, send_ns) : status;
}

void plx__socket_wait_end(plx_socket socket)
{
    (void)shutdown(socket, SHUT_RDWR);
}
