/* platform/unix/test_system_linux.c - see platform/unix/test_system_linux.h. */
#include "platform/unix/test_system_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int plx__test_one_processor(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : plx__fail_last();
}

int plx__test_first_to_run(void)
{
    const struct sched_param priority = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &priority) == 0 ? 0 : plx__fail_last();
}

static bool is_sharing;
static int shared = -1;

void plx__test_shared_locks(bool is_shared)
{
    is_sharing = is_shared;
}

/* In place of the C library's, for the programs of the tests that share locks. */
int flock(int descriptor, int operation)
{
    int result = (int)syscall(SYS_flock, descriptor, operation);
    if (is_sharing && result == 0 && (operation & LOCK_EX) != 0)
        shared = dup(descriptor);
    return result;
}

bool plx__test_lock_has_ended(void)
{
    int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool has_ended = shared >= 0 && syscall(SYS_flock, directory, (int)LOCK_EX | (int)LOCK_NB) == 0;
    (void)close(directory);
    (void)close(shared);
    shared = -1;
    return has_ended;
}

int plx__test_own_mounts(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return plx__fail_last();
    return 0;
}

int plx__test_mount(const char *directory)
{
    return mount("none", directory, "tmpfs", 0, NULL) == 0 ? 0 : plx__fail_last();
}

bool plx__test_same_number(const char *file, const char *other)
{
    struct stat one, two;
    return stat(file, &one) == 0 && stat(other, &two) == 0 && one.st_ino == two.st_ino;
}
