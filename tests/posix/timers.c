/* tests/posix/timers.c - timer_create() and its kin, getdate(), the processor's clock. */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t runs;
static volatile sig_atomic_t last_code;
static volatile sig_atomic_t last_value;

static void on_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    (void)number;
    runs++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
}

static void handle(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_info;
    action.sa_flags = SA_SIGINFO;
    IS(sigaction(number, &action, NULL), 0);
    runs = 0;
}

static struct itimerspec in_milliseconds(long first, long then)
{
    struct itimerspec value;
    memset(&value, 0, sizeof value);
    value.it_value.tv_sec = first / 1000;
    value.it_value.tv_nsec = first % 1000 * 1000000;
    value.it_interval.tv_sec = then / 1000;
    value.it_interval.tv_nsec = then % 1000 * 1000000;
    return value;
}

/* Until there were as many runs, for 10 s at the most. */
static bool turns(int wanted)
{
    double end = seconds_now() + 10;
    struct timespec step = {0, 20000000};
    while (runs < wanted && seconds_now() < end)
        (void)nanosleep(&step, NULL);
    return runs >= wanted;
}

static void by_signal(void)
{
    timer_t timer;
    struct sigevent event;
    struct itimerspec value = in_milliseconds(30, 0);
    struct itimerspec old;
    section("SIGEV_SIGNAL");
    handle(SIGUSR1);
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    event.sigev_value.sival_int = 77;
    IS(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    IS(timer_gettime(timer, &old), 0);
    TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    sigset_t set;
    sigset_t before;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR1);
    IS(sigprocmask(SIG_BLOCK, &set, &before), 0);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    FAILS(sigsuspend(&before), EINTR);
    IS(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    IS(runs, 1);
    TRUE(last_code == SI_TIMER);
    IS(last_value, 77);
    IS(timer_getoverrun(timer), 0);
    value = in_milliseconds(20, 20);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    TRUE(turns(4));
    value = in_milliseconds(50000, 3000);
    IS(timer_settime(timer, 0, &value, &old), 0);
    TRUE(old.it_interval.tv_sec == 0 && old.it_interval.tv_nsec == 20000000);
    IS(timer_gettime(timer, &old), 0);
    TRUE(old.it_value.tv_sec >= 40 && old.it_value.tv_sec <= 50 && old.it_interval.tv_sec == 3);
    value = in_milliseconds(0, 0);
    IS(timer_settime(timer, 0, &value, &old), 0);
    IS(timer_gettime(timer, &old), 0);
    TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    IS(timer_delete(timer), 0);
}

/* At least so many, and no more than a timer of 10 ms has since then. */
static bool fits(int64_t overrun, int64_t least, double since)
{
    return overrun >= least && (double)overrun <= (seconds_now() - since) * 100 + 1;
}

/* What expires while the signal is blocked is one signal, and is counted. */
static void overruns(void)
{
    const double since = seconds_now();
    timer_t timer;
    struct sigevent event;
    struct itimerspec value = in_milliseconds(10, 10);
    sigset_t set;
    siginfo_t info;
    section("overruns");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGRTMIN);
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    memset(&event, 0, sizeof event);
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_int = 5;
    IS(timer_create(CLOCK_REALTIME, &event, &timer), 0);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    struct timespec step = {0, 200000000};
    IS(nanosleep(&step, NULL), 0);
    struct timespec no_time = {0, 0};
    TRUE(sigtimedwait(&set, &info, &no_time) == SIGRTMIN && info.si_value.sival_int == 5);
    TRUE(fits(timer_getoverrun(timer), 5, since));
    IS(timer_delete(timer), 0);
}

