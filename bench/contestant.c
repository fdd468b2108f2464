/* bench/contestant.c - main() of every contestant, and what is told about it from inside.
 *
 * On Unix the driver asks with signals: SIGUSR1 opens a window, SIGUSR2 closes it. Each answers
 * with one line on standard output; under callgrind the first also zeroes its counts, and the
 * second has them written. Both are sent while the server waits for a quiet client, so a handler
 * may do what would not be safe in the middle of work. A thread that reads commands would not do
 * instead: a second thread makes every system call on a descriptor dearer, for all but those that
 * need one.
 */
#include "bench/contestant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#endif

#ifdef BENCH_HAS_VALGRIND
#include <valgrind/callgrind.h>
#endif

#include "bench/compute.h"
#include "bench/http.h"

bench_counters bench_count;
bench_loop_counter bench_loop_count[BENCH_LOOPS_MAX];
bench_variant bench_self;

void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", bench_self.name != NULL ? bench_self.name : "?", what);
    exit(1);
}

#ifdef _WIN32

uint64_t bench_clock_ns(void)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER now;
    (void)QueryPerformanceFrequency(&frequency);
    (void)QueryPerformanceCounter(&now);
    return (uint64_t)((double)now.QuadPart * 1e9 / (double)frequency.QuadPart);
}

/* GetProcessTimes has steps of a tick, and Wine's says little of the truth. */
uint64_t bench_cpu_ns(void)
{
    return bench_clock_ns();
}

static void system_init(void)
{
}

#else

static uint64_t clock_read(clockid_t id)
{
    struct timespec at;
    (void)clock_gettime(id, &at);
    return (uint64_t)at.tv_sec * UINT64_C(1000000000) + (uint64_t)at.tv_nsec;
}

uint64_t bench_clock_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

static uint64_t microseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* What malloc() has given out, large blocks included; 0 where nobody tells. */
static uint64_t heap_bytes(void)
{
#if defined(__GLIBC__)
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

static uint64_t requests_counted(void)
{
    uint64_t requests = bench_count.requests;
    for (size_t i = 0; i < BENCH_LOOPS_MAX; i++)
        requests += bench_loop_count[i].requests;
    return requests;
}

static void on_snapshot(int number)
{
    int error = errno;
    struct rusage usage;
    char line[256];
#ifdef BENCH_HAS_VALGRIND
    if (number == SIGUSR2)
        CALLGRIND_DUMP_STATS;
#endif
    (void)getrusage(RUSAGE_SELF, &usage);
    int length = snprintf(
        line, sizeof line, "snapshot %llu %llu %llu %llu %llu\n",
        (unsigned long long)microseconds(&usage.ru_utime),
        (unsigned long long)microseconds(&usage.ru_stime), (unsigned long long)requests_counted(),
        (unsigned long long)bench_count.echoed_bytes, (unsigned long long)heap_bytes());
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        _exit(1);
#ifdef BENCH_HAS_VALGRIND
    if (number == SIGUSR1)
        CALLGRIND_ZERO_STATS;
#endif
    (void)number;
    errno = error;
}

static void system_init(void)
{
    struct sigaction action = {.sa_handler = on_snapshot, .sa_flags = SA_RESTART};
    struct rlimit limit;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

#endif

void bench_ready(unsigned port)
{
    printf("ready %u\n", port);
    (void)fflush(stdout);
}

static void list_print(void)
{
    bench_variant variant;
    for (size_t i = 0; bench_variant_at(i, &variant); i++) {
        printf("%s\t%s%s%s%s%s%s%s\n", variant.group, variant.name,
               variant.serve != NULL ? "\tserve" : "", variant.watch != NULL ? "\twatch" : "",
               variant.hand != NULL ? "\thand" : "", variant.loops != NULL ? "\tloops" : "",
               variant.timers != NULL ? "\ttimers" : "", variant.posts != NULL ? "\tposts" : "");
    }
}

static bool variant_find(const char *name)
{
    for (size_t i = 0; bench_variant_at(i, &bench_self); i++) {
        if (strcmp(bench_self.name, name) == 0)
            return true;
    }
    return false;
}

static size_t number_parse(const char *text, unsigned least)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end != '\0' || end == text || value < least || value > 1000000000)
        bench_fail("a number is expected");
    return (size_t)value;
}

static uint32_t loops_parse(const char *text)
{
    size_t loops = number_parse(text, 1);
    if (loops > BENCH_LOOPS_MAX)
        bench_fail("too many loops");
    return (uint32_t)loops;
}

static int usage(void)
{
    fprintf(stderr, "usage: --list | --keep | --calibrate MICROSECONDS | "
                    "VARIANT serve|watch|hand http|echo | VARIANT loops COUNT STEPS | "
                    "VARIANT timers COUNT | VARIANT posts THREADS COUNT\n");
    return 2;
}

/* A server ends by a signal only. */
static void serve(void (*server)(enum bench_mode mode), const char *mode)
{
    server(strcmp(mode, "echo") == 0 ? BENCH_ECHO : BENCH_HTTP);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        list_print();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--keep") == 0) {
        bench_ready(0);
        while (getchar() != EOF)
            continue;
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--calibrate") == 0) {
        bench_calibrate(number_parse(argv[2], 1));
        return 0;
    }
    if (argc < 4)
        return usage();
    if (!variant_find(argv[1])) {
        fprintf(stderr, "bench: there is no variant %s\n", argv[1]);
        return 2;
    }
    system_init();
    bench_responses_init();
    if (strcmp(argv[2], "serve") == 0 && bench_self.serve != NULL)
        serve(bench_self.serve, argv[3]);
    else if (strcmp(argv[2], "watch") == 0 && bench_self.watch != NULL)
        serve(bench_self.watch, argv[3]);
    else if (strcmp(argv[2], "hand") == 0 && bench_self.hand != NULL)
        serve(bench_self.hand, argv[3]);
    else if (strcmp(argv[2], "loops") == 0 && bench_self.loops != NULL && argc == 5)
        bench_self.loops(loops_parse(argv[3]), number_parse(argv[4], 0));
    else if (strcmp(argv[2], "timers") == 0 && bench_self.timers != NULL)
        bench_timers_run(bench_self.timers, number_parse(argv[3], 1));
    else if (strcmp(argv[2], "posts") == 0 && bench_self.posts != NULL && argc == 5)
        bench_posts_run(bench_self.posts, (unsigned)number_parse(argv[3], 1),
                        number_parse(argv[4], 1));
    else
        return usage();
    return 0;
}
