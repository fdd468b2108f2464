/* tests/posix/replaces.c - fopen()'s modes; names that are removed or replaced under open files. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    TRUE(stream != NULL && fputs(text, stream) >= 0 && fclose(stream) == 0);
}

static void has(const char *path, const char *wanted)
{
    char text[40] = "(none)";
    FILE *stream = fopen(path, "r");
    if (stream != NULL) {
        text[fread(text, 1, sizeof text - 1, stream)] = '\0';
        (void)fclose(stream);
    }
    check_text(text, wanted, path);
}

static void modes(void)
{
    char text[8] = "";
    struct stat about;
    section("fopen");
    put("file", "text");
    errno = 0;
    TRUE(fopen("file", "wx") == NULL && errno == EEXIST);
    TRUE(fopen("file", "q") == NULL && errno == EINVAL);
    TRUE(fopen("file", "") == NULL && errno == EINVAL);
    TRUE(fopen("", "r") == NULL && errno == ENOENT);
    TRUE(fopen("none", "r+") == NULL && errno == ENOENT);
    TRUE(fopen(".", "w") == NULL && errno == EISDIR);
    FILE *stream = fopen("new", "wxe");
    TRUE(stream != NULL);
    TRUE(fcntl(fileno(stream), F_GETFD) == FD_CLOEXEC);
    TRUE((fcntl(fileno(stream), F_GETFL) & O_ACCMODE) == O_WRONLY);
    IS(fclose(stream), 0);
    stream = fopen("file", "rb");
    IS(fcntl(fileno(stream), F_GETFD), 0);
    TRUE((fcntl(fileno(stream), F_GETFL) & O_ACCMODE) == O_RDONLY);
    IS(fclose(stream), 0);
    stream = fopen("file", "a+");
    TRUE((fcntl(fileno(stream), F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_RDWR | O_APPEND));
    IS(fputs("+more", stream) >= 0 && fflush(stream) == 0, 1);
    rewind(stream);
    IS(fread(text, 1, 4, stream), 4);
    check_text(text, "text", "read from the start");
    IS(fstat(fileno(stream), &about), 0);
    IS(about.st_size, 9);
    IS(fclose(stream), 0);
    stream = fopen("file", "r+");
    IS(lseek(fileno(stream), 5, SEEK_SET), 5);
    IS(getc(stream), 'm');
    IS(fclose(stream), 0);
    stream = fopen("/dev/urandom", "r");
    IS(fread(text, 1, 8, stream), 8);
    IS(fclose(stream), 0);
    FAILS(fcntl(99, F_GETFD), EBADF);
}

static void reopened(void)
{
    static FILE *stream; /* The GNU C library keeps what could not be opened again. */
    section("freopen");
    put("one", "1");
    put("two", "2");
    stream = fopen("one", "r");
    int fd = fileno(stream);
    TRUE(freopen("two", "r", stream) == stream);
    IS(fileno(stream), fd);
    IS(getc(stream), '2');
    IS(rename("two", "moved"), 0);
    IS(getc(stream), EOF);
    TRUE(freopen("two", "w", stream) == stream);
    TRUE(fputs("written", stream) >= 0 && fflush(stream) == 0);
    has("two", "written");
    TRUE(freopen("two", "a", stream) == stream);
    TRUE(fputs("+", stream) >= 0 && fflush(stream) == 0);
    has("two", "written+");
    TRUE(freopen("none/none", "r", stream) == NULL);
    IS(errno, ENOENT);
    FAILS(fcntl(fd, F_GETFD), EBADF);
}

static void through_a_file(void)
{
    struct stat about;
    section("a path through a file");
    put("f", "");
    FAILS(open("f/x", O_RDONLY), ENOTDIR);
    FAILS(open("f/", O_RDONLY), ENOTDIR);
    FAILS(open("f/x/y", O_RDWR | O_CREAT, 0644), ENOTDIR);
    FAILS(open("none/x", O_RDONLY), ENOENT);
    FAILS(stat("f/x", &about), ENOTDIR);
    FAILS(stat("f/", &about), ENOTDIR);
    FAILS(stat("none/", &about), ENOENT);
    FAILS(stat("./none", &about), ENOENT);
    FAILS(access("f/x", F_OK), ENOTDIR);
    FAILS(mkdir("f/x", 0755), ENOTDIR);
    FAILS(mkdir("none/x", 0755), ENOENT);
    FAILS(unlink("f/x"), ENOTDIR);
    FAILS(rmdir("f/x"), ENOTDIR);
    FAILS(chdir("f"), ENOTDIR);
    FAILS(chdir("f/x"), ENOTDIR);
    FAILS(chmod("f/x", 0644), ENOTDIR);
    FAILS(utimensat(AT_FDCWD, "f/x", NULL, 0), ENOTDIR);
    FAILS(utimensat(AT_FDCWD, "none/x", NULL, 0), ENOENT);
    FAILS(faccessat(AT_FDCWD, "f/x", F_OK, 0), ENOTDIR);
    FAILS(mkdirat(AT_FDCWD, "f/x", 0755), ENOTDIR);
    FAILS(truncate("f/x", 1), ENOTDIR);
    FAILS(truncate("none", 1), ENOENT);
    FAILS(link("f", "f/x"), ENOTDIR);
    FAILS(rename("f/x", "g"), ENOTDIR);
    FAILS(rename("f", "none/g"), ENOENT);
    TRUE(fopen("f/x", "r") == NULL && errno == ENOTDIR);
    IS(unlink("f"), 0);
}

