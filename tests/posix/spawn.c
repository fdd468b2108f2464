/* tests/posix/spawn.c - children: what they are given. (How they end: children.c.)
 *
 * The program starts itself, as `spawn ROLE ...`, and posix_plain, which knows no POSIX.
 */
#include "check.h"
#include "roles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef environ /* As UCRT's headers define it. */
extern char **environ;
#endif

static char bytes[300000];
static char back[300000];

/* Writes all, reads all that comes back, waits for neither alone. */
static size_t talk(int to, int from, size_t size)
{
    size_t sent = 0;
    size_t got = 0;
    non_blocking(to, true);
    non_blocking(from, true);
    for (;;) {
        struct pollfd entries[2] = {{.fd = from, .events = POLLIN, .revents = 0},
                                    {.fd = to, .events = POLLOUT, .revents = 0}};
        if (poll(entries, sent < size ? 2 : 1, 20000) <= 0)
            return 0;
        if (sent < size && entries[1].revents != 0) {
            ssize_t count = write(to, bytes + sent, size - sent);
            sent += count > 0 ? (size_t)count : 0;
            if (sent == size)
                (void)close(to);
        }
        if (entries[0].revents != 0) {
            ssize_t count = read(from, back + got, sizeof back - got);
            if (count == 0)
                return got;
            got += count > 0 ? (size_t)count : 0;
        }
    }
}

static void with_pipes(const char *program, const char *one, const char *two, const char *three,
                       int code)
{
    int in[2];
    int out[2];
    posix_spawn_file_actions_t actions;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 23);
    IS(pipe2(in, O_CLOEXEC), 0);
    IS(pipe2(out, O_CLOEXEC), 0);
    IS(posix_spawn_file_actions_init(&actions), 0);
    IS(posix_spawn_file_actions_adddup2(&actions, in[0], 0), 0);
    IS(posix_spawn_file_actions_adddup2(&actions, out[1], 1), 0);
    IS(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    pid_t process = start(&actions, NULL, program, one, two, three);
    TRUE(process > 0);
    IS(posix_spawn_file_actions_destroy(&actions), 0);
    IS(close(in[0]), 0);
    IS(close(out[1]), 0);
    IS(waitpid(process, NULL, WNOHANG), 0);
    IS(talk(in[1], out[0], 250000), 250000);
    IS(memcmp(bytes, back, 250000), 0);
    IS(end_of(process), code);
    IS(close(out[0]), 0);
}

static ssize_t write_until_it_fails(int fd)
{
    ssize_t written = 1;
    for (int i = 0; i < 20000 && written == 1; i++) {
        (void)poll(NULL, 0, 1);
        written = write(fd, "x", 1);
    }
    return written;
}

static void pipes(void)
{
    int fds[2];
    int more[2];
    posix_spawn_file_actions_t actions;
    section("pipes to one of our own");
    with_pipes(self, "copy", "0", "1", 0);
    section("pipes to another's");
    with_pipes(plain, "9", NULL, NULL, 9);
    section("pipes by number, and between children");
    IS(pipe(fds), 0);
    IS(write(fds[1], "before", 6), 6);
    IS(pipe(more), 0);
    /* Both ends go to both of them, but what each does not want. */
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addclose(&actions, fds[1]);
    pid_t reader = start(&actions, NULL, self, "copy", number(0, fds[0]), number(1, more[1]));
    (void)posix_spawn_file_actions_destroy(&actions);
    IS(run(NULL, "write", number(0, fds[1]), " child"), 0);
    IS(write(fds[1], " after", 6), 6);
    IS(close(fds[0]), 0);
    IS(close(fds[1]), 0);
    IS(close(more[1]), 0);
    size_t got = 0;
    for (ssize_t count; (count = read(more[0], back + got, 100)) > 0;)
        got += (size_t)count;
    back[got] = '\0';
    check_text(back, "before child after", "what has come through");
    IS(end_of(reader), 0);
    IS(close(more[0]), 0);
    IS(pipe2(fds, O_CLOEXEC), 0);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, fds[0], 0);
    IS(end_of(start(&actions, NULL, self, "exit", "0", NULL)), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    IS(close(fds[0]), 0);
    FAILS(write_until_it_fails(fds[1]), EPIPE);
    IS(close(fds[1]), 0);
}

