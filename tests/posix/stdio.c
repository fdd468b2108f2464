/* tests/posix/stdio.c - streams of the C library over sockets and pipes. */
#include "check.h"
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char line[256];
static char bytes[300000];
static char back[300000];

static void check_line(FILE *stream, const char *wanted, const char *what)
{
    line[0] = '\0';
    if (fgets(line, sizeof line, stream) == NULL)
        (void)snprintf(line, sizeof line, "(nothing)");
    line[strcspn(line, "\n")] = '\0';
    check_text(line, wanted, what);
}

/* So many bytes from a socket, as text without line ends. */
static void check_received(int fd, const char *wanted, const char *what)
{
    char got[256];
    ssize_t count = recv(fd, got, strlen(wanted), MSG_WAITALL);
    got[count > 0 ? count : 0] = '\0';
    for (char *at = got; *at != '\0'; at++)
        *at = *at == '\n' ? '/' : *at;
    check_text(got, wanted, what);
}

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        printf("FAILED send\n");
}

static void both_ways(void)
{
    int ends[2];
    section("fdopen(\"r\") and fdopen(dup(), \"w\") of a socket");
    tcp_pair(ends);
    FILE *in = fdopen(ends[0], "r");
    int copy = dup(ends[0]);
    FILE *out = fdopen(copy, "w");
    TRUE(in != NULL && out != NULL);
    IS(fileno(in) == ends[0] && fileno(out) == copy, 1);
    say(ends[1], "one\ntwo\nthr");
    check_line(in, "one", "the first line");
    check_line(in, "two", "the second");
    say(ends[1], "ee\n");
    check_line(in, "three", "the third, in two pieces");
    IS(fprintf(out, "answer %d;", 1), 9);
    moment();
    POLLS(ends[1], POLLIN, ""); /* It is in the stream's buffer. (Wine's sends at a line's end.) */
    IS(fflush(out), 0);
    POLLS(ends[1], POLLIN, "IN"); /* It has been sent. */
    check_received(ends[1], "answer 1;", "the answer");
    IS(fprintf(out, "more\n"), 5);
    IS(fflush(out), 0);
    IS(write(ends[0], "direct\n", 7), 7);
    check_received(ends[1], "more/direct/", "in their order");
    IS(fprintf(out, "last"), 4);
    IS(fclose(out), 0);
    FAILS(close(copy), EBADF);
    check_received(ends[1], "last", "what fclose() sent");
    moment();
    POLLS(ends[1], POLLIN, ""); /* The other descriptor keeps it open. */
    say(ends[1], "end");
    IS(shutdown(ends[1], SHUT_WR), 0);
    check_line(in, "end", "a line without an end");
    check_line(in, "(nothing)", "the end");
    IS(feof(in) != 0, 1);
    IS(ferror(in), 0);
    IS(fclose(in), 0);
    FAILS(close(ends[0]), EBADF);
    IS(recv(ends[1], back, 10, 0), 0);
    IS(close(ends[1]), 0);
}

static void beside(void)
{
    int ends[2];
    section("poll(), recv() and read() beside a stream");
    tcp_pair(ends);
    FILE *in = fdopen(ends[0], "r");
    say(ends[1], "for recv");
    COMES(ends[0], POLLIN, "IN");
    IS(recv(ends[0], back, 100, 0), 8);
    IS(memcmp(back, "for recv", 8), 0);
    POLLS(ends[0], POLLIN, "");
    say(ends[1], "for read");
    COMES(ends[0], POLLIN, "IN");
    moment();
    IS(read(ends[0], back, 4), 4);
    IS(read(ends[0], back + 4, 100), 4);
    IS(memcmp(back, "for read", 8), 0);
    for (int i = 0; i < 3; i++) {
        say(ends[1], "a line\n");
        COMES(ends[0], POLLIN, "IN");
        check_line(in, "a line", "the line that poll() told of");
        POLLS(ends[0], POLLIN, "");
    }
    say(ends[1], "for recv again");
    COMES(ends[0], POLLIN, "IN");
    IS(recv(ends[0], back, 100, MSG_PEEK), 14);
    IS(recv(ends[0], back, 100, 0), 14);
    say(ends[1], "line\n");
    check_line(in, "line", "a line after that");
    IS(fclose(in), 0);
    IS(close(ends[1]), 0);
}

