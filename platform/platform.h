/* platform/platform.h - the operating system, as thin as it can be and the same on all of them.
 *
 * One header, two bodies: platform/unix and platform/windows. No system header comes this way, so
 * that core/ cannot lean on one by accident; backends that need one include platform/os.h.
 *
 * Functions return 0 (or a count) or a negative PLX_E code; the system's own code stays with the
 * thread, for plx_os_error(). EINTR never comes out. Nothing here is safe to call from two threads
 * on the same object, but what says so.
 */
#ifndef PLX__PLATFORM_H
#define PLX__PLATFORM_H

#include <pollux/error.h>
#include <pollux/types.h>

#include <stdbool.h>

#include "platform/atomic.h"

/* PLX__SLOW marks what is off the path of most events, to keep it out of the functions that are on
 * it; PLX__APART what is frequent too, and must not cost the others. */
#if defined(__GNUC__)
#define PLX__SLOW              __attribute__((noinline, cold))
#define PLX__APART             __attribute__((noinline))
#define PLX__LIKELY(condition) __builtin_expect((condition), 1)
#elif defined(_MSC_VER)
#define PLX__SLOW  __declspec(noinline)
#define PLX__APART __declspec(noinline)
#else
#define PLX__SLOW
#define PLX__APART
#endif
#ifndef PLX__LIKELY
#define PLX__LIKELY(condition) (condition)
#endif

/* --- errors (error.c) ----------------------------------------------------------------------- */

/* Remembers the system's code for plx_os_error() and returns the Pollux code for it. */
int plx__fail(int os_code);
/* The same for the code of the call that has just failed on this thread. */
int plx__fail_last(void);

/* --- memory (memory.c) ---------------------------------------------------------------------- */

/* NULL when there is none left. What these return is freed with plx__free alone. */
void *plx__allocate(size_t bytes);
void *plx__allocate_zeroed(size_t count, size_t bytes);
void *plx__reallocate(void *memory, size_t bytes);
void plx__free(void *memory);

/* What an array with this room is to have room for next; `first` if it has none, which is 4 or
 * more. By a quarter: whoever has many of something has one array that is large, and half of one
 * that doubles may never be used. */
static inline uint32_t plx__room_next(uint32_t room, uint32_t first)
{
    return room == 0 ? first : room + room / 4;
}

/* --- clock (clock.c) ------------------------------------------------------------------------ */

/* Monotonic, in nanoseconds. Any thread. */
uint64_t plx__clock_now(void);
/* Pauses the thread, for no longer than it must; a signal may end it early. */
void plx__sleep(uint64_t duration_ns);

/* --- addresses (address.c) ------------------------------------------------------------------ */

enum plx__family { PLX__FAMILY_NONE, PLX__FAMILY_IPV4, PLX__FAMILY_IPV6, PLX__FAMILY_UNIX };

/* A socket address in the system's own form. */
typedef struct plx__address {
    uint32_t length; /* Of the valid bytes of `storage`. */
    uint32_t family; /* plx__family. */
    union {
        uint64_t align;
        unsigned char bytes[128];
    } storage;
} plx__address;

/* Parses "tcp://host:port" or "unix:path". 0, PLX_EADDRESS, PLX_ESCHEME, PLX_ENAMETOOLONG or
 * PLX_EAFNOSUPPORT. */
int plx__address_parse(plx__address *address_out, const char *text);
/* Writes it in the same form. 0, or PLX_EINVAL when `size` is too small. */
int plx__address_print(const plx__address *address, char *text, size_t size);
/* The path of a Unix-domain address that is a file, else NULL. */
const char *plx__address_path(const plx__address *address);

/* --- IP addresses (ip.c) -------------------------------------------------------------------- */

#define PLX__IPV4_BYTES 4u
#define PLX__IPV6_BYTES 16u
/* Of one as text, with the zero at its end. */
#define PLX__IP_TEXT_BYTES 46u

/* An IP address, in the order of the network. */
typedef struct plx__ip {
    uint32_t length; /* PLX__IPV4_BYTES, PLX__IPV6_BYTES, or 0 for none. */
    unsigned char bytes[16];
} plx__ip;