/* One with a value, for a signal that the caller has blocked. */
static timer_t timer_of(int number, int value)
{
    timer_t timer = NULL;
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = number;
    event.sigev_value.sival_int = value;
    IS(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    return timer;
}

static void sleep_ms(long milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

/* The value of the next of the set within a moment, -1: none comes. */
static int next_value(const sigset_t *set, long milliseconds)
{
    siginfo_t info;
    struct timespec longest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    bool is_timer = sigtimedwait(set, &info, &longest) > 0 && info.si_code == SI_TIMER;
    return is_timer ? info.si_value.sival_int : -1;
}

/* Each has a signal of its own, also when all have the same number and it is no real-time one. */
static void share_a_signal(int number)
{
    timer_t timers[3];
    sigset_t set;
    struct timespec base;
    const long due_ns[3] = {20000, 10000, 30000}; /* All within the step of any clock. */
    section("three timers of one signal");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    IS(clock_gettime(CLOCK_MONOTONIC, &base), 0);
    for (int i = 0; i < 3; i++) {
        struct itimerspec value = {.it_value = {.tv_sec = base.tv_sec + 1, .tv_nsec = due_ns[i]}};
        timers[i] = timer_of(number, i + 1);
        IS(timer_settime(timers[i], TIMER_ABSTIME, &value, NULL), 0);
    }
    sleep_ms(1300);
    IS(kill(getpid(), number), 0);
    IS(next_value(&set, 5000), 2); /* In the order in which they were due. */
    IS(next_value(&set, 5000), 1);
    IS(next_value(&set, 5000), 3);
    for (int i = 0; i < 3; i++)
        IS(timer_getoverrun(timers[i]), 0);
    (void)next_value(&set, 0); /* Of a real-time signal that of kill(), too. */
    IS(next_value(&set, 0), -1);
    for (int i = 0; i < 3; i++)
        IS(timer_delete(timers[i]), 0);
}

/* POSIX leaves open what becomes of its signal. Linux 6.18 drops it, older ones do not. */
static void drops(void)
{
    sigset_t set;
    struct itimerspec value = in_milliseconds(1, 0);
    timer_t timer = timer_of(SIGRTMIN, 4);
    section("a timer that is set anew or deleted");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGRTMIN);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    sleep_ms(100);
    value = in_milliseconds(0, 0);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    TRUE(next_value(&set, 0) == -1 || !IS_WINDOWS);
    value = in_milliseconds(1, 0);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    IS(next_value(&set, 5000), 4);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    sleep_ms(100);
    IS(timer_delete(timer), 0);
    TRUE(next_value(&set, 0) == -1 || !IS_WINDOWS);
}

static timer_t handled_timer;
static volatile sig_atomic_t first_overrun;

static void on_slow(int number)
{
    (void)number;
    if (first_overrun < 0) {
        sleep_ms(50);
        first_overrun = timer_getoverrun(handled_timer);
    }
}

/* The count is of the signal that was taken, whatever has expired since. */
static void taken(void)
{
    const double since = seconds_now();
    sigset_t set;
    struct itimerspec value = in_milliseconds(10, 10);
    section("overruns of the signal that was taken");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGUSR2);
    IS(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    first_overrun = -1;
    handled_timer = timer_of(SIGUSR2, 1);
    IS(timer_settime(handled_timer, 0, &value, NULL), 0);
    TRUE(signal(SIGUSR2, on_slow) != SIG_ERR);
    sleep_ms(400);
    IS(timer_getoverrun(handled_timer), 0);
    IS(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    TRUE(fits(first_overrun, 15, since) || IS_TSAN);
    IS(timer_delete(handled_timer), 0);
}

static void by_descriptor(void)
{
    const double since = seconds_now();
    sigset_t set;
    struct signalfd_siginfo info;
    struct itimerspec value = in_milliseconds(10, 10);
    section("signalfd");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGRTMIN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    timer_t timer = timer_of(SIGRTMIN, 6);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    sleep_ms(200);
    memset(&info, 0, sizeof info);
    IS(read(fd, &info, sizeof info), (long)sizeof info);
    TRUE(info.ssi_code == SI_TIMER && info.ssi_int == 6);
    TRUE(fits(info.ssi_overrun, 5, since));
    TRUE(timer_getoverrun(timer) == (int)info.ssi_overrun);
    IS(timer_delete(timer), 0);
    (void)next_value(&set, 0);
    IS(close(fd), 0);
}

/* When it expires next, in seconds since 1970; to a twentieth. */
static double due_of(timer_t timer)
{
    struct timespec before;
    struct timespec after;
    struct itimerspec left;
    double taken;
    do {
        (void)clock_gettime(CLOCK_REALTIME, &before);
        (void)timer_gettime(timer, &left);
        (void)clock_gettime(CLOCK_REALTIME, &after);
        taken =
            (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    } while (taken > 0.05);
    return (double)(before.tv_sec + left.it_value.tv_sec) +
           (double)(before.tv_nsec + left.it_value.tv_nsec) / 1e9;
}

/* Whether a time is so many seconds after a multiple of a period. */
static bool is_phase(double time, double period, double phase)
{
    double of = fmod(time - phase + 0.1, period);
    return of < 0.2;
}

/* An absolute time of the past: what has expired since is counted, and the phase is kept. */
static void past(void)
{
    sigset_t set;
    struct timespec now;
    struct itimerspec value = in_milliseconds(0, 4000);
    struct sigevent event;
    timer_t timer;
    uint64_t expired = 0;
    section("absolute times of the past");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGRTMIN);
    memset(&event, 0, sizeof event);
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_int = 7;
    IS(timer_create(CLOCK_REALTIME, &event, &timer), 0);
    IS(clock_gettime(CLOCK_REALTIME, &now), 0);
    value.it_value = now;
    value.it_value.tv_sec -= 9; /* Due 9, 5 and 1 s ago, and in 3 s. */
    IS(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
    IS(next_value(&set, 5000), 7);
    IS(timer_getoverrun(timer), 2);
    TRUE(is_phase(due_of(timer), 4, fmod((double)now.tv_sec + (double)now.tv_nsec / 1e9, 4) + 3));
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    IS(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), 0);
    IS(read(fd, &expired, sizeof expired), (long)sizeof expired);
    IS(expired, 3);
    IS(close(fd), 0);
    value = in_milliseconds(1000, 1000); /* Every whole second, since 1970. */
    IS(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
    IS(next_value(&set, 5000), 7);
    IS(next_value(&set, 5000), 7);
    TRUE(is_phase(due_of(timer), 1, 0));
    IS(timer_delete(timer), 0);
}

/* A timer that is always due does not keep another from its turn. */
static void always_due(void)
{
    sigset_t set;
    struct itimerspec value = in_milliseconds(50, 0);
    section("beside a timer that is always due");
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGRTMIN);
    TRUE(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    timer_t other = timer_of(SIGRTMIN, 8);
    timer_t always = timer_of(SIGUSR2, 9);
    IS(timer_settime(other, 0, &value, NULL), 0);
    value.it_value.tv_nsec = 1;
    value.it_interval.tv_nsec = 1;
    IS(timer_settime(always, 0, &value, NULL), 0);
    IS(next_value(&set, 5000), 8);
    IS(timer_delete(always), 0);
    IS(timer_delete(other), 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int calls;
static bool is_other;
static pthread_t main_thread;

static void on_expiry(union sigval value)
{
    (void)pthread_mutex_lock(&mutex);
    calls += value.sival_int;
    is_other = !pthread_equal(pthread_self(), main_thread);
    (void)pthread_mutex_unlock(&mutex);
}

static void by_function(void)
{
    timer_t timer;
    struct sigevent event;
    struct itimerspec value = in_milliseconds(10, 10);
    section("SIGEV_THREAD, SIGEV_NONE");
    main_thread = pthread_self();
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = on_expiry;
    event.sigev_value.sival_int = 3;
    IS(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    IS(IS_TSAN ? 0 : timer_settime(timer, 0, &value, NULL), 0);
    int got = IS_TSAN ? 6 : 0;
    is_other = IS_TSAN;
    double end = seconds_now() + 10;
    while (got < 6 && seconds_now() < end) {
        struct timespec step = {0, 10000000};
        (void)nanosleep(&step, NULL);
        (void)pthread_mutex_lock(&mutex);
        got = calls;
        (void)pthread_mutex_unlock(&mutex);
    }
    TRUE(got >= 6 && got % 3 == 0 && is_other);
    IS(timer_delete(timer), 0);
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_NONE;
    IS(timer_create(CLOCK_REALTIME, &event, &timer), 0);
    struct timespec now;
    IS(clock_gettime(CLOCK_REALTIME, &now), 0);
    value = in_milliseconds(0, 0);
    value.it_value.tv_sec = now.tv_sec + 100;
    IS(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
    IS(timer_gettime(timer, &value), 0);
    TRUE(value.it_value.tv_sec > 90 && value.it_value.tv_sec <= 100);
    value.it_value.tv_nsec = 1000000000;
    FAILS(timer_settime(timer, 0, &value, NULL), EINVAL);
    IS(timer_delete(timer), 0);
    event.sigev_notify = 99;
    FAILS(timer_create(CLOCK_REALTIME, &event, &timer), EINVAL);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 999;
    FAILS(timer_create(CLOCK_REALTIME, &event, &timer), EINVAL);
    FAILS(timer_create((clockid_t)1234, NULL, &timer), EINVAL);
    handle(SIGALRM);
    IS(timer_create(CLOCK_REALTIME, NULL, &timer), 0);
    value = in_milliseconds(10, 0);
    IS(timer_settime(timer, 0, &value, NULL), 0);
    TRUE(turns(1));
    IS(timer_delete(timer), 0);
}

static void dates(void)
{
    char name[] = "/tmp/datesXXXXXX";
    section("getdate");
    (void)unsetenv("DATEMSK");
    TRUE(getdate("1.2.2017") == NULL && getdate_err == 1);
    IS(setenv("DATEMSK", "/tmp/there is no such file", 1), 0);
    TRUE(getdate("1.2.2017") == NULL && getdate_err == 3);
    IS(setenv("DATEMSK", "/tmp", 1), 0);
    TRUE(getdate("1.2.2017") == NULL && getdate_err == 4);
    int fd = mkstemp(name);
    static const char forms[] = "%d.%m.%Y\n%d.%m.%Y %H:%M\n%A\n%B\n%H:%M\n%m/%d\n%A %B\n";
    IS(write(fd, forms, sizeof forms - 1), (long)sizeof forms - 1);
    IS(close(fd), 0);
    IS(setenv("DATEMSK", name, 1), 0);
    const struct tm *date = getdate("4.3.2017");
    TRUE(date != NULL && date->tm_mday == 4 && date->tm_mon == 2 && date->tm_year == 117);
    TRUE(date != NULL && date->tm_wday == 6);
    date = getdate("  31.12.2016 23:59 ");
    TRUE(date != NULL && date->tm_hour == 23 && date->tm_min == 59 && date->tm_sec == 0);
    TRUE(date != NULL && date->tm_yday == 365);
    TRUE(getdate("no date") == NULL && getdate_err == 7);
    TRUE(getdate("31.2.2017") == NULL && getdate_err == 8);
    time_t now_seconds = time(NULL);
    struct tm now;
    (void)localtime_r(&now_seconds, &now);
    date = getdate("Monday");
    TRUE(date != NULL && date->tm_wday == 1);
    date = getdate("January");
    TRUE(date != NULL && date->tm_mon == 0);
    TRUE(date != NULL && date->tm_year == now.tm_year + (now.tm_mon > 0));
    date = getdate("Monday March");
    TRUE(date != NULL && date->tm_mon == 2 && date->tm_wday == 1 && date->tm_mday <= 7);
    date = getdate("3/4");
    TRUE(date != NULL && date->tm_mon == 2 && date->tm_mday == 4 && date->tm_year == now.tm_year);
    date = getdate("23:58");
    TRUE(date != NULL && date->tm_hour == 23 && date->tm_min == 58);
    IS(unlink(name), 0);
}

static void processor(void)
{
    clockid_t clock;
    struct timespec used;
    section("clock_getcpuclockid");
    IS(clock_getcpuclockid(getpid(), &clock), 0);
    IS(clock_gettime(clock, &used), 0);
    TRUE(used.tv_sec < 100);
    IS(clock_getcpuclockid(0, &clock), 0);
    IS(clock_gettime(clock, &used), 0);
    IS(clock_getcpuclockid(99999999, &clock), ESRCH);
}

int main(void)
{
    by_signal();
    overruns();
    share_a_signal(SIGRTMIN);
    share_a_signal(SIGUSR2);
    drops();
    taken();
    by_descriptor();
    past();
    always_due();
    by_function();
    dates();
    processor();
    return check_end();
}
