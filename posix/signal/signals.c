/* posix/signal/signals.c - signals: sent by the console, by timers and by the process to itself.
 *
 * Handlers run on a thread of the program's, inside a call of the layer that waits, or before the
 * next one does; or at once, for raise() and kill() to oneself. Only when no thread calls the layer
 * for GRACE does a handler run on a thread of the layer's: a program that does nothing but compute
 * must notice SIGINT too.
 */
#include "posix/signal/signal_queue.h"
#include "posix/signal/thread_signal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS  PLX__SIGNALS
#define GRACE_MS 200
/* A thread that waits has been woken, and takes it: on a busy machine not within GRACE. If a thread
 * of the layer's did so instead, that wait would go on without its EINTR. */
#define PATIENCE_MS 5000

typedef void (*simple_handler)(int);
typedef plx__signal_info signal_info;
typedef void (*info_handler)(int, signal_info *, void *);

/* As struct sigaction. */
typedef struct signal_action {
    union {
        simple_handler simple;
        info_handler informed;
    } handler;
    plx__sigset mask;
    int flags;
    void (*restorer)(void);
} signal_action;

PLX__CALL simple_handler plx_posix_signal(int number, simple_handler handler);

plx__signal_hooks plx__signal_hook;

static SRWLOCK lock = SRWLOCK_INIT;
static signal_action actions[SIGNALS + 1];
static volatile LONG64 main_mask; /* What the main thread blocks, for who delivers in its stead. */
static DWORD main_thread;
static plx__atomic_u32 are_used;
static _Thread_local plx__sigset thread_mask;
static _Thread_local bool has_mask; /* Or is yet to inherit one. */

__attribute__((constructor)) static void main_remember(void)
{
    main_thread = GetCurrentThreadId();
}

static plx__sigset bit_of(int number)
{
    return plx__signal_bit(number);
}

static bool is_valid(int number)
{
    return number > 0 && number <= SIGNALS;
}

/* A thread starts with the mask of who made it. Nothing tells here who that was, nor when; most are
 * made by the main thread, and have its mask from their first call of the layer on. */
plx__sigset plx__signals_mask(void)
{
    if (!has_mask) {
        has_mask = true;
        thread_mask = (plx__sigset)main_mask;
    }
    return thread_mask;
}

void plx__signals_mask_set(plx__sigset mask)
{
    has_mask = true;
    thread_mask = mask & ~(bit_of(PLX__SIGKILL) | bit_of(PLX__SIGSTOP));
    if (GetCurrentThreadId() == main_thread)
        (void)InterlockedExchange64(&main_mask, (LONG64)thread_mask);
}

bool plx__signals_are_used(void)
{
    return plx__atomic_load_acquire(&are_used) != 0;
}

static bool default_is_nothing(int number)
{
    return number == PLX__SIGCHLD || number == PLX__SIGCONT || number == PLX__SIGURG ||
           number == PLX__SIGWINCH;
}

plx__sigset plx__signals_ignored(void)
{
    plx__sigset ignored = 0;
    AcquireSRWLockShared(&lock);
    for (int number = 1; number <= SIGNALS; number++)
        ignored |= actions[number].handler.simple == (simple_handler)1 ? bit_of(number) : 0;
    ReleaseSRWLockShared(&lock);
    return ignored;
}

void plx__signals_inherit(plx__sigset mask, plx__sigset ignored)
{
    for (int number = 1; number <= SIGNALS; number++) {
        if ((ignored & bit_of(number)) != 0)
            (void)plx_posix_signal(number, (simple_handler)1);
    }
    main_thread = GetCurrentThreadId();
    plx__signals_mask_set(mask);
}

bool plx__signals_drop_children(void)
{
    AcquireSRWLockShared(&lock);
    const signal_action *action = &actions[PLX__SIGCHLD];
    bool drops =
        action->handler.simple == (simple_handler)1 || (action->flags & PLX__SA_NOCLDWAIT) != 0;
    ReleaseSRWLockShared(&lock);
    return drops;
}

/* The default action is the end: its status is what a shell shows for it, and a parent with this
 * layer is told the signal itself. */
static void die(int number)
{
    plx__signal_hook.die(number);
    (void)fflush(NULL);
    ExitProcess(128u + (unsigned)number);
}

/* Runs one signal's action on this thread. */
static unsigned run(int number, plx__signal_cause cause)
{
    AcquireSRWLockExclusive(&lock);
    signal_action action = actions[number];
    bool is_handled = (uintptr_t)action.handler.simple > 1;
    if (is_handled && (action.flags & (int)0x80000000u) != 0) /* SA_RESETHAND */
        actions[number].handler.simple = NULL;
    ReleaseSRWLockExclusive(&lock);
    if (action.handler.simple == (simple_handler)1)
        return 0;
    if (action.handler.simple == NULL) {
        if (!default_is_nothing(number))
            die(number);
        return 0;
    }
    plx__sigset before = plx__signals_mask();
    int error = errno;
    thread_mask |= action.mask;
    if ((action.flags & PLX__SA_NODEFER) == 0)
        thread_mask |= bit_of(number);
    if ((action.flags & PLX__SA_SIGINFO) != 0) {
        signal_info info;
        memset(&info, 0, sizeof info);
        info.number = number;
        info.code = cause.code;
        info.value = cause.value;
        info.process = (int)GetCurrentProcessId();
        info.user = PLX__USER;
        if (number == PLX__SIGCHLD && cause.code > 0)
            plx__signal_hook.child_last(&info.process, &info.code, &info.status);
        action.handler.informed(number, &info, NULL);
    } else {
        action.handler.simple(number);
    }
    thread_mask = before;
    errno = error;
    return PLX__SIGNALS_HANDLED |
           ((action.flags & PLX__SA_RESTART) == 0 ? PLX__SIGNALS_NO_RESTART : 0u);
}

