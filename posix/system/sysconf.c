/* posix/system/sysconf.c - sysconf(), pathconf(), fpathconf() and confstr(): what this layer has,
 * and how much of it.
 *
 * An option that it lacks in part is not there. This file speaks POSIX only, by the headers of
 * programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/system/facts.h"

typedef struct answer {
    int name;
    long value; /* -1: no limit, or not there. */
} answer;

enum { HAS = 200809L, HAS_NOT = -1, NO_LIMIT = -1, IS_LLP64 = sizeof(void *) == 8 };

static const answer options[] = {
    {_SC_JOB_CONTROL, HAS_NOT}, /* Nothing stops. */
    {_SC_SAVED_IDS, HAS_NOT},
    {_SC_REALTIME_SIGNALS, HAS},
    {_SC_PRIORITY_SCHEDULING, HAS_NOT},
    {_SC_TIMERS, HAS},
    {_SC_ASYNCHRONOUS_IO, HAS_NOT},
    {_SC_PRIORITIZED_IO, HAS_NOT},
    {_SC_SYNCHRONIZED_IO, HAS},
    {_SC_FSYNC, HAS},
    {_SC_MAPPED_FILES, _POSIX_MAPPED_FILES},
    {_SC_MEMLOCK, HAS_NOT},
    {_SC_MEMLOCK_RANGE, HAS},
    {_SC_MEMORY_PROTECTION, HAS},
    {_SC_MESSAGE_PASSING, HAS_NOT},
    {_SC_SEMAPHORES, _POSIX_SEMAPHORES},
    {_SC_SHARED_MEMORY_OBJECTS, HAS},
    {_SC_VERSION, _POSIX_VERSION},
    {_SC_2_VERSION, _POSIX2_VERSION},
    {_SC_2_C_BIND, HAS},
    {_SC_2_C_DEV, HAS_NOT},
    {_SC_2_FORT_DEV, HAS_NOT},
    {_SC_2_FORT_RUN, HAS_NOT},
    {_SC_2_SW_DEV, HAS_NOT},
    {_SC_2_LOCALEDEF, HAS_NOT},
    {_SC_2_CHAR_TERM, HAS_NOT},
    {_SC_2_C_VERSION, HAS_NOT},
    {_SC_2_UPE, HAS_NOT},
    {_SC_2_PBS, HAS_NOT},
    {_SC_2_PBS_ACCOUNTING, HAS_NOT},
    {_SC_2_PBS_LOCATE, HAS_NOT},
    {_SC_2_PBS_MESSAGE, HAS_NOT},
    {_SC_2_PBS_TRACK, HAS_NOT},
    {_SC_2_PBS_CHECKPOINT, HAS_NOT},
    {_SC_THREADS, _POSIX_THREADS},
    {_SC_THREAD_SAFE_FUNCTIONS, HAS},
    {_SC_THREAD_ATTR_STACKADDR, HAS_NOT},
    {_SC_THREAD_ATTR_STACKSIZE, HAS},
    {_SC_THREAD_PRIORITY_SCHEDULING, HAS_NOT},
    {_SC_THREAD_PRIO_INHERIT, HAS_NOT},
    {_SC_THREAD_PRIO_PROTECT, HAS_NOT},
    {_SC_THREAD_ROBUST_PRIO_INHERIT, HAS_NOT},
    {_SC_THREAD_ROBUST_PRIO_PROTECT, HAS_NOT},
    {_SC_THREAD_PROCESS_SHARED, HAS_NOT},
    {_SC_THREAD_CPUTIME, HAS},
    {_SC_THREAD_SPORADIC_SERVER, HAS_NOT},
    {_SC_XOPEN_VERSION, HAS_NOT},
    {_SC_XOPEN_XCU_VERSION, HAS_NOT},
    {_SC_XOPEN_UNIX, HAS_NOT},
    {_SC_XOPEN_CRYPT, HAS_NOT},
    {_SC_XOPEN_ENH_I18N, HAS_NOT},
    {_SC_XOPEN_SHM, HAS_NOT},
    {_SC_XOPEN_LEGACY, HAS_NOT},
    {_SC_XOPEN_REALTIME, HAS_NOT},
    {_SC_XOPEN_REALTIME_THREADS, HAS_NOT},
    {_SC_XOPEN_STREAMS, HAS_NOT},
    /* No environment has a long of 32 bits beside pointers of 64. */
    {_SC_XBS5_ILP32_OFF32, HAS_NOT},
    {_SC_XBS5_ILP32_OFFBIG, IS_LLP64 ? HAS_NOT : 1},
    {_SC_XBS5_LP64_OFF64, HAS_NOT},
    {_SC_XBS5_LPBIG_OFFBIG, HAS_NOT},
    {_SC_V7_ILP32_OFF32, HAS_NOT},
    {_SC_V7_ILP32_OFFBIG, IS_LLP64 ? HAS_NOT : 1},
    {_SC_V7_LP64_OFF64, HAS_NOT},
    {_SC_V7_LPBIG_OFFBIG, HAS_NOT},
    {_SC_ADVISORY_INFO, HAS},
    {_SC_BARRIERS, _POSIX_BARRIERS},
    {_SC_BASE, HAS_NOT},
    {_SC_CLOCK_SELECTION, _POSIX_CLOCK_SELECTION},
    {_SC_CPUTIME, HAS},
    {_SC_DEVICE_IO, HAS_NOT},
    {_SC_DEVICE_SPECIFIC, HAS_NOT},
    {_SC_DEVICE_SPECIFIC_R, HAS_NOT},
    {_SC_FD_MGMT, HAS_NOT},
    {_SC_FIFO, HAS_NOT},
    {_SC_PIPE, HAS_NOT},
    {_SC_FILE_ATTRIBUTES, HAS_NOT},
    {_SC_FILE_LOCKING, HAS_NOT},
    {_SC_FILE_SYSTEM, HAS_NOT},
    {_SC_MONOTONIC_CLOCK, HAS},
    {_SC_SINGLE_PROCESS, HAS_NOT},
    {_SC_NETWORKING, HAS_NOT},
    {_SC_READER_WRITER_LOCKS, _POSIX_READER_WRITER_LOCKS},
    {_SC_SPIN_LOCKS, _POSIX_SPIN_LOCKS},
    {_SC_REGEXP, HAS_NOT},
    {_SC_SHELL, HAS_NOT},
    {_SC_SIGNALS, HAS_NOT},
    {_SC_SPAWN, HAS},
    {_SC_SPORADIC_SERVER, HAS_NOT},
    {_SC_TIMEOUTS, _POSIX_TIMEOUTS},
    {_SC_TYPED_MEMORY_OBJECTS, HAS_NOT},
    {_SC_USER_GROUPS, HAS_NOT},
    {_SC_USER_GROUPS_R, HAS_NOT},
    {_SC_STREAMS, HAS_NOT},
    {_SC_TRACE, HAS_NOT},
    {_SC_TRACE_EVENT_FILTER, HAS_NOT},
    {_SC_TRACE_INHERIT, HAS_NOT},
    {_SC_TRACE_LOG, HAS_NOT},
    {_SC_IPV6, _POSIX_IPV6},
    {_SC_RAW_SOCKETS, HAS_NOT},
};

