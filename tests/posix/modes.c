/* tests/posix/modes.c - programs that ask for large files, and a variable that is called _errno.
 */
#define _FILE_OFFSET_BITS 64
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char path[] = "modes.tmp";

static void large_offsets(void)
{
    const off_t far = (off_t)5 << 30;
    struct stat about;
    section("offsets of 64 bits");
    (void)unlink(path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    IS(write(fd, "abc", 3), 3);
    IS(lseek(fd, 0, SEEK_END), 3);
    IS(fstat(fd, &about), 0);
    IS(about.st_size, 3);
    IS(ftruncate(fd, 2), 0);
    IS(truncate(path, 1), 0);
    IS(pread(fd, &about, 3, 0), 1);
    TRUE(lseek(fd, far, SEEK_SET) == far);
    (void)close(fd);
    FILE *stream = fopen(path, "r");
    TRUE(stream != NULL);
    IS(fseeko(stream, far, SEEK_SET), 0);
    TRUE(ftello(stream) == far);
    (void)fclose(stream);
    IS(unlink(path), 0);
}

static void own_errno(void)
{
    section("a variable called _errno");
    int _errno = 0;
    errno = 0;
    IS(close(-1), -1);
    _errno = errno;
    TRUE(_errno == EBADF);
    errno = EINTR;
    TRUE(errno == EINTR && _errno == EBADF);
}

int main(void)
{
    large_offsets();
    own_errno();
    return check_end();
}
