/* platform/unix/wake.c - an eventfd on Linux, a pipe elsewhere. */
#include "platform/os.h"

#include <fcntl.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "platform/fault.h"

int plx__wake_open(plx__wake *wake)
{
    wake->reader = wake->writer = PLX_SOCKET_NONE;
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
#ifdef __linux__
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0)
        return plx__fail_last();
    wake->reader = wake->writer = descriptor;
#else
    int ends[2];
    if (pipe(ends) != 0)
        return plx__fail_last();
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    wake->reader = ends[0];
    wake->writer = ends[1];
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
#endif
    plx__fault_taken(PLX__FAULT_DESCRIPTOR);
    return 0;
}

void plx__wake_close(plx__wake *wake)
{
    plx__socket_close(wake->reader);
    if (wake->writer != wake->reader)
        plx__socket_close(wake->writer);
    wake->reader = wake->writer = PLX_SOCKET_NONE;
}

void plx__wake_send(plx__wake *wake)
{
    /* A signal handler may be here, and must leave errno as it was. A write that does not fit finds
     * the reader readable already. */
    const uint64_t one = 1;
    int before = errno;
    while (write(wake->writer, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    errno = before;
}

int plx__wake_drain(plx__wake *wake, bool *renewed_out)
{
    uint64_t taken[16];
    ssize_t got;
    *renewed_out = false;
    /* An eventfd is empty after one read. A pipe that is not stays readable: the next turn reads
     * on, and wakes are told apart by nobody. */
    do {
        got = read(wake->reader, taken, sizeof taken);
    } while (got < 0 && errno == EINTR);
    return 0;
}
