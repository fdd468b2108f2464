/* tests/posix/directories.c - what is in a directory; and sendfile() from a file. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* "Grüße, Мир", whose last letters no Western code page has. */
#define FOREIGN "Gr\303\274\303\237e, \320\234\320\270\321\200"

static char place[] = "/tmp/pollux-XXXXXX";
static char bytes[300000];

/* Writes the path of the name into `size` bytes. */
static const char *path_in(char *whole, size_t size, const char *name)
{
    int length = snprintf(whole, size, "%s/%s", place, name);
    if (length < 0 || (size_t)length >= size)
        exit(1);
    return whole;
}

static const char *path(const char *name)
{
    static char whole[256];
    return path_in(whole, sizeof whole, name);
}

static void file_make(const char *name)
{
    int fd = open(path(name), O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, name, strlen(name)) < 0)
        exit(1);
    (void)close(fd);
}

static int socket_make(const char *name)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    (void)path_in(address.sun_path, sizeof address.sun_path, name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        exit(1);
    return fd;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int goes_backwards(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*right)->d_name, (*left)->d_name);
}

static char kind_of(const struct dirent *entry)
{
    return entry->d_type == DT_DIR    ? 'd'
           : entry->d_type == DT_REG  ? 'f'
           : entry->d_type == DT_SOCK ? 's'
                                      : '?';
}

/* "d:., d:.., f:a": all of them, in order. */
static void listed(int (*wanted)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **),
                   const char *expected)
{
    struct dirent **entries = NULL;
    char text[512] = "";
    int count = scandir(place, &entries, wanted, compare);
    for (int i = 0; i < count; i++) {
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof text - length, "%s%c:%s", i > 0 ? ", " : "",
                       kind_of(entries[i]), entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    check_text(text, expected, "the directory");
}

static void lists(void)
{
    section("what is in a directory");
    listed(NULL, alphasort, "d:., d:..");
    file_make("one");
    file_make("two");
    file_make(FOREIGN);
    IS(mkdir(path("under"), 0700), 0);
    int socket = socket_make("socket");
    listed(NULL, alphasort, "d:., d:.., f:" FOREIGN ", f:one, s:socket, f:two, d:under");
    listed(is_shown, goes_backwards, "d:under, f:two, s:socket, f:one, f:" FOREIGN);
    (void)close(socket);
    IS(unlink(path("socket")), 0);
    struct dirent **entries = NULL;
    FAILS(scandir(path("none"), &entries, NULL, NULL), ENOENT);
}

static int rest_count(DIR *directory)
{
    int count = 0;
    errno = 0;
    while (readdir(directory) != NULL)
        count++;
    return errno == 0 ? count : -errno;
}

static void places(void)
{
    char name[256];
    struct stat about;
    section("one by one");
    DIR *directory = opendir(place);
    TRUE(directory != NULL);
    IS(rest_count(directory), 6);
    IS(rest_count(directory), 0);
    rewinddir(directory);
    const struct dirent *entry = readdir(directory);
    TRUE(entry != NULL);
    entry = readdir(directory);
    TRUE(entry != NULL);
    long there = telldir(directory);
    entry = readdir(directory);
    TRUE(entry != NULL);
    (void)snprintf(name, sizeof name, "%s", entry != NULL ? entry->d_name : "");
    IS(rest_count(directory), 3);
    seekdir(directory, there);
    entry = readdir(directory);
    TRUE(entry != NULL && strcmp(entry->d_name, name) == 0);
    IS(stat(path(name), &about), 0);
    TRUE(entry != NULL && entry->d_ino == about.st_ino);
    IS(rest_count(directory), 3);
    file_make("later");
    rewinddir(directory);
    IS(rest_count(directory), 7);
    IS(unlink(path("later")), 0);
    rewinddir(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, "one") == 0)
            IS(unlink(path("one")), 0); /* While it is read. */
    }
    rewinddir(directory);
    IS(rest_count(directory), 5);
    TRUE(fcntl(dirfd(directory), F_GETFD) == FD_CLOEXEC);
    IS(fstat(dirfd(directory), &about), 0);
    TRUE(S_ISDIR(about.st_mode));
    int fd = dirfd(directory);
    IS(closedir(directory), 0);
    FAILS(fcntl(fd, F_GETFD), EBADF);
}