/* Parses "10.0.0.1" or "2001:db8::1", without a port, brackets or a zone. 0 or PLX_EADDRESS. */
int plx__ip_parse(plx__ip *ip_out, const char *text);
/* The same in the other direction, for one that is not none. */
void plx__ip_print(const plx__ip *ip, char text[PLX__IP_TEXT_BYTES]);
/* An IPv4 address that is mapped into IPv6 (::ffff:10.0.0.1) becomes the IPv4 address. */
void plx__ip_unmap(plx__ip *ip);
/* That of a socket address; none for a Unix-domain one. */
void plx__ip_of(plx__ip *ip_out, const plx__address *address);

/* --- sockets (socket.c) --------------------------------------------------------------------- */

/* A run of bytes, laid out as the system's own type for gathered sends (struct iovec, WSABUF). */
#ifdef _WIN32
typedef unsigned long plx__slice_length;
typedef struct plx__slice {
    plx__slice_length length;
    const void *bytes;
} plx__slice;
#else
typedef size_t plx__slice_length;
typedef struct plx__slice {
    const void *bytes;
    plx__slice_length length;
} plx__slice;
#endif

/* A slice of the bytes, or of as many of them as one can hold. */
static inline plx__slice plx__slice_of(const void *bytes, size_t length)
{
    plx__slice slice;
    slice.bytes = bytes;
#ifdef _WIN32
    slice.length = length < INT32_MAX ? (unsigned long)length : (unsigned long)INT32_MAX;
#else
    slice.length = length;
#endif
    return slice;
}

enum plx__socket_option {
    PLX__SOCKET_NO_DELAY,       /* Nagle's algorithm off. */
    PLX__SOCKET_ONLY_IPV6,      /* No IPv4 through this IPv6 socket. */
    PLX__SOCKET_RESET_ON_CLOSE, /* Closing resets the connection (SO_LINGER of 0 s). */
    PLX__SOCKET_SEND_BYTES,     /* The system's send buffer. */
    PLX__SOCKET_RECEIVE_BYTES,  /* The system's receive buffer. */
    PLX__SOCKET_LISTEN_ALONE,   /* Nobody else may take the address; a dead one may be reused. */
    PLX__SOCKET_SHARE_PORT,     /* Others that say so may listen at the address too, and the system
                                 * distributes connections. PLX_ENOSYS where it does not. */
    PLX__SOCKET_DEFER_ACCEPT /* Connections wait for their first bytes, for so many seconds at the
                              * most. PLX_ENOSYS where the system does not know that. */
};

/* Starts and ends the system's sockets; calls nest. Sockets may be used in between. */
int plx__sockets_start(void);
void plx__sockets_end(void);

/* A stream socket: non-blocking, not inherited by children, silent about broken pipes. */
int plx__socket_open(plx_socket *socket_out, uint32_t family);
/* NONE is allowed. */
void plx__socket_close(plx_socket socket);
/* Makes a connected stream as plx__socket_open() would have made it: 0, PLX_EBADF, PLX_ENOTSOCK,
 * PLX_EINVAL for what is no stream, PLX_ENOTCONN. */
int plx__socket_adopt(plx_socket socket);
/* The same for a stream socket that listens: 0, PLX_EBADF, PLX_ENOTSOCK, PLX_EINVAL for any other
 * one. Nothing has been changed on failure, unless the system refuses to make it non-blocking. */
int plx__socket_adopt_listening(plx_socket socket);
/* Whether calls on it wait: 0, PLX_EBADF or PLX_ENOTSOCK. */
int plx__socket_set_blocking(plx_socket socket, bool is_blocking);
/* Another number for it, not inherited by children. The caller owns it, and
 * plx__socket_dispose() closes it. */
int plx__socket_duplicate(plx_socket socket, plx_socket *socket_out);
/* It is closed by somebody else: */
void plx__socket_disown(plx_socket socket);
/* Or not, after all: it is as it was. */
void plx__socket_reown(plx_socket socket);
/* by this, for example. NONE is allowed. */
void plx__socket_dispose(plx_socket socket);
int plx__socket_set(plx_socket socket, enum plx__socket_option option, int value);
int plx__socket_bind(plx_socket socket, const plx__address *address);
int plx__socket_listen(plx_socket socket, uint32_t backlog);
/* An address is in use since `since_ns`: whether it may become free by itself, and it is worth
 * asking again. Waits a moment before it says so. On Linux the sockets of a process that was killed
 * outlive it by some ms while io_uring has requests for them. */
bool plx__address_retry(uint64_t since_ns);
/* The new socket is as plx__socket_open() makes them, and has its listener's NO_DELAY. PLX_EAGAIN
 * when none waits; PLX_ECONNABORTED when one did and has gone. */
