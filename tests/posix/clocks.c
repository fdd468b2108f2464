/* tests/posix/clocks.c - timerfd and signalfd: read, polled, and in an epoll set. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t expiries;

static struct itimerspec spec(long milliseconds, long interval)
{
    struct itimerspec value;
    memset(&value, 0, sizeof value);
    value.it_value.tv_sec = milliseconds / 1000;
    value.it_value.tv_nsec = milliseconds % 1000 * 1000000;
    value.it_interval.tv_sec = interval / 1000;
    value.it_interval.tv_nsec = interval % 1000 * 1000000;
    return value;
}

static int timer_set(int fd, long milliseconds, long interval)
{
    struct itimerspec value = spec(milliseconds, interval);
    return timerfd_settime(fd, 0, &value, NULL);
}

/* The clock in so many milliseconds. */
static int timer_set_absolute(int fd, clockid_t clock, long milliseconds)
{
    struct itimerspec value = spec(0, 0);
    if (clock_gettime(clock, &value.it_value) != 0)
        return -1;
    value.it_value.tv_nsec += milliseconds * 1000000;
    if (value.it_value.tv_nsec < 0) {
        value.it_value.tv_nsec += 1000000000;
        value.it_value.tv_sec--;
    }
    value.it_value.tv_sec += value.it_value.tv_nsec / 1000000000;
    value.it_value.tv_nsec %= 1000000000;
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL);
}

