/* tests/tool_process.c - child processes; the child is this very program. */
#include <stdio.h>
#include <string.h>

#include "platform/process.h"
#include "platform/test_system.h"
#include "tests/harness.h"
#include "tools/line_reader.h"

extern const test_case tool_process_cases[];
extern int tool_child_main(char **arguments);

/* --- the child ------------------------------------------------------------------------------- */

#define BURN_STEPS 50000000u
/* A step reads and writes memory, so no processor takes less than this for all of them. */
#define BURN_CPU_MIN_NS (5 * PLX_MILLISECOND)

/* Uses CPU time: a fixed amount of work, however long the system lets it wait. */
static void burn(void)
{
    volatile uint32_t steps = 0;
    while (steps < BURN_STEPS)
        steps = steps + 1;
}

/* `arguments[0]` says what to do: "arguments" prints those that follow, "wait" waits for the end of
 * its input, and "burn" uses CPU time first. */
int tool_child_main(char **arguments)
{
    if (strcmp(arguments[0], "arguments") == 0) {
        for (size_t i = 1; arguments[i] != NULL; i++)
            printf("[%s]\n", arguments[i]);
        printf("no end of line");
        return 7;
    }
    if (strcmp(arguments[0], "burn") == 0)
        burn();
    puts("waiting");
    fflush(stdout);
    plx__input_drain();
    puts("ended");
    return 0;
}

/* --- the cases ------------------------------------------------------------------------------- */

/* Starts it with up to six arguments. */
static line_reader child_start(const char *const *arguments)
{
    static char path[PLX__PATH_MAX];
    const char *all[9] = {path, "--child"};
    line_reader reader = {0};
    ck_ok(plx__program_path(path, sizeof path));
    for (size_t i = 0; arguments[i] != NULL; i++)
        all[2 + i] = arguments[i];
    ck_ok(plx__process_start(&reader.process, all));
    return reader;
}

static void line_expect(line_reader *reader, const char *expected)
{
    char line[256];
    ck_ok(line_reader_next(reader, line, sizeof line, patience()));
    ck_assert_str_eq(line, expected);
}

/* Whatever the system does with them on the way. */
static void process_arguments_arrive_unharmed(world *w)
{
    static const char *const arguments[] = {
        "arguments", "", "two words", "a\"quote\"", "back\\slash\\", "\\\\\"both\\\"", NULL,
    };
    plx__process_usage usage;
    char line[256];
    (void)w;
    line_reader reader = child_start(arguments);
    for (size_t i = 1; arguments[i] != NULL; i++) {
        (void)snprintf(line, sizeof line, "[%s]", arguments[i]);
        line_expect(&reader, line);
    }
    line_expect(&reader, "no end of line");
    ck_assert_int_eq(line_reader_next(&reader, line, sizeof line, patience()), PLX_EEOF);
    ck_assert_int_eq(line_reader_next(&reader, line, sizeof line, patience()), PLX_EEOF);
    ck_ok(plx__process_wait(reader.process, patience(), &usage));
    ck_assert_int_eq(usage.exit_status, 7);
    ck_ok(plx__process_wait(reader.process, 0, &usage));
    ck_assert_int_eq(usage.exit_status, 7);
    plx__process_close(reader.process);
}

static void process_waits_for_its_input(world *w)
{
    static const char *const arguments[] = {"wait", NULL};
    plx__process_usage usage;
    char line[256];
    (void)w;
    line_reader reader = child_start(arguments);
    line_expect(&reader, "waiting");
    ck_assert_int_eq(line_reader_next(&reader, line, sizeof line, PLX_MILLISECOND), PLX_ETIMEDOUT);
    plx__process_input_close(reader.process);
    plx__process_input_close(reader.process);
    line_expect(&reader, "ended");
    ck_ok(plx__process_wait(reader.process, patience(), &usage));
    ck_assert_int_eq(usage.exit_status, 0);
    plx__process_close(reader.process);
}

/* Lines that are cut off, and what follows them. */
static void process_line_longer_than_asked_for(world *w)
{
    static const char *const arguments[] = {"arguments", "0123456789", NULL};
    char line[8];
    (void)w;
    line_reader reader = child_start(arguments);
    ck_ok(line_reader_next(&reader, line, sizeof line, patience()));
    ck_assert_str_eq(line, "[012345");
    line_expect(&reader, "no end of line");
    plx__process_close(reader.process);
}

static void process_that_runs_is_killed_when_closed(world *w)
{
    static const char *const arguments[] = {"wait", NULL};
    (void)w;
    line_reader reader = child_start(arguments);
    line_expect(&reader, "waiting");
    plx__process_close(reader.process);
    plx__process_close(NULL);
}

static plx__process_usage usage_of(const char *what)
{
    plx__process_usage usage;
    line_reader reader = child_start((const char *[]){what, NULL});
    line_expect(&reader, "waiting");
    ck_ok(plx__process_wait(reader.process, patience(), &usage));
    ck_assert_int_eq(usage.exit_status, 0);
    plx__process_close(reader.process);
    return usage;
}

/* The child does a fixed amount of work in one thread. So the time that passes bounds its CPU time
 * from above, however busy the machine is, and the work bounds it from below. */
static void process_usage_is_counted(world *w)
{
    (void)w;
    if (plx__test_is_wine()) { /* It does not count. */
        ck_assert_uint_eq(usage_of("wait").cpu_ns, 0);
        return;
    }
    uint64_t start = plx__clock_now();
    plx__process_usage usage = usage_of("burn");
    uint64_t elapsed = plx__clock_now() - start;
    ck_assert_uint_ge(usage.cpu_ns, BURN_CPU_MIN_NS);
    ck_assert_uint_le(usage.cpu_ns, elapsed + PLX_SECOND); /* Accounting has ticks. */
    ck_assert_uint_gt(usage.memory_peak_bytes, 0);
}

static void process_that_does_not_exist(world *w)
{
    char path[PLX__PATH_MAX];
    plx__process *process;
    (void)w;
    ck_ok(plx__program_path(path, sizeof path));
    strcat(path, "-that-is-not-there");
    ck_assert_int_eq(plx__process_start(&process, (const char *[]){path, NULL}), PLX_ENOENT);
    ck_assert_ptr_null(process);
    ck_assert_int_eq(plx__program_find("pollux-that-is-not-there", path, sizeof path), PLX_ENOENT);
}

const test_case tool_process_cases[] = {
    CASE(process_arguments_arrive_unharmed),
    CASE(process_waits_for_its_input),
    CASE(process_line_longer_than_asked_for),
    CASE(process_that_runs_is_killed_when_closed),
    CASE(process_usage_is_counted),
    CASE(process_that_does_not_exist),
    CASES_END,
};