int plx__socket_accept(plx_socket listener, plx_socket *socket_out);
/* 0 when connected at once, PLX_EAGAIN when that is under way. */
int plx__socket_connect(plx_socket socket, const plx__address *address);
/* How a connect that was under way ended, once the socket is writable or failed. */
int plx__socket_connect_result(plx_socket socket);
/* Bytes received, 0 at the end of the stream, PLX_EAGAIN when nothing is there yet. Backends have
 * plx__receive() in platform/os.h, which is the same without a call. */
ptrdiff_t plx__socket_receive(plx_socket socket, void *bytes, size_t size);
/* Bytes taken, which may be fewer; 0 when none can be now. PLX_ENOBUFS: the system lacks memory for
 * it, which may pass. Backends: plx__send(). */
ptrdiff_t plx__socket_send(plx_socket socket, const void *bytes, size_t length);
ptrdiff_t plx__socket_send_slices(plx_socket socket, const plx__slice *slices, size_t count);
int plx__socket_shutdown(plx_socket socket);

enum plx__look { PLX__LOOK_READ = 1, PLX__LOOK_WRITE = 2 };

/* Which of the two, bits of plx__look, would not block now; a connect that has ended counts as one
 * that can be written to, and a failure as both. All that was asked, if the system cannot tell. */
uint32_t plx__socket_look(plx_socket socket, uint32_t interest);
int plx__socket_name(plx_socket socket, plx__address *address_out);
int plx__socket_peer(plx_socket socket, plx__address *address_out);
/* Whether this is something that poll() and its like can wait for: 0, PLX_EBADF, PLX_ENOTSOCK. */
int plx__socket_check(plx_socket socket);

/* --- sockets of code that waits in the calls of the system (socket_wait.c) ------------------- */

/* Blocking receives and sends fail after so long; 0 changes nothing. */
int plx__socket_wait_limit(plx_socket socket, uint64_t receive_ns, uint64_t send_ns);
/* Whoever waits for the socket in a call returns from it, and later calls do not wait: they see the
 * end of the stream, or fail. Another thread than the one that waits. */
void plx__socket_wait_end(plx_socket socket);

/* --- options of connected sockets (socket_option.c) ------------------------------------------ */

/* `option` is one of plx_conn_option, its value within bounds, and `family` the socket's.
 * PLX_ENOSYS where the system does not know it. */
int plx__socket_option_set(plx_socket socket, uint32_t family, int option, int value);
int plx__socket_option_get(plx_socket socket, uint32_t family, int option, int *value_out);

/* Who is at the other end; -1 for what the system does not tell. */
typedef struct plx__credentials {
    int64_t process, user, group;
} plx__credentials;

/* Of a Unix-domain socket. PLX_ENOSYS where the system tells nothing. */
int plx__socket_credentials(plx_socket socket, plx__credentials *credentials_out);

/* --- the files of Unix-domain listeners (socket_path.c) -------------------------------------- */

/* The file that a Unix-domain listener has (socket_path.c), by what tells it from every other. */
typedef struct plx__socket_path plx__socket_path;

/* Binds the socket to the file that the address names and listens there. A socket file that nobody
 * listens at any more is replaced; whatever else is there stays: PLX_EADDRINUSE. The file of a
 * server that starts at this moment counts as that of one that listens. `mode` are the file's
 * permission bits, which it has before anybody can connect; 0: what the system gives it. PLX_ENOSYS
 * where files have no such bits. */
int plx__socket_path_listen(plx_socket socket, const plx__address *address, uint32_t backlog,
                            uint32_t mode, plx__socket_path **path_out);
/* Removes the file if it still is the listener's, and frees the memory. Before the socket is
 * closed. */
void plx__socket_path_remove(plx__socket_path *path);
/* Frees the memory; the file stays. `path` may be NULL. */
void plx__socket_path_forget(plx__socket_path *path);

/* A descriptor held back, to be let go when none is left. */
typedef struct plx__spare {
    plx_socket descriptor;
} plx__spare;
void plx__spare_open(plx__spare *spare);
void plx__spare_close(plx__spare *spare);

/* --- threads (thread.c) --------------------------------------------------------------------- */

typedef struct plx__thread {
    void *opaque[2];
} plx__thread;

/* As large on 32 bits as on 64: glibc's pthread_cond_t has 48 bytes on both. */
typedef struct plx__mutex {
    uint64_t opaque[8];
} plx__mutex;

