/* tests/tool_table.c - the rows of a comparison: which there are, and which is marked. */
#include <string.h>

#include "tests/harness.h"
#include "tools/compare_table.h"

extern const test_case tool_table_cases[];

enum { CELLS = 4 };

static compare_cell cells[CELLS]; /* Too large for the stack. */

/* One second of measuring. */
static void cell_set(size_t index, uint32_t connections, uint64_t requests, uint64_t cpu_ns)
{
    memset(&cells[index], 0, sizeof cells[index]);
    cells[index].backend = "poll";
    cells[index].connections = connections;
    cells[index].elapsed_ns = PLX_SECOND;
    cells[index].requests = requests;
    cells[index].cpu_ns = cpu_ns;
}

static double number_of(const cJSON *rows, int row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, row), key);
    ck_assert_msg(cJSON_IsNumber(item), "\"%s\" is no number", key);
    return item->valuedouble;
}

/* Fails the case unless exactly these rows are marked, one character each. */
static void marks_check(const compare_kind *kind, const char *key, const char *expected)
{
    char marks[CELLS + 1] = "";
    cJSON *rows = compare_table_json(kind, cells, CELLS);
    for (int i = 0; i < cJSON_GetArraySize(rows); i++) {
        const cJSON *mark = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, i), key);
        ck_assert(cJSON_IsBool(mark));
        marks[i] = cJSON_IsTrue(mark) ? '*' : '-';
    }
    ck_assert_str_eq(marks, expected);
    cJSON_Delete(rows);
}

/* The least CPU time for a request, among those with as many connections. One that took none that
 * is known does not compete, and one that measured nothing has no row. */
static void table_marks_the_thriftiest_backend(world *w)
{
    (void)w;
    cell_set(0, 16, 1000, 9 * PLX_MILLISECOND);
    cell_set(1, 16, 2000, 10 * PLX_MILLISECOND);
    cell_set(2, 16, 3000, 0);
    cell_set(3, 64, 10, 9 * PLX_MILLISECOND);
    marks_check(&compare_of_backends, "least_cpu", "-*-*");
    cells[1].elapsed_ns = 0;
    cells[1].requests = 0;
    marks_check(&compare_of_backends, "least_cpu", "*-*");
}

/* The most requests per second, among those of one workload on one backend. */
static void table_marks_the_fastest_policy(world *w)
{
    static const compare_workload works[2] = {{.name = "one"}, {.name = "two"}};
    policy round_robin;
    char why[256];
    (void)w;
    ck_assert(policy_find(&round_robin, "round-robin", why, sizeof why));
    cell_set(0, 16, 1000, 1);
    cell_set(1, 16, 2000, 2);
    cell_set(2, 16, 1500, 3);
    cell_set(3, 16, 0, 4);
    for (size_t i = 0; i < CELLS; i++) {
        cells[i].policy = &round_robin;
        cells[i].loops = 2;
        cells[i].workload = &works[i / 2];
    }
    marks_check(&compare_of_policies, "most_requests", "-**-");
    cells[0].backend = "select";
    marks_check(&compare_of_policies, "most_requests", "***-");
}

static void table_has_what_was_measured(world *w)
{
    static const compare_workload work = {.name = "one"};
    policy inline_policy;
    char why[256];
    (void)w;
    ck_assert(policy_find(&inline_policy, "inline", why, sizeof why));
    cell_set(0, 16, 1000, 2 * PLX_MILLISECOND);
    cells[0].elapsed_ns = PLX_SECOND / 2;
    cells[0].policy = &inline_policy;
    cells[0].loops = 1;
    cells[0].workload = &work;
    cells[0].connects = 30;
    cells[0].errors = 3;
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_record(&cells[0].latency_ns, (i <= 990 ? 100 : 200) * PLX_MICROSECOND);
    cJSON *rows = compare_table_json(&compare_of_policies, cells, 1);
    ck_assert_double_eq(number_of(rows, 0, "requests_per_second"), 2000.0);
    ck_assert_double_eq(number_of(rows, 0, "connects_per_second"), 60.0);
    ck_assert_double_eq_tol(number_of(rows, 0, "cpu_us_per_request"), 2.0, 1e-9);
    ck_assert_double_eq_tol(number_of(rows, 0, "p50_us"), 100.0, 1.0);
    ck_assert_double_eq_tol(number_of(rows, 0, "p99_us"), 100.0, 1.0);
    ck_assert_double_eq_tol(number_of(rows, 0, "p99_9_us"), 200.0, 2.0);
    ck_assert_double_eq(number_of(rows, 0, "errors"), 3.0);
    const cJSON *row = cJSON_GetArrayItem(rows, 0);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(row, "peak_memory_bytes")));
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(row, "policy")->valuestring, "inline");
    cJSON_Delete(rows);
}

/* What can be named on the command line, each once, and nothing else. */
static void policies_are_those_that_can_be_named(world *w)
{
    policy named, found;
    char why[256];
    size_t count = 0;
    (void)w;
    for (; policy_at(count, &named); count++) {
        ck_assert(policy_find(&found, named.name, why, sizeof why));
        ck_assert_str_eq(found.name, named.name);
        ck_assert_uint_eq(found.dispatch, named.dispatch);
    }
    ck_assert_uint_le(count, POLICIES_MAX);
    ck_assert(policy_find(&found, "inline", why, sizeof why));
    ck_assert(!found.has_loops);
    ck_ok(policy_probe(&found, NULL));
    ck_assert(policy_find(&found, "least-connections", why, sizeof why));
    ck_assert(found.has_loops);
    ck_ok(policy_probe(&found, NULL));
    ck_assert(!policy_find(&found, "chosen", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "unknown policy \"chosen\"; choose inline, round-robin"));
}

const test_case tool_table_cases[] = {
    CASE(table_marks_the_thriftiest_backend),
    CASE(table_marks_the_fastest_policy),
    CASE(table_has_what_was_measured),
    CASE(policies_are_those_that_can_be_named),
    CASES_END,
};
