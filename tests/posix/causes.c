/* tests/posix/causes.c - signals with a value, in a queue, for one thread; and the older calls. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static volatile sig_atomic_t runs;
static volatile sig_atomic_t last_code;
static volatile sig_atomic_t last_value;
static pthread_t taker;

static void on_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    runs += info->si_signo == number;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    taker = pthread_self();
}

static void on_simple(int number)
{
    (void)number;
    runs++;
}

static void handle_with_info(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_info;
    action.sa_flags = SA_SIGINFO;
    IS(sigaction(number, &action, NULL), 0);
}

static sigset_t set_of(int number)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    return set;
}

static int queue(int number, int value)
{
    union sigval with;
    memset(&with, 0, sizeof with);
    with.sival_int = value;
    return sigqueue(getpid(), number, with);
}

static void values(void)
{
    section("sigqueue");
    handle_with_info(SIGUSR1);
    IS(queue(SIGUSR1, 42), 0);
    IS(runs, 1);
    TRUE(last_code == SI_QUEUE);
    IS(last_value, 42);
    IS(kill(getpid(), SIGUSR1), 0);
    TRUE(last_code == SI_USER);
    IS(queue(0, 1), 0);
    FAILS(queue(999, 1), EINVAL);
    union sigval none;
    memset(&none, 0, sizeof none);
    FAILS(sigqueue(99999999, SIGUSR1, none), ESRCH);
    TRUE(SIGRTMAX - SIGRTMIN >= 7);
    char text[64];
    (void)snprintf(text, sizeof text, "%s", strsignal(SIGRTMIN + 2));
    check_text(text, "Real-time signal 2", "strsignal(SIGRTMIN + 2)");
}

/* Of a real-time signal each is kept, in order; of any other, one. */
static void order(void)
{
    sigset_t set = set_of(SIGRTMIN + 1);
    siginfo_t info;
    struct timespec no_time = {0, 0};
    section("order");
    (void)sigaddset(&set, SIGUSR2);
    (void)sigaddset(&set, SIGRTMIN);
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    IS(queue(SIGRTMIN + 1, 1), 0);
    IS(queue(SIGRTMIN + 1, 2), 0);
    IS(queue(SIGRTMIN, 3), 0);
    IS(kill(getpid(), SIGUSR2), 0);
    IS(kill(getpid(), SIGUSR2), 0);
    sigset_t waiting;
    IS(sigpending(&waiting), 0);
    TRUE(sigismember(&waiting, SIGRTMIN + 1) && sigismember(&waiting, SIGUSR2));
    TRUE(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_code == SI_USER);
    TRUE(info.si_pid == getpid() && info.si_uid == getuid());
    TRUE(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == 3);
    TRUE(sigwaitinfo(&set, &info) == SIGRTMIN + 1 && info.si_value.sival_int == 1);
    TRUE(info.si_code == SI_QUEUE && info.si_signo == SIGRTMIN + 1);
    TRUE(sigtimedwait(&set, &info, &no_time) == SIGRTMIN + 1 && info.si_value.sival_int == 2);
    FAILS(sigtimedwait(&set, &info, &no_time), EAGAIN);
    IS(sigpending(&waiting), 0);
    IS(sigismember(&waiting, SIGRTMIN + 1), 0);
    struct timespec odd = {0, -1};
    FAILS(sigtimedwait(&set, NULL, &odd), EINVAL);
    double before = seconds_now();
    struct timespec moments = {0, 50000000};
    FAILS(sigtimedwait(&set, NULL, &moments), EAGAIN);
    TRUE(seconds_now() - before > 0.04);
    IS(queue(SIGRTMIN, 5), 0);
    IS(queue(SIGRTMIN, 6), 0);
    handle_with_info(SIGRTMIN);
    runs = 0;
    IS(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    TRUE(runs == 2 || IS_TSAN);
    TRUE(last_value == 6 || IS_TSAN);
}

/* The value of the next of the set, -1: none waits. */
static int next_value(const sigset_t *set)
{
    siginfo_t info;
    struct timespec no_time = {0, 0};
    return sigtimedwait(set, &info, &no_time) > 0 ? info.si_value.sival_int : -1;
}

/* Of a signal that is not a real-time one, the cause that is kept is the first. */
static void first_cause(void)
{
    sigset_t set = set_of(SIGUSR2);
    section("the first cause");
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    IS(queue(SIGUSR2, 10), 0);
    IS(queue(SIGUSR2, 11), 0);
    IS(kill(getpid(), SIGUSR2), 0);
    TRUE(next_value(&set) == 10 || IS_TSAN);
    TRUE(next_value(&set) == -1 || IS_TSAN);
    IS(queue(SIGUSR2, 12), 0);
    TRUE(next_value(&set) == 12 || IS_TSAN);
    IS(kill(getpid(), SIGUSR2), 0); /* For any thread; the next two are for this one. */
    IS(raise(SIGUSR2), 0);
    IS(pthread_kill(pthread_self(), SIGUSR2), 0);
    TRUE(next_value(&set) == 0 || IS_TSAN);
    TRUE(next_value(&set) == 0 || IS_TSAN);
    TRUE(next_value(&set) == -1 || IS_TSAN);
}

/* What waits is gone when the signal is ignored, and so does not come when it is handled again. */
static void ignored(void)
{
    sigset_t set = set_of(SIGRTMIN + 2);
    sigset_t waiting;
    section("ignored while one waits");
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGUSR2);
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    IS(queue(SIGRTMIN + 2, 1), 0);
    IS(queue(SIGRTMIN + 2, 2), 0);
    IS(pthread_kill(pthread_self(), SIGUSR2), 0);
    TRUE(signal(SIGRTMIN + 2, SIG_IGN) != SIG_ERR);
    TRUE(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    IS(sigpending(&waiting), 0);
    TRUE(!sigismember(&waiting, SIGRTMIN + 2) && !sigismember(&waiting, SIGUSR2));
    TRUE(signal(SIGRTMIN + 2, SIG_DFL) == SIG_IGN);
    IS(queue(SIGRTMIN + 2, 3), 0);
    TRUE(next_value(&set) == 3 || IS_TSAN);
    TRUE(next_value(&set) == -1 || IS_TSAN);
    IS(queue(SIGRTMIN + 2, 4), 0);
    TRUE(signal(SIGRTMIN + 2, SIG_DFL) == SIG_DFL);
    TRUE(next_value(&set) == 4 || IS_TSAN);
    IS(raise(SIGCHLD), 0);
    IS(sigpending(&waiting), 0);
    IS(sigismember(&waiting, SIGCHLD), 1);
    TRUE(signal(SIGCHLD, SIG_DFL) == SIG_DFL);
    IS(sigpending(&waiting), 0);
    IS(sigismember(&waiting, SIGCHLD), 0);
    TRUE(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
}

static volatile sig_atomic_t has_ended;

static void *pause_once(void *unused)
{
    static long result;
    struct timespec long_time = {20, 0};
    (void)unused;
    result = nanosleep(&long_time, NULL) == -1 ? errno : 0;
    has_ended = 1;
    return &result;
}

static void *block_and_wait(void *unused)
{
    static long result;
    sigset_t set = set_of(SIGUSR2);
    siginfo_t info;
    (void)unused;
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    result = sigwaitinfo(&set, &info);
    return &result;
}

static void threads(void)
{
    pthread_t thread;
    void *result = NULL;
    section("pthread_kill");
    handle_with_info(SIGUSR1);
    runs = 0;
    IS(pthread_kill(pthread_self(), SIGUSR1), 0);
    IS(runs, 1);
    TRUE(pthread_equal(taker, pthread_self()));
    IS(pthread_kill(pthread_self(), 0), 0);
    IS(pthread_kill(pthread_self(), 999), EINVAL);
    IS(pthread_create(&thread, NULL, pause_once, NULL), 0);
    IS(pthread_kill(thread, 0), 0);
    do { /* It may not wait yet. */
        moment();
        (void)pthread_kill(thread, SIGUSR1);
    } while (!has_ended);
    IS(pthread_join(thread, &result), 0);
    TRUE(*(long *)result == EINTR);
    TRUE(runs >= 2);
    TRUE(!pthread_equal(taker, pthread_self()));
    sigset_t set = set_of(SIGUSR2);
    IS(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    IS(pthread_create(&thread, NULL, block_and_wait, NULL), 0);
    moment();
    IS(pthread_kill(thread, SIGUSR2), 0);
    IS(pthread_join(thread, &result), 0);
    TRUE(*(long *)result == SIGUSR2);
    IS(sigpending(&set), 0);
    IS(sigismember(&set, SIGUSR2), 0);
}

static void older_calls(void)
{
    section("sigset and its kin");
    TRUE(sigset(SIGUSR1, on_simple) != SIG_ERR);
    TRUE(sigset(SIGUSR1, SIG_HOLD) == on_simple);
    runs = 0;
    IS(raise(SIGUSR1), 0);
    IS(runs, 0);
    TRUE(sigset(SIGUSR1, on_simple) == SIG_HOLD);
    IS(runs, 1);
    IS(sighold(SIGUSR1), 0);
    IS(raise(SIGUSR1), 0);
    IS(runs, 1);
    FAILS(sigpause(SIGUSR1), EINTR);
    IS(runs, 2);
    IS(raise(SIGUSR1), 0);
    IS(runs, 2);
    IS(sigrelse(SIGUSR1), 0);
    IS(runs, 3);
    IS(sigignore(SIGUSR1), 0);
    IS(raise(SIGUSR1), 0);
    IS(runs, 3);
    FAILS(sighold(999), EINVAL);
    FAILS(sigignore(SIGKILL), EINVAL);
}

static void stacks(void)
{
    static char bytes[65536];
    stack_t stack;
    stack_t old;
    section("sigaltstack");
    IS(sigaltstack(NULL, &old), 0);
    TRUE(!IS_WINDOWS || old.ss_flags == SS_DISABLE); /* The address sanitizer has one. */
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = bytes;
    stack.ss_size = sizeof bytes;
    IS(sigaltstack(&stack, NULL), 0);
    IS(sigaltstack(NULL, &old), 0);
    TRUE(old.ss_sp == bytes && old.ss_size == sizeof bytes && old.ss_flags == 0);
    stack.ss_size = 100;
    FAILS(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_flags = 0x55;
    FAILS(sigaltstack(&stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE | SS_ONSTACK;
    FAILS(sigaltstack(&stack, NULL), EINVAL);
    stack.ss_flags = SS_ONSTACK; /* Linux takes it for 0. */
    FAILS(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_size = sizeof bytes;
    IS(sigaltstack(&stack, NULL), 0);
    IS(sigaltstack(NULL, &old), 0);
    TRUE(old.ss_sp == bytes && old.ss_size == sizeof bytes && old.ss_flags == 0);
    stack.ss_flags = SS_DISABLE;
    IS(sigaltstack(&stack, &old), 0);
    TRUE(old.ss_flags == 0 && old.ss_size == sizeof bytes);
    IS(sigaltstack(NULL, &old), 0);
    TRUE(old.ss_sp == NULL && old.ss_size == 0 && old.ss_flags == SS_DISABLE);
    TRUE(SIGSTKSZ >= MINSIGSTKSZ);
}

/* What psiginfo() prints. */
static void printed(void)
{
    char name[] = "/tmp/causesXXXXXX";
    char text[256] = "";
    siginfo_t info;
    static const char wanted[] = "why: User defined signal 1 (";
    section("psiginfo");
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR1;
    info.si_code = SI_USER;
    int before = dup(2);
    int fd = mkstemp(name);
    TRUE(before >= 0 && fd >= 0 && dup2(fd, 2) == 2);
    psiginfo(&info, "why");
    (void)fflush(stderr);
    IS(dup2(before, 2), 2);
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    TRUE(length > 0 && strncmp(text, wanted, strlen(wanted)) == 0 && text[length - 1] == '\n');
    TRUE(close(before) == 0 && close(fd) == 0 && unlink(name) == 0);
}

static void names(void)
{
    siginfo_t info;
    section("numbers");
    memset(&info, 0, sizeof info);
    info.si_band = 3;
    IS(info.si_band, 3);
    TRUE(CLD_EXITED != CLD_KILLED && CLD_STOPPED != CLD_CONTINUED && CLD_TRAPPED != CLD_DUMPED);
    TRUE(ILL_ILLOPC != ILL_BADSTK && FPE_INTDIV != FPE_FLTSUB && SEGV_MAPERR != SEGV_ACCERR);
    TRUE(BUS_ADRALN != BUS_OBJERR && TRAP_BRKPT != TRAP_TRACE && POLL_IN != POLL_HUP);
    TRUE(SI_ASYNCIO != SI_MESGQ && SI_TIMER != SI_QUEUE);
    ucontext_t context;
    memset(&context, 0, sizeof context);
    TRUE(context.uc_link == NULL && context.uc_stack.ss_size == 0);
    TRUE(sizeof context.uc_mcontext > 0 && sizeof context.uc_sigmask >= 8);
}

int main(void)
{
    values();
    order();
    first_cause();
    ignored();
    threads();
    older_calls();
    stacks();
    printed();
    names();
    return check_end();
}
