/* platform/unix/process.c - posix_spawn() and wait4(). */
#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "platform/os.h"

/* A child that has closed its output is about to end: it is asked again after so long. */
#define RETRY_NS PLX_MILLISECOND

extern char **environ;

struct plx__process {
    pid_t id;
    int input;  /* Our end of its standard input; -1 when closed. */
    int output; /* Our end of its standard output; -1 when it has ended. */
    bool has_ended;
    plx__process_usage usage;
    uint64_t memory_sample_bytes; /* The peak while it ran; 0 if that is not known. */
};

/* --- starting -------------------------------------------------------------------------------- */

static void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
}

static int pipe_open(int ends[2])
{
#if defined(__APPLE__)
    if (pipe(ends) != 0)
        return plx__fail_last();
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
#else
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : plx__fail_last();
#endif
}

/* What the child gets: the pipes, the error stream, and nothing else of ours. */
static int actions_fill(posix_spawn_file_actions_t *actions, int input, int output)
{
    int os_code = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (os_code == 0)
        os_code = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
#if defined(__APPLE__)
    /* With POSIX_SPAWN_CLOEXEC_DEFAULT it has only what is named here. */
    if (os_code == 0)
        os_code = posix_spawn_file_actions_addinherit_np(actions, STDERR_FILENO);
#elif defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    /* Ours are all close-on-exec; this is for those that we have inherited. */
    if (os_code == 0)
        os_code = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
#endif
    return os_code;
}

/* A child of a shell that ignores SIGINT would ignore it too, and one of a thread that blocks it
 * would never see it; children start with what is usual. */
static int attributes_fill(posix_spawnattr_t *attributes)
{
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGQUIT);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGTERM);
#ifdef __APPLE__
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    int os_code = posix_spawnattr_setflags(attributes, flags);
    if (os_code == 0)
        os_code = posix_spawnattr_setsigmask(attributes, &none);
    if (os_code == 0)
        os_code = posix_spawnattr_setsigdefault(attributes, &usual);
    return os_code;
}

static int child_spawn(pid_t *id_out, const char *const *arguments, int input, int output)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int os_code = posix_spawn_file_actions_init(&actions);
    if (os_code != 0)
        return plx__fail(os_code);
    os_code = posix_spawnattr_init(&attributes);
    if (os_code == 0) {
        os_code = actions_fill(&actions, input, output);
        if (os_code == 0)
            os_code = attributes_fill(&attributes);
        /* The strings are not written to; the type is older than const. */
        if (os_code == 0)
            os_code = posix_spawn(id_out, arguments[0], &actions, &attributes,
                                  (char *const *)(uintptr_t)arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return os_code == 0 ? 0 : plx__fail(os_code);
}

static int process_spawn(plx__process *process, const char *const *arguments)
{
    int input[2] = {-1, -1};
    int output[2] = {-1, -1};
    int status = pipe_open(input);
    if (status == 0)
        status = pipe_open(output);
    if (status == 0)
        status = child_spawn(&process->id, arguments, input[0], output[1]);
    descriptor_close(&input[0]);
    descriptor_close(&output[1]);
    if (status != 0) {
        descriptor_close(&input[1]);
        descriptor_close(&output[0]);
    }
    process->input = input[1];
    process->output = output[0];
    return status;
}

int plx__process_start(plx__process **process_out, const char *const *arguments)
{
    *process_out = NULL;
    plx__process *process = plx__allocate_zeroed(1, sizeof *process);
    if (process == NULL)
        return PLX_ENOMEM;
    int status = process_spawn(process, arguments);
    if (status != 0) {
        plx__free(process);
        return status;
    }
    *process_out = process;
    return 0;
}

/* --- talking to it --------------------------------------------------------------------------- */

static uint64_t deadline_of(uint64_t timeout_ns)
{
    uint64_t now = plx__clock_now();
    return timeout_ns < PLX_FOREVER - now ? now + timeout_ns : PLX_FOREVER;
}

static uint64_t remaining_ns(uint64_t until_ns)
{
    uint64_t now = plx__clock_now();
    if (until_ns == PLX_FOREVER)
        return PLX_FOREVER;
    return until_ns > now ? until_ns - now : 0;
}

/* Whether there is something to read, or the end: 0, or PLX_ETIMEDOUT. */
static int output_wait(const plx__process *process, uint64_t until_ns)
{
    plx__poll_entry entry = {.fd = process->output, .events = POLLIN};
    for (;;) {
        uint64_t remaining = remaining_ns(until_ns);
        int ready = plx__poll(&entry, 1, remaining);
        if (ready != 0)
            return ready < 0 ? ready : 0;
        if (remaining == 0)
            return PLX_ETIMEDOUT; /* Else a signal may have ended the wait early. */
    }
}

ptrdiff_t plx__process_read(plx__process *process, void *bytes, size_t size, uint64_t timeout_ns)
{
    ssize_t got;
    if (process->output < 0)
        return PLX_EEOF;
    int status = output_wait(process, deadline_of(timeout_ns));
    if (status != 0)
        return status;
    do
        got = read(process->output, bytes, size);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    status = got < 0 ? plx__fail_last() : PLX_EEOF;
    descriptor_close(&process->output);
    return status;
}

/* The peak in rusage is no good on Linux: a child takes over the mark of the memory that it had
 * before exec(), which with posix_spawn() is its parent's (exec_mmap() in fs/exec.c of Linux 6.1).
 * /proc has that of the program alone, for as long as it runs. */
static void memory_sample(plx__process *process)
{
#ifdef __linux__
    char line[128];
    (void)snprintf(line, sizeof line, "/proc/%ld/status", (long)process->id);
    FILE *file = fopen(line, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            process->memory_sample_bytes = strtoull(line + 6, NULL, 10) * 1024;
    }
    (void)fclose(file);
#else
    (void)process;
#endif
}

void plx__process_input_close(plx__process *process)
{
    if (process->input < 0)
        return;
    memory_sample(process);
    descriptor_close(&process->input);
}

/* --- its end --------------------------------------------------------------------------------- */

static uint64_t time_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * PLX_SECOND + (uint64_t)time.tv_usec * PLX_MICROSECOND;
}

