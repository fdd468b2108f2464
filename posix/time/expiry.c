/* posix/time/expiry.c - see expiry.h. A timer of CLOCK_REALTIME is set by the clock as it stands
 * then, and does not follow when that is set anew.
 */
#include "posix/time/expiry.h"

PLX__CALL int plx_posix_clock_gettime(int clock, struct timespec *now);

bool plx__timer_value_is_valid(const plx__timer_value *value)
{
    return plx__timespec_is_valid(&value->value) && plx__timespec_is_valid(&value->interval);
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
    value_out->value = plx__timespec_of(left);
    value_out->interval = plx__timespec_of(of->interval);
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
    uint64_t wanted = plx__timespec_ns(value);
    if (!is_absolute)
        return plx__deadline_after(wanted);
    if (clock != PLX__CLOCK_REALTIME)
        return wanted;
    struct timespec date = {0, 0};
    (void)plx_posix_clock_gettime(PLX__CLOCK_REALTIME, &date);
    uint64_t today = plx__timespec_ns(&date);
    return wanted > today ? plx__deadline_after(wanted - today)
                          : due_before(plx__clock_now(), today - wanted, interval);
}

void plx__expiry_set(plx__expiry *of, const plx__timer_value *value, bool is_absolute)
{
    bool is_armed = value->value.tv_sec != 0 || value->value.tv_nsec != 0;
    of->interval = is_armed ? plx__timespec_ns(&value->interval) : 0;
    of->due =
        is_armed ? first_due(of->clock, &value->value, of->interval, is_absolute) : PLX_FOREVER;
}