static void one_stream(void)
{
    int ends[2];
    section("fdopen(\"r+\") of a socket");
    tcp_pair(ends);
    FILE *both = fdopen(ends[0], "r+");
    TRUE(both != NULL);
    IS(fputs("hello\n", both) >= 0, 1);
    IS(fflush(both), 0);
    check_received(ends[1], "hello/", "a greeting");
    say(ends[1], "hello to you\n");
    check_line(both, "hello to you", "the answer");
    IS(fflush(both), 0);
    IS(fputs("a question\n", both) >= 0, 1);
    IS(fflush(both), 0);
    check_received(ends[1], "a question/", "a question");
    say(ends[1], "yes\nno\n");
    check_line(both, "yes", "one answer");
    check_line(both, "no", "another");
    IS(fclose(both), 0);
    IS(recv(ends[1], back, 10, 0), 0);
    IS(close(ends[1]), 0);
    tcp_pair(ends);
    both = fdopen(ends[0], "r+");
    IS(shutdown(ends[1], SHUT_WR), 0);
    check_line(both, "(nothing)", "the end");
    check_line(both, "(nothing)", "the end once more");
    IS(feof(both) != 0, 1);
    clearerr(both);
    IS(fflush(both), 0);
    IS(fputs("after the end\n", both) >= 0, 1);
    IS(fclose(both), 0);
    check_received(ends[1], "after the end/", "what was said after it");
    IS(close(ends[1]), 0);
}

static void *receive_all(void *data)
{
    int fd = *(int *)data;
    size_t got = 0;
    for (ssize_t count; got < sizeof back; got += (size_t)count) {
        count = read(fd, back + got, sizeof back - got);
        if (count <= 0)
            break;
    }
    *(int *)data = (int)got;
    return NULL;
}

static void *send_all(void *data)
{
    int fd = *(int *)data;
    size_t sent = 0;
    for (ssize_t count; sent < sizeof bytes; sent += (size_t)count) {
        count = write(fd, bytes + sent, sizeof bytes - sent);
        if (count <= 0)
            break;
    }
    (void)close(fd);
    return NULL;
}

static void much(void)
{
    int ends[2];
    pthread_t thread;
    section("more than any buffer holds");
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 23);
    tcp_pair(ends);
    FILE *out = fdopen(ends[0], "w");
    IS(pthread_create(&thread, NULL, receive_all, &ends[1]), 0);
    IS(fwrite(bytes, 1, sizeof bytes, out), sizeof bytes);
    int peer = ends[1];
    IS(fclose(out), 0);
    IS(pthread_join(thread, NULL), 0);
    IS(ends[1], sizeof bytes);
    IS(memcmp(bytes, back, sizeof bytes), 0);
    IS(close(peer), 0);
    tcp_pair(ends);
    FILE *in = fdopen(ends[0], "r");
    memset(back, 0, sizeof back);
    IS(pthread_create(&thread, NULL, send_all, &ends[1]), 0);
    IS(fread(back, 1, sizeof back, in), sizeof bytes);
    IS(memcmp(bytes, back, sizeof bytes), 0);
    IS(fgetc(in), EOF);
    IS(pthread_join(thread, NULL), 0);
    IS(fclose(in), 0);
}

static int flush_until_it_fails(FILE *out)
{
    int status = 0;
    for (int i = 0; i < 20000 && status == 0; i++) {
        (void)poll(NULL, 0, 1);
        (void)fputs("x", out);
        status = fflush(out);
    }
    return status;
}