int plx__signal_take(plx__sigset set, plx__signal_cause *cause_out)
{
    int number = plx__directed_take(set, cause_out);
    return number != 0 ? number : plx__queue_take(set, cause_out);
}

unsigned plx__handlers_run(void)
{
    unsigned handled = 0;
    for (;;) {
        plx__signal_cause cause = {.code = 0};
        int number = plx__signal_take(~plx__signals_mask(), &cause);
        if (number == 0)
            return handled;
        handled |= run(number, cause);
    }
}

static int pend(int number, plx__signal_cause cause)
{
    int status = plx__queue_put(number, cause);
    plx__wait_wake_all();
    return status;
}

static simple_handler handler_of(int number)
{
    AcquireSRWLockShared(&lock);
    simple_handler handler = actions[number].handler.simple;
    ReleaseSRWLockShared(&lock);
    return handler;
}

bool plx__signal_set_cause(int number, plx__signal_cause cause)
{
    simple_handler handler = handler_of(number);
    bool is_blocked = ((plx__sigset)main_mask & bit_of(number)) != 0;
    if (handler == (simple_handler)1 && !is_blocked)
        return false;
    if (handler == NULL && !is_blocked) {
        if (!default_is_nothing(number))
            die(number);
        return false;
    }
    return pend(number, cause) == 0;
}

bool plx__signal_set(int number)
{
    return plx__signal_set_cause(number, (plx__signal_cause){.code = PLX__SI_KERNEL});
}

void plx__signal_attend(int number)
{
    plx__wait_wake_all();
    for (int waited = 0;
         waited < GRACE_MS || (waited < PATIENCE_MS && plx__wait_takes(bit_of(number)));
         waited += 10) {
        if ((plx__queue_set() & bit_of(number)) == 0)
            return;
        Sleep(10);
    }
    plx__signals_mask_set((plx__sigset)main_mask);
    (void)plx__handlers_run();
}

/* From a thread of the layer's or of the system's. */
void plx__signal_post(int number)
{
    if (plx__signal_set(number))
        plx__signal_attend(number);
}

int plx__signal_self(int number, plx__signal_cause cause)
{
    if (number == 0)
        return 0;
    if (!is_valid(number))
        return -EINVAL;
    if ((plx__signals_mask() & bit_of(number)) != 0)
        return pend(number, cause);
    (void)run(number, cause);
    return 0;
}

static const plx__signal_cause by_user; /* SI_USER is 0. */

/* To this thread. What kill() sends waits for any thread while it is blocked. */
static int send_to_thread(int number)
{
    if (is_valid(number) && (plx__signals_mask() & bit_of(number)) != 0)
        return plx__directed_put(GetCurrentThreadId(), number, by_user);
    return plx__signal_self(number, by_user);
}

/* A thread that waits in the layer takes it at once, any other with its next call of the layer. */
int plx__thread_signal(void *handle, int number)
{
    DWORD code = 0;
    DWORD thread = GetThreadId(handle);
    if (thread == 0)
        return ESRCH;
    if (number < 0 || number > SIGNALS)
        return EINVAL;
    if (thread == GetCurrentThreadId())
        return -send_to_thread(number);
    if (number == 0 || (GetExitCodeThread(handle, &code) && code != STILL_ACTIVE))
        return 0;
    int status = plx__directed_put(thread, number, by_user);
    plx__wait_wake_all();
    return -status;
}

void plx__signal_broken_pipe(void)
{
    (void)plx__signal_self(PLX__SIGPIPE, by_user);
    errno = EPIPE;
}

/* --- the console ---------------------------------------------------------------------------- */

static int number_of_event(DWORD event)
{
    switch (event) {
    case CTRL_C_EVENT:
        return SIGINT;
    case CTRL_BREAK_EVENT:
        return PLX__SIGQUIT;
    case CTRL_SHUTDOWN_EVENT:
        return SIGTERM;
    default:
        return PLX__SIGHUP;
    }
}

static BOOL WINAPI on_console(DWORD event)
{
    int number = number_of_event(event);
    bool is_blocked = ((plx__sigset)main_mask & bit_of(number)) != 0;
    if (handler_of(number) == NULL && !is_blocked)
        return FALSE; /* The system's default, which is the end too. */
    plx__signal_post(number);
    if (event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT)
        Sleep(INFINITE); /* Returning would end the process now; it has its grace time. */
    return TRUE;
}

