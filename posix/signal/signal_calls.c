/* posix/signal/signal_calls.c - the older calls for signals, and alternate stacks.
 *
 * This file speaks POSIX only, by the headers of programs.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>

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
