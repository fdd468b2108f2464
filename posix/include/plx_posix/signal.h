/* plx_posix/signal.h - what POSIX adds to <signal.h>.
 *
 * SIGINT, SIGILL, SIGFPE, SIGSEGV, SIGTERM and SIGABRT have the numbers of Microsoft's C library;
 * the others Linux's, where that number is free.
 */
#ifndef PLX_POSIX_SIGNAL_H
#define PLX_POSIX_SIGNAL_H

#include <plx_posix/base.h>
#include <plx_posix/sigset.h>
#include <plx_posix/thread_types.h>

#define SIGHUP    1
#define SIGQUIT   3
#define SIGTRAP   5
#define SIGBUS    7
#define SIGKILL   9
#define SIGUSR1   10
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGCHLD   17
#define SIGCLD    SIGCHLD
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGURG    23
#define SIGTTIN   24
#define SIGTTOU   25
#define SIGVTALRM 26
#define SIGXCPU   27
#define SIGXFSZ   28
#define SIGPROF   29
#define SIGWINCH  30
#define SIGIO     31
#define SIGPOLL   SIGIO
#define SIGSYS    32
#define SIGPWR    33
#define SIGRTMIN  34 /* Up to SIGRTMAX each that is sent is kept, with its value. */
#define SIGRTMAX  64
#undef NSIG
#define NSIG  64
#define _NSIG 64

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001
#define SA_NOCLDWAIT 0x00000002
#define SA_SIGINFO   0x00000004
#define SA_ONSTACK   0x08000000
#define SA_RESTART   0x10000000
#define SA_NODEFER   0x40000000
#define SA_RESETHAND 0x80000000u
#define SA_NOMASK    SA_NODEFER
#define SA_ONESHOT   SA_RESETHAND

#define SI_USER    0
#define SI_QUEUE   (-1)
#define SI_TIMER   (-2)
#define SI_MESGQ   (-3)
#define SI_ASYNCIO (-4)
#define SI_KERNEL  0x80

#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

/* Why there was a fault: nothing tells here. */
#define ILL_ILLOPC  1
#define ILL_ILLOPN  2
#define ILL_ILLADR  3
#define ILL_ILLTRP  4
#define ILL_PRVOPC  5
#define ILL_PRVREG  6
#define ILL_COPROC  7
#define ILL_BADSTK  8
#define FPE_INTDIV  1
#define FPE_INTOVF  2
#define FPE_FLTDIV  3
#define FPE_FLTOVF  4
#define FPE_FLTUND  5
#define FPE_FLTRES  6
#define FPE_FLTINV  7
#define FPE_FLTSUB  8
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN  1
#define BUS_ADRERR  2
#define BUS_OBJERR  3
#define TRAP_BRKPT  1
#define TRAP_TRACE  2
#define POLL_IN     1
#define POLL_OUT    2
#define POLL_MSG    3
#define POLL_ERR    4
#define POLL_PRI    5
#define POLL_HUP    6

#define SIGEV_SIGNAL 0
#define SIGEV_NONE   1
#define SIGEV_THREAD 2

#define SS_ONSTACK  1
#define SS_DISABLE  2
#define MINSIGSTKSZ 2048
#define SIGSTKSZ    8192

#define SIG_HOLD ((sighandler_t)2)

PLX_POSIX_BEGIN

typedef void (*sighandler_t)(int);
typedef sighandler_t sig_t;

union sigval {
    int sival_int;
    void *sival_ptr;
};

typedef struct siginfo {
    int si_signo;
    int si_code;
    int si_errno;
    pid_t si_pid;
    uid_t si_uid;
    int si_status;
    void *si_addr;
    union sigval si_value;
    long si_band;
} siginfo_t;

struct sigevent {
    union sigval sigev_value;
    int sigev_signo;
    int sigev_notify;
    void (*sigev_notify_function)(union sigval);
    pthread_attr_t *sigev_notify_attributes;
};

typedef struct plx_posix_stack {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;

/* Handlers are not told of it: their third argument is NULL. */
typedef struct plx_posix_mcontext {
    uint64_t plx_posix_registers[32];
} mcontext_t;

typedef struct ucontext_t {
    unsigned long uc_flags;
    struct ucontext_t *uc_link;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
    sigset_t uc_sigmask;
} ucontext_t;

struct sigaction {
    union {
        void (*sa_handler)(int);
        void (*sa_sigaction)(int, siginfo_t *, void *);
    } plx_posix_action;
    sigset_t sa_mask;
    int sa_flags;
    void (*sa_restorer)(void);
};
#define sa_handler   plx_posix_action.sa_handler
#define sa_sigaction plx_posix_action.sa_sigaction

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
    PLX_POSIX_NEW(sigaction);
int sigemptyset(sigset_t *set) PLX_POSIX_NEW(sigemptyset);
int sigfillset(sigset_t *set) PLX_POSIX_NEW(sigfillset);
int sigaddset(sigset_t *set, int number) PLX_POSIX_NEW(sigaddset);
int sigdelset(sigset_t *set, int number) PLX_POSIX_NEW(sigdelset);
int sigismember(const sigset_t *set, int number) PLX_POSIX_NEW(sigismember);
int sigprocmask(int how, const sigset_t *set, sigset_t *old) PLX_POSIX_NEW(sigprocmask);
int sigpending(sigset_t *set) PLX_POSIX_NEW(sigpending);
int sigsuspend(const sigset_t *mask) PLX_POSIX_NEW(sigsuspend);
int sigwait(const sigset_t *set, int *number) PLX_POSIX_NEW(sigwait);
int sigwaitinfo(const sigset_t *set, siginfo_t *info) PLX_POSIX_NEW(sigwaitinfo);
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *longest)
    PLX_POSIX_NEW(sigtimedwait);
int sigqueue(pid_t process, int number, const union sigval value) PLX_POSIX_NEW(sigqueue);
int sighold(int number) PLX_POSIX_NEW(sighold);
int sigrelse(int number) PLX_POSIX_NEW(sigrelse);
int sigignore(int number) PLX_POSIX_NEW(sigignore);
int sigpause(int number) PLX_POSIX_NEW(sigpause);
sighandler_t sigset(int number, sighandler_t handler) PLX_POSIX_NEW(sigset);
int sigaltstack(const stack_t *stack, stack_t *old) PLX_POSIX_NEW(sigaltstack);
void psiginfo(const siginfo_t *info, const char *text) PLX_POSIX_NEW(psiginfo);
int siginterrupt(int number, int flag) PLX_POSIX_NEW(siginterrupt);
int kill(pid_t process, int number) PLX_POSIX_NEW(kill);
int killpg(pid_t group, int number) PLX_POSIX_NEW(killpg);
void psignal(int number, const char *text) PLX_POSIX_NEW(psignal);
extern sighandler_t signal(int number, sighandler_t handler) PLX_POSIX_CALL(signal);
extern int raise(int number) PLX_POSIX_CALL(raise);

PLX_POSIX_END
#endif
