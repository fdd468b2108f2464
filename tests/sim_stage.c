/* tests/sim_stage.c - owns the two loops of a case, and the list of what happened. */
#include "tests/sim_stage.h"

#include <string.h>

#define STEP_NS (10 * PLX_MICROSECOND)

plx_sim_record stage_records[STAGE_RECORDS_MAX];

static void on_record(void *data, const plx_sim_record *record)
{
    stage *s = data;
    if (s->records < STAGE_RECORDS_MAX)
        stage_records[s->records++] = *record;
}

void stage_open(stage *s, plx_sim_options options)
{
    const plx_loop_options loop = {.keep_running = 1};
    memset(s, 0, sizeof *s);
    if (options.on_record == NULL) {
        options.on_record = on_record;
        options.data = s;
    }
    ck_ok(plx_sim_open(&s->sim, &options));
    ck_ok(plx_loop_open(&s->server, &loop));
    ck_ok(plx_loop_open(&s->client, &loop));
    ck_ok(plx_sim_add(s->sim, s->server));
    ck_ok(plx_sim_add(s->sim, s->client));
}

int stage_listen_try(stage *s, const char *address)
{
    const plx_conn_options conn = probe_options(&s->served);
    const plx_listen_options options = {.conn = &conn};
    int status = plx_listen(s->server, &s->listener, address, &options);
    if (status == 0)
        ck_ok(plx_listener_address(s->server, s->listener, s->address, sizeof s->address));
    return status;
}

void stage_listen(stage *s, const char *address)
{
    ck_ok(stage_listen_try(s, address));
}

void stage_open_listening(stage *s, plx_sim_options options)
{
    stage_open(s, options);
    stage_listen(s, "tcp://127.0.0.1:0");
}

plx_conn stage_connect(stage *s)
{
    plx_conn conn;
    const plx_conn_options options = probe_options(&s->made);
    ck_ok(plx_connect(s->client, &conn, s->address, &options));
    return conn;
}

void stage_open_pair(stage *s, plx_sim_options options)
{
    stage_open_listening(s, options);
    (void)stage_connect(s);
    stage_until(s, &s->made.opened, 1);
    stage_until(s, &s->served.opened, 1);
}

void stage_run(stage *s, uint64_t duration_ns)
{
    ck_assert_int_eq(plx_sim_run(s->sim, duration_ns), PLX_ETIMEDOUT);
}

void stage_until(stage *s, const size_t *count, size_t wanted)
{
    const uint64_t until_ns = plx_sim_now(s->sim) + 3600 * PLX_SECOND;
    /* Exact at first; an hour is in reach, too. */
    for (uint64_t step_ns = STEP_NS; *count < wanted; step_ns += step_ns / 8) {
        ck_assert_msg(plx_sim_now(s->sim) < until_ns, "an hour was not enough");
        stage_run(s, step_ns);
    }
    ck_assert_uint_eq(*count, wanted);
}

void stage_close(stage *s)
{
    ck_ok(plx_loop_close(s->client));
    ck_ok(plx_loop_close(s->server));
    ck_assert_uint_eq(plx_sim_sockets(s->sim), 0);
    ck_ok(plx_sim_close(s->sim));
}

size_t stage_count(const stage *s, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < s->records; i++)
        count += strcmp(stage_records[i].name, name) == 0;
    return count;
}

const plx_sim_record *stage_record(const stage *s, const char *name, size_t before)
{
    for (size_t i = 0; i < s->records; i++) {
        if (strcmp(stage_records[i].name, name) == 0 && before-- == 0)
            return &stage_records[i];
    }
    ck_abort_msg("there is no such record of \"%s\"", name);
    return NULL;
}

int64_t stage_sum(const stage *s, const char *name)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->records; i++)
        sum += strcmp(stage_records[i].name, name) == 0 ? stage_records[i].value : 0;
    return sum;
}
