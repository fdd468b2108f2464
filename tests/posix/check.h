/* tests/posix/check.h - checks that print what they saw, so that two systems can be compared.
 *
 * Each program of this folder is one of checks: it prints a line for each, and at the end how many
 * there were. What is expected is what Linux does, which the same program shows when it runs there.
 * A deliberate difference of Windows or Wine is a check of its own, behind is_windows.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __linux__
#define IS_WINDOWS false
#else
#define IS_WINDOWS true
#endif

/* The thread sanitizer holds one signal of each number, and does not bear threads that it has not
 * seen start, as those of timers. */
#ifdef __SANITIZE_THREAD__
#define IS_TSAN true
#else
#define IS_TSAN false
#endif

/* The call fails with this errno. */
#define FAILS(call, code) check_fails((errno = 0, (long)(call)), (code), #call, #code)
/* The expression has this value. */
#define IS(expression, value) check_is((long)(expression), (long)(value), #expression)
#define TRUE(expression)      check_is(!!(expression), 1, #expression)
/* poll() of this descriptor for these events says this, as in "IN|HUP"; "" for nothing. */
#define POLLS(fd, events, wanted) check_polls((fd), (events), (wanted), #fd, __LINE__)
/* The same, after it has waited for there to be something. */
#define COMES(fd, events, wanted) check_comes((fd), (events), (wanted), #fd, __LINE__)

void check_fails(long result, int code, const char *call, const char *name);
void check_is(long got, long wanted, const char *what);
void check_text(const char *got, const char *wanted, const char *what);
void check_polls(int fd, int events, const char *wanted, const char *what, int line);
void check_comes(int fd, int events, const char *wanted, const char *what, int line);
/* A heading among the lines. */
void section(const char *name);
/* Prints the count; the exit code. */
int check_end(void);
const char *errno_name(int code);

/* What the checks need again and again. A failure of these ends the program. */
unsigned short port_of(int fd);
/* Bound to the loopback, and listening if it is a stream. */
int bound(int type);
/* Bound, and not listening: connections to it are refused while it is open, after which the system
 * may give its port to another process. */
int refusing(int type);
int connected_to(int listener);
/* Two ends of a TCP connection. */
void tcp_pair(int ends[2]);
void non_blocking(int fd, bool is_on);
/* Closes so that the peer sees a reset. */
void reset(int fd);
void wait_for(int fd, int events);
double seconds_now(void);
/* For a thread that does something to a call in which another waits: gives the other time to get
 * there. From outside nothing tells when it has, on either system. Should it come later still, it
 * finds done what it was to wait for; only a descriptor that is closed by then is another case. */
void moment(void);
/* Sends bytes, one in a millisecond, until that fails, for 20 s at the most. */
ssize_t send_until_it_fails(int fd);

#endif