typedef struct plx__condition {
    uint64_t opaque[8];
} plx__condition;

typedef void (*plx__thread_fn)(void *data);

/* 0, PLX_ENOMEM or PLX_ELIMIT. Every thread that starts must be joined. */
int plx__thread_start(plx__thread *thread_out, plx__thread_fn run, void *data);
void plx__thread_join(plx__thread *thread);
void plx__thread_yield(void);
/* How many threads of this process are helpers of its loops, with which forked children can do
 * without (docs/forks.md). */
extern plx__atomic_u32 plx__helpers;
/* On how many processors threads of this process may run; 1 at least. */
uint32_t plx__processors_allowed(void);
/* Has the calling thread run on one of them only: number `index`, modulo their number. 0, or
 * PLX_ENOSYS where the system has no such call. */
int plx__thread_pin(uint32_t index);
void plx__mutex_open(plx__mutex *mutex);
void plx__mutex_close(plx__mutex *mutex);
void plx__mutex_lock(plx__mutex *mutex);
void plx__mutex_unlock(plx__mutex *mutex);
/* Locks it and returns true, unless somebody else has locked it. */
bool plx__mutex_try(plx__mutex *mutex);
void plx__condition_open(plx__condition *condition);
void plx__condition_close(plx__condition *condition);
/* Returns whether it was signalled, as opposed to `timeout_ns` (PLX_FOREVER: none) being over. */
bool plx__condition_wait(plx__condition *condition, plx__mutex *mutex, uint64_t timeout_ns);
void plx__condition_signal(plx__condition *condition);

/* --- wake (wake.c) -------------------------------------------------------------------------- */

/* A socket that becomes readable when another thread says so. */
typedef struct plx__wake {
    plx_socket reader; /* To be waited for. */
    plx_socket writer;
    void *guard; /* Of the writer, where it may be exchanged while others send: an SRWLOCK. */
} plx__wake;

int plx__wake_open(plx__wake *wake);
void plx__wake_close(plx__wake *wake);
/* Any thread, and signal handlers. */
void plx__wake_send(plx__wake *wake);
/* After the reader was readable. Returns 0, or after a moment a code when the pair broke and could
 * not be made anew: the reader stays readable then. `*renewed_out` says that it is another one. */
int plx__wake_drain(plx__wake *wake, bool *renewed_out);

/* --- signals (signal.c) --------------------------------------------------------------------- */

/* The signals of plx_signal_number in the same order, as indexes of arrays and of bits. */
enum plx__signal_number {
    PLX__SIGNAL_NONE,
    PLX__SIGNAL_INTERRUPT,
    PLX__SIGNAL_TERMINATE,
    PLX__SIGNAL_HANGUP,
    PLX__SIGNAL_QUIT,
    PLX__SIGNAL_USER1,
    PLX__SIGNAL_USER2,
    PLX__SIGNAL_CHILD,
    PLX__SIGNAL_NUMBERS
};

/* `wake` is called in a signal handler on Unix, on a thread of the system's on Windows, when
 * bits were added to `pending`: bit N for plx__signal_number N. */
typedef struct plx__signal_listener {
    plx__atomic_u32 pending;
    void (*wake)(void *data);
    void *data;
    int32_t slot; /* In the process's table; -1 when it is in none. */
} plx__signal_listener;

void plx__signal_listener_init(plx__signal_listener *listener, void (*wake)(void *), void *data);
/* Adds one of plx__signal_number to, or removes it from, what the listener is told. Calls nest not:
 * each number is added once. PLX_ENOSYS, PLX_ELIMIT. Any thread, for different listeners. */
int plx__signal_add(plx__signal_listener *listener, int number);
void plx__signal_remove(plx__signal_listener *listener, int number);

/* --- forks (fork.c) ------------------------------------------------------------------------- */

#ifdef _WIN32
static inline int plx__forks_watch(void)
{
    return 0;
}

static inline uint32_t plx__forks(void)
{
    return 0;
}
#else
/* From now on plx__forks() counts, and signals can be removed in children. 0 or PLX_ENOMEM. Any
 * thread. */
int plx__forks_watch(void);

extern uint32_t plx__forks_seen;

/* How many calls of fork() lie between the first process and this one: another number than before
 * means that this process is a child. */
static inline uint32_t plx__forks(void)
{
    return plx__forks_seen;
}
#endif

#endif
