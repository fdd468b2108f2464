/* platform/windows/clock.c - the monotonic clock: the performance counter.
 *
 * GetTickCount64() moves in steps of 10 to 16 ms, which timers would show.
 */
#include "platform/os.h"

uint64_t plx__clock_now(void)
{
    static plx__atomic_u32 frequency_known;
    static LARGE_INTEGER frequency;
    LARGE_INTEGER count;
    if (!plx__atomic_load_acquire(&frequency_known)) {
        LARGE_INTEGER asked;
        QueryPerformanceFrequency(&asked);
        /* Two threads may both come here; they write the same value. */
        frequency = asked;
        plx__atomic_store_release(&frequency_known, 1);
    }
    QueryPerformanceCounter(&count);
    uint64_t ticks = (uint64_t)count.QuadPart;
    uint64_t per_second = (uint64_t)frequency.QuadPart;
    /* In two parts, because the product of the whole would overflow within half an hour. */
    return ticks / per_second * PLX_SECOND + ticks % per_second * PLX_SECOND / per_second;
}

void plx__sleep(uint64_t duration_ns)
{
    if (duration_ns > 0)
        Sleep(plx__milliseconds(duration_ns));
}
