/* tests/posix/children.c - children: how they end, what they are sent, and what is told of them. */
#include "check.h"
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void codes(void)
{
    int status = 0;
    siginfo_t about;
    section("how they end");
    FAILS(waitpid(-1, &status, 0), ECHILD);
    FAILS(wait(&status), ECHILD);
    IS(run(NULL, "exit", "0", NULL), 0);
    IS(run(NULL, "exit", "7", NULL), 7);
    IS(run(NULL, "exit", "300", NULL), 300 & 0xff);
    FAILS(waitpid(-1, &status, WNOHANG), ECHILD);
    pid_t first = start(NULL, NULL, self, "exit", "3", NULL);
    pid_t second = start(NULL, NULL, self, "exit", "4", NULL);
    TRUE(first > 0 && second > 0 && first != second);
    TRUE(waitpid(second, &status, 0) == second);
    IS(WIFEXITED(status), 1);
    IS(WEXITSTATUS(status), 4);
    FAILS(waitpid(second, &status, 0), ECHILD);
    IS(waitid(P_PID, (id_t)first, &about, WEXITED | WNOWAIT), 0);
    TRUE(about.si_pid == first);
    IS(about.si_status, 3);
    IS(about.si_code, CLD_EXITED);
    IS(about.si_signo, SIGCHLD);
    IS(kill(first, 0), 0);
    TRUE(wait(&status) == first);
    IS(WEXITSTATUS(status), 3);
    FAILS(kill(first, 0), ESRCH);
    FAILS(waitid(P_ALL, 0, &about, WEXITED), ECHILD);
    FAILS(waitid(P_ALL, 0, &about, 0), EINVAL);
    FAILS(waitpid(-1, &status, 0x4000), EINVAL);
}

/* One that has said that it is there. */
static pid_t waiting(const posix_spawnattr_t *attributes, const char *how, int *to)
{
    int in[2];
    int out[2];
    char byte = 0;
    posix_spawn_file_actions_t actions;
    (void)pipe2(in, O_CLOEXEC);
    (void)pipe2(out, O_CLOEXEC);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    pid_t process = start(&actions, attributes, self, "wait", how, NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    IS(read(out[0], &byte, 1), 1);
    (void)close(out[0]);
    *to = in[1];
    return process;
}

static void killing(void)
{
    int to;
    int status;
    section("signals to them");
    pid_t process = waiting(NULL, "plain", &to);
    IS(waitpid(-1, &status, WNOHANG), 0);
    IS(kill(process, 0), 0);
    IS(kill(process, SIGTERM), 0);
    TRUE(waitpid(process, &status, 0) == process);
    IS(WIFEXITED(status), 0);
    IS(WIFSIGNALED(status), 1);
    TRUE(WTERMSIG(status) == SIGTERM);
    FAILS(kill(process, SIGTERM), ESRCH);
    (void)close(to);
    process = waiting(NULL, "plain", &to);
    IS(kill(process, SIGKILL), 0);
    TRUE(end_of(process) == -SIGKILL);
    (void)close(to);
    process = waiting(NULL, "plain", &to);
    IS(kill(process, SIGUSR2), 0);
    TRUE(end_of(process) == -SIGUSR2);
    (void)close(to);
    process = waiting(NULL, "handler", &to);
    IS(kill(process, SIGTERM), 0);
    IS(end_of(process), 5);
    (void)close(to);
    posix_spawnattr_t attributes;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)posix_spawnattr_init(&attributes);
    IS(posix_spawnattr_setsigmask(&attributes, &set), 0);
    IS(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP), 0);
    process = waiting(&attributes, "masked", &to);
    IS(kill(-process, SIGTERM), 0); /* It leads a group, being alone in it. */
    moment();
    IS(write(to, "x", 1), 1);
    TRUE(waitpid(-process, &status, 0) == process);
    IS(WEXITSTATUS(status), 6);
    (void)close(to);
    (void)signal(SIGUSR1, SIG_IGN);
    IS(run(NULL, "ignored", NULL, NULL), 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    (void)posix_spawnattr_setsigdefault(&attributes, &set);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    IS(end_of(start(NULL, &attributes, self, "ignored", NULL, NULL)), 2);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)posix_spawnattr_destroy(&attributes);
    int fds[2];
    posix_spawn_file_actions_t actions;
    (void)pipe2(fds, O_CLOEXEC);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, fds[0], 0);
    process = start(&actions, NULL, plain, NULL, NULL, NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    IS(kill(process, SIGTERM), 0);
    TRUE(end_of(process) == -SIGTERM);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static volatile sig_atomic_t handled;
static volatile sig_atomic_t ended_pid;
static volatile sig_atomic_t ended_code;

static void on_child(int number, siginfo_t *about, void *context)
{
    (void)context;
    handled = number;
    ended_pid = about->si_pid;
    ended_code = about->si_status;
}

static void told(void)
{
    int to;
    struct sigaction action;
    sigset_t blocked;
    sigset_t none;
    struct timespec wait_for_it = {.tv_sec = 20, .tv_nsec = 0};
    section("SIGCHLD");
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_child;
    action.sa_flags = SA_SIGINFO;
    IS(sigaction(SIGCHLD, &action, NULL), 0);
    pid_t process = waiting(NULL, "handler", &to);
    handled = 0;
    (void)sigemptyset(&none);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGCHLD);
    IS(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    IS(kill(process, SIGTERM), 0);
    FAILS(ppoll(NULL, 0, &wait_for_it, &none), EINTR);
    IS(sigprocmask(SIG_SETMASK, &none, NULL), 0);
    TRUE(handled == SIGCHLD);
    IS(ended_pid == process, 1);
    IS(ended_code, 5);
    IS(end_of(process), 5);
    (void)close(to);
    process = start(NULL, NULL, self, "exit", "2", NULL);
    IS(end_of(process), 2); /* The end is told rather than the signal. */
    (void)signal(SIGCHLD, SIG_IGN);
    process = start(NULL, NULL, self, "exit", "2", NULL);
    FAILS(waitpid(process, NULL, 0), ECHILD);
    (void)signal(SIGCHLD, SIG_DFL);
}

int main(int count, char **arguments)
{
    if (count > 1)
        return role_play(count, arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    programs_find(arguments[0]);
    codes();
    killing();
    told();
    return check_end();
}
