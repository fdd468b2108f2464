/* tests/posix/console.c - a console at descriptors 0 and 2, where somebody types (console.sh). */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

static char bytes[16];

/* Has a line typed. */
static void type(const char *what)
{
    printf("type %s\n", what);
    fflush(stdout);
}

static void fresh(void)
{
    struct termios state;
    struct winsize size;
    section("a console at which nobody has typed");
    IS(isatty(0), 1);
    IS(isatty(2), 1);
    IS(isatty(1), 0);
    POLLS(0, POLLIN, "");
    POLLS(0, POLLIN | POLLPRI, "");
    POLLS(2, POLLOUT, "OUT");
    IS(tcgetattr(0, &state), 0);
    TRUE((state.c_lflag & ICANON) != 0);
    TRUE((state.c_lflag & ECHO) != 0);
    IS(ioctl(2, TIOCGWINSZ, &size), 0);
    non_blocking(0, true);
    FAILS(read(0, bytes, sizeof bytes), EAGAIN);
    non_blocking(0, false);
    FAILS(lseek(0, 0, SEEK_CUR), ESPIPE);
}

static void typed(void)
{
    fd_set set;
    struct timeval none = {0, 0};
    section("a line is typed");
    type("abc");
    COMES(0, POLLIN, "IN");
    FD_ZERO(&set);
    FD_SET(0, &set);
    IS(select(1, &set, NULL, NULL, &none), 1);
    IS(read(0, bytes, 2), 2);
    IS(memcmp(bytes, "ab", 2), 0);
    POLLS(0, POLLIN, "IN");
    IS(read(0, bytes, sizeof bytes), 2);
    IS(memcmp(bytes, "c\n", 2), 0);
    POLLS(0, POLLIN, "");
    FD_SET(0, &set);
    IS(select(1, &set, NULL, NULL, &none), 0);
}

static void duplicated(void)
{
    section("another descriptor of the console");
    int other = dup(0);
    TRUE(other > 2);
    type("next");
    COMES(other, POLLIN, "IN");
    POLLS(0, POLLIN, "IN");
    IS(read(other, bytes, sizeof bytes), 5);
    IS(memcmp(bytes, "next\n", 5), 0);
    POLLS(0, POLLIN, "");
    IS(close(other), 0);
    IS(isatty(0), 1);
}

/* A read that waits for a line. */
static void waited_for(void)
{
    section("a read that waits");
    type("late");
    IS(read(0, bytes, sizeof bytes), 5);
    IS(memcmp(bytes, "late\n", 5), 0);
    IS(write(2, "x", 1), 1);
}

int main(void)
{
    fresh();
    typed();
    duplicated();
    waited_for();
    return check_end();
}
