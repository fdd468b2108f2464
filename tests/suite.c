/* tests/suite.c - the main() of suites: one case after the other, each with its loop. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assert.h"
#include "platform/test_system.h"
#include "tests/configuration.h"

#define CASES_MAX 1024
/* Some cases have a thousand connections, with both ends here. */
#define DESCRIPTORS 4096

static const test_case *cases[CASES_MAX];
static size_t cases_count;
static const test_case *chosen;
static world the_world;
static bool world_has_loop;

/* --- the watchdog ------------------------------------------------------------------------------
 */

static plx__mutex watchdog_mutex;
static plx__condition watchdog_condition;
static bool watchdog_is_watching;
static bool watchdog_is_called_off;
static uint32_t watchdog_forks; /* It is a thread of the process that had so many behind it. */

static void watchdog_run(void *data)
{
    (void)data;
    uint64_t until = plx__clock_now() + seconds_of("POLLUX_TEST_TIMEOUT", 60);
    plx__mutex_lock(&watchdog_mutex);
    watchdog_is_watching = true;
    plx__condition_signal(&watchdog_condition);
    while (!watchdog_is_called_off) {
        uint64_t now = plx__clock_now();
        if (now >= until) {
            fprintf(stderr, "watchdog: %s hangs\n", chosen->name);
            abort();
        }
        (void)plx__condition_wait(&watchdog_condition, &watchdog_mutex, until - now);
    }
    plx__mutex_unlock(&watchdog_mutex);
}

/* Returns when it watches: starting a thread holds memory for a moment, which is not the case's. */
static bool watchdog_start(plx__thread *thread)
{
    watchdog_is_watching = watchdog_is_called_off = false;
    if (plx__thread_start(thread, watchdog_run, NULL) != 0)
        return false;
    watchdog_forks = plx__forks();
    plx__mutex_lock(&watchdog_mutex);
    while (!watchdog_is_watching)
        (void)plx__condition_wait(&watchdog_condition, &watchdog_mutex, PLX_FOREVER);
    plx__mutex_unlock(&watchdog_mutex);
    return true;
}

static void watchdog_call_off(plx__thread *thread)
{
    if (plx__forks() != watchdog_forks)
        return; /* A check has failed in a child that the case has forked. */
    plx__mutex_lock(&watchdog_mutex);
    watchdog_is_called_off = true;
    plx__condition_signal(&watchdog_condition);
    plx__mutex_unlock(&watchdog_mutex);
    plx__thread_join(thread);
}

/* --- running a case ----------------------------------------------------------------------------
 */

static bool has_finished;

/* Check takes exit(0) inside a case for a pass where it cannot fork. */
static void exit_guard(void)
{
    if (!has_finished) {
        fprintf(stderr, "suite: the case ended the process\n");
        fflush(NULL);
        abort();
    }
}

/* The system's own count, where a double is in front of it; the other may be wrong about it. */
static long handles_open(void)
{
#ifdef PLX_WINSOCK_DOUBLE
    return winsock_double_handles();
#else
    return 0;
#endif
}

START_TEST(run_chosen)
{
    uint32_t memory = plx__fault_held(PLX__FAULT_MEMORY);
    uint32_t descriptors = plx__fault_held(PLX__FAULT_DESCRIPTOR);
    long handles = handles_open();
    ck_ok(plx__sockets_start()); /* For the peers. */
    if (getenv("POLLUX_TEST_TINY") != NULL)
        plx__fault_arm(PLX__FAULT_ROOM, 0, UINT32_MAX);
    const bool is_sim = configuration_is_sim(the_world.configuration);
    if (is_sim)
        net_sim_open();
    if (world_has_loop)
        the_world.loop = world_loop_open(&the_world);
    chosen->run(&the_world);
    ck_ok(plx_loop_close(the_world.loop));
    the_world.loop = NULL;
    if (is_sim)
        net_sim_close();
    plenty_end();
    plx__sockets_end();
    ck_assert_msg(plx__fault_held(PLX__FAULT_MEMORY) == memory, "%u pieces of memory leaked",
                  plx__fault_held(PLX__FAULT_MEMORY) - memory);
    ck_assert_msg(plx__fault_held(PLX__FAULT_DESCRIPTOR) == descriptors, "%u descriptors leaked",
                  plx__fault_held(PLX__FAULT_DESCRIPTOR) - descriptors);
    ck_assert_msg(handles_open() == handles, "%ld handles leaked", handles_open() - handles);
}
END_TEST

static bool chosen_passes(void)
{
    plx__thread watchdog;
    Suite *suite = suite_create(chosen->name);
    TCase *tcase = tcase_create(chosen->name);
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tcase, run_chosen);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    if (!watchdog_start(&watchdog)) {
        fprintf(stderr, "suite: no watchdog\n");
        return false;
    }
    srunner_run_all(runner, CK_SILENT);
    watchdog_call_off(&watchdog);
    int failed = srunner_ntests_failed(runner);
    int ran = srunner_ntests_run(runner);
    if (failed != 0)
        srunner_print(runner, CK_NORMAL);
    srunner_free(runner);
    return failed == 0 && ran == 1;
}

static const test_case *case_named(const char *name)
{
    for (size_t n = 0; n < cases_count; n++) {
        if (strcmp(cases[n]->name, name) == 0)
            return cases[n];
    }
    return NULL;
}

/* Until one fails: it has left behind what it was about. */
static int cases_run(int count, char **names)
{
    int passed = 0;
    while (passed < count) {
        chosen = case_named(names[passed]);
        printf("%s\n", chosen->name);
        fflush(stdout); /* It may crash. */
        if (!chosen_passes())
            break;
        passed++;
    }
    printf("suite: %d of %d cases passed\n", passed, count);
    has_finished = true;
    return passed == count ? 0 : 1;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--backend NAME] [--list | CASE...]\n", program);
    has_finished = true;
    return 2;
}

static void cases_gather(const test_case *const *groups)
{
    for (; *groups != NULL; groups++) {
        for (const test_case *one = *groups; one->name != NULL; one++) {
            PLX_ASSERT(cases_count < CASES_MAX);
            cases[cases_count++] = one;
        }
    }
}

int suite_main(int argc, char **argv, const test_case *const *groups, bool has_loop)
{
    int first = 1;
    plx__test_unattended();
    plx__test_descriptors_allow(DESCRIPTORS);
    cases_gather(groups);
    the_world.configuration = plx_backend_default();
    world_has_loop = has_loop;
    if (first + 1 < argc && strcmp(argv[first], "--backend") == 0) {
        the_world.configuration = argv[first + 1];
        first += 2;
    }
    if (first < argc && strcmp(argv[first], "--list") == 0) {
        for (size_t n = 0; n < cases_count; n++)
            puts(cases[n]->name);
        return 0;
    }
    if (first == argc)
        return usage(argv[0]);
    for (int i = first; i < argc; i++) {
        if (case_named(argv[i]) == NULL) {
            fprintf(stderr, "%s: there is no case \"%s\"; --list names them\n", argv[0], argv[i]);
            return 2;
        }
    }
    the_world.backend = configuration_backend(the_world.configuration);
    configuration_start(the_world.configuration);
    atexit(exit_guard);
    plx__mutex_open(&watchdog_mutex);
    plx__condition_open(&watchdog_condition);
    return cases_run(argc - first, argv + first);
}
