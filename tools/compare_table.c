/* tools/compare_table.c - see tools/compare_table.h. */
#include "tools/compare_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/process.h"

#define COLUMN_TEXT_MAX 32u

typedef struct column {
    const char *title; /* In the table; NULL: in JSON alone. */
    const char *key;   /* In JSON; NULL: in the table alone. */
    int width;         /* Negative: to the left. */
    int digits;        /* Of a number. */
    const char *(*text)(const compare_cell *cell);
    double (*number)(const compare_cell *cell); /* If there is no text. */
    bool (*is_known)(const compare_cell *cell); /* NULL: always. */
} column;

struct compare_kind {
    const column *columns;                     /* One of zeros ends them. */
    const char *mark;                          /* What the row has that is marked, */
    const char *mark_key;                      /* and in JSON. */
    double (*merit)(const compare_cell *cell); /* The most is marked; 0: never. */
    bool (*compete)(const compare_cell *cell, const compare_cell *other);
    /* Above the rows that compete; NULL: all rows are one table. */
    void (*heading_print)(const compare_cell *cell);
};

/* --- columns --------------------------------------------------------------------------------- */

static double per_second(const compare_cell *cell, uint64_t count)
{
    if (cell->elapsed_ns == 0)
        return 0.0;
    return (double)count * (double)PLX_SECOND / (double)cell->elapsed_ns;
}

static double microseconds_at(const compare_cell *cell, uint32_t per_100000)
{
    return (double)histogram_quantile(&cell->latency_ns, per_100000) / (double)PLX_MICROSECOND;
}

static const char *backend_of(const compare_cell *cell)
{
    return cell->backend;
}

static const char *policy_of(const compare_cell *cell)
{
    return cell->policy->name;
}

static const char *workload_of(const compare_cell *cell)
{
    return cell->workload->name;
}

static double loops_of(const compare_cell *cell)
{
    return cell->loops;
}

static double connections_of(const compare_cell *cell)
{
    return cell->connections;
}

static double requests_of(const compare_cell *cell)
{
    return (double)cell->requests;
}

static double rate_of(const compare_cell *cell)
{
    return per_second(cell, cell->requests);
}

static double cpu_of(const compare_cell *cell)
{
    if (cell->requests == 0)
        return 0.0;
    return (double)cell->cpu_ns / (double)cell->requests / (double)PLX_MICROSECOND;
}

static bool is_cpu_known(const compare_cell *cell)
{
    return cell->cpu_ns > 0;
}

static double calls_of(const compare_cell *cell)
{
    return (double)cell->calls / (double)cell->calls_requests;
}

static bool is_calls_known(const compare_cell *cell)
{
    return cell->calls_requests > 0;
}

static double connects_of(const compare_cell *cell)
{
    return per_second(cell, cell->connects);
}

static bool is_connecting(const compare_cell *cell)
{
    return cell->connects > 0;
}

static double p50_of(const compare_cell *cell)
{
    return microseconds_at(cell, 50000);
}

static double p99_of(const compare_cell *cell)
{
    return microseconds_at(cell, 99000);
}

static double p999_of(const compare_cell *cell)
{
    return microseconds_at(cell, 99900);
}

static double memory_mebibytes_of(const compare_cell *cell)
{
    return (double)cell->memory_peak_bytes / 1048576.0;
}

static double memory_of(const compare_cell *cell)
{
    return (double)cell->memory_peak_bytes;
}

static bool is_memory_known(const compare_cell *cell)
{
    return cell->memory_peak_bytes > 0;
}

static double errors_of(const compare_cell *cell)
{
    return (double)cell->errors;
}

/* --- kinds ----------------------------------------------------------------------------------- */

static const column columns_of_backends[] = {
    {"backend", "backend", -8, 0, backend_of, NULL, NULL},
    {"connections", "connections", 11, 0, NULL, connections_of, NULL},
    {NULL, "requests", 0, 0, NULL, requests_of, NULL},
    {"requests/s", "requests_per_second", 11, 0, NULL, rate_of, NULL},
    {"CPU us/req", "cpu_us_per_request", 11, 2, NULL, cpu_of, is_cpu_known},
    {"calls/req", "calls_per_request", 10, 2, NULL, calls_of, is_calls_known},
    {"p50 us", "p50_us", 8, 0, NULL, p50_of, NULL},
    {"p99 us", "p99_us", 8, 0, NULL, p99_of, NULL},
    {"peak MiB", NULL, 9, 1, NULL, memory_mebibytes_of, is_memory_known},
    {NULL, "peak_memory_bytes", 0, 0, NULL, memory_of, is_memory_known},
    {NULL, "errors", 0, 0, NULL, errors_of, NULL},
    {0},
};

static const column columns_of_policies[] = {
    {NULL, "workload", 0, 0, workload_of, NULL, NULL},
    {NULL, "backend", 0, 0, backend_of, NULL, NULL},
    {NULL, "connections", 0, 0, NULL, connections_of, NULL},
    {"policy", "policy", -17, 0, policy_of, NULL, NULL},
    {"loops", "loops", 5, 0, NULL, loops_of, NULL},
    {NULL, "requests", 0, 0, NULL, requests_of, NULL},
    {"requests/s", "requests_per_second", 10, 0, NULL, rate_of, NULL},
    {"CPU us/req", "cpu_us_per_request", 10, 2, NULL, cpu_of, is_cpu_known},
    {"connects/s", "connects_per_second", 10, 0, NULL, connects_of, is_connecting},
    {"p50 us", "p50_us", 8, 0, NULL, p50_of, NULL},
    {"p99 us", "p99_us", 8, 0, NULL, p99_of, NULL},
    {"p99.9 us", "p99_9_us", 8, 0, NULL, p999_of, NULL},
    {"peak MiB", NULL, 8, 1, NULL, memory_mebibytes_of, is_memory_known},
    {NULL, "peak_memory_bytes", 0, 0, NULL, memory_of, is_memory_known},
    {NULL, "errors", 0, 0, NULL, errors_of, NULL},
    {0},
};

