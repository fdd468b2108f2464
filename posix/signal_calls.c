/* posix/signal_calls.c - the older calls for signals, alternate stacks, and signals for a thread.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "posix/facts.h"

static int mask_one(int how, int number, sigset_t *before)
{
    sigset_t set;
    (void)sigemptyset(&set);
    return sigaddset(&set, number) == 0 ? sigprocmask(how, &set, before) : -1;
}

int sighold(int number)
{
    return mask_one(SIG_BLOCK, number, NULL);
}

int sigrelse(int number)
{
    return mask_one(SIG_UNBLOCK, number, NULL);
}

int sigignore(int number)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(number, &action, NULL);
}

sighandler_t sigset(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler};
    struct sigaction old;
    sigset_t before;
    bool holds = handler == SIG_HOLD;
    if (sigaction(number, holds ? NULL : &action, &old) != 0 ||
        mask_one(holds ? SIG_BLOCK : SIG_UNBLOCK, number, &before) != 0)
        return SIG_ERR;
    return sigismember(&before, number) > 0 ? SIG_HOLD : old.sa_handler;
}

int sigpause(int number)
{
    sigset_t mask;
    (void)sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigdelset(&mask, number) == 0 ? sigsuspend(&mask) : -1;
}

/* --- alternate stacks ----------------------------------------------------------------------- */

/* It is remembered; handlers run on the thread's own stack, for only the system can change it. */
int sigaltstack(const stack_t *stack, stack_t *old)
{
    static _Thread_local stack_t current;
    static _Thread_local bool is_known;
    stack_t before = current;
    if (!is_known)
        before.ss_flags = SS_DISABLE;
    if (stack != NULL) {
        bool is_off = stack->ss_flags == SS_DISABLE;
        if (!is_off && stack->ss_flags != 0 && stack->ss_flags != SS_ONSTACK) {
            errno = EINVAL;
            return -1;
        }
        if (!is_off && stack->ss_size < MINSIGSTKSZ) {
            errno = ENOMEM;
            return -1;
        }
        current = (stack_t){.ss_flags = SS_DISABLE};
        if (!is_off)
            current = (stack_t){.ss_sp = stack->ss_sp, .ss_size = stack->ss_size};
        is_known = true;
    }
    if (old != NULL)
        *old = before;
    return 0;
}

/* --- threads -------------------------------------------------------------------------------- */

/* Of winpthreads, which a program that makes threads has in it, or as a library. Here it is NULL
 * unless something else has brought it in; C's own weak declarations do not link that way. */
typedef void *(*handle_get)(pthread_t);
extern handle_get const plx__thread_handle_get;
__asm__(".section .rdata,\"dr\"\n"
        ".weak pthread_gethandle\n"
        ".globl plx__thread_handle_get\n"
        ".balign 8\n"
        "plx__thread_handle_get: .quad pthread_gethandle\n"
        ".text\n");

int pthread_kill(pthread_t thread, int number)
{
    handle_get get = plx__thread_handle_get;
    if (get == NULL) {
        void *found = dlsym(dlopen("libwinpthread-1.dll", RTLD_NOW), "pthread_gethandle");
        memcpy(&get, &found, sizeof get);
    }
    void *handle = get != NULL ? get(thread) : NULL;
    return handle != NULL ? plx__thread_signal(handle, number) : ESRCH;
}

/* --- what came ------------------------------------------------------------------------------ */

static const char *code_text(const siginfo_t *info)
{
    static const char *const of_children[] = {"exited",  "killed",  "dumped",
                                              "trapped", "stopped", "continued"};
    switch (info->si_code) {
    case SI_USER:
        return "sent by kill()";
    case SI_QUEUE:
        return "sent by sigqueue()";
    case SI_TIMER:
        return "sent by a timer";
    case SI_KERNEL:
        return "sent by the system";
    default:
        break;
    }
    if (info->si_signo == SIGCHLD && info->si_code >= CLD_EXITED && info->si_code <= CLD_CONTINUED)
        return of_children[info->si_code - CLD_EXITED];
    return "unknown code";
}

void psiginfo(const siginfo_t *info, const char *text)
{
    bool has_text = text != NULL && *text != '\0';
    fprintf(stderr, "%s%s%s (%s)\n", has_text ? text : "", has_text ? ": " : "",
            strsignal(info->si_signo), code_text(info));
}
