/* posix/wait/signal_wait.c - the calls that wait for a signal. */
#include "posix/base/duration.h"
#include "posix/signal/signal_queue.h"
#include "posix/wait/wait.h"

#include <string.h>

int plx_posix_sigprocmask(int how, const plx__sigset *set, plx__sigset *old);
int plx_posix_sigdelset(plx__sigset *set, int number);

/* --- until a handler has run ---------------------------------------------------------------- */

PLX__CALL int plx_posix_sigsuspend(const plx__sigset *mask)
{
    plx__sigset before = plx__signals_mask();
    plx__signals_mask_set(*mask);
    int status = plx__wait_until(PLX_FOREVER);
    plx__signals_mask_set(before);
    return plx__answer_int(status);
}

PLX__CALL int plx_posix_pause(void)
{
    return plx__answer_int(plx__wait_until(PLX_FOREVER));
}

PLX__CALL int plx_posix_sigpause(int number)
{
    plx__sigset mask = 0;
    (void)plx_posix_sigprocmask(PLX__SIG_BLOCK, NULL, &mask);
    return plx_posix_sigdelset(&mask, number) == 0 ? plx_posix_sigsuspend(&mask) : -1;
}

/* --- for one of a set, which no handler is called for ---------------------------------------- */

/* Blocked signals wake nobody, so this looks again and again. The number, or a negative errno. */
static int wait_for(plx__sigset set, uint64_t deadline, plx__signal_cause *cause_out)
{
    for (;;) {
        int number = plx__signal_take(set, cause_out);
        if (number != 0)
            return number;
        uint64_t now = plx__clock_now();
        if (now >= deadline)
            return -EAGAIN;
        uint64_t next = plx__deadline_after(10 * PLX_MILLISECOND);
        int status = plx__wait_until(next < deadline ? next : deadline);
        if (status != 0)
            return status;
    }
}

/* Returns the code. Handlers of other signals do not end it. */
PLX__CALL int plx_posix_sigwait(const plx__sigset *set, int *number_out)
{
    plx__signal_cause cause;
    do {
        *number_out = wait_for(*set, PLX_FOREVER, &cause);
    } while (*number_out < 0);
    return 0;
}

static int info_wait(plx__sigset set, plx__signal_info *info, uint64_t deadline)
{
    plx__signal_cause cause = {.code = 0};
    int number = wait_for(set, deadline, &cause);
    if (number > 0 && info != NULL) {
        memset(info, 0, sizeof *info);
        info->number = number;
        info->code = cause.code;
        info->value = cause.value;
        if (cause.code != PLX__SI_KERNEL) {
            info->process = (int)GetCurrentProcessId();
            info->user = PLX__USER;
        }
    }
    return plx__answer_int(number);
}

PLX__CALL int plx_posix_sigwaitinfo(const plx__sigset *set, plx__signal_info *info)
{
    return info_wait(*set, info, PLX_FOREVER);
}

PLX__CALL int plx_posix_sigtimedwait(const plx__sigset *set, plx__signal_info *info,
                                     const struct timespec *longest)
{
    if (longest == NULL)
        return info_wait(*set, info, PLX_FOREVER);
    if (!plx__timespec_is_valid(longest))
        return plx__answer_int(-EINVAL);
    return info_wait(*set, info, plx__deadline_after(plx__timespec_ns(longest)));
}