/* The less CPU time for a request, the more. */
static double thrift_of(const compare_cell *cell)
{
    return cell->cpu_ns > 0 && cell->requests > 0 ? 1.0 / cpu_of(cell) : 0.0;
}

static bool has_same_connections(const compare_cell *cell, const compare_cell *other)
{
    return cell->connections == other->connections;
}

static bool has_same_work(const compare_cell *cell, const compare_cell *other)
{
    return cell->connections == other->connections && cell->workload == other->workload &&
           strcmp(cell->backend, other->backend) == 0;
}

static void work_print(const compare_cell *cell)
{
    printf("%s: %s; %s, %u connections\n", cell->workload->name, cell->workload->what,
           cell->backend, (unsigned)cell->connections);
}

const compare_kind compare_of_backends = {
    .columns = columns_of_backends,
    .mark = "least CPU time per request",
    .mark_key = "least_cpu",
    .merit = thrift_of,
    .compete = has_same_connections,
};

const compare_kind compare_of_policies = {
    .columns = columns_of_policies,
    .mark = "most requests per second",
    .mark_key = "most_requests",
    .merit = rate_of,
    .compete = has_same_work,
    .heading_print = work_print,
};

/* --- rows ------------------------------------------------------------------------------------ */

/* Whether nobody that it competes with is better. */
static bool is_winner(const compare_kind *kind, const compare_cell *cells, size_t count,
                      const compare_cell *cell)
{
    double merit = kind->merit(cell);
    if (merit <= 0.0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (kind->compete(cell, &cells[i]) && kind->merit(&cells[i]) > merit)
            return false;
    }
    return true;
}

static bool is_known(const column *c, const compare_cell *cell)
{
    return c->is_known == NULL || c->is_known(cell);
}

/* What the table shows, in `room` if it is a number. */
static const char *column_text(const column *c, const compare_cell *cell,
                               char room[COLUMN_TEXT_MAX])
{
    if (!is_known(c, cell))
        return "-";
    if (c->text != NULL)
        return c->text(cell);
    (void)snprintf(room, COLUMN_TEXT_MAX, "%.*f", c->digits, c->number(cell));
    return room;
}

static void titles_print(const compare_kind *kind)
{
    const char *between = "";
    for (const column *c = kind->columns; c->title != NULL || c->key != NULL; c++) {
        if (c->title == NULL)
            continue;
        printf("%s%*s", between, c->width, c->title);
        between = " ";
    }
    puts("");
}

static void row_print(const compare_kind *kind, const compare_cell *cell, bool wins,
                      bool has_colours)
{
    char room[COLUMN_TEXT_MAX];
    const char *between = "";
    fputs(wins && has_colours ? "\033[32m" : "", stdout);
    for (const column *c = kind->columns; c->title != NULL || c->key != NULL; c++) {
        if (c->title == NULL)
            continue;
        printf("%s%*s", between, c->width, column_text(c, cell, room));
        between = " ";
    }
    printf("%s%s\n", wins ? "  *" : "", wins && has_colours ? "\033[0m" : "");
}

static void errors_print(const compare_cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[COMPARE_NAME_MAX];
        if (cells[i].errors == 0)
            continue;
        compare_cell_name(&cells[i], name, sizeof name);
        printf("%s: %llu errors\n", name, (unsigned long long)cells[i].errors);
    }
}

void compare_table_print(const compare_kind *kind, const compare_cell *cells, size_t count)
{
    bool has_colours = plx__stream_is_terminal(PLX__STREAM_OUTPUT) && getenv("NO_COLOR") == NULL;
    bool has_winner = false;
    const compare_cell *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const compare_cell *cell = &cells[i];
        if (cell->elapsed_ns == 0)
            continue;
        bool begins = kind->heading_print != NULL && (last == NULL || !kind->compete(last, cell));
        if (begins && last != NULL)
            puts("");
        if (begins)
            kind->heading_print(cell);
        if (begins || last == NULL)
            titles_print(kind);
        bool wins = is_winner(kind, cells, count, cell);
        row_print(kind, cell, wins, has_colours);
        has_winner |= wins;
        last = cell;
    }
    if (has_winner)
        printf("* %s\n", kind->mark);
    errors_print(cells, count);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void column_add(cJSON *row, const column *c, const compare_cell *cell)
{
    if (!is_known(c, cell))
        cJSON_AddNullToObject(row, c->key);
    else if (c->text != NULL)
        cJSON_AddStringToObject(row, c->key, c->text(cell));
    else
        cJSON_AddNumberToObject(row, c->key, c->number(cell));
}

cJSON *compare_table_json(const compare_kind *kind, const compare_cell *cells, size_t count)
{
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *row;
        if (cells[i].elapsed_ns == 0)
            continue;
        row = cJSON_CreateObject();
        for (const column *c = kind->columns; c->title != NULL || c->key != NULL; c++) {
            if (c->key != NULL)
                column_add(row, c, &cells[i]);
        }
        cJSON_AddBoolToObject(row, kind->mark_key, is_winner(kind, cells, count, &cells[i]));
        cJSON_AddItemToArray(rows, row);
    }
    return rows;
}
