/* platform/windows/processor.c - the processors that this process may run on.
 *
 * On machines with more than 64 these are those of the process's own group (Microsoft, "Processor
 * Groups").
 */
#include "platform/os.h"

static DWORD_PTR allowed(void)
{
    DWORD_PTR process, system;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &system) || process == 0)
        return 1;
    return process;
}

uint32_t plx__processors_allowed(void)
{
    uint32_t count = 0;
    for (DWORD_PTR left = allowed(); left != 0; left &= left - 1)
        count++;
    return count;
}

int plx__thread_pin(uint32_t index)
{
    DWORD_PTR mask = allowed();
    for (uint32_t left = index % plx__processors_allowed(); left > 0; left--)
        mask &= mask - 1;
    mask &= ~(mask - 1); /* The lowest that is left. */
    return SetThreadAffinityMask(GetCurrentThread(), mask) != 0 ? 0
                                                                : plx__fail((int)GetLastError());
}
