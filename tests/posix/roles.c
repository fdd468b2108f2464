/* tests/posix/roles.c - see roles.h. */
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef environ /* As UCRT's headers define it. */
extern char **environ;
#endif

const char *const role_words[] = {"args", "",      "a b",     "a\"b", "\\",        "a\\\\b",
                                  "c\\",  "d e\\", "\\\"",    "*.c",  "tab\there", "%PATH%",
                                  "a&b",  "^",     "'quote'", NULL};

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    handled = number;
}

static int role_arguments(int count, char **arguments)
{
    for (int i = 0; role_words[i] != NULL; i++) {
        if (i + 1 >= count || strcmp(role_words[i], arguments[i + 1]) != 0)
            return i + 1;
    }
    return 0;
}

static int role_copy(int from, int to)
{
    static char piece[5000];
    ssize_t got;
    while ((got = read(from, piece, sizeof piece)) > 0) {
        if (write(to, piece, (size_t)got) != got)
            return 2;
    }
    return got == 0 ? 0 : 3;
}

/* Which of these are open, as bits. */
static int role_open(char **fds)
{
    int bits = 0;
    for (int i = 0; fds[i] != NULL; i++)
        bits |= fcntl(atoi(fds[i]), F_GETFD) >= 0 ? 1 << i : 0;
    return bits;
}

static int role_answer(int fd)
{
    char request[64] = "";
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
        return 2;
    if (recv(fd, request, sizeof request - 1, 0) <= 0)
        return 3;
    return send(fd, "answer", 6, 0) == 6 && strcmp(request, "request") == 0 ? 0 : 4;
}

/* The same over a pair, in as many pieces as it comes. */
static int role_late(int fd)
{
    char request[8] = "";
    if (recv(fd, request, 7, MSG_WAITALL) != 7 || strcmp(request, "request") != 0)
        return 2;
    return send(fd, "answer", 6, 0) == 6 && shutdown(fd, SHUT_WR) == 0 ? 0 : 3;
}

static int role_accept(int listener)
{
    struct pollfd entry = {.fd = listener, .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, 20000) != 1)
        return 2;
    int fd = accept(listener, NULL, NULL);
    return fd >= 0 && send(fd, "accepted", 8, 0) == 8 ? 0 : 3;
}

/* Says that it is there, and waits to be sent something. */
static int role_wait(const char *how)
{
    sigset_t none;
    sigset_t blocked;
    struct timespec while_waiting = {.tv_sec = 20, .tv_nsec = 0};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigemptyset(&none);
    (void)sigfillset(&blocked);
    (void)sigprocmask(SIG_BLOCK, strcmp(how, "handler") == 0 ? &blocked : &none, NULL);
    if (strcmp(how, "handler") == 0 && sigaction(SIGTERM, &action, NULL) != 0)
        return 2;
    if (write(1, "r", 1) != 1)
        return 3;
    if (strcmp(how, "masked") == 0) { /* What was blocked when it began waits for this. */
        char byte;
        if (sigaction(SIGTERM, &action, NULL) != 0 || read(0, &byte, 1) != 1 || handled != 0)
            return 4;
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        return handled == SIGTERM ? 6 : 7;
    }
    while (handled == 0)
        (void)ppoll(NULL, 0, &while_waiting, &none);
    return handled == SIGTERM ? 5 : 8;
}

/* As inetd's programs do: one line is asked on standard input, and answered. */
static int role_inetd(void)
{
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL)
        return 2;
    line[strcspn(line, "\n")] = '\0';
    printf("you said %s", line); /* No line end, at which Wine would send it. */
    fprintf(stderr, "and this is an error\n");
    return fgets(line, sizeof line, stdin) == NULL && feof(stdin) ? 0 : 3; /* No fflush(). */
}

static int role_place(void)
{
    char text[16] = "";
    int fd = open("here", O_RDONLY);
    return fd >= 0 && read(fd, text, sizeof text - 1) == 5 && strcmp(text, "place") == 0 ? 0 : 2;
}

int role_play(int count, char **arguments)
{
    const char *role = arguments[1];
    const char *first = count > 2 ? arguments[2] : "0";
    if (strcmp(role, "exit") == 0)
        exit(atoi(first));
    if (strcmp(role, "args") == 0)
        return role_arguments(count, arguments);
    if (strcmp(role, "copy") == 0)
        return role_copy(atoi(first), atoi(arguments[3]));
    if (strcmp(role, "open") == 0)
        return role_open(arguments + 2);
    if (strcmp(role, "answer") == 0)
        return role_answer(atoi(first));
    if (strcmp(role, "late") == 0)
        return role_late(atoi(first));
    if (strcmp(role, "accept") == 0)
        return role_accept(atoi(first));
    if (strcmp(role, "wait") == 0)
        return role_wait(first);
    if (strcmp(role, "place") == 0)
        return role_place();
    if (strcmp(role, "inetd") == 0)
        return role_inetd();
    if (strcmp(role, "write") == 0)
        return write(atoi(first), arguments[3], strlen(arguments[3])) > 0 ? 0 : 2;
    if (strcmp(role, "environment") == 0)
        return getenv("POLLUX_WORD") != NULL && strcmp(getenv("POLLUX_WORD"), "a b") == 0 &&
                       getenv("POLLUX_OTHER") == NULL
                   ? 0
                   : 2;
    if (strcmp(role, "ignored") == 0) {
        struct sigaction action;
        return sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_IGN ? 0 : 2;
    }
    if (strcmp(role, "flag") == 0)
        return (fcntl(atoi(first), F_GETFL) & O_NONBLOCK) != 0 ? 0 : 2;
    return 99;
}

/* --- starting them -------------------------------------------------------------------------- */

char self[1024];
char plain[1024];

void programs_find(const char *given)
{
    char *whole = realpath(given, NULL);
    (void)snprintf(self, sizeof self, "%s", whole != NULL ? whole : given);
    free(whole);
    memcpy(plain, self, sizeof plain);
    char *name = plain + strlen(plain);
    while (name > plain && name[-1] != '/')
        name--;
    (void)snprintf(name, sizeof plain - (size_t)(name - plain), "posix_plain");
}

pid_t start(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
            const char *program, const char *one, const char *two, const char *three)
{
    char *arguments[5];
    int count = 0;
    pid_t process = -1;
    const char *all[4] = {program, one, two, three};
    for (int i = 0; i < 4 && all[i] != NULL; i++)
        arguments[count++] = (char *)(size_t)all[i];
    arguments[count] = NULL;
    int code = posix_spawn(&process, program, actions, attributes, arguments, environ);
    return code == 0 ? process : -code;
}

static char text_of[8][16];

const char *number(int which, int value)
{
    (void)snprintf(text_of[which], sizeof text_of[which], "%d", value);
    return text_of[which];
}

int end_of(pid_t process)
{
    int status = -1;
    if (process <= 0)
        return 1000 - process;
    if (waitpid(process, &status, 0) != process)
        return 2000 + errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int run(const posix_spawn_file_actions_t *actions, const char *one, const char *two,
        const char *three)
{
    return end_of(start(actions, NULL, self, one, two, three));
}
