/* platform/unix/processor.c - the processors that this process may run on. */
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

#include "platform/platform.h"

#ifdef __linux__
/* As many as a cpu_set_t has room for, which is more than most machines have. On larger ones the
 * call fails (sched_setaffinity(2), EINVAL), and there is one processor, as far as this knows. */
uint32_t plx__processors_allowed(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 1)
        return 1;
    return (uint32_t)CPU_COUNT(&allowed);
}

int plx__thread_pin(uint32_t index)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return plx__fail_last();
    uint32_t left = index % plx__processors_allowed();
    for (size_t number = 0; number < CPU_SETSIZE; number++) {
        if (!CPU_ISSET(number, &allowed) || left-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(number, &one);
        return sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : plx__fail_last();
    }
    return PLX_ENOSYS;
}
#else
uint32_t plx__processors_allowed(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

/* macOS has no such call, and FreeBSD one of its own. */
int plx__thread_pin(uint32_t index)
{
    (void)index;
    return PLX_ENOSYS;
}
#endif
