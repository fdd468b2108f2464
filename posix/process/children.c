/* posix/process/children.c - the children that posix_spawn() has made: waiting for them, and
 * signals to them.
 *
 * A child stays in the list from its start until a wait has told of its end. A thread of the
 * system's pool notices the end; whoever waits looks at the list again then.
 */
#include "posix/process/spawn.h"
#include "posix/signal/signal.h"
#include "posix/wait/wait.h"

#include <signal.h>
#include <string.h>

typedef struct child {
    struct child *next;
    int process;
    int group;
    HANDLE handle;
    HANDLE wait; /* For its end. */
    plx__inherited_set *set;
    plx__pump *pumps[3];
    int killed_by; /* The signal that we ended it with. */
    bool has_ended;
    int status; /* As waitpid() gives it. */
} child;

static SRWLOCK lock = SRWLOCK_INIT;
static child *children;
static int last_process;
static int last_status;

static int group_of(const child *of)
{
    return of->group != 0 ? of->group : (int)GetCurrentProcessId();
}

static bool is_meant(const child *of, int which)
{
    if (which > 0)
        return of->process == which;
    if (which == -1)
        return true;
    return group_of(of) == (which == 0 ? (int)GetCurrentProcessId() : -which);
}

static void child_free(child *of)
{
    (void)UnregisterWait(of->wait); /* It has come; or it is just ending and touches nothing. */
    (void)CloseHandle(of->handle);
    plx__inherited_close(of->set);
    plx__free(of);
}

static void child_unlink(child *of)
{
    child **at = &children;
    while (*at != of)
        at = &(*at)->next;
    *at = of->next;
}

/* --- how it ended --------------------------------------------------------------------------- */

/* Faults end a process with an exception's code (NTSTATUS values, [MS-ERREF]). */
static int signal_of_code(DWORD code)
{
    switch (code) {
    case STATUS_ACCESS_VIOLATION:
    case STATUS_STACK_OVERFLOW:
        return SIGSEGV;
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_PRIVILEGED_INSTRUCTION:
        return SIGILL;
    case STATUS_INTEGER_DIVIDE_BY_ZERO:
    case STATUS_FLOAT_DIVIDE_BY_ZERO:
    case STATUS_FLOAT_INVALID_OPERATION:
        return SIGFPE;
    case STATUS_CONTROL_C_EXIT:
        return SIGINT;
    default:
        return 0;
    }
}

static int status_of(const child *of)
{
    DWORD code = 0;
    int number = of->set != NULL ? plx__inherited_died_of(of->set) : 0;
    if (number != 0)
        return number;
    if (!GetExitCodeProcess(of->handle, &code))
        return 0;
    if (of->killed_by != 0 && code == 128u + (unsigned)of->killed_by)
        return of->killed_by;
    number = signal_of_code(code);
    return number != 0 ? number : (int)(code & 0xff) << 8;
}

/* What a child of another sort has written to a socket is on its way before its end is told. */
static void pumps_leave(child *of)
{
    for (int i = 0; i < 3; i++) {
        if (of->pumps[i] == NULL)
            continue;
        (void)plx__pump_drain(of->pumps[i]);
        plx__pump_leave(of->pumps[i]);
        of->pumps[i] = NULL;
    }
}

static VOID CALLBACK on_end(PVOID data, BOOLEAN is_timeout)
{
    child *of = data;
    (void)is_timeout;
    pumps_leave(of);
    bool drops = plx__signals_drop_children();
    AcquireSRWLockExclusive(&lock);
    of->status = status_of(of);
    /* Who is told of the end by a wait has had the signal, and who gets the signal can wait for it:
     * a handler that does so is held up by the lock. */
    bool is_told = plx__signal_set(PLX__SIGCHLD);
    of->has_ended = true;
    last_process = of->process;
    last_status = of->status;
    if (drops)
        child_unlink(of);
    ReleaseSRWLockExclusive(&lock);
    if (drops)
        child_free(of);
    plx__wait_wake_all();
    if (is_told)
        plx__signal_attend(PLX__SIGCHLD);
}

enum { CODE_EXITED = 1, CODE_KILLED = 2 };

static int code_of(int status)
{
    return (status & 0x7f) == 0 ? CODE_EXITED : CODE_KILLED;
}

static int value_of(int status)
{
    return (status & 0x7f) == 0 ? status >> 8 & 0xff : status & 0x7f;
}

void plx__child_last(int *process_out, int *code_out, int *status_out)
{
    AcquireSRWLockShared(&lock);
    *process_out = last_process;
    *code_out = code_of(last_status);
    *status_out = value_of(last_status);
    ReleaseSRWLockShared(&lock);
}

int plx__child_add(HANDLE handle, plx__inherited_set *set, int group, plx__pump *const pumps[3])
{
    child *of = plx__allocate_zeroed(1, sizeof *of);
    if (of == NULL)
        return -ENOMEM;
    of->process = (int)GetProcessId(handle);
    of->group = group == -1 ? of->process : group;
    of->handle = handle;
    of->set = set;
    memcpy(of->pumps, pumps, sizeof of->pumps);
    AcquireSRWLockExclusive(&lock);
    BOOL is_watched = RegisterWaitForSingleObject(&of->wait, handle, on_end, of, INFINITE,
                                                  WT_EXECUTEONLYONCE | WT_EXECUTELONGFUNCTION);
    if (is_watched) {
        of->next = children;
        children = of;
    }
    ReleaseSRWLockExclusive(&lock);
    if (is_watched)
        return 0;
    plx__free(of);
    return -ENOMEM;
}