static void removals(void)
{
    char text[8] = "";
    section("unlink of what is open");
    put("a", "old");
    FILE *stream = fopen("a", "r+");
    int fd = open("a", O_RDONLY);
    IS(unlink("a"), 0);
    FAILS(access("a", F_OK), ENOENT);
    FAILS(unlink("a"), ENOENT);
    put("a", "new");
    IS(read(fd, text, sizeof text), 3);
    check_text(text, "old", "read from the one that was");
    IS(fputs("X", stream) >= 0 && fflush(stream) == 0, 1);
    IS(pread(fd, text, sizeof text, 0), 3);
    check_text(text, "Xld", "written to it");
    IS(close(fd), 0);
    IS(fclose(stream), 0);
    has("a", "new");
    IS(chmod("a", 0444), 0);
    IS(unlink("a"), 0);
    section("remove, rmdir");
    IS(mkdir("d", 0755), 0);
    FAILS(unlink("d"), EISDIR);
    put("d/x", "");
    FAILS(remove("d"), ENOTEMPTY);
    FAILS(rmdir("d"), ENOTEMPTY);
    FAILS(rmdir("d/x"), ENOTDIR);
    FAILS(rmdir("d/x/."), ENOTDIR);
    FAILS(rmdir("none/."), ENOENT);
    IS(remove("d/x"), 0);
    FAILS(rmdir("d/."), EINVAL);
    FAILS(rmdir("./d/./"), EINVAL);
    FAILS(rmdir("d/.."), ENOTEMPTY);
    FAILS(rmdir("."), EINVAL);
    FAILS(remove("d/."), EINVAL);
    IS(mkdir("d/.x", 0755), 0);
    IS(rmdir("d/.x/"), 0);
    IS(remove("d"), 0);
    FAILS(remove("d"), ENOENT);
    FAILS(rmdir("d"), ENOENT);
}

static void files_renamed(void)
{
    char text[8] = "";
    struct stat about;
    section("rename of files");
    put("from", "one");
    put("to", "two");
    FILE *reader = fopen("to", "r");
    int fd = open("from", O_RDWR);
    IS(rename("from", "to"), 0);
    FAILS(access("from", F_OK), ENOENT);
    has("to", "one");
    IS(fread(text, 1, 3, reader), 3);
    check_text(text, "two", "who had it open");
    IS(write(fd, "ONE", 3), 3);
    has("to", "ONE");
    IS(rename("to", "again"), 0);
    has("again", "ONE");
    IS(close(fd), 0);
    IS(fclose(reader), 0);
    put("read only", "ro");
    IS(chmod("read only", 0444), 0);
    IS(rename("again", "read only"), 0);
    has("read only", "ONE");
    IS(rename("read only", "read only"), 0);
    IS(rename("read only", "./read only"), 0);
    FAILS(rename("none", "x"), ENOENT);
    FAILS(rename("read only", "none/x"), ENOENT);
    IS(link("read only", "linked"), 0);
    IS(rename("read only", "linked"), 0); /* Two names of one file stay as they are. */
    IS(stat("read only", &about), 0);
    IS(about.st_nlink, 2);
    IS(rename("linked", "LINKED"), 0);
    IS(rename("LINKED", "linked"), 0);
    IS(unlink("linked"), 0);
}

static void directories_renamed(void)
{
    section("rename of directories");
    IS(mkdir("one", 0755), 0);
    IS(mkdir("two", 0755), 0);
    put("one/x", "x");
    put("plain", "p");
    FAILS(rename("plain", "two"), EISDIR);
    FAILS(rename("two", "plain"), ENOTDIR);
    FAILS(rename("two", "one"), ENOTEMPTY);
    IS(rename("one", "two"), 0);
    has("two/x", "x");
    FAILS(access("one", F_OK), ENOENT);
    IS(rename("two", "three"), 0);
    has("three/x", "x");
    IS(mkdir("self", 0755), 0);
    IS(rename("self", "./self"), 0);
    IS(rename("self", "self/"), 0);
    IS(mkdir("self/in", 0755), 0);
    FAILS(rename("self", "self/in"), EINVAL);
    IS(rename("self", "./self"), 0);
    IS(rmdir("self/in"), 0);
    IS(rmdir("self"), 0);
}