static void usage_take(plx__process *process, int wait_status, const struct rusage *usage)
{
    process->has_ended = true;
    process->usage.exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    process->usage.cpu_ns = time_ns(usage->ru_utime) + time_ns(usage->ru_stime);
#ifdef __linux__
    process->usage.memory_peak_bytes = process->memory_sample_bytes;
#elif defined(__APPLE__)
    process->usage.memory_peak_bytes = (uint64_t)usage->ru_maxrss;
#else
    process->usage.memory_peak_bytes = (uint64_t)usage->ru_maxrss * 1024;
#endif
}

/* Whether it has ended by now, or with `options` of 0: when it has. */
static bool process_reap(plx__process *process, int options)
{
    int wait_status = 0;
    struct rusage usage;
    pid_t id;
    do
        id = wait4(process->id, &wait_status, options, &usage);
    while (id < 0 && errno == EINTR);
    if (id == process->id)
        usage_take(process, wait_status, &usage);
    return process->has_ended;
}

int plx__process_wait(plx__process *process, uint64_t timeout_ns, plx__process_usage *usage_out)
{
    uint64_t until = deadline_of(timeout_ns);
    char dropped[1024];
    ptrdiff_t got = process->has_ended ? 0 : 1;
    plx__process_input_close(process);
    /* No system but Linux can wait for a child with a time limit; the end of its output can be
     * waited for everywhere, and comes with its own or shortly before. */
    while (got > 0)
        got = plx__process_read(process, dropped, sizeof dropped, remaining_ns(until));
    while (!process_reap(process, WNOHANG)) {
        const struct timespec retry = {.tv_nsec = (long)RETRY_NS};
        if (remaining_ns(until) == 0)
            return PLX_ETIMEDOUT;
        (void)nanosleep(&retry, NULL);
    }
    *usage_out = process->usage;
    return 0;
}

void plx__process_close(plx__process *process)
{
    if (process == NULL)
        return;
    if (!process->has_ended && !process_reap(process, WNOHANG)) {
        (void)kill(process->id, SIGKILL);
        (void)process_reap(process, 0);
    }
    descriptor_close(&process->input);
    descriptor_close(&process->output);
    plx__free(process);
}

/* --- the program itself ---------------------------------------------------------------------- */

int plx__program_path(char *path, size_t size)
{
#if defined(__APPLE__)
    uint32_t room = (uint32_t)size;
    return _NSGetExecutablePath(path, &room) == 0 ? 0 : PLX_ENAMETOOLONG;
#elif defined(__linux__)
    ssize_t length = readlink("/proc/self/exe", path, size);
    if (length < 0)
        return plx__fail_last();
    if ((size_t)length >= size)
        return PLX_ENAMETOOLONG;
    path[length] = '\0';
    return 0;
#else
    (void)path;
    (void)size;
    return PLX_ENOSYS;
#endif
}

int plx__program_find(const char *name, char *path, size_t size)
{
    const char *folder = getenv("PATH");
    while (folder != NULL && *folder != '\0') {
        size_t length = strcspn(folder, ":");
        int written = length > 0 ? snprintf(path, size, "%.*s/%s", (int)length, folder, name) : 0;
        if (written > 0 && (size_t)written < size && access(path, X_OK) == 0)
            return 0;
        folder += length;
        folder += *folder == ':';
    }
    return PLX_ENOENT;
}

bool plx__stream_is_terminal(enum plx__stream stream)
{
    return isatty((int)stream) == 1;
}

/* One that has failed has room: the write tells. */
bool plx__stream_has_room(enum plx__stream stream)
{
    struct pollfd entry = {.fd = (int)stream, .events = POLLOUT};
    return poll(&entry, 1, 0) != 0;
}

void plx__pipes_ignore(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

plx_socket plx__input_socket(void)
{
    return STDIN_FILENO;
}

bool plx__input_read(void)
{
    char bytes[256];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    return got > 0 || (got < 0 && errno == EINTR);
}

void plx__input_drain(void)
{
    while (plx__input_read())
        continue;
}