static void timers_wrong(void)
{
    struct itimerspec value = spec(10, 0);
    int fds[2];
    section("timerfd: wrong uses");
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
    TRUE((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    IS(pipe(fds), 0);
    FAILS(timerfd_create(77, 0), EINVAL);
    FAILS(timerfd_create(CLOCK_MONOTONIC, 0x7), EINVAL);
    FAILS(timerfd_settime(fds[0], 0, &value, NULL), EINVAL);
    FAILS(timerfd_settime(9999, 0, &value, NULL), EBADF);
    FAILS(timerfd_settime(fd, 0x77, &value, NULL), EINVAL);
    FAILS(timerfd_gettime(fds[0], &value), EINVAL);
    value.it_value.tv_nsec = 1000000000;
    FAILS(timerfd_settime(fd, 0, &value, NULL), EINVAL);
    value.it_value.tv_nsec = -1;
    FAILS(timerfd_settime(fd, 0, &value, NULL), EINVAL);
    FAILS(read(fd, &expiries, sizeof expiries), EAGAIN);
    FAILS(read(fd, &expiries, 4), EINVAL);
    FAILS(write(fd, &expiries, sizeof expiries), EINVAL);
    POLLS(fd, POLLIN | POLLOUT, "");
    (void)close(fd);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void timers_once(void)
{
    struct itimerspec value;
    fd_set set;
    section("timerfd: once");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    double start = seconds_now();
    IS(timer_set(fd, 50, 0), 0);
    IS(timerfd_gettime(fd, &value), 0);
    TRUE(value.it_value.tv_sec == 0 && value.it_value.tv_nsec > 0 &&
         value.it_value.tv_nsec <= 50000000);
    TRUE(value.it_interval.tv_sec == 0 && value.it_interval.tv_nsec == 0);
    POLLS(fd, POLLIN, "");
    IS(read(fd, &expiries, sizeof expiries), 8); /* Waits for it. */
    IS(expiries, 1);
    TRUE(seconds_now() - start >= 0.05);
    POLLS(fd, POLLIN, "");
    IS(timerfd_gettime(fd, &value), 0);
    TRUE(value.it_value.tv_sec == 0 && value.it_value.tv_nsec == 0);
    IS(timer_set(fd, 20, 0), 0);
    COMES(fd, POLLIN, "IN");
    COMES(fd, POLLIN, "IN");
    IS(timer_set(fd, 0, 0), 0); /* Takes back what was not read. */
    POLLS(fd, POLLIN, "");
    IS(timer_set(fd, 20, 0), 0);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    IS(select(fd + 1, &set, NULL, NULL, NULL), 1);
    IS(read(fd, &expiries, sizeof expiries), 8);
    value = spec(20, 0);
    IS(timer_set(fd, 60000, 10000), 0);
    IS(timerfd_settime(fd, 0, &value, &value), 0);
    TRUE(value.it_value.tv_sec == 59 && value.it_interval.tv_sec == 10);
    COMES(fd, POLLIN, "IN");
    section("timerfd: by the clock");
    IS(timer_set_absolute(fd, CLOCK_MONOTONIC, 30), 0);
    POLLS(fd, POLLIN, "");
    COMES(fd, POLLIN, "IN");
    IS(timer_set_absolute(fd, CLOCK_MONOTONIC, -10), 0);
    POLLS(fd, POLLIN, "IN");
    int by_date = timerfd_create(CLOCK_REALTIME, 0);
    IS(timer_set_absolute(by_date, CLOCK_REALTIME, 30), 0);
    POLLS(by_date, POLLIN, "");
    COMES(by_date, POLLIN, "IN");
    IS(read(by_date, &expiries, sizeof expiries), 8);
    IS(expiries, 1);
    (void)close(fd);
    (void)close(by_date);
}

static void timers_again(void)
{
    struct itimerspec value;
    struct epoll_event event;
    section("timerfd: again and again");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    int set = epoll_create1(0);
    double start = seconds_now();
    IS(timer_set(fd, 10, 20), 0);
    IS(read(fd, &expiries, sizeof expiries), 8);
    TRUE(expiries >= 1);
    moment();
    IS(timerfd_gettime(fd, &value), 0);
    TRUE(value.it_value.tv_nsec > 0 && value.it_value.tv_nsec <= 20000000);
    uint64_t before = expiries;
    IS(read(fd, &expiries, sizeof expiries), 8);
    TRUE(expiries >= 4);
    double most = (seconds_now() - start - 0.01) / 0.02 + 1;
    TRUE((double)(before + expiries) <= most);
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = 7;
    IS(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    IS(timer_set(fd, 30, 0), 0);
    IS(epoll_wait(set, &event, 1, 0), 0);
    IS(epoll_wait(set, &event, 1, 20000), 1);
    TRUE(event.data.fd == 7 && event.events == EPOLLIN);
    IS(read(fd, &expiries, sizeof expiries), 8);
    IS(epoll_wait(set, &event, 1, 10), 0);
    (void)close(set);
    (void)close(fd);
}

static void *set_later(void *data)
{
    moment();
    (void)timer_set(*(int *)data, 1, 0);
    return NULL;
}

static void timers_under_waits(void)
{
    pthread_t thread;
    section("timerfd: set while another thread waits");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    IS(pthread_create(&thread, NULL, set_later, &fd), 0);
    IS(read(fd, &expiries, sizeof expiries), 8);
    (void)pthread_join(thread, NULL);
    IS(timer_set(fd, 3600000, 0), 0);
    IS(pthread_create(&thread, NULL, set_later, &fd), 0);
    COMES(fd, POLLIN, "IN");
    (void)pthread_join(thread, NULL);
    (void)close(fd);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
    handled = number;
}

/* It blocks what the thread that made it does. */
static void *kill_later(void *data)
{
    (void)data;
    moment();
    (void)kill(getpid(), SIGUSR2);
    return NULL;
}

static void signals(void)
{
    struct signalfd_siginfo reports[3];
    sigset_t mask;
    sigset_t old;
    int fds[2];
    section("signalfd");
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGUSR1);
    (void)sigaddset(&mask, SIGALRM);
    (void)sigaddset(&mask, SIGUSR2);
    IS(pthread_sigmask(SIG_BLOCK, &mask, &old), 0);
    (void)sigdelset(&mask, SIGUSR2);
    IS(pipe(fds), 0);
    int fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
    FAILS(signalfd(-1, &mask, 0x7), EINVAL);
    FAILS(signalfd(fds[0], &mask, 0), EINVAL);
    FAILS(signalfd(9999, &mask, 0), EBADF);
    FAILS(read(fd, reports, sizeof reports), EAGAIN);
    FAILS(read(fd, reports, 100), EINVAL);
    FAILS(write(fd, reports, sizeof reports), EINVAL);
    POLLS(fd, POLLIN | POLLOUT, "");
    IS(kill(getpid(), SIGUSR1), 0);
    POLLS(fd, POLLIN | POLLOUT, "IN");
    IS(read(fd, reports, sizeof reports), sizeof reports[0]);
    TRUE(reports[0].ssi_signo == SIGUSR1);
    IS(reports[0].ssi_code, SI_USER);
    TRUE(reports[0].ssi_pid == (uint32_t)getpid());
    TRUE(reports[0].ssi_uid == (uint32_t)getuid());
    POLLS(fd, POLLIN, "");
    IS(kill(getpid(), SIGUSR2), 0); /* Blocked, and not asked for. */
    POLLS(fd, POLLIN, "");
    (void)sigaddset(&mask, SIGUSR2);
    IS(signalfd(fd, &mask, 0), fd);
    POLLS(fd, POLLIN, "IN");
    IS(kill(getpid(), SIGUSR1), 0);
    IS(kill(getpid(), SIGUSR1), 0); /* Once, as it waits already. */
    IS(read(fd, reports, sizeof reports), 2 * sizeof reports[0]);
    TRUE(reports[0].ssi_signo == SIGUSR1);
    TRUE(reports[1].ssi_signo == SIGUSR2);
    FAILS(read(fd, reports, sizeof reports), EAGAIN);
    section("signalfd: a timer's, and one that comes under a wait");
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = 30000;
    IS(setitimer(ITIMER_REAL, &timer, NULL), 0);
    COMES(fd, POLLIN, "IN");
    IS(read(fd, reports, sizeof reports), sizeof reports[0]);
    TRUE(reports[0].ssi_signo == SIGALRM);
    IS(reports[0].ssi_code, SI_KERNEL);
    IS(reports[0].ssi_pid, 0);
    non_blocking(fd, false);
    pthread_t thread;
    IS(pthread_create(&thread, NULL, kill_later, NULL), 0);
    IS(read(fd, reports, sizeof reports), sizeof reports[0]);
    TRUE(reports[0].ssi_signo == SIGUSR2);
    (void)pthread_join(thread, NULL);
    section("signalfd: what is handled is not read");
    (void)signal(SIGUSR1, on_signal);
    IS(kill(getpid(), SIGUSR1), 0);
    IS(handled, 0);
    IS(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
    TRUE(handled == SIGUSR1);
    POLLS(fd, POLLIN, "");
    (void)close(fd);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Each of these waits is longer than 64 bits of nanoseconds hold, and ends by an alarm alone. */
static void centuries(void)
{
    struct itimerval beat = {.it_value = {0, 30000}, .it_interval = {0, 30000}};
    struct itimerval still = {.it_value = {0, 0}, .it_interval = {0, 0}};
    const time_t many[] = {INT64_MAX, 18446744074 /* 2^64 ns, and less than a second. */};
    sigset_t one;
    sigset_t usual;
    section("times of more than 584 years");
    (void)sigemptyset(&one);
    (void)sigaddset(&one, SIGUSR2);
    IS(sigprocmask(SIG_BLOCK, &one, &usual), 0);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    IS(sigaction(SIGALRM, &action, NULL), 0);
    IS(setitimer(ITIMER_REAL, &beat, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct timespec length = {.tv_sec = many[i], .tv_nsec = 0};
        struct timespec left = {0, 0};
        struct timeval rough = {.tv_sec = many[i], .tv_usec = 999999};
        FAILS(nanosleep(&length, &left), EINTR);
        TRUE(left.tv_sec > 9000000000);
        IS(clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL), EINTR);
        IS(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &length, NULL), EINTR);
        FAILS(ppoll(NULL, 0, &length, NULL), EINTR);
        FAILS(select(0, NULL, NULL, NULL, &rough), EINTR);
        TRUE(rough.tv_sec > 9000000000);
        FAILS(pselect(0, NULL, NULL, NULL, &length, NULL), EINTR);
        FAILS(sigtimedwait(&one, NULL, &length), EINTR);
    }
    IS(setitimer(ITIMER_REAL, &still, NULL), 0);
    IS(sigprocmask(SIG_SETMASK, &usual, NULL), 0);
    section("timers of more than 584 years");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    for (int i = 0; i < 2; i++) {
        struct itimerspec value = {.it_value = {many[i], 0}, .it_interval = {many[i], 0}};
        beat.it_value.tv_sec = many[i];
        IS(timerfd_settime(fd, 0, &value, NULL), 0);
        POLLS(fd, POLLIN, "");
        IS(setitimer(ITIMER_REAL, &beat, NULL), 0);
        IS(setitimer(ITIMER_REAL, &still, &beat), 0);
        TRUE(beat.it_value.tv_sec > 9000000000);
    }
    beat.it_value.tv_sec = 1;
    beat.it_interval.tv_usec = 1000000;
    FAILS(setitimer(ITIMER_REAL, &beat, NULL), EINVAL);
    (void)close(fd);
}

int main(void)
{
    timers_wrong();
    timers_once();
    timers_again();
    timers_under_waits();
    signals();
    centuries();
    return check_end();
}