static const answer limits[] = {
    {_SC_ARG_MAX, 32767}, /* Windows' command line. */
    {_SC_CHILD_MAX, 1024},
    {_SC_CLK_TCK, 100},
    {_SC_NGROUPS_MAX, NGROUPS_MAX},
    {_SC_STREAM_MAX, 512}, /* The C library's. */
    {_SC_TZNAME_MAX, NO_LIMIT},
    {_SC_AIO_LISTIO_MAX, NO_LIMIT},
    {_SC_AIO_MAX, NO_LIMIT},
    {_SC_AIO_PRIO_DELTA_MAX, NO_LIMIT},
    {_SC_DELAYTIMER_MAX, INT_MAX},
    {_SC_MQ_OPEN_MAX, NO_LIMIT},
    {_SC_MQ_PRIO_MAX, NO_LIMIT},
    {_SC_RTSIG_MAX, SIGRTMAX - SIGRTMIN + 1},
    {_SC_SEM_NSEMS_MAX, NO_LIMIT},
    {_SC_SEM_VALUE_MAX, SEM_VALUE_MAX},
    {_SC_SIGQUEUE_MAX, NO_LIMIT},
    {_SC_TIMER_MAX, NO_LIMIT},
    {_SC_BC_BASE_MAX, BC_BASE_MAX},
    {_SC_BC_DIM_MAX, BC_DIM_MAX},
    {_SC_BC_SCALE_MAX, BC_SCALE_MAX},
    {_SC_BC_STRING_MAX, BC_STRING_MAX},
    {_SC_COLL_WEIGHTS_MAX, COLL_WEIGHTS_MAX},
    {_SC_EXPR_NEST_MAX, EXPR_NEST_MAX},
    {_SC_LINE_MAX, LINE_MAX},
    {_SC_RE_DUP_MAX, RE_DUP_MAX},
    {_SC_IOV_MAX, IOV_MAX},
    {_SC_GETGR_R_SIZE_MAX, 1024},
    {_SC_GETPW_R_SIZE_MAX, 1024},
    {_SC_LOGIN_NAME_MAX, LOGIN_NAME_MAX},
    {_SC_TTY_NAME_MAX, 32},
    {_SC_THREAD_DESTRUCTOR_ITERATIONS, PTHREAD_DESTRUCTOR_ITERATIONS},
    {_SC_THREAD_KEYS_MAX, PTHREAD_KEYS_MAX},
    {_SC_THREAD_STACK_MIN, 16384},
    {_SC_THREAD_THREADS_MAX, NO_LIMIT},
    {_SC_ATEXIT_MAX, INT_MAX},
    {_SC_PASS_MAX, NO_LIMIT},
    {_SC_SYMLOOP_MAX, NO_LIMIT},
    {_SC_SS_REPL_MAX, NO_LIMIT},
    {_SC_TRACE_EVENT_NAME_MAX, NO_LIMIT},
    {_SC_TRACE_NAME_MAX, NO_LIMIT},
    {_SC_TRACE_SYS_MAX, NO_LIMIT},
    {_SC_TRACE_USER_EVENT_MAX, NO_LIMIT},
    {_SC_HOST_NAME_MAX, HOST_NAME_MAX},
    {_SC_MINSIGSTKSZ, MINSIGSTKSZ},
    {_SC_SIGSTKSZ, SIGSTKSZ},
};

