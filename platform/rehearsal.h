/* platform/rehearsal.h - what tests ask of the system, and programs do not. */
#ifndef PLX__REHEARSAL_H
#define PLX__REHEARSAL_H

#include "platform/platform.h"

/* Sends this process one of plx_signal_number, as the system would. PLX_ENOSYS where that cannot be
 * done. */
int plx__rehearse_signal(int number);

/* Has the process run out of descriptors for real: no more than `spare` new ones can be made, until
 * it is called with UINT32_MAX. PLX_ENOSYS where that cannot be done. */
int plx__rehearse_descriptor_limit(uint32_t spare);

/* Has WSAPoll behave as before Windows 10 2004, which told it nothing of refused connections, as
 * far as this library's own part in that goes. Nothing on Unix. */
void plx__rehearse_old_poll(bool is_old);

/* Has the socket join a completion port that nobody waits at: 0, or PLX_EINVAL when it belongs to
 * one already. PLX_ENOSYS where there are none. */
int plx__rehearse_port(plx_socket socket);

/* Has the system refuse new io_uring rings to this process for good: as something that is forbidden
 * (EPERM) or that it does not have (ENOSYS). PLX_ENOSYS where there is no such thing. */
int plx__rehearse_no_rings(bool is_forbidden);

/* Has every io_uring_enter(2) of this process fail with this code of the system's for good.
 * PLX_ENOSYS where there is no such thing. */
int plx__rehearse_no_entering(int os_code);

/* Makes the process an ordinary user's that may lock so many bytes of memory, for good. PLX_ENOSYS
 * where that cannot be done. */
int plx__rehearse_memory_lock_limit(uint32_t bytes);

/* Has a process of its own run the function, for 50 s at the most: its number, until it is killed.
 * PLX_ENOSYS where that cannot be done. */
int plx__rehearse_process_start(void (*run)(void *data), void *data);
void plx__rehearse_process_kill(int process);

/* How many descriptors the process has open. PLX_ENOSYS where the system does not tell. */
int plx__rehearse_descriptors(void);

/* Puts another file at the descriptor of the process's newest io_uring, as code does that closes
 * descriptors which are not its own. */
int plx__rehearse_ring_lost(void);

/* Has a child process hold on to all that is open now, until the second is called; one at a time.
 * PLX_ENOSYS where processes inherit nothing without being asked. */
int plx__rehearse_heir_start(void);
void plx__rehearse_heir_end(void);

/* So many readable bytes that are zero and take hardly any memory: PLX_ENOMEM when there is no
 * address space for them. */
int plx__rehearse_zeroes(const void **bytes_out, size_t length);
void plx__rehearse_zeroes_end(const void *bytes, size_t length);

/* Whether this is Wine, which is not Windows everywhere. */
bool plx__rehearsal_is_wine(void);

#endif
