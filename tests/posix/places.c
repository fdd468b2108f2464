/* tests/posix/places.c - paths from an open directory, patterns of paths, times of files. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

static char home[4096];
static char base[] = "/tmp/pollux-places-XXXXXX";

static void file_make(int directory, const char *name, const char *text)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    TRUE(fd >= 0);
    IS(write(fd, text, strlen(text)), (long)strlen(text));
    (void)close(fd);
}

static void from_directories(int top)
{
    struct stat about;
    char bytes[16];
    section("paths from an open directory");
    file_make(top, "one", "1");
    IS(mkdirat(top, "sub", 0755), 0);
    FAILS(mkdirat(top, "sub", 0755), EEXIST);
    int sub = openat(top, "sub", O_RDONLY | O_DIRECTORY);
    TRUE(sub >= 0);
    file_make(sub, "two", "22");
    file_make(top, "sub/three", "333");
    IS(fstatat(sub, "two", &about, 0), 0);
    IS(about.st_size, 2);
    IS(fstatat(sub, "../one", &about, AT_SYMLINK_NOFOLLOW), 0);
    IS(about.st_size, 1);
    IS(fstatat(sub, ".", &about, 0), 0);
    TRUE(S_ISDIR(about.st_mode));
    FAILS(fstatat(sub, "one", &about, 0), ENOENT);
    FAILS(fstatat(sub, "", &about, 0), ENOENT);
    FAILS(fstatat(sub, "two", &about, 0x8000), EINVAL);
    FAILS(fstatat(9999, "two", &about, 0), EBADF);
    IS(fstatat(9999, base, &about, 0), 0); /* An absolute path needs no directory. */
    int file = openat(sub, "two", O_RDONLY);
    FAILS(openat(file, "x", O_RDONLY), ENOTDIR);
    IS(read(file, bytes, sizeof bytes), 2);
    (void)close(file);
    IS(faccessat(sub, "two", R_OK, 0), 0);
    FAILS(faccessat(sub, "four", F_OK, AT_EACCESS), ENOENT);
    IS(fchmodat(sub, "two", 0400, 0), 0);
    IS(fstatat(sub, "two", &about, 0), 0);
    IS(about.st_mode & 0200, 0);
    IS(fchmodat(sub, "two", 0600, 0), 0);
    IS(linkat(sub, "two", top, "again", 0), 0);
    IS(fstatat(top, "again", &about, 0), 0);
    IS(about.st_nlink, 2);
    IS(renameat(sub, "three", top, "moved"), 0);
    FAILS(renameat(sub, "three", top, "moved"), ENOENT);
    FAILS(readlinkat(top, "one", bytes, sizeof bytes), EINVAL);
    IS(fchownat(top, "one", getuid(), getgid(), 0), 0);
    FAILS(unlinkat(top, "sub", AT_REMOVEDIR), ENOTEMPTY);
    IS(unlinkat(sub, "two", 0), 0);
    FAILS(unlinkat(sub, "two", 0), ENOENT);
    FAILS(unlinkat(top, "again", 0x8000), EINVAL);
    IS(fchdir(sub), 0);
    IS(access("../moved", F_OK), 0);
    FAILS(fchdir(9999), EBADF);
    IS(chdir(home), 0);
    (void)close(sub);
    IS(unlinkat(top, "sub", AT_REMOVEDIR), 0);
    IS(unlinkat(AT_FDCWD, "no such file", 0), -1);
    (void)unlinkat(top, "again", 0);
    (void)unlinkat(top, "moved", 0);
    (void)unlinkat(top, "one", 0);
}

