/**
 * @file notify.h
 * What a service tells its supervisor, by the protocol of systemd (sd_notify(3)): that it is ready,
 * that it stops, and that it is alive. No library of systemd is needed. Without a supervisor that
 * listens, and on Windows, nothing is sent.
 */
#ifndef POLLUX_NOTIFY_H
#define POLLUX_NOTIFY_H

#include <pollux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Sends `state`, as "READY=1", "STOPPING=1", "WATCHDOG=1" or several lines, as one datagram to the
 * socket that NOTIFY_SOCKET names: a path, or "@name" in the abstract namespace of Linux. It never
 * blocks. Returns 0, also when there is no NOTIFY_SOCKET; PLX_ENAMETOOLONG, PLX_EINVAL for a socket
 * that is neither, or what the system reports. Any thread.
 */
PLX_API int plx_notify(const char *state);

/**
 * How often the supervisor wants to hear "WATCHDOG=1": half of WATCHDOG_USEC, if WATCHDOG_PID is
 * this process or not set. 0: never. Send it from a timer of the loop that must not hang.
 */
PLX_API uint64_t plx_notify_interval_ns(void);

#ifdef __cplusplus
}
#endif
#endif
