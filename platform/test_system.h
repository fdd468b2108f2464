/* platform/test_system.h - test hooks: what tests ask of the system, and programs do not. A test
 * that acts inside of a wait uses the steps of platform/hook.h. */
#ifndef PLX__TEST_SYSTEM_H
#define PLX__TEST_SYSTEM_H

#include "platform/platform.h"

/* Sends this process one of plx_signal_number, as the system would. PLX_ENOSYS where that cannot be
 * done. */
int plx__test_signal(int number);

/* Has the process run out of descriptors for real: no more than `spare` new ones can be made, until
 * it is called with UINT32_MAX. PLX_ENOSYS where that cannot be done. */
int plx__test_descriptor_limit(uint32_t spare);

/* Lets the process have so many descriptors, or as many as the system lets it, if it has fewer: the
 * usual limit of a login is 1,024. Nothing where there is no such limit. */
void plx__test_descriptors_allow(uint32_t count);

/* Sets the process's limit of descriptors, whatever is open, until it is called with UINT32_MAX.
 * PLX_ENOSYS where there is no such limit. */
int plx__test_descriptor_ceiling(uint32_t ceiling);

/* Has the system refuse to accept (EPERM), for good. PLX_ENOSYS where that cannot be done. */
int plx__test_no_accepts(void);

/* Has a signal interrupt whatever the process waits for, each millisecond, until the second is
 * called; that returns how often it did. PLX_ENOSYS where there is no such thing. */
int plx__test_interruptions_start(void);
uint32_t plx__test_interruptions_end(void);

/* Makes another descriptor of the same socket, the lowest free number. plx__socket_dispose() closes
 * it. PLX_ENOSYS where there are none. */
int plx__test_duplicate(plx_socket socket, plx_socket *duplicate_out);

/* Opens a device that cannot be polled, as plx__test_duplicate() would. */
int plx__test_device(plx_socket *device_out);

/* Has WSAPoll behave as before Windows 10 2004, which told it nothing of refused connections, as
 * far as this library's own part in that goes. Nothing on Unix. */
void plx__test_old_poll(bool is_old);

/* Has the socket join a completion port that nobody waits at: 0, or PLX_EINVAL when it belongs to
 * one already. PLX_ENOSYS where there are none. */
int plx__test_port(plx_socket socket);

/* Has the system refuse new io_uring rings to this process for good: as something that is forbidden
 * (EPERM) or that it does not have (ENOSYS). PLX_ENOSYS where there is no such thing. */
int plx__test_no_rings(bool is_forbidden);

/* Has the system refuse epoll_pwait2(2) to this process for good, as above. */
int plx__test_no_fine_waits(bool is_forbidden);

/* Has every io_uring_enter(2) of this process fail with this code of the system's for good.
 * PLX_ENOSYS where there is no such thing. */
int plx__test_no_entering(int os_code);

/* Has this operation of io_uring_register(2) fail with this code of the system's for good.
 * PLX_ENOSYS where there is no such thing. */
int plx__test_no_registering(uint32_t operation, int os_code);

/* Makes the process an ordinary user's that may lock so many bytes of memory, for good. PLX_ENOSYS
 * where that cannot be done. */
int plx__test_memory_lock_limit(uint32_t bytes);

/* Has a process of its own run the function, for 50 s at the most: its number, until it is killed.
 * PLX_ENOSYS where that cannot be done. */
int plx__test_process_start(void (*run)(void *data), void *data);
void plx__test_process_kill(int process);

/* Receives the datagrams that are sent to a Unix-domain socket of that name: a path, or "@name" in
 * Linux's abstract namespace. PLX_ENOSYS where there is no such namespace, or no such socket. */
int plx__test_datagram_open(const char *name, plx_socket *socket_out);

/* What a peer is told of this process. PLX_ENOSYS where peers are told nothing. */
int plx__test_credentials(plx__credentials *credentials_out);

/* How many descriptors the process has open. PLX_ENOSYS where the system does not tell. */
int plx__test_descriptors(void);

/* How many of them a program that this process executes would have, too. */
#ifdef _WIN32
static inline int plx__test_inherited(void)
{
    return PLX_ENOSYS;
}
#else
int plx__test_inherited(void);
#endif

/* Puts another file at the descriptor of the process's newest io_uring, as code does that closes
 * descriptors which are not its own. */
int plx__test_ring_lost(void);

/* Has a child process hold on to all that is open now, until the second is called; one at a time.
 * PLX_ENOSYS where processes inherit nothing without being asked. */
int plx__test_keeper_start(void);
void plx__test_keeper_end(void);

/* Has this process and its children end when they crash or abort, without a dialog that waits for a
 * person: call it first. Nothing on Unix. */
void plx__test_unattended(void);

/* Sets a variable of the environment, or removes it if `value` is NULL. On Windows an empty value
 * removes it, too. */
int plx__test_environment(const char *name, const char *value);
/* Files, by relative paths of ASCII: 0, a code, or PLX_ENOSYS where that cannot be done. */
int plx__test_directory(const char *path);
/* The absolute path of the current one. */
int plx__test_directory_path(char *path, size_t size);
int plx__test_directory_enter(const char *path);
int plx__test_directory_remove(const char *path);
int plx__test_symlink(const char *target, const char *path);

/* The permission bits of a file, or PLX_ENOSYS where files have none. */
int plx__test_path_mode(const char *path);
/* Sets them. */
int plx__test_path_set_mode(const char *path, uint32_t mode);
/* Whether this process may become another user, and has it become that one. */
bool plx__test_is_root(void);
int plx__test_become(uint32_t user);

/* Locks the present directory as a server does that starts there, until it is called with false.
 * PLX_ENOSYS where directories are not locked. */
int plx__test_path_lock(bool is_locked);

/* How many seconds a process of a case may live: 50, or POLLUX_TEST_PATIENCE if that is more. */
unsigned plx__test_seconds_max(void);
/* Forks: 1 in the parent, 0 in the child, or a code; PLX_ENOSYS where there is no fork(). The child
 * must end with plx__test_report(), and is killed when it has not after plx__test_seconds_max(). It
 * may fork in its turn. The first parent has one child at a time. */
int plx__test_fork(void);
/* In a child: ends it at once, with a result for the first parent, from 0 to 255. */
void plx__test_report(int result);
/* In a child that has forked: ends it at once and leaves the result to its own child. */
void plx__test_vanish(void);
/* In a child: suspends it (SIGSTOP) until the first parent continues it. */
void plx__test_suspend(void);
/* In the first parent: suspends its child, or waits for it to do so itself. True when the child is
 * suspended, false if it has ended. */
bool plx__test_fork_suspend(bool by_itself);
/* In the first parent: continues the suspended child. */
void plx__test_fork_continue(void);
/* In the first parent: waits until child and grandchild have ended. The result, or -1 if there was
 * none. */
int plx__test_fork_join(void);
/* Whether this process's parent is another one than when it was forked: the parent has ended. */
bool plx__test_is_orphan(void);

/* So many readable bytes that are zero and take hardly any memory: PLX_ENOMEM when there is no
 * address space for them. */
int plx__test_zeroes(const void **bytes_out, size_t length);
void plx__test_zeroes_end(const void *bytes, size_t length);

/* Whether this is Wine, which is not Windows everywhere. */
bool plx__test_is_wine(void);

/* Whether the system drops bytes that it has taken from a send when the peer shuts its side, as
 * Wine does since 9 (server/sock.c, sock_dispatch_asyncs; windows_facts, send.6). */
bool plx__test_loses_sends(void);

#endif
