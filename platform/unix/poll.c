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
    if (timeout_ns == PLX_FOREVER)
        return ppoll(entries, (nfds_t)count, NULL, NULL);
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / PLX_SECOND),
                                     .tv_nsec = (long)(timeout_ns % PLX_SECOND)};
    return ppoll(entries, (nfds_t)count, &timeout, NULL);
#else
    return poll(entries, (nfds_t)count, (int)plx__milliseconds(timeout_ns));
#endif
}

/* poll() refuses more entries than the process may have descriptors now (EINVAL), and a process may
 * lower that limit (RLIMIT_NOFILE) below what it has open. select() looks at no limit, but at what
 * is open (Linux, fs/select.c: do_sys_poll() and core_sys_select()). */
PLX__SLOW static int poll_beyond_limit(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    void *scratch = NULL;
    plx_socket highest = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].fd > highest)
            highest = entries[i].fd;
    }
    int ready = plx__select_reserve(&scratch, highest, count);
    if (ready == 0)
        ready = plx__select(entries, count, timeout_ns, scratch);
    plx__free(scratch);
    return ready;
}

/* POSIX leaves open what stands in the entries then; it may be what the wait before has said. */
PLX__SLOW static int poll_interrupted(plx__poll_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entries[i].revents = 0;
    return 0;
}

int plx__poll(plx__poll_entry *entries, size_t count, uint64_t timeout_ns)
{
    int ready = poll_precisely(entries, count, timeout_ns);
    if (ready >= 0)
        return ready;
    if (errno == EINTR)
        return poll_interrupted(entries, count);
    if (errno == EINVAL)
        return poll_beyond_limit(entries, count, timeout_ns);
    return plx__fail_last();
}