static void times_of_files(int top)
{
    const struct timespec times[2] = {{1000000000, 500000000}, {1234567890, 123456700}};
    const struct timespec keep[2] = {{0, UTIME_OMIT}, {77, 0}};
    const struct timespec stay[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    const struct timespec wrong[2] = {{0, 1000000000}, {0, 0}};
    const struct timespec late[2] = {{INT64_MAX, 0}, {INT64_MAX, 999999999}};
    const struct timespec first[2] = {{INT64_MIN, 0}, {INT64_MIN, 0}};
    const struct timeval coarse[2] = {{11, 22}, {33, 44}};
    const struct timeval early[2] = {{-1, 500000}, {-1, 500000}};
    struct stat about;
    section("times of files");
    file_make(top, "timed", "x");
    IS(utimensat(top, "timed", times, 0), 0);
    IS(fstatat(top, "timed", &about, 0), 0);
    IS(about.st_mtim.tv_sec, 1234567890);
    IS(about.st_mtim.tv_nsec, 123456700);
    int fd = openat(top, "timed", O_RDONLY);
    IS(futimens(fd, times), 0);
    IS(fstat(fd, &about), 0);
    /* Wine takes it for reading to ask what type the file is of. */
    TRUE(IS_WINDOWS || about.st_atim.tv_sec == 1000000000);
    TRUE(IS_WINDOWS || about.st_atim.tv_nsec == 500000000);
    IS(futimens(fd, keep), 0);
    IS(fstat(fd, &about), 0);
    TRUE(IS_WINDOWS || about.st_atim.tv_sec == 1000000000);
    IS(about.st_mtim.tv_sec, 77);
    IS(futimens(fd, late), 0);
    IS(fstat(fd, &about), 0);
    TRUE(about.st_mtim.tv_sec > 2000000000); /* The last that its file system has. */
    IS(futimens(fd, first), 0);
    IS(fstat(fd, &about), 0);
    TRUE(about.st_mtim.tv_sec < 0);
    FAILS(futimens(fd, wrong), EINVAL);
    FAILS(futimens(9999, times), EBADF);
    FAILS(utimensat(top, "nothing", times, 0), ENOENT);
    IS(utimensat(top, "nothing", stay, 0), 0);
    IS(utimensat(AT_FDCWD, "nothing", stay, 0), 0);
    IS(utimensat(top, "nothing", stay, 0x8000), 0);
    IS(futimens(9999, stay), 0);
    FAILS(futimens(-1, stay), EBADF);
    FAILS(utimensat(top, "timed", times, 0x8000), EINVAL);
    IS(futimens(fd, NULL), 0);
    IS(fstat(fd, &about), 0);
    TRUE(about.st_mtim.tv_sec > 1600000000);
    IS(chdir(base), 0);
    IS(utimes("timed", early), 0);
    IS(stat("timed", &about), 0);
    IS(about.st_mtim.tv_sec, -1);
    IS(about.st_mtim.tv_nsec, 500000000);
    IS(utimes("timed", coarse), 0);
    IS(stat("timed", &about), 0);
    IS(about.st_mtim.tv_sec, 33);
    IS(about.st_mtim.tv_nsec, 44000);
    IS(chdir(home), 0);
    (void)close(fd);
    (void)unlinkat(top, "timed", 0);
}

static void patterns(void)
{
    static const struct {
        const char *pattern;
        const char *text;
        int flags;
        int wanted;
    } cases[] = {
        {"*", "", 0, 0},
        {"*", ".a", 0, 0},
        {"*", ".a", FNM_PERIOD, FNM_NOMATCH},
        {".*", ".a", FNM_PERIOD, 0},
        {"a*c", "abcabc", 0, 0},
        {"a*c", "abcab", 0, FNM_NOMATCH},
        {"a*b*c", "aXbYbZc", 0, 0},
        {"**a", "bba", 0, 0},
        {"?", "a", 0, 0},
        {"?", "", 0, FNM_NOMATCH},
        {"?", "/", FNM_PATHNAME, FNM_NOMATCH},
        {"*", "a/b", 0, 0},
        {"*", "a/b", FNM_PATHNAME, FNM_NOMATCH},
        {"*/b", "a/b", FNM_PATHNAME, 0},
        {"*/b", "a/c/b", FNM_PATHNAME, FNM_NOMATCH},
        {"a/*", "a/.b", FNM_PATHNAME | FNM_PERIOD, FNM_NOMATCH},
        {"a/.*", "a/.b", FNM_PATHNAME | FNM_PERIOD, 0},
        {"a/*", "a/.b", FNM_PERIOD, 0},
        {"[ab]", "b", 0, 0},
        {"[!ab]", "b", 0, FNM_NOMATCH},
        {"[^ab]", "c", 0, 0},
        {"[a-c]x", "bx", 0, 0},
        {"[c-a]x", "bx", 0, FNM_NOMATCH},
        {"[]a]", "]", 0, 0},
        {"[!]a]", "]", 0, FNM_NOMATCH},
        {"[a-]", "-", 0, 0},
        {"[-a]", "-", 0, 0},
        {"[[:digit:]]", "5", 0, 0},
        {"[[:digit:]]", "x", 0, FNM_NOMATCH},
        {"[![:space:]]", "x", 0, 0},
        {"[[:upper:]]", "a", 0, FNM_NOMATCH},
        {"[[:upper:]]", "a", FNM_CASEFOLD, FNM_NOMATCH},
        {"[[:alpha:][:digit:]_]*", "_a", 0, 0},
        {"[[=a=]b]", "a", 0, 0},
        {"[[.-.]]", "-", 0, 0},
        {"[[.a.]-c]", "b", 0, 0},
        {"[/]", "/", 0, 0},
        {"[/]", "/", FNM_PATHNAME, FNM_NOMATCH},
        {"[.]", ".", FNM_PERIOD, FNM_NOMATCH},
        {"[a", "[a", 0, 0},
        {"[", "[", 0, 0},
        {"\\*", "*", 0, 0},
        {"\\*", "a", 0, FNM_NOMATCH},
        {"\\*", "\\a", FNM_NOESCAPE, 0},
        {"[\\]]", "]", 0, 0},
        {"a\\", "a\\", 0, FNM_NOMATCH},
        {"ABC", "abc", 0, FNM_NOMATCH},
        {"ABC", "abc", FNM_CASEFOLD, 0},
        {"[A-C]*", "bz", FNM_CASEFOLD, 0},
        {"a", "a/b", FNM_LEADING_DIR, 0},
        {"*", "a/b", FNM_LEADING_DIR | FNM_PATHNAME, 0},
        {"a*", "ab/c", FNM_LEADING_DIR | FNM_PATHNAME, 0},
        {"", "", 0, 0},
        {"", "a", 0, FNM_NOMATCH},
        {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0,
         FNM_NOMATCH},
    };
    section("patterns of names");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int got = fnmatch(cases[i].pattern, cases[i].text, cases[i].flags);
        check_is(got, cases[i].wanted, cases[i].pattern);
    }
}

