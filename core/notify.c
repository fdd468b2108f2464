/* core/notify.c - what a service tells its supervisor: sd_notify(3), sd_watchdog_enabled(3). */
#include <pollux/notify.h>

#include <stdlib.h>
#include <string.h>

#include "platform/handover.h"

int plx_notify(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    return name != NULL ? plx__datagram_send(name, state, strlen(state)) : 0;
}

/* Returns 0 unless the text is digits alone: strtoull() accepts a sign and a space, too. */
static uint64_t number_of(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    return *text >= '0' && *end == '\0' ? number : 0;
}

uint64_t plx_notify_interval_ns(void)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *process = getenv("WATCHDOG_PID");
    if (period == NULL || (process != NULL && number_of(process) != plx__process_id()))
        return 0;
    uint64_t microseconds = number_of(period);
    return microseconds < PLX_FOREVER / PLX_MICROSECOND ? microseconds * PLX_MICROSECOND / 2 : 0;
}
