/* posix/process/kill.c - signals to processes: this one, its children, and others. */
#include "posix/process/spawn.h"
#include "posix/signal/signal_queue.h"

#include <signal.h>

static const plx__signal_cause by_user; /* SI_USER is 0. */

/* Others than children can only be ended. */
static int process_signal(DWORD process, int number)
{
    DWORD code = 0;
    HANDLE handle = OpenProcess(
        PROCESS_QUERY_LIMITED_INFORMATION | (number != 0 ? PROCESS_TERMINATE : 0u), FALSE, process);
    if (handle == NULL)
        return GetLastError() == ERROR_ACCESS_DENIED ? -EPERM : -ESRCH;
    int status = 0;
    if (GetExitCodeProcess(handle, &code) && code != STILL_ACTIVE)
        status = -ESRCH; /* It is only its handles that are left. */
    else if (number == PLX__SIGKILL || number == SIGTERM || number == SIGINT ||
             number == PLX__SIGHUP || number == PLX__SIGQUIT)
        status = TerminateProcess(handle, 128u + (unsigned)number) ? 0 : -EPERM;
    else if (number != 0)
        status = -EPERM;
    (void)CloseHandle(handle);
    return status;
}

PLX__CALL int plx_posix_kill(int process, int number)
{
    if (number < 0 || number > PLX__SIGNALS)
        return plx__answer_int(-EINVAL);
    if (process == (int)GetCurrentProcessId() || process == 0)
        return plx__answer_int(plx__signal_self(number, by_user));
    int told = plx__child_signal(process, number);
    if (told != -ESRCH || process < 0)
        return plx__answer_int(told);
    return plx__answer_int(process_signal((DWORD)process, number));
}

/* A value goes to this process alone. */
PLX__CALL int plx_posix_sigqueue(int process, int number, void *value)
{
    if (process == (int)GetCurrentProcessId())
        return plx__answer_int(
            plx__signal_self(number, (plx__signal_cause){.code = PLX__SI_QUEUE, .value = value}));
    if (number < 0 || number > PLX__SIGNALS)
        return plx__answer_int(-EINVAL);
    int status = plx_posix_kill(process, 0);
    return status != 0 || number == 0 ? status : plx__answer_int(-EPERM);
}

PLX__CALL int plx_posix_killpg(int group, int number)
{
    if (group < 0)
        return plx__answer_int(-EINVAL);
    return plx_posix_kill(group == (int)GetCurrentProcessId() ? 0 : -group, number);
}