static void failures(void)
{
    int ends[2];
    int fds[2];
    section("errors");
    FAILS(fdopen(-1, "r") != NULL ? 0 : -1, EBADF);
    IS(pipe(fds), 0);
    FAILS(fdopen(fds[0], "w") != NULL ? 0 : -1, EINVAL);
    FAILS(fdopen(fds[0], "x") != NULL ? 0 : -1, EINVAL);
    FILE *out = fdopen(fds[1], "w");
    IS(close(fds[0]), 0);
    FAILS(flush_until_it_fails(out), EPIPE);
    (void)fclose(out);
    FAILS(close(fds[1]), EBADF);
    tcp_pair(ends);
    out = fdopen(ends[0], "w");
    reset(ends[1]);
    IS(flush_until_it_fails(out), EOF);
    IS(errno == ECONNRESET || errno == EPIPE, 1);
    (void)fclose(out);
    FAILS(close(ends[0]), EBADF);
}

static void pipes(void)
{
    int fds[2];
    section("pipes and pairs");
    IS(pipe(fds), 0);
    FILE *in = fdopen(fds[0], "r");
    FILE *out = fdopen(fds[1], "w");
    IS(fprintf(out, "%s %d\n", "through", 5), 10);
    IS(fflush(out), 0);
    check_line(in, "through 5", "a line");
    IS(fputs("the rest", out) >= 0, 1);
    IS(fclose(out), 0);
    check_line(in, "the rest", "the rest");
    IS(fgetc(in), EOF);
    IS(fclose(in), 0);
    FAILS(close(fds[0]), EBADF);
    IS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    FILE *one = fdopen(fds[0], "r+");
    FILE *other = fdopen(fds[1], "r+");
    IS(fputs("ping\n", one) >= 0 && fflush(one) == 0, 1);
    check_line(other, "ping", "one way");
    IS(fflush(other), 0);
    IS(fputs("pong\n", other) >= 0 && fflush(other) == 0, 1);
    check_line(one, "pong", "and the other");
    IS(fclose(one), 0);
    IS(fgetc(other), EOF);
    IS(fclose(other), 0);
}

