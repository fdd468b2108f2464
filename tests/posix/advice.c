/* tests/posix/advice.c - advice on files and memory, allocating of files, locks on memory, and
 * memory that is shared by name.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static off_t size_of(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 ? about.st_size : -1;
}

static void files(void)
{
    char name[] = "/tmp/adviceXXXXXX";
    char bytes[4] = "....";
    int ends[2];
    section("files");
    int fd = mkstemp(name);
    TRUE(fd >= 0 && pipe(ends) == 0);
    IS(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    IS(posix_fadvise(fd, 0, 100, POSIX_FADV_WILLNEED), 0);
    IS(posix_fadvise(fd, 0, 100, 99), EINVAL);
    IS(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
    IS(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
    IS(write(fd, "abc", 3), 3);
    errno = 7;
    IS(posix_fallocate(fd, 2, 10), 0);
    IS(size_of(fd), 12);
    IS(posix_fallocate(fd, 0, 5), 0);
    IS(size_of(fd), 12);
    IS(pread(fd, bytes, 4, 1), 4);
    TRUE(memcmp(bytes, "bc\0\0", 4) == 0);
    IS(posix_fallocate(fd, -1, 5), EINVAL);
    IS(posix_fallocate(fd, 0, 0), EINVAL);
    IS(posix_fallocate(ends[1], 0, 5), ESPIPE);
    IS(posix_fallocate(-1, 0, 5), EBADF);
    int reading = open(name, O_RDONLY);
    IS(posix_fallocate(reading, 0, 50), EBADF);
    IS(errno, 7);
    TRUE(close(reading) == 0 && close(fd) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
    fd = open(name, O_RDWR | O_RSYNC | O_SYNC);
    TRUE(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
}

static void memory(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    section("memory");
    char *bytes = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRUE(bytes != MAP_FAILED);
    IS(posix_madvise(bytes, page, POSIX_MADV_WILLNEED), 0);
    bytes[0] = 'x';
    IS(posix_madvise(bytes, page, POSIX_MADV_DONTNEED), 0);
    IS(bytes[0], 'x');
    IS(posix_madvise(bytes + 1, page, POSIX_MADV_NORMAL), EINVAL);
    IS(posix_madvise(bytes, page, 99), EINVAL);
    IS(mlock(bytes, page), 0);
    IS(munlock(bytes, page), 0);
    IS(munlock(bytes, page), 0);
    int unlocked = munlockall();
    TRUE(IS_WINDOWS ? unlocked == -1 && errno == ENOSYS : unlocked == 0);
    IS(munmap(bytes, 4 * page), 0);
    /* Not under the sanitizers, which lock nothing. */
    TRUE(!IS_WINDOWS || (mlock(bytes, page) == -1 && errno == ENOMEM));
}

static void shared(void)
{
    char name[64];
    section("shared memory");
    (void)snprintf(name, sizeof name, "/advice-%ld", (long)getpid());
    FAILS(shm_open(name, O_RDWR, 0), ENOENT);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    TRUE(fd >= 0);
    FAILS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
    IS(size_of(fd), 0);
    IS(ftruncate(fd, 8192), 0);
    char *one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int other_fd = shm_open(name, O_RDONLY, 0);
    TRUE(one != MAP_FAILED && other_fd >= 0);
    const char *other = mmap(NULL, 8192, PROT_READ, MAP_SHARED, other_fd, 0);
    TRUE(other != MAP_FAILED);
    (void)strcpy(one + 5000, "seen");
    check_text(other + 5000, "seen", "what the other mapping has");
    IS(shm_unlink(name), 0);
    FAILS(shm_open(name, O_RDWR, 0), ENOENT);
    FAILS(shm_unlink(name), ENOENT);
    one[0] = 'q';
    IS(other[0], 'q');
    TRUE(munmap(one, 8192) == 0 && munmap((void *)(uintptr_t)other, 8192) == 0);
    TRUE(close(fd) == 0 && close(other_fd) == 0);
    FAILS(shm_open("/a/b", O_RDWR | O_CREAT, 0600), EINVAL);
    FAILS(shm_open("/", O_RDWR | O_CREAT, 0600), EINVAL);
    FAILS(shm_unlink("/a/b"), ENOENT);
}

int main(void)
{
    files();
    memory();
    shared();
    return check_end();
}
