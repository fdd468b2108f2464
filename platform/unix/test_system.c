/* platform/unix/test_system.c - see platform/test_system.h. */
#include "platform/test_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pollux/signal.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

void plx__test_unattended(void)
{
}

int plx__test_signal(int number)
{
    static const int system_numbers[] = {
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD,
    };
    int system_number = system_numbers[number - PLX_SIGNAL_INTERRUPT];
    /* To the process, as from outside: threads of the library's own block signals. */
    return kill(getpid(), system_number) == 0 ? 0 : plx__fail_last();
}

int plx__test_descriptor_limit(uint32_t spare)
{
    static rlim_t before;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return plx__fail_last();
    if (before == 0)
        before = limit.rlim_cur;
    if (spare == UINT32_MAX) {
        limit.rlim_cur = before;
    } else {
        /* The lowest free number; those above it may be in use, and then are spare ones less. */
        int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (lowest < 0)
            return plx__fail_last();
        (void)close(lowest);
        limit.rlim_cur = (rlim_t)lowest + spare;
    }
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : plx__fail_last();
}

void plx__test_descriptors_allow(uint32_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count)
        return;
    limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int plx__test_environment(const char *name, const char *value)
{
    int result = value != NULL ? setenv(name, value, 1) : unsetenv(name);
    return result == 0 ? 0 : plx__fail_last();
}

int plx__test_descriptor_ceiling(uint32_t ceiling)
{
    static rlim_t before;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return plx__fail_last();
    if (ceiling != UINT32_MAX)
        before = limit.rlim_cur;
    limit.rlim_cur = ceiling != UINT32_MAX ? (rlim_t)ceiling : before;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : plx__fail_last();
}

static plx__atomic_u32 interruptions;

static void on_alarm(int number)
{
    (void)number;
    plx__atomic_add(&interruptions, 1);
}

int plx__test_interruptions_start(void)
{
    const struct itimerval each = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
    struct sigaction action = {0};
    action.sa_handler = on_alarm; /* Without SA_RESTART. */
    plx__atomic_store(&interruptions, 0);
    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &each, NULL) != 0)
        return plx__fail_last();
    return 0;
}

uint32_t plx__test_interruptions_end(void)
{
    const struct itimerval none = {.it_interval = {.tv_usec = 0}};
    (void)setitimer(ITIMER_REAL, &none, NULL);
    return plx__atomic_load(&interruptions);
}

int plx__test_duplicate(plx_socket socket, plx_socket *duplicate_out)
{
    *duplicate_out = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    return *duplicate_out >= 0 ? 0 : plx__fail_last();
}

int plx__test_device(plx_socket *device_out)
{
    *device_out = open("/dev/null", O_RDWR | O_CLOEXEC);
    return *device_out >= 0 ? 0 : plx__fail_last();
}

static pid_t keeper;
static int keeper_life[2]; /* The keeper lives until nobody can write to this pipe any more. */

int plx__test_keeper_start(void)
{
    char none;
    if (pipe(keeper_life) != 0)
        return plx__fail_last();
    keeper = fork();
    if (keeper == 0) {
        (void)close(keeper_life[1]);
        while (read(keeper_life[0], &none, 1) < 0 && errno == EINTR)
            continue;
        _exit(0);
    }
    (void)close(keeper_life[0]);
    return keeper > 0 ? 0 : plx__fail_last();
}

void plx__test_keeper_end(void)
{
    (void)close(keeper_life[1]);
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        continue;
}

#ifdef __linux__
static int filter_install(struct sock_filter *steps, size_t count)
{
    const struct sock_fprog filter = {.len = (unsigned short)count, .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return plx__fail_last();
    return 0;
}

/* From now on this system call fails. */
static int call_refuse(long call, int os_code)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)os_code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return filter_install(steps, sizeof steps / sizeof steps[0]);
}

/* The same, when this one of its arguments has this value. */
static int call_refuse_with(long call, int argument, uint32_t value, int os_code)
{
    const uint16_t one = 1;
    const size_t low_half = *(const unsigned char *)&one == 1 ? 0 : 4; /* Of 64 bits. */
    const size_t at = offsetof(struct seccomp_data, args) + 8 * (size_t)argument + low_half;
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)os_code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return filter_install(steps, sizeof steps / sizeof steps[0]);
}
#endif

#if defined(__linux__) && defined(SYS_epoll_pwait2)
int plx__test_no_fine_waits(bool is_forbidden)
{
    return call_refuse(SYS_epoll_pwait2, is_forbidden ? EPERM : ENOSYS);
}
#else
int plx__test_no_fine_waits(bool is_forbidden)
{
    (void)is_forbidden;
    return PLX_ENOSYS;
}
#endif