static void standard(void)
{
    int ends[2];
    section("standard streams that follow dup2()");
    tcp_pair(ends);
    int input = dup(0);
    int output = dup(1);
    (void)fflush(stdout);
    int first = dup2(ends[0], 1);
    printf("printed %d\n", 1);
    int flushed = fflush(stdout);
    int put = fputs("(put) ", stdout);
    int second = dup2(output, 1); /* What is in the buffer goes where the descriptor does then. */
    (void)putchar('\n');
    IS(first, 1);
    IS(second, 1);
    IS(flushed, 0);
    IS(put >= 0, 1);
    check_received(ends[1], "printed 1/", "what was printed");
    IS(dup2(ends[0], 0), 0);
    say(ends[1], "input\nmore\n");
    char got[64] = "";
    IS(fgets(got, sizeof got, stdin) != NULL && strcmp(got, "input\n") == 0, 1);
    IS(getchar(), 'm');
    IS(dup2(input, 0), 0);
    int errors = dup(2);
    IS(dup2(ends[0], 2), 2);
    fprintf(stderr, "an error\n");
    IS(dup2(errors, 2), 2);
    check_received(ends[1], "an error/", "from standard error");
    (void)close(errors);
    (void)close(input);
    (void)close(output);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void children(void)
{
    int ends[2];
    int status = 0;
    pid_t process;
    posix_spawn_file_actions_t actions;
    section("a child whose standard streams are a socket");
    tcp_pair(ends);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    (void)posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++)
        (void)posix_spawn_file_actions_adddup2(&actions, ends[0], fd);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    process = start(&actions, NULL, self, "inetd", NULL, NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    IS(close(ends[0]), 0);
    say(ends[1], "this\n");
    check_received(ends[1], "and this is an error/", "what is not buffered");
    IS(shutdown(ends[1], SHUT_WR), 0);
    check_received(ends[1], "you said this", "what exit() flushed");
    IS(recv(ends[1], back, 10, 0), 0);
    IS(waitpid(process, &status, 0) == process, 1);
    IS(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    IS(close(ends[1]), 0);
}

/* The descriptor of a stream is closed by others. */
static void closed(void)
{
    char name[] = "closedXXXXXX";
    char text[8];
    int fd = mkstemp(name);
    section("streams whose descriptor was closed");
    IS(write(fd, "some text\n", 10), 10);
    IS(close(fd), 0);
    FILE *stream = fopen(name, "r");
    IS(close(fileno(stream)), 0);
    FAILS(fgetc(stream), EBADF);
    TRUE(ferror(stream) && !feof(stream));
    clearerr(stream);
    errno = 0;
    TRUE(fread(text, 1, 8, stream) == 0 && errno == EBADF && ferror(stream));
    errno = 0;
    TRUE(fgets(text, 8, stream) == NULL && errno == EBADF);
    FAILS(fclose(stream), EBADF);
    stream = fopen(name, "r+");
    (void)setvbuf(stream, NULL, _IONBF, 0);
    IS(close(fileno(stream)), 0);
    FAILS(fputc('x', stream), EBADF);
    TRUE(ferror(stream));
    errno = 0;
    TRUE(fwrite("abc", 1, 3, stream) == 0 && errno == EBADF);
    FAILS(fputs("abc", stream), EBADF);
    FAILS(fclose(stream), EBADF);
    stream = fopen(name, "a");
    IS(fputc('x', stream), 'x');
    IS(close(fileno(stream)), 0);
    FAILS(fflush(stream), EBADF);
    FAILS(fclose(stream), EBADF);
    stream = fopen(name, "a"); /* None of all that is left. */
    IS(fputs("more\n", stream) >= 0, 1);
    FAILS(getc(stream), EBADF);
    TRUE(ferror(stream));
    IS(fclose(stream), 0);
    stream = fopen(name, "r");
    check_line(stream, "some text", "the first line");
    check_line(stream, "more", "the second");
    IS(fclose(stream), 0);
    IS(unlink(name), 0);
}

/* POSIX: fflush() of a stream that was read puts the descriptor where the stream is. */
static void offsets(void)
{
    char name[] = "offsetXXXXXX";
    char text[8];
    int fd = mkstemp(name);
    section("fflush() of a stream that was read");
    IS(write(fd, "1234567890\r\nABC", 15), 15);
    IS(close(fd), 0);
    FILE *stream = fopen(name, "r");
    fd = fileno(stream);
    IS(fread(text, 1, 5, stream), 5);
    TRUE(lseek(fd, 0, SEEK_CUR) != 5);
    IS(fflush(stream), 0);
    IS(lseek(fd, 0, SEEK_CUR), 5);
    IS(ftell(stream), 5);
    IS(fgetc(stream), '6');
    IS(fseeko(stream, 0, SEEK_CUR), 0);
    IS(fflush(stream), 0);
    IS(lseek(fd, 0, SEEK_CUR), 6);
    IS(read(fd, text, 2), 2);
    IS(lseek(fd, 1, SEEK_CUR), 9);
    IS(fgetc(stream), '0');
    IS(fgetc(stream), '\r');
    fd = dup(fd);
    IS(fclose(stream), 0);
    TRUE(!IS_WINDOWS || lseek(fd, 0, SEEK_CUR) == 11); /* As POSIX has it; glibc 2.36 has not. */
    IS(close(fd), 0);
    IS(unlink(name), 0);
}

int main(int count, char **arguments)
{
    if (count > 1)
        return role_play(count, arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    both_ways();
    beside();
    one_stream();
    much();
    failures();
    pipes();
    standard();
    closed();
    offsets();
    programs_find(arguments[0]);
    children();
    return check_end();
}
