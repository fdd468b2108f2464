/* tests/posix/own.c - a program with functions of its own that the C library has too, as many bring
 * for systems that lack them: it gets its own, and the library's others.
 *
 * own_plain.c has two more, and includes no header that declares them.
 */
#include "check.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int own_connect(void);
long own_send(void);
char **own_environment(void);

static char mine[] = "mine";

void *memrchr(const void *bytes, int byte, size_t size)
{
    (void)bytes;
    (void)byte;
    (void)size;
    return mine;
}

char *strsep(char **text, const char *ends)
{
    (void)text;
    (void)ends;
    return mine;
}

void vwarnx(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    mine[0] = 'M';
}

int kill(pid_t process, int number)
{
    return (int)process + number;
}

sighandler_t signal(int number, sighandler_t handler)
{
    (void)number;
    return handler;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    (void)message;
    return fd + flags;
}

static void warn_by(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}

static void on_signal(int number)
{
    (void)number;
}

int main(void)
{
    char text[] = "some/text", *rest = text;
    int ends[2];
    section("its own");
    TRUE(memrchr(text, '/', 9) == mine);
    TRUE(strsep(&rest, "/") == mine && rest == text);
    warn_by("%d", 1);
    IS(mine[0], 'M');
    IS(kill(3, 4), 7);
    TRUE(signal(SIGINT, on_signal) == on_signal);
    IS(sendmsg(3, NULL, 4), 7);
    IS(own_connect(), 12);
    IS(own_send(), 34);
    section("the library's");
    TRUE(strcasestr(text, "TEXT") == text + 5);
    TRUE(strtok_r(text, "/", &rest) == text && strcmp(rest, "text") == 0);
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    IS(write(ends[0], "abc", 3), 3);
    IS(recv(ends[1], text, sizeof text, 0), 3);
    IS(raise(0), 0);
    TRUE(own_environment() != NULL && strchr(*own_environment(), '=') != NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return check_end();
}