static void numbers(void)
{
    int fds[2];
    posix_spawn_file_actions_t actions;
    section("which descriptors arrive");
    int kept = open("/dev/null", O_RDONLY);
    int hidden = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    char *arguments[] = {self,
                         (char *)(size_t) "open",
                         (char *)(size_t)number(0, kept),
                         (char *)(size_t)number(1, hidden),
                         (char *)(size_t)number(2, other),
                         (char *)(size_t)number(3, datagrams),
                         (char *)(size_t)number(4, 90),
                         NULL};
    pid_t process;
    IS(posix_spawn(&process, self, NULL, NULL, arguments, environ), 0);
    IS(end_of(process), 1 | 8);
    IS(run(NULL, "flag", number(0, datagrams), NULL), 0);
    IS(run(NULL, "flag", number(0, kept), NULL), 2);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addclose(&actions, kept);
    (void)posix_spawn_file_actions_adddup2(&actions, hidden, 90);
    (void)posix_spawn_file_actions_adddup2(&actions, other, other);
    (void)posix_spawn_file_actions_addclose(&actions, 91); /* Closed already, which is no error. */
    IS(posix_spawn(&process, self, &actions, NULL, arguments, environ), 0);
    IS(end_of(process), 4 | 8 | 16);
    (void)posix_spawn_file_actions_destroy(&actions);
    IS(fcntl(other, F_GETFD), FD_CLOEXEC);
    IS(pipe(fds), 0);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, fds[1], 10);
    IS(end_of(start(&actions, NULL, self, "write", "10", "by ten")), 0);
    IS(read(fds[0], back, 100), 6);
    IS(memcmp(back, "by ten", 6), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)close(kept);
    (void)close(hidden);
    (void)close(other);
    (void)close(datagrams);
}

static void sockets(void)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    section("sockets");
    tcp_pair(ends);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t process = start(NULL, NULL, self, "answer", number(0, ends[0]), NULL);
    IS(close(ends[0]), 0);
    IS(send(ends[1], "request", 7, 0), 7);
    IS(recv(ends[1], back, 100, MSG_WAITALL), 6);
    IS(memcmp(back, "answer", 6), 0);
    IS(end_of(process), 0);
    IS(close(ends[1]), 0);
    int listener = bound(SOCK_STREAM);
    process = start(NULL, NULL, self, "accept", number(0, listener), NULL);
    int client = connected_to(listener);
    IS(close(listener), 0);
    IS(recv(client, back, 100, 0), 8);
    IS(memcmp(back, "accepted", 8), 0);
    IS(recv(client, back, 100, 0), 0);
    IS(end_of(process), 0);
    IS(close(client), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/pollux-XXXXXX");
    (void)close(mkstemp(address.sun_path));
    (void)unlink(address.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    IS(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    IS(listen(listener, 5), 0);
    process = start(NULL, NULL, self, "accept", number(0, listener), NULL);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    IS(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    IS(close(listener), 0);
    IS(recv(client, back, 8, MSG_WAITALL), 8);
    IS(end_of(process), 0);
    IS(close(client), 0);
    IS(unlink(address.sun_path), 0);
    tcp_pair(ends);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], 1);
    process = start(&actions, NULL, plain, "6", "line", NULL);
    IS(close(ends[0]), 0);
    IS(send(ends[1], "line\n", 5, 0), 5);
    IS(recv(ends[1], back, 100, MSG_WAITALL), 14);
    IS(memcmp(back, "answer to line", 14), 0);
    IS(end_of(process), 6);
    IS(close(ends[1]), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
}

static void pairs(void)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    section("pairs");
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    IS(write(ends[1], "requ", 4), 4);
    IS(write(ends[0], "before ", 7), 7);
    pid_t process = start(NULL, NULL, self, "late", number(0, ends[0]), NULL);
    IS(close(ends[0]), 0);
    POLLS(ends[1], POLLIN | POLLOUT, "IN|OUT");
    IS(send(ends[1], "est", 3, 0), 3);
    IS(recv(ends[1], back, 100, MSG_WAITALL), 13);
    IS(memcmp(back, "before answer", 13), 0);
    IS(end_of(process), 0);
    IS(recv(ends[1], back, 100, 0), 0);
    FAILS(send_until_it_fails(ends[1]), EPIPE);
    IS(close(ends[1]), 0);
    IS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], 1);
    process = start(&actions, NULL, plain, "4", "line", NULL);
    IS(close(ends[0]), 0);
    IS(write(ends[1], "line\n", 5), 5);
    IS(recv(ends[1], back, 100, MSG_WAITALL), 14);
    IS(memcmp(back, "answer to line", 14), 0);
    IS(end_of(process), 4);
    IS(close(ends[1]), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
}

