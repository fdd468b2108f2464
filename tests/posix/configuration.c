/* tests/posix/configuration.c - what the system has, and how much: limits.h, sysconf() and its kin.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The standard's minimum values are the same everywhere. */
static void minimum_values(void)
{
    section("minimum values");
    IS(_POSIX_ARG_MAX, 4096);
    IS(_POSIX_CHILD_MAX, 25);
    IS(_POSIX_OPEN_MAX, 20);
    IS(_POSIX_NGROUPS_MAX, 8);
    IS(_POSIX_PATH_MAX, 256);
    IS(_POSIX_PIPE_BUF, 512);
    IS(_POSIX_SSIZE_MAX, 32767);
    IS(_POSIX_TZNAME_MAX, 6);
    IS(_POSIX_CLOCKRES_MIN, 20000000);
    IS(_POSIX_THREAD_KEYS_MAX, 128);
    IS(_POSIX_THREAD_THREADS_MAX, 64);
    IS(_POSIX_SEM_VALUE_MAX, 32767);
    IS(_POSIX2_LINE_MAX, 2048);
    IS(_POSIX2_CHARCLASS_NAME_MAX, 14);
    TRUE(LINE_MAX >= _POSIX2_LINE_MAX && RE_DUP_MAX >= _POSIX2_RE_DUP_MAX);
    TRUE(BC_BASE_MAX >= 99 && BC_DIM_MAX >= 2048 && BC_SCALE_MAX >= 99 && BC_STRING_MAX >= 1000);
    TRUE(COLL_WEIGHTS_MAX >= 2 && EXPR_NEST_MAX >= 32 && CHARCLASS_NAME_MAX >= 14);
    TRUE(PATH_MAX >= _POSIX_PATH_MAX && PIPE_BUF >= _POSIX_PIPE_BUF);
}

/* -1 without an errno: no limit, or not there. */
static bool is_no_error(int name)
{
    errno = 0;
    return sysconf(name) == -1 && errno == 0;
}