/* Faults and abort() come by way of the C library. */
static bool is_of_the_library(int number)
{
    return number == SIGSEGV || number == SIGFPE || number == SIGILL || number == SIGABRT;
}

static void __cdecl on_library(int number)
{
    (void)run(number, (plx__signal_cause){.code = PLX__SI_KERNEL});
}

void plx__signals_connect(void)
{
    static INIT_ONCE connected = INIT_ONCE_STATIC_INIT;
    BOOL is_first = FALSE;
    if (InitOnceBeginInitialize(&connected, 0, &is_first, NULL) && is_first) {
        (void)SetConsoleCtrlHandler(on_console, TRUE);
        (void)InitOnceComplete(&connected, 0, NULL);
    }
}

static void source_connect(int number, simple_handler handler)
{
    if (is_of_the_library(number)) {
        (void)signal(number,
                     handler == NULL || handler == (simple_handler)1 ? handler : on_library);
        return;
    }
    plx__signals_connect();
}

/* --- the calls ------------------------------------------------------------------------------ */

PLX__CALL int plx_posix_sigaction(int number, const signal_action *action, signal_action *old)
{
    if (!is_valid(number))
        return plx__answer_int(-EINVAL);
    if (action != NULL && (number == PLX__SIGKILL || number == PLX__SIGSTOP))
        return plx__answer_int(-EINVAL);
    AcquireSRWLockExclusive(&lock);
    signal_action before = actions[number];
    if (action != NULL)
        actions[number] = *action;
    ReleaseSRWLockExclusive(&lock);
    if (old != NULL)
        *old = before;
    if (action == NULL)
        return 0;
    if (action->handler.simple != NULL && action->handler.simple != (simple_handler)1)
        plx__atomic_store_release(&are_used, 1);
    else if (action->handler.simple == (simple_handler)1 || default_is_nothing(number))
        plx__queue_drop(number);
    source_connect(number, action->handler.simple);
    return 0;
}

PLX__CALL simple_handler plx_posix_signal(int number, simple_handler handler)
{
    signal_action action;
    signal_action old;
    memset(&action, 0, sizeof action);
    action.handler.simple = handler;
    action.flags = PLX__SA_RESTART;
    if (handler == (simple_handler)-1) {
        errno = EINVAL;
        return (simple_handler)-1;
    }
    if (plx_posix_sigaction(number, &action, &old) != 0)
        return (simple_handler)-1;
    return old.handler.simple;
}

PLX__CALL int plx_posix_siginterrupt(int number, int flag)
{
    if (!is_valid(number))
        return plx__answer_int(-EINVAL);
    AcquireSRWLockExclusive(&lock);
    if (flag)
        actions[number].flags &= ~PLX__SA_RESTART;
    else
        actions[number].flags |= PLX__SA_RESTART;
    ReleaseSRWLockExclusive(&lock);
    return 0;
}

PLX__CALL int plx_posix_raise(int number)
{
    return plx__answer_int(number == 0 ? 0 : send_to_thread(number));
}

PLX__CALL int plx_posix_sigemptyset(plx__sigset *set)
{
    *set = 0;
    return 0;
}

PLX__CALL int plx_posix_sigfillset(plx__sigset *set)
{
    *set = UINT64_MAX;
    return 0;
}

PLX__CALL int plx_posix_sigaddset(plx__sigset *set, int number)
{
    if (!is_valid(number))
        return plx__answer_int(-EINVAL);
    *set |= bit_of(number);
    return 0;
}

PLX__CALL int plx_posix_sigdelset(plx__sigset *set, int number)
{
    if (!is_valid(number))
        return plx__answer_int(-EINVAL);
    *set &= ~bit_of(number);
    return 0;
}

PLX__CALL int plx_posix_sigismember(const plx__sigset *set, int number)
{
    if (!is_valid(number))
        return plx__answer_int(-EINVAL);
    return (*set & bit_of(number)) != 0;
}

/* Returns the code, as pthread_sigmask() does. */
PLX__CALL int plx_posix_pthread_sigmask(int how, const plx__sigset *set, plx__sigset *old)
{
    plx__sigset before = plx__signals_mask();
    if (set != NULL) {
        if (how == PLX__SIG_BLOCK)
            plx__signals_mask_set(before | *set);
        else if (how == PLX__SIG_UNBLOCK)
            plx__signals_mask_set(before & ~*set);
        else if (how == PLX__SIG_SETMASK)
            plx__signals_mask_set(*set);
        else
            return EINVAL;
    }
    if (old != NULL)
        *old = before;
    (void)plx__handlers_run(); /* What was blocked comes before this returns. */
    return 0;
}

PLX__CALL int plx_posix_sigprocmask(int how, const plx__sigset *set, plx__sigset *old)
{
    return plx__answer_int(-plx_posix_pthread_sigmask(how, set, old));
}

PLX__CALL int plx_posix_sigpending(plx__sigset *set)
{
    *set = (plx__queue_set() | plx__directed_set()) & plx__signals_mask();
    return 0;
}

bool plx__signals_wait(plx__sigset set)
{
    return ((plx__queue_set() | plx__directed_set()) & set) != 0;
}