bool plx__child_group_is(int group)
{
    bool is_there = group == (int)GetCurrentProcessId();
    AcquireSRWLockShared(&lock);
    for (const child *at = children; at != NULL; at = at->next)
        is_there |= group_of(at) == group;
    ReleaseSRWLockShared(&lock);
    return is_there;
}

/* --- signals to them ------------------------------------------------------------------------ */

static int child_signal(child *of, int number)
{
    if (number == 0 || of->has_ended)
        return 0;
    if (number == PLX__SIGSTOP)
        return -EPERM;
    if (of->set != NULL && number != PLX__SIGKILL) {
        plx__inherited_signal(of->set, number);
        return 0;
    }
    if (number == PLX__SIGCHLD || number == PLX__SIGCONT || number == PLX__SIGURG ||
        number == PLX__SIGWINCH)
        return 0; /* To do nothing is the default, and others than ours know no handlers. */
    if (TerminateProcess(of->handle, 128u + (unsigned)number))
        of->killed_by = number;
    return 0; /* If not, it has ended by itself just now. */
}

int plx__child_signal(int process, int number)
{
    int status = -ESRCH;
    AcquireSRWLockExclusive(&lock);
    for (child *at = children; at != NULL; at = at->next) {
        if (!is_meant(at, process))
            continue;
        int one = child_signal(at, number);
        status = status == 0 ? 0 : one;
    }
    ReleaseSRWLockExclusive(&lock);
    return status;
}

/* --- waiting -------------------------------------------------------------------------------- */

/* With the lock. Whether there are such children at all, and one of them that has ended, if any. */
static bool ended_find(int which, child **ended_out)
{
    bool is_there = false;
    *ended_out = NULL;
    for (child *at = children; at != NULL; at = at->next) {
        if (!is_meant(at, which))
            continue;
        is_there = true;
        if (at->has_ended)
            *ended_out = at; /* The last in the list is the oldest. */
    }
    return is_there;
}

/* What is waited for is no open file, but is asked like one. */
static unsigned wait_ready(plx__file *file)
{
    child *ended;
    AcquireSRWLockShared(&lock);
    bool is_there = ended_find(*(const int *)file->data, &ended);
    ReleaseSRWLockShared(&lock);
    return !is_there || ended != NULL ? PLX__POLLIN : 0;
}

static const plx__file_kind wait_kind = {.ready = wait_ready};

/* One look: the process, 0 if none has ended, -ECHILD. */
static int child_take(int which, bool keeps, int *status_out)
{
    child *ended;
    AcquireSRWLockExclusive(&lock);
    bool is_there = ended_find(which, &ended);
    int process = ended != NULL ? ended->process : is_there ? 0 : -ECHILD;
    if (ended != NULL) {
        *status_out = ended->status;
        if (!keeps)
            child_unlink(ended);
    }
    ReleaseSRWLockExclusive(&lock);
    if (ended != NULL && !keeps)
        child_free(ended);
    return process;
}

static int child_wait(int which, int options, int *status_out)
{
    bool keeps = (options & PLX__WNOWAIT) != 0;
    plx__file asked;
    memset(&asked, 0, sizeof asked);
    asked.kind = &wait_kind;
    asked.data = &which;
    plx__atomic_store(&asked.references, 2); /* It is not for anybody to free. */
    int status = 0;
    for (;;) {
        int process = child_take(which, keeps, status_out);
        if (process > 0)
            (void)plx__handlers_run();
        if (process != 0 || (options & PLX__WNOHANG) != 0)
            return process;
        if (status != 0)
            return status; /* A signal came, but none has ended, which would be told first. */
        status = plx__wait_for(&asked, PLX__POLLIN, PLX_FOREVER);
    }
}

PLX__CALL int plx_posix_waitpid(int process, int *status_out, int options)
{
    int status = 0;
    if ((options & ~(PLX__WNOHANG | PLX__WSTOPPED | PLX__WCONTINUED)) != 0)
        return plx__answer_int(-EINVAL);
    int ended = child_wait(process, options, &status);
    if (ended > 0 && status_out != NULL)
        *status_out = status;
    return plx__answer_int(ended);
}

PLX__CALL int plx_posix_wait(int *status_out)
{
    return plx_posix_waitpid(-1, status_out, 0);
}

/* As siginfo_t. */
typedef struct end_info {
    int number;
    int code;
    int error;
    int process;
    unsigned user;
    int status;
} end_info;

PLX__CALL int plx_posix_waitid(int kind, unsigned which, end_info *about, int options)
{
    int status = 0;
    if ((options &
         ~(PLX__WNOHANG | PLX__WNOWAIT | PLX__WEXITED | PLX__WSTOPPED | PLX__WCONTINUED)) != 0 ||
        (options & (PLX__WEXITED | PLX__WSTOPPED | PLX__WCONTINUED)) == 0 || kind < 0 || kind > 2 ||
        (kind == 1 && (int)which <= 0) || (kind == 2 && (int)which < 0))
        return plx__answer_int(-EINVAL);
    int meant = kind == 0 ? -1 : kind == 1 ? (int)which : -(int)which;
    int ended = child_wait(meant, options, &status);
    if (ended < 0)
        return plx__answer_int(ended);
    if (about == NULL)
        return 0;
    memset(about, 0, sizeof *about);
    if (ended > 0) {
        about->number = PLX__SIGCHLD;
        about->code = code_of(status);
        about->process = ended;
        about->user = PLX__USER;
        about->status = value_of(status);
    }
    return 0;
}