static const answer of_files[] = {
    {_PC_LINK_MAX, 1024}, /* NTFS'. */
    {_PC_MAX_CANON, _POSIX_MAX_CANON},
    {_PC_MAX_INPUT, _POSIX_MAX_INPUT},
    {_PC_NAME_MAX, NAME_MAX},
    {_PC_PATH_MAX, PATH_MAX},
    {_PC_PIPE_BUF, PIPE_BUF},
    {_PC_CHOWN_RESTRICTED, 1},
    {_PC_NO_TRUNC, 1},
    {_PC_VDISABLE, 0},
    {_PC_SYNC_IO, HAS_NOT},
    {_PC_ASYNC_IO, HAS_NOT},
    {_PC_PRIO_IO, HAS_NOT},
    {_PC_FILESIZEBITS, 64},
    {_PC_REC_INCR_XFER_SIZE, NO_LIMIT},
    {_PC_REC_MAX_XFER_SIZE, NO_LIMIT},
    {_PC_REC_MIN_XFER_SIZE, 4096},
    {_PC_REC_XFER_ALIGN, 4096},
    {_PC_SYMLINK_MAX, NO_LIMIT},
    {_PC_2_SYMLINKS, 0},
};

static const answer *find(const answer *list, size_t count, int name)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].name == name)
            return &list[i];
    }
    return NULL;
}

#define FIND(list, name) find((list), sizeof(list) / sizeof *(list), (name))

long sysconf(int name)
{
    const answer *found = FIND(options, name);
    switch (name) {
    case _SC_OPEN_MAX:
        return getdtablesize();
    case _SC_PAGESIZE:
        return getpagesize();
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return plx__processors();
    case _SC_PHYS_PAGES:
        return plx__memory_pages(0);
    case _SC_AVPHYS_PAGES:
        return plx__memory_pages(1);
    default:
        break;
    }
    if (found == NULL)
        found = FIND(limits, name);
    if (found != NULL)
        return found->value;
    errno = EINVAL;
    return -1;
}

static long of_file(int name)
{
    const answer *found = FIND(of_files, name);
    if (found != NULL)
        return found->value;
    errno = EINVAL;
    return -1;
}

long pathconf(const char *path, int name)
{
    struct stat about;
    return stat(path, &about) == 0 ? of_file(name) : -1;
}

long fpathconf(int fd, int name)
{
    return fcntl(fd, F_GETFD) >= 0 ? of_file(name) : -1;
}

static int is_environment(int name)
{
    return (name >= _CS_XBS5_ILP32_OFF32_CFLAGS && name <= _CS_XBS5_LPBIG_OFFBIG_LINTFLAGS) ||
           (name >= _CS_POSIX_V7_ILP32_OFF32_CFLAGS && name <= _CS_V7_ENV) ||
           name == _CS_POSIX_V7_WIDTH_RESTRICTED_ENVS;
}

/* No flags lead to another environment. */
size_t confstr(int name, char *text, size_t size)
{
    char path[PATH_MAX] = "";
    if (name == _CS_PATH) {
        if (plx__system_directory(path, sizeof path) == 0)
            return 0;
    } else if (!is_environment(name)) {
        errno = EINVAL;
        return 0;
    }
    size_t length = strlen(path);
    if (size > 0) {
        size_t part = length < size ? length : size - 1;
        memcpy(text, path, part);
        text[part] = '\0';
    }
    return length + 1;
}

long gethostid(void)
{
    return (int32_t)plx__machine_number();
}

int getlogin_r(char *name, size_t size)
{
    const char *known = getlogin();
    size_t length = strlen(known);
    if (length >= size)
        return ERANGE;
    memcpy(name, known, length + 1);
    return 0;
}

int ttyname_r(int fd, char *name, size_t size)
{
    errno = 0;
    const char *known = ttyname(fd);
    if (known == NULL)
        return errno != 0 ? errno : ENOTTY;
    size_t length = strlen(known);
    if (length >= size)
        return ERANGE;
    memcpy(name, known, length + 1);
    return 0;
}

void swab(const void *from, void *to, ssize_t size)
{
    const unsigned char *read = from;
    unsigned char *written = to;
    for (ssize_t i = 0; i + 1 < size; i += 2) {
        unsigned char first = read[i];
        written[i] = read[i + 1];
        written[i + 1] = first;
    }
}

/* All that this process has open; what others wrote is theirs to flush. */
void sync(void)
{
    int before = errno;
    int end = getdtablesize();
    for (int fd = 0; fd < end; fd++)
        (void)fsync(fd);
    errno = before;
}
