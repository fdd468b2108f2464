/* posix/expiry.c - see expiry.h. A timer of CLOCK_REALTIME is set by the clock as it stands then,
 * and does not follow when that is set anew.
 */
#include "posix/expiry.h"

PLX__CALL int plx_posix_clock_gettime(int clock, struct timespec *now);

static bool is_time(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

bool plx__timer_value_is_valid(const plx__timer_value *value)
{
    return is_time(&value->value) && is_time(&value->interval);
}

static uint64_t nanoseconds_of(const struct timespec *time)
{
    if ((uint64_t)time->tv_sec >= PLX_FOREVER / PLX_SECOND / 2)
        return PLX_FOREVER / 2;
    return (uint64_t)time->tv_sec * PLX_SECOND + (uint64_t)time->tv_nsec;
}

static struct timespec timespec_of(uint64_t time)
{
    struct timespec value = {.tv_sec = (time_t)(time / PLX_SECOND),
                             .tv_nsec = (long)(time % PLX_SECOND)};
    return value;
}

uint64_t plx__expiry_count(const plx__expiry *of, uint64_t now)
{
    if (of->due > now)
        return 0;
    return of->interval != 0 ? (now - of->due) / of->interval + 1 : 1;
}

void plx__expiry_pass(plx__expiry *of, uint64_t count)
{
    if (count > 0)
        of->due = of->interval != 0 ? of->due + count * of->interval : PLX_FOREVER;
}

void plx__expiry_tell(const plx__expiry *of, plx__timer_value *value_out)
{
    uint64_t left = 0;
    uint64_t now = plx__clock_now();
    if (of->due > now && of->due != PLX_FOREVER)
        left = of->due - now;
    else if (of->due <= now && of->interval != 0)
        left = of->interval - (now - of->due) % of->interval;
    value_out->value = timespec_of(left);
    value_out->interval = timespec_of(of->interval);
}

/* When it was first due. What was so before plx__clock_now() was 0 keeps its phase only. */
static uint64_t due_before(uint64_t now, uint64_t late, uint64_t interval)
{
    if (late <= now)
        return now - late;
    uint64_t rest = interval != 0 ? (late - now) % interval : 0;
    return rest != 0 ? interval - rest : 0;
}

/* When it is first due, by plx__clock_now(). */
static uint64_t first_due(int clock, const struct timespec *value, uint64_t interval,
                          bool is_absolute)
{
    uint64_t wanted = nanoseconds_of(value);
    if (!is_absolute)
        return plx__deadline_after(wanted);
    if (clock != PLX__CLOCK_REALTIME)
        return wanted;
    struct timespec date = {0, 0};
    (void)plx_posix_clock_gettime(PLX__CLOCK_REALTIME, &date);
    uint64_t today = nanoseconds_of(&date);
    return wanted > today ? plx__deadline_after(wanted - today)
                          : due_before(plx__clock_now(), today - wanted, interval);
}

void plx__expiry_set(plx__expiry *of, const plx__timer_value *value, bool is_absolute)
{
    bool is_armed = value->value.tv_sec != 0 || value->value.tv_nsec != 0;
    of->interval = is_armed ? nanoseconds_of(&value->interval) : 0;
    of->due =
        is_armed ? first_due(of->clock, &value->value, of->interval, is_absolute) : PLX_FOREVER;
}