static void wrongs(void)
{
    int fds[2];
    section("wrong ones");
    IS(pipe(fds), 0);
    TRUE(opendir(path("none")) == NULL && errno == ENOENT);
    TRUE(opendir(path("two")) == NULL && errno == ENOTDIR);
    TRUE(opendir("") == NULL && errno == ENOENT);
    TRUE(fdopendir(9999) == NULL && errno == EBADF);
    TRUE(fdopendir(fds[0]) == NULL && errno == ENOTDIR);
    int file = open(path("two"), O_RDONLY);
    TRUE(fdopendir(file) == NULL && errno == ENOTDIR);
    int fd = open(place, O_RDONLY | O_DIRECTORY);
    FAILS(read(fd, bytes, 1), EISDIR);
    DIR *directory = fdopendir(fd);
    TRUE(directory != NULL && dirfd(directory) == fd);
    IS(rest_count(directory), 5);
    IS(closedir(directory), 0);
    FAILS(close(fd), EBADF);
    (void)close(file);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void many(void)
{
    char name[64];
    section("a large one");
    IS(mkdir(path("large"), 0700), 0);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "large/a-file-of-number-%04d", i);
        file_make(name);
    }
    DIR *directory = opendir(path("large"));
    IS(rest_count(directory), 1002);
    (void)closedir(directory);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "large/a-file-of-number-%04d", i);
        (void)unlink(path(name));
    }
    IS(rmdir(path("large")), 0);
}

static void sends(void)
{
    int ends[2];
    int fds[2];
    off_t offset = 2;
    section("sendfile");
    int file = open(path("two"), O_CREAT | O_TRUNC | O_RDWR, 0600);
    IS(write(file, "0123456789", 10), 10);
    tcp_pair(ends);
    IS(pipe(fds), 0);
    IS(sendfile(ends[0], file, &offset, 4), 4);
    IS(offset, 6);
    IS(lseek(file, 0, SEEK_CUR), 10);
    IS(recv(ends[1], bytes, 4, MSG_WAITALL), 4);
    IS(sendfile(ends[0], file, &offset, 100), 4);
    IS(offset, 10);
    IS(sendfile(ends[0], file, &offset, 100), 0);
    IS(lseek(file, 1, SEEK_SET), 1);
    IS(sendfile(ends[0], file, NULL, 3), 3);
    IS(lseek(file, 0, SEEK_CUR), 4);
    memset(bytes, 0, 16);
    IS(recv(ends[1], bytes, 7, MSG_WAITALL), 7);
    check_text(bytes, "6789123", "what has come");
    offset = 0;
    IS(sendfile(fds[1], file, &offset, 5), 5);
    IS(read(fds[0], bytes, 16), 5);
    IS(sendfile(ends[0], file, &offset, 0), 0);
    FAILS(sendfile(ends[0], 9999, &offset, 1), EBADF);
    FAILS(sendfile(9999, file, &offset, 1), EBADF);
    FAILS(sendfile(fds[0], file, &offset, 1), EBADF);
    FAILS(sendfile(ends[0], fds[0], &offset, 1), ESPIPE);
    FAILS(sendfile(ends[0], ends[1], NULL, 1), EINVAL);
    offset = -1;
    FAILS(sendfile(ends[0], file, &offset, 1), EINVAL);
    section("sendfile: more than the receiver takes");
    IS(ftruncate(file, 0), 0);
    memset(bytes, 'x', sizeof bytes);
    int written = 0;
    for (int i = 0; i < 60; i++)
        written += pwrite(file, bytes, sizeof bytes, (off_t)i * (off_t)sizeof bytes) ==
                   (ssize_t)sizeof bytes;
    IS(written, 60);
    non_blocking(ends[0], true);
    offset = 0;
    ssize_t sent = sendfile(ends[0], file, &offset, 60 * sizeof bytes);
    TRUE(sent > 0 && sent < (ssize_t)(60 * sizeof bytes) && offset == sent);
    while (sendfile(ends[0], file, &offset, 60 * sizeof bytes - (size_t)offset) > 0)
        continue;
    TRUE(errno == EAGAIN);
    off_t whole = 0;
    non_blocking(ends[1], true);
    for (ssize_t got; (got = recv(ends[1], bytes, sizeof bytes, 0)) > 0;)
        whole += got;
    TRUE(whole <= offset);
    non_blocking(ends[1], false);
    while (whole < offset)
        whole += recv(ends[1], bytes, sizeof bytes, 0);
    TRUE(whole == offset); /* Neither more nor less than was said. */
    reset(ends[1]);
    non_blocking(ends[0], false);
    wait_for(ends[0], 0);
    TRUE(sendfile(ends[0], file, &offset, 1) == -1);
    (void)close(ends[0]);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(file);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(place) == NULL)
        return 1;
    lists();
    places();
    wrongs();
    many();
    sends();
    (void)unlink(path("two"));
    (void)unlink(path(FOREIGN));
    (void)rmdir(path("under"));
    IS(rmdir(place), 0);
    return check_end();
}