static void system_limits(void)
{
    section("sysconf");
    IS(sysconf(_SC_VERSION), 200809L);
    IS(sysconf(_SC_VERSION), _POSIX_VERSION);
    TRUE(sysconf(_SC_THREADS) >= 200112L);
    TRUE(sysconf(_SC_SEMAPHORES) >= 200112L);
    IS(sysconf(_SC_MONOTONIC_CLOCK), 200809L);
    IS(sysconf(_SC_MAPPED_FILES), 200809L);
    IS(sysconf(_SC_FSYNC), 200809L);
    TRUE(sysconf(_SC_LINE_MAX) >= LINE_MAX);
    TRUE(sysconf(_SC_OPEN_MAX) >= _POSIX_OPEN_MAX);
    TRUE(sysconf(_SC_STREAM_MAX) >= _POSIX_STREAM_MAX);
    TRUE(sysconf(_SC_ARG_MAX) >= _POSIX_ARG_MAX);
    TRUE(sysconf(_SC_PAGESIZE) == sysconf(_SC_PAGE_SIZE) && sysconf(_SC_PAGESIZE) >= 4096);
    TRUE(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    TRUE(sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
    TRUE(sysconf(_SC_PHYS_PAGES) > sysconf(_SC_AVPHYS_PAGES));
    TRUE(sysconf(_SC_AVPHYS_PAGES) > 0);
    TRUE(sysconf(_SC_HOST_NAME_MAX) >= _POSIX_LOGIN_NAME_MAX);
    TRUE(sysconf(_SC_LOGIN_NAME_MAX) >= _POSIX_LOGIN_NAME_MAX);
    TRUE(sysconf(_SC_TTY_NAME_MAX) >= _POSIX_TTY_NAME_MAX);
    TRUE(sysconf(_SC_THREAD_KEYS_MAX) >= _POSIX_THREAD_KEYS_MAX);
    TRUE(sysconf(_SC_THREAD_DESTRUCTOR_ITERATIONS) >= 4);
    TRUE(sysconf(_SC_ATEXIT_MAX) >= 32);
    TRUE(sysconf(_SC_SEM_VALUE_MAX) >= _POSIX_SEM_VALUE_MAX);
    TRUE(sysconf(_SC_DELAYTIMER_MAX) >= _POSIX_DELAYTIMER_MAX);
    TRUE(is_no_error(_SC_TIMER_MAX));
    TRUE(is_no_error(_SC_TRACE));
    TRUE(is_no_error(_SC_STREAMS));
    TRUE(is_no_error(_SC_SPORADIC_SERVER));
    TRUE(is_no_error(_SC_V7_LPBIG_OFFBIG));
    FAILS(sysconf(-1), EINVAL);
    FAILS(sysconf(123456), EINVAL);
}

static void file_limits(void)
{
    section("pathconf");
    int fd = open("/dev/null", O_RDWR);
    TRUE(pathconf("/tmp", _PC_NAME_MAX) >= _POSIX_NAME_MAX);
    TRUE(pathconf("/tmp", _PC_PATH_MAX) >= _POSIX_PATH_MAX);
    TRUE(pathconf("/tmp", _PC_PIPE_BUF) >= _POSIX_PIPE_BUF);
    TRUE(pathconf("/tmp", _PC_LINK_MAX) >= _POSIX_LINK_MAX);
    TRUE(pathconf("/tmp", _PC_FILESIZEBITS) >= 32);
    TRUE(pathconf("/tmp", _PC_CHOWN_RESTRICTED) > 0);
    TRUE(pathconf("/tmp", _PC_NO_TRUNC) > 0);
    TRUE(pathconf("/tmp", _PC_MAX_CANON) >= _POSIX_MAX_CANON);
    IS(pathconf("/tmp", _PC_VDISABLE), 0);
    TRUE(fpathconf(fd, _PC_NAME_MAX) >= _POSIX_NAME_MAX);
    TRUE(fpathconf(fd, _PC_PATH_MAX) >= _POSIX_PATH_MAX);
    FAILS(pathconf("/tmp/there is no such file", _PC_NAME_MAX), ENOENT);
    FAILS(pathconf("/tmp", 1000), EINVAL);
    FAILS(fpathconf(fd, 1000), EINVAL);
    IS(close(fd), 0);
    FAILS(fpathconf(fd, _PC_NAME_MAX), EBADF);
}

static void strings(void)
{
    char path[4096] = "";
    char part[4] = "zzz";
    section("confstr");
    size_t size = confstr(_CS_PATH, NULL, 0);
    TRUE(size > 4 && size <= sizeof path);
    TRUE(confstr(_CS_PATH, path, sizeof path) == size);
    TRUE(strlen(path) == size - 1);
    TRUE(confstr(_CS_PATH, part, sizeof part) == size);
    TRUE(strncmp(part, path, 3) == 0 && part[3] == '\0');
    TRUE(confstr(_CS_POSIX_V7_LP64_OFF64_LIBS, path, sizeof path) >= 1);
    FAILS(-(long)(confstr(123456, path, sizeof path) == 0), EINVAL);
}

static void names(void)
{
    char name[256] = "";
    section("names");
    TRUE(gethostid() == gethostid());
    TRUE(!IS_WINDOWS || (getlogin_r(name, sizeof name) == 0 && strcmp(name, getlogin()) == 0));
    TRUE(!IS_WINDOWS || getlogin_r(name, 1) == ERANGE);
    int fd = open("/dev/null", O_RDWR);
    IS(ttyname_r(fd, name, sizeof name), ENOTTY);
    IS(close(fd), 0);
    IS(ttyname_r(fd, name, sizeof name), EBADF);
}

static void rest(void)
{
    char swapped[6] = "......";
    section("swab, sync, exec");
    swab("abcde", swapped, 5);
    TRUE(memcmp(swapped, "badc", 4) == 0 && swapped[5] == '.');
    errno = 7;
    sync();
    IS(errno, 7);
    char *const nothing[] = {NULL};
    int code = IS_WINDOWS ? ENOSYS : ENOENT; /* There is no exec here. */
    TRUE(execle("/there/is/none", "none", (char *)NULL, nothing) == -1 && errno == code);
    code = IS_WINDOWS ? ENOSYS : EINVAL;
    TRUE(fexecve(-1, nothing, nothing) == -1 && errno == code);
}

int main(void)
{
    minimum_values();
    system_limits();
    file_limits();
    strings();
    names();
    rest();
    return check_end();
}