#if defined(__linux__) && defined(SYS_accept4)
int plx__test_no_accepts(void)
{
#ifdef SYS_socketcall /* One call is all of those of sockets: glibc accepts with it on i386. */
    int status = call_refuse_with(SYS_socketcall, 0, SYS_ACCEPT4, EPERM);
    if (status != 0)
        return status;
#endif
    return call_refuse(SYS_accept4, EPERM);
}
#else
int plx__test_no_accepts(void)
{
    return PLX_ENOSYS;
}
#endif

#if defined(__linux__) && defined(SYS_io_uring_setup)
int plx__test_no_rings(bool is_forbidden)
{
    return call_refuse(SYS_io_uring_setup, is_forbidden ? EPERM : ENOSYS);
}

int plx__test_no_registering(uint32_t operation, int os_code)
{
    return call_refuse_with(SYS_io_uring_register, 1, operation, os_code);
}

int plx__test_no_entering(int os_code)
{
    return call_refuse(SYS_io_uring_enter, os_code);
}

int plx__test_memory_lock_limit(uint32_t bytes)
{
    const uid_t nobody = 65534;
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return plx__fail_last();
    if (geteuid() == 0 && setresuid(nobody, nobody, nobody) != 0)
        return plx__fail_last();
    return 0;
}
#else
int plx__test_no_rings(bool is_forbidden)
{
    (void)is_forbidden;
    return PLX_ENOSYS;
}

int plx__test_no_registering(uint32_t operation, int os_code)
{
    (void)operation;
    (void)os_code;
    return PLX_ENOSYS;
}

int plx__test_no_entering(int os_code)
{
    (void)os_code;
    return PLX_ENOSYS;
}

int plx__test_memory_lock_limit(uint32_t bytes)
{
    (void)bytes;
    return PLX_ENOSYS;
}
#endif

int plx__test_process_start(void (*run)(void *data), void *data)
{
    pid_t process = fork();
    if (process < 0)
        return plx__fail_last();
    if (process > 0)
        return (int)process;
    (void)alarm(plx__test_seconds_max());
    run(data);
    _exit(1);
}

void plx__test_process_kill(int process)
{
    (void)kill(process, SIGKILL);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Calls `see` for each descriptor with its file's name. */
static int descriptors_see(void (*see)(int number, const char *file, void *data), void *data)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return PLX_ENOSYS;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char file[64] = "";
        if (entry->d_name[0] != '.' &&
            readlinkat(dirfd(directory), entry->d_name, file, sizeof file - 1) > 0)
            see(atoi(entry->d_name), file, data);
    }
    (void)closedir(directory);
    return 0;
}

static void descriptor_count(int number, const char *file, void *data)
{
    (void)number;
    (void)file;
    ++*(int *)data;
}

int plx__test_descriptors(void)
{
    int count = 0;
    int status = descriptors_see(descriptor_count, &count);
    return status == 0 ? count : status;
}

static void inherited_count(int number, const char *file, void *data)
{
    (void)file;
    *(int *)data += (fcntl(number, F_GETFD) & FD_CLOEXEC) == 0;
}

int plx__test_inherited(void)
{
    int count = 0;
    int status = descriptors_see(inherited_count, &count);
    return status == 0 ? count : status;
}

static void ring_note(int number, const char *file, void *data)
{
    int *newest = data;
    if (strstr(file, "io_uring") != NULL && number > *newest)
        *newest = number;
}

int plx__test_ring_lost(void)
{
    int ring = -1;
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int status = descriptors_see(ring_note, &ring);
    if (status == 0 && (ring < 0 || dup2(other, ring) < 0))
        status = PLX_ENOSYS;
    (void)close(other);
    return status;
}

void plx__test_old_poll(bool is_old)
{
    (void)is_old;
}

int plx__test_port(plx_socket socket)
{
    (void)socket;
    return PLX_ENOSYS;
}

int plx__test_zeroes(const void **bytes_out, size_t length)
{
    /* A file without contents reads as zeroes everywhere; anonymous memory needs flags that POSIX
     * does not know. */
    char name[] = "/tmp/pollux-zeroes-XXXXXX";
    int file = mkstemp(name);
    if (file < 0)
        return plx__fail_last();
    (void)unlink(name);
    void *mapped = MAP_FAILED;
    if (ftruncate(file, (off_t)length) == 0)
        mapped = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    int status = mapped != MAP_FAILED ? 0 : plx__fail_last();
    (void)close(file);
    *bytes_out = mapped;
    return status;
}

void plx__test_zeroes_end(const void *bytes, size_t length)
{
    (void)munmap((void *)(uintptr_t)bytes, length); /* NOLINT */
}

bool plx__test_is_wine(void)
{
    return false;
}

bool plx__test_loses_sends(void)
{
    return false;
}