static void files(void)
{
    char directory[] = "/tmp/pollux-XXXXXX";
    char path[64];
    posix_spawn_file_actions_t actions;
    section("files and directories");
    TRUE(mkdtemp(directory) == directory);
    (void)snprintf(path, sizeof path, "%s/here", directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    IS(run(NULL, "write", number(0, fd), "pla"), 0);
    IS(lseek(fd, 0, SEEK_CUR), 3); /* One offset for both. */
    IS(write(fd, "ce", 2), 2);
    IS(close(fd), 0);
    (void)posix_spawn_file_actions_init(&actions);
    IS(posix_spawn_file_actions_addchdir_np(&actions, directory), 0);
    IS(posix_spawn_file_actions_addopen(&actions, 11, "there", O_WRONLY | O_CREAT, 0600), 0);
    IS(posix_spawn_file_actions_addopen(&actions, 12, "here", O_RDONLY, 0), 0);
    IS(end_of(start(&actions, NULL, self, "place", NULL, NULL)), 0);
    IS(end_of(start(&actions, NULL, self, "copy", "12", "11")), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/there", directory);
    struct stat about;
    IS(stat(path, &about), 0);
    IS(about.st_size, 5);
    IS(unlink(path), 0);
    IS(rmdir(directory), 0);
}

static int refused(const posix_spawn_file_actions_t *actions, const char *program)
{
    pid_t process = start(actions, NULL, program, "exit", "0", NULL);
    if (process > 0)
        return end_of(process) == 0 ? 0 : -1;
    return -process;
}

static void check_code(int code, int wanted, const char *what)
{
    check_text(errno_name(code), errno_name(wanted), what);
}

static void errors(void)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    section("what cannot be started");
    check_code(refused(NULL, "/tmp/pollux-no-such-program"), ENOENT, "no such program");
    check_code(refused(NULL, ""), ENOENT, "no name");
    check_code(refused(NULL, "/tmp"), EACCES, "a directory");
    char *words_of[] = {self, NULL};
    pid_t process = 1;
    check_code(posix_spawnp(&process, "pollux-no-such-program", NULL, NULL, words_of, environ),
               ENOENT, "no such program in PATH");
    IS(process, 1);
    (void)posix_spawn_file_actions_init(&actions);
    check_code(posix_spawn_file_actions_adddup2(&actions, -1, 3), EBADF, "dup2 of -1");
    check_code(posix_spawn_file_actions_addclose(&actions, -1), EBADF, "close of -1");
    check_code(posix_spawn_file_actions_addopen(&actions, -1, "/tmp", 0, 0), EBADF, "open as -1");
    (void)posix_spawn_file_actions_adddup2(&actions, 93, 3);
    check_code(refused(&actions, self), EBADF, "dup2 of what is closed");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 5, "/tmp/pollux/no/such", O_RDONLY, 0);
    check_code(refused(&actions, self), ENOENT, "open of what is not there");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addchdir_np(&actions, "/tmp/pollux-no-such-place");
    check_code(refused(&actions, self), ENOENT, "chdir to what is not there");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addchdir_np(&actions, self);
    check_code(refused(&actions, self), ENOTDIR, "chdir to no directory");
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_init(&attributes);
    check_code(posix_spawnattr_setflags(&attributes, 0x4000), EINVAL, "unknown flags");
    (void)posix_spawnattr_destroy(&attributes);
    char *large = malloc(4 << 20);
    memset(large, 'x', 4 << 20);
    large[(4 << 20) - 1] = '\0';
    check_code(-start(NULL, NULL, self, large, NULL, NULL), E2BIG, "too many words");
    free(large);
    FAILS(waitpid(-1, NULL, WNOHANG), ECHILD); /* None of them has left anybody. */
}

static void words_and_environment(void)
{
    char *arguments[32] = {self};
    char *environment[64];
    int count = 0;
    pid_t process;
    section("arguments, environment, search");
    for (int i = 0; role_words[i] != NULL; i++)
        arguments[i + 1] = (char *)(size_t)role_words[i];
    IS(posix_spawn(&process, self, NULL, NULL, arguments, environ), 0);
    IS(end_of(process), 0);
    environment[count++] = (char *)(size_t) "POLLUX_WORD=a b";
    environment[count] = NULL;
    (void)setenv("POLLUX_OTHER", "inherited", 1);
    char *asking[] = {self, (char *)(size_t) "environment", NULL};
    IS(posix_spawn(&process, self, NULL, NULL, asking, environment), 0);
    IS(end_of(process), 0);
    IS(posix_spawn(&process, self, NULL, NULL, asking, environ), 0);
    IS(end_of(process), 2);
    (void)unsetenv("POLLUX_OTHER");
    const char *shell = IS_WINDOWS ? "cmd" : "sh";
    char *telling[] = {(char *)(size_t)shell, (char *)(size_t)(IS_WINDOWS ? "/c" : "-c"),
                       (char *)(size_t) "exit 12", NULL};
    IS(posix_spawnp(&process, shell, NULL, NULL, telling, environ), 0);
    IS(end_of(process), 12);
    int status = system("exit 13");
    IS(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 13);
    FILE *stream = popen("echo said", "r");
    IS(fgets(back, sizeof back, stream) != NULL && memcmp(back, "said", 4) == 0, 1);
    status = pclose(stream);
    IS(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    stream = popen("exit 14", "w");
    status = pclose(stream);
    IS(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 14);
}

int main(int count, char **arguments)
{
    if (count > 1)
        return role_play(count, arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    for (int fd = 3; fd < 256; fd++)
        (void)close(fd); /* What the one who started this left open. */
    programs_find(arguments[0]);
    pipes();
    numbers();
    sockets();
    pairs();
    files();
    errors();
    words_and_environment();
    return check_end();
}
