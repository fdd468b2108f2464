/* platform/process.h - child processes, and what a command-line program asks of its surroundings.
 *
 * For tools/ and tests only: the library starts no process, and does not contain this. Like
 * platform/platform.h it is one header with two bodies, and names no type of the system.
 *
 * A child's standard input and output are pipes to here; its standard error is ours. No other
 * descriptor reaches it. Text is UTF-8. One thread at a time may use a process.
 */
#ifndef PLX__PROCESS_H
#define PLX__PROCESS_H

#include "platform/platform.h"

#define PLX__PATH_MAX 4096u

typedef struct plx__process plx__process;

/* How a child ended, and what it cost, by the system's accounting; 0 for what that does not know.
 */
typedef struct plx__process_usage {
    int exit_status;            /* What it ended with, or -1 when something else ended it. */
    uint64_t cpu_ns;            /* User and system time; on Unix of its own children too. */
    uint64_t memory_peak_bytes; /* The most memory that it had resident. */
} plx__process_usage;

/* Starts the program at the path `arguments[0]`; NULL ends the arguments. 0, PLX_ENOENT,
 * PLX_EACCES, PLX_ENOMEM, PLX_EMFILE, ... */
int plx__process_start(plx__process **process_out, const char *const *arguments);
/* What it has written next, as soon as there is some: how many bytes, PLX_ETIMEDOUT, or PLX_EEOF
 * when it has ended its output. */
ptrdiff_t plx__process_read(plx__process *process, void *bytes, size_t size, uint64_t timeout_ns);
/* Its standard input ends. Calling it again changes nothing. */
void plx__process_input_close(plx__process *process);
/* Waits for its end, with its input closed, and drops what it still writes. 0 or PLX_ETIMEDOUT;
 * after 0 the usage is known and may be asked for again. */
int plx__process_wait(plx__process *process, uint64_t timeout_ns, plx__process_usage *usage_out);
/* Frees it. If it still runs it is killed, and waited for. NULL is allowed. */
void plx__process_close(plx__process *process);

/* The path of the program that runs. 0, or a code when the system does not tell. */
int plx__program_path(char *path, size_t size);
/* Finds a program by its name, as a shell would. 0 or PLX_ENOENT. */
int plx__program_find(const char *name, char *path, size_t size);

enum plx__stream { PLX__STREAM_INPUT, PLX__STREAM_OUTPUT, PLX__STREAM_ERROR };

/* Whether this process's standard stream is a terminal that takes ANSI escape sequences. On Windows
 * it is told to take them. */
bool plx__stream_is_terminal(enum plx__stream stream);
/* Whether a write of some bytes to it would not wait now, as it does at a terminal that was stopped
 * (Ctrl-S), and at a pipe that is full. True where the system does not tell. */
bool plx__stream_has_room(enum plx__stream stream);
/* From now on a write to a pipe that nobody reads any more fails, and does not end this process:
 * nor a child that it forks. */
void plx__pipes_ignore(void);
/* Reads standard input to its end and drops what comes. Any thread. It holds no lock of the C
 * library meanwhile, so the process can end while a thread stands here. */
void plx__input_drain(void);
/* Standard input, for plx_watch_open(). PLX_SOCKET_NONE on Windows, where it is no socket. */
plx_socket plx__input_socket(void);
/* Reads from it once, and drops what comes. False at its end. */
bool plx__input_read(void);

#endif
