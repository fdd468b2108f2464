/* platform/unix/poll.c - poll(), in nanoseconds where the system has ppoll(). */
#include "platform/os.h"

#include <time.h>

#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
#define HAVE_PPOLL 1
#else
#define HAVE_PPOLL 0
#endif

static int poll_precisely(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
#if HAVE_PPOLL
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / PLX_SECOND),
                                     .tv_nsec = (long)(timeout_ns % PLX_SECOND)};
    return ppoll(entries, (nfds_t)count, timeout_ns == PLX_FOREVER ? NULL : &timeout, NULL);
#else
    return poll(entries, (nfds_t)count, (int)plx__milliseconds(timeout_ns));
#endif
}

int plx__poll(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    int ready = poll_precisely(entries, count, timeout_ns);
    if (ready >= 0)
        return ready;
    return errno == EINTR ? 0 : plx__fail_last();
}
