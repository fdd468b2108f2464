/* platform/unix/test_system_process.c - files and processes for tests; see platform/test_system.h.
 */
#include "platform/test_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/os.h"

/* Longer than a case has patience by default. */
#define SECONDS_BY_DEFAULT 50

unsigned plx__test_seconds_max(void)
{
    const char *text = getenv("POLLUX_TEST_PATIENCE");
    unsigned long seconds = text != NULL ? strtoul(text, NULL, 10) : 0;
    return seconds > SECONDS_BY_DEFAULT ? (unsigned)seconds : SECONDS_BY_DEFAULT;
}

int plx__test_directory(const char *path)
{
    return mkdir(path, 0700) == 0 ? 0 : plx__fail_last();
}

int plx__test_directory_path(char *path, size_t size)
{
    return getcwd(path, size) != NULL ? 0 : plx__fail_last();
}

int plx__test_datagram_open(const char *name, plx_socket *socket_out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(name);
#ifndef __linux__
    if (name[0] == '@')
        return PLX_ENOSYS;
#endif
    memcpy(address.sun_path, name, length + 1);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    *socket_out = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (*socket_out < 0 || plx__socket_set_blocking(*socket_out, false) != 0 ||
        bind(*socket_out, (const struct sockaddr *)(const void *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'))) != 0)
        return plx__fail_last();
    return 0;
}

int plx__test_directory_enter(const char *path)
{
    return chdir(path) == 0 ? 0 : plx__fail_last();
}

int plx__test_directory_remove(const char *path)
{
    return rmdir(path) == 0 ? 0 : plx__fail_last();
}

int plx__test_symlink(const char *target, const char *path)
{
    return symlink(target, path) == 0 ? 0 : plx__fail_last();
}

int plx__test_path_mode(const char *path)
{
    struct stat state;
    return stat(path, &state) == 0 ? (int)(state.st_mode & 0777) : plx__fail_last();
}

int plx__test_path_set_mode(const char *path, uint32_t mode)
{
    return chmod(path, (mode_t)mode) == 0 ? 0 : plx__fail_last();
}

bool plx__test_is_root(void)
{
    return geteuid() == 0;
}

int plx__test_become(uint32_t user)
{
    return setuid((uid_t)user) == 0 ? 0 : plx__fail_last();
}

int plx__test_path_lock(bool is_locked)
{
    static int directory;
    if (!is_locked) {
        (void)close(directory);
        return 0;
    }
    directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return plx__fail_last();
    return flock(directory, LOCK_EX | LOCK_NB) == 0 ? 0 : plx__fail_last();
}

static int results[2] = {-1, -1}; /* A pipe: children write. */
static pid_t child;
static pid_t parent_at_fork;

/* Check's handlers of these kill the whole process group, which is not the child's. Helper threads
 * of the library, which may fork too, have them blocked. */
static void signals_default(void)
{
    static const int numbers[] = {SIGALRM, SIGINT, SIGTERM};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)signal(numbers[i], SIG_DFL);
        (void)sigaddset(&set, numbers[i]);
    }
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int plx__test_fork(void)
{
    bool is_first = results[1] < 0;
    if (is_first && pipe(results) != 0)
        return plx__fail_last();
    pid_t parent = getpid();
    pid_t forked = fork();
    if (forked < 0)
        return plx__fail_last();
    if (forked == 0) {
        parent_at_fork = parent;
        signals_default();
        (void)alarm(plx__test_seconds_max());
        return 0;
    }
    if (is_first) {
        child = forked;
        (void)close(results[1]);
        results[1] = -1;
    }
    return 1;
}

#ifdef PLX_COVERAGE
void __gcov_dump(void); /* gcc's (libgcov), which writes what has run at exit() else. */
#define coverage_write() __gcov_dump()
#else
#define coverage_write() ((void)0)
#endif

void plx__test_report(int result)
{
    unsigned char byte = (unsigned char)result;
    coverage_write();
    while (write(results[1], &byte, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

void plx__test_vanish(void)
{
    coverage_write();
    _exit(0);
}

void plx__test_suspend(void)
{
    (void)kill(getpid(), SIGSTOP);
}

bool plx__test_fork_suspend(bool by_itself)
{
    int state = 0;
    pid_t known;
    if (!by_itself)
        (void)kill(child, SIGSTOP);
    do {
        known = waitpid(child, &state, WUNTRACED);
    } while (known < 0 && errno == EINTR);
    return known == child && WIFSTOPPED(state);
}

void plx__test_fork_continue(void)
{
    (void)kill(child, SIGCONT);
}

int plx__test_fork_join(void)
{
    unsigned char byte;
    ssize_t got;
    int result = -1;
    /* The pipe ends when all who could write have ended. */
    while ((got = read(results[0], &byte, 1)) != 0) {
        if (got > 0)
            result = byte;
        else if (errno != EINTR)
            break;
    }
    (void)close(results[0]);
    results[0] = -1;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return result;
}

bool plx__test_is_orphan(void)
{
    return getppid() != parent_at_fork;
}

int plx__test_credentials(plx__credentials *credentials_out)
{
#ifdef __linux__
    const int64_t process = getpid();
#else
    const int64_t process = -1;
#endif
    *credentials_out =
        (plx__credentials){.process = process, .user = geteuid(), .group = getegid()};
    return 0;
}