/* Slashes; together they would look like a comment. */
#define TWO                                                                                        \
    "/"                                                                                            \
    "/"

/* Nothing is left behind of what was open. */
static void ends_of_paths(void)
{
    struct stat one;
    struct stat other;
    section("paths that end in dots and slashes");
    TRUE(stat("/", &one) == 0 && stat(TWO "/", &other) == 0 && one.st_ino == other.st_ino);
    TRUE(stat(".", &one) == 0 && stat("." TWO "." TWO "/", &other) == 0 &&
         one.st_ino == other.st_ino);
    put("plain", "x");
    FAILS(stat("plain/.", &one), ENOTDIR);
    FAILS(stat("plain/..", &one), ENOTDIR);
    FAILS(stat("plain/", &one), ENOTDIR);
    FAILS(stat("nothing/./", &one), ENOENT);
    FAILS(open("nothing/.", O_WRONLY | O_CREAT, 0666), ENOENT);
    FAILS(mkdir("fresh/.", 0777), ENOENT);
    FAILS(mkdir("fresh/." TWO, 0777), ENOENT);
    FAILS(mkdir("plain/.", 0777), ENOTDIR);
    IS(mkdir("fresh" TWO, 0777), 0);
    FAILS(mkdir("fresh/.", 0777), EEXIST);
    FAILS(mkdir("fresh/..", 0777), EEXIST);
    FAILS(link("plain", "nothing/."), ENOENT);
    FAILS(link("plain", "nothing/"), ENOENT);
    FAILS(link("plain/", "nothing"), ENOTDIR);
    FAILS(link("plain", "."), EEXIST);
    FAILS(link("none", "fresh"), ENOENT);
    FAILS(link("fresh", "nothing"), EPERM);
    FAILS(link("fresh/.", "nothing"), EPERM);
    FAILS(rename("fresh/.", "nothing"), EBUSY);
    FAILS(rename("fresh", "nothing/."), ENOENT);
    FAILS(rename("plain", "fresh/.."), EBUSY);
    FAILS(rename("nothing/..", "plain"), ENOENT);
    IS(unlink("plain"), 0);
    IS(rmdir("fresh/" TWO), 0);
}

/* Nothing is reached by way of the directory of what is no directory, or is not there. */
static void dots_in_paths(void)
{
    struct stat about;
    char whole[4096];
    section("paths with dots in them");
    put("plain", "x");
    put("other", "y");
    IS(mkdir("fresh", 0777), 0);
    IS(stat("fresh/../plain", &about), 0);
    IS(stat("./fresh/./../fresh/../plain", &about), 0);
    FAILS(stat("plain/../other", &about), ENOTDIR);
    FAILS(lstat("nothing/../other", &about), ENOENT);
    FAILS(stat("fresh/nothing/../../other", &about), ENOENT);
    FAILS(open("plain/./other", O_RDONLY), ENOTDIR);
    FAILS(open("plain/../new", O_WRONLY | O_CREAT, 0666), ENOTDIR);
    TRUE(fopen("plain/../other", "r") == NULL && errno == ENOTDIR);
    FAILS(access("plain/../other", F_OK), ENOTDIR);
    FAILS(mkdir("plain/../directory", 0777), ENOTDIR);
    FAILS(rmdir("plain/../fresh"), ENOTDIR);
    FAILS(unlink("plain/../other"), ENOTDIR);
    FAILS(rename("plain/../other", "moved"), ENOTDIR);
    FAILS(rename("other", "plain/../moved"), ENOTDIR);
    FAILS(link("plain/../other", "linked"), ENOTDIR);
    FAILS(truncate("plain/../other", 0), ENOTDIR);
    FAILS(chmod("plain/../other", 0600), ENOTDIR);
    FAILS(chdir("plain/../fresh"), ENOTDIR);
    TRUE(realpath("plain/../other", whole) == NULL && errno == ENOTDIR);
    FAILS(openat(AT_FDCWD, "plain/../other", O_RDONLY), ENOTDIR);
    IS(unlink("other"), 0);
    IS(unlink("plain"), 0);
    IS(rmdir("fresh"), 0);
}

static void nothing_left(void)
{
    static const char *const names[] = {"file", "new",   "one",     "two",   "moved",  "read only",
                                        "to",   "plain", "three/x", "three", "linked", "again"};
    section("the end");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)remove(names[i]);
    char here[4096];
    TRUE(getcwd(here, sizeof here) != NULL);
    IS(chdir(".."), 0);
    IS(rmdir(here), 0);
}

int main(void)
{
    char name[] = "replacesXXXXXX";
    if (mkdtemp(name) == NULL || chdir(name) != 0)
        return 1;
    modes();
    reopened();
    (void)remove("one");
    (void)remove("two");
    through_a_file();
    removals();
    files_renamed();
    directories_renamed();
    ends_of_paths();
    dots_in_paths();
    nothing_left();
    return check_end();
}
