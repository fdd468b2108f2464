/* platform/unix/child.c - processes that are forked and not replaced by another program. */
#include "platform/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/fault.h"

/* The directory has a link for each thread, and two as every directory has (Linux,
 * proc_task_getattr()). Without /proc, and elsewhere, nothing is known. */
uint32_t plx__process_threads(void)
{
#ifdef __linux__
    struct stat tasks;
    if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2)
        return (uint32_t)(tasks.st_nlink - 2);
#endif
    return 0;
}

int plx__child_fork(int64_t *process_out)
{
    pid_t process = plx__fault_strikes(PLX__FAULT_THREAD) ? -1 : fork();
    *process_out = process;
    if (process >= 0)
        return 0;
    int status = plx__fail_last();
    return status == PLX_ENOMEM ? status : PLX_ELIMIT;
}

bool plx__child_reap(int64_t process, bool waits, int *code_out)
{
    int state;
    pid_t ended;
    do {
        ended = waitpid((pid_t)process, &state, waits ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended == 0)
        return false;
    /* ECHILD: somebody else has waited for it, or the system keeps no record (SIGCHLD ignored). */
    if (ended < 0 || (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL))
        *code_out = PLX__CHILD_KILLED;
    else
        *code_out = WIFEXITED(state) ? WEXITSTATUS(state) : PLX__CHILD_DIED;
    return true;
}

void plx__child_kill(int64_t process)
{
    if (process > 0) /* kill() takes 0 for the process group, and -1 for all processes. */
        (void)kill((pid_t)process, SIGKILL);
}

void plx__child_exit(int code)
{
    _exit(code);
}

void plx__child_pipes_ignore(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

int plx__child_channel(plx_socket pair_out[2])
{
    int pair[2];
    if (plx__fault_strikes(PLX__FAULT_DESCRIPTOR))
        return plx__fail(EMFILE);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return plx__fail_last();
    for (int i = 0; i < 2; i++) {
        (void)fcntl(pair[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(pair[i], F_SETFL, O_NONBLOCK);
        plx__fault_taken(PLX__FAULT_DESCRIPTOR);
        pair_out[i] = pair[i];
    }
    return 0;
}