/* The paths that are found, each with a space behind it; "-" for none. */
static void finds(const char *pattern, int flags, const char *wanted)
{
    char got[256] = "-";
    size_t length = 0;
    glob_t found;
    memset(&found, 0, sizeof found);
    int status = glob(pattern, flags, NULL, &found);
    for (size_t i = 0; status == 0 && i < found.gl_pathc && length < sizeof got; i++)
        length += (size_t)snprintf(got + length, sizeof got - length, "%s ", found.gl_pathv[i]);
    if (status == 0)
        TRUE(found.gl_pathv[found.gl_pathc] == NULL);
    check_text(got, wanted, pattern);
    globfree(&found);
}

static int errors;

static int error_count(const char *path, int code)
{
    (void)path;
    errors += code != 0;
    return 0;
}

/* Places that are left free for the caller, and one pattern behind another. */
static void offsets(void)
{
/* The sanitizers' own glob() looks into the free places, and crashes. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    glob_t found;
    memset(&found, 0, sizeof found);
    found.gl_offs = 2;
    IS(glob("*.h", GLOB_DOOFFS, NULL, &found), 0);
    IS(glob("b.*", GLOB_DOOFFS | GLOB_APPEND, NULL, &found), 0);
    IS(glob("none*", GLOB_DOOFFS | GLOB_APPEND, NULL, &found), GLOB_NOMATCH);
    IS(found.gl_pathc, 2);
    TRUE(found.gl_pathv[0] == NULL && found.gl_pathv[1] == NULL && found.gl_pathv[4] == NULL);
    TRUE(strcmp(found.gl_pathv[2], "a.h") == 0 && strcmp(found.gl_pathv[3], "b.c") == 0);
    globfree(&found);
#endif
}

static void paths_of_patterns(int top)
{
    static const char *const names[] = {"b.c",    "a.c",   "a.h",  ".hidden.c",
                                        "x[1].c", "d/e.c", "d/f.c"};
    static const char *const wanted[][2] = {
        {"*", "a.c a.h b.c d x[1].c "},
        {"*.c", "a.c b.c x[1].c "},
        {".*.c", ".hidden.c "},
        {"?.c", "a.c b.c "},
        {"[ab].[ch]", "a.c a.h b.c "},
        {"d/*", "d/e.c d/f.c "},
        {"*/*.c", "d/e.c d/f.c "},
        {"*/", "d/ "},
        {"d/", "d/ "},
        {"nothing*", "-"},
        {"a.c", "a.c "},
        {"x\\[1].c", "x[1].c "},
        {"./*.h", "./a.h "},
        {"*/..", "d/.. "},
        {"e*/x", "-"},
        {"d/"
         "/e.*",
         "d/"
         "/e.c "},
        {"nothing", "-"},
        {"a.c/*", "-"},
        {"[", "-"},
        {"d/[e-f].?", "d/e.c d/f.c "},
    };
    glob_t found;
    section("paths of patterns");
    IS(mkdirat(top, "d", 0755), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        file_make(top, names[i], "");
    IS(fchdir(top), 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        finds(wanted[i][0], 0, wanted[i][1]);
    finds("*", GLOB_MARK, "a.c a.h b.c d/ x[1].c ");
    finds("*", GLOB_ONLYDIR | GLOB_MARK, "d/ ");
    finds("*.c", GLOB_PERIOD, ".hidden.c a.c b.c x[1].c ");
    finds("nothing*", GLOB_NOCHECK, "nothing* ");
    finds("nothing", GLOB_NOMAGIC, "nothing ");
    finds("nothing*", GLOB_NOMAGIC, "-");
    finds("x\\[1].c", GLOB_NOESCAPE, "-");
    offsets();
    IS(glob("no/such/*", 0, error_count, &found), GLOB_NOMATCH);
    IS(errors, 1);
    globfree(&found);
    IS(glob("no/such/*", GLOB_ERR, NULL, &found), GLOB_ABORTED);
    globfree(&found);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        IS(unlink(names[i]), 0);
    IS(rmdir("d"), 0);
    IS(chdir(home), 0);
}

/* Speeds and flags are of the structure, and need no terminal. */
static void terminals(void)
{
    struct termios state;
    int fds[2];
    section("terminals");
    memset(&state, 0xff, sizeof state);
    IS(cfsetispeed(&state, B115200), 0);
    IS(cfgetispeed(&state), B115200);
    IS(cfsetospeed(&state, B9600), 0);
    IS(cfgetospeed(&state), B9600);
    IS(cfgetispeed(&state), B9600); /* One for both, as on Linux. */
    FAILS(cfsetospeed(&state, 12345), EINVAL);
    FAILS(cfsetispeed(&state, 0x1010), EINVAL);
    IS(cfsetispeed(&state, B0), 0);
    IS(cfgetispeed(&state), B0);
    IS(cfsetspeed(&state, 19200), 0);
    IS(cfgetospeed(&state), B19200);
    FAILS(cfsetspeed(&state, 9601), EINVAL);
    memset(&state, 0xff, sizeof state);
    cfmakeraw(&state);
    IS(state.c_iflag & (IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON), 0);
    IS(state.c_oflag & OPOST, 0);
    IS(state.c_lflag & (ECHO | ECHONL | ICANON | ISIG | IEXTEN), 0);
    IS(state.c_cflag & (CSIZE | PARENB), CS8);
    IS(state.c_cc[VMIN], 1);
    IS(state.c_cc[VTIME], 0);
    TRUE((state.c_lflag & ECHOE) != 0 && (state.c_iflag & IXOFF) != 0);
    IS(pipe(fds), 0);
    FAILS(tcgetattr(fds[0], &state), ENOTTY);
    FAILS(tcsetattr(fds[0], TCSANOW, &state), ENOTTY);
    FAILS(tcflush(fds[0], TCIFLUSH), ENOTTY);
    FAILS(tcdrain(fds[0]), ENOTTY);
    FAILS(tcflow(fds[0], TCOON), ENOTTY);
    FAILS(tcsendbreak(fds[0], 0), ENOTTY);
    FAILS(tcgetsid(fds[0]), ENOTTY);
    FAILS(tcsetpgrp(fds[0], getpid()), ENOTTY);
    FAILS(tcgetattr(9999, &state), EBADF);
    FAILS(sockatmark(fds[0]), ENOTTY);
    FAILS(sockatmark(9999), EBADF);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void small_ones(void)
{
    unsigned char bytes[64] = {0};
    struct tms used;
    int set = 0;
    section("random numbers, used time, exit codes");
    IS(getrandom(bytes, sizeof bytes, 0), 64);
    for (size_t i = 0; i < sizeof bytes; i++)
        set += bytes[i] != 0;
    TRUE(set > 32);
    IS(getrandom(bytes, 0, GRND_NONBLOCK), 0);
    FAILS(getrandom(bytes, 1, 0x80), EINVAL);
    IS(sysconf(_SC_CLK_TCK), 100);
    IS(sysconf(_SC_NGROUPS_MAX), NGROUPS);
    TRUE(NAME_MAX >= 255 && LOGIN_NAME_MAX >= 9);
    clock_t before = times(&used);
    TRUE(used.tms_utime >= 0 && used.tms_stime >= 0 && used.tms_cutime == 0);
    TRUE(times(&used) >= before);
    IS(EX_USAGE, 64);
    IS(EX_CONFIG, 78);
}

int main(void)
{
    TRUE(getcwd(home, sizeof home) != NULL);
    TRUE(mkdtemp(base) != NULL);
    int top = open(base, O_RDONLY | O_DIRECTORY);
    TRUE(top >= 0);
    from_directories(top);
    times_of_files(top);
    patterns();
    paths_of_patterns(top);
    terminals();
    small_ones();
    (void)close(top);
    IS(rmdir(base), 0);
    return check_end();
}
