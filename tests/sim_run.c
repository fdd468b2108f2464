/* tests/sim_run.c - loops that the simulation runs, and how a run ends. */
#include <string.h>

#include "tests/sim_stage.h"

extern const test_case sim_run_cases[];

#define HOUR_NS (3600 * PLX_SECOND)

typedef struct pair {
    plx_sim *sim;
    plx_loop *first, *second;
    size_t failures; /* Of turns that the simulation has run. */
} pair;

static void on_record(void *data, const plx_sim_record *record)
{
    pair *p = data;
    p->failures += strcmp(record->name, "fail") == 0;
}

static void pair_open(pair *p, uint32_t keep_running)
{
    const plx_loop_options options = {.keep_running = keep_running};
    p->failures = 0;
    ck_ok(plx_sim_open(&p->sim, &(plx_sim_options){.on_record = on_record, .data = p}));
    ck_ok(plx_loop_open(&p->first, &options));
    ck_ok(plx_loop_open(&p->second, NULL));
}

static void pair_close(pair *p)
{
    ck_ok(plx_loop_close(p->second));
    ck_ok(plx_loop_close(p->first));
    ck_ok(plx_sim_close(p->sim));
    ck_assert_uint_eq(p->failures, 0);
}

static void on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    ++*(size_t *)data;
}

static void stop_on_fire(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    plx_loop_stop(data);
}

/* One ends with its last timer, the other when it is stopped; the run ends with the later one. */
static void loops_end_by_themselves(world *w)
{
    pair p;
    size_t fired = 0;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_sim_add(p.sim, p.second));
    ck_ok(plx_timer_start(p.first, NULL, 5 * PLX_SECOND, 0, stop_on_fire, p.first));
    ck_ok(plx_timer_start(p.second, NULL, PLX_SECOND, 0, on_fire, &fired));
    ck_ok(plx_sim_run(p.sim, HOUR_NS));
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_ge(plx_sim_now(p.sim), 5 * PLX_SECOND);
    ck_assert_uint_lt(plx_sim_now(p.sim), 6 * PLX_SECOND);
    pair_close(&p);
}

static void last_work_ends_an_endless_run(world *w)
{
    pair p;
    size_t fired = 0;
    (void)w;
    pair_open(&p, 0);
    ck_ok(plx_sim_add(p.sim, p.first)); /* It has none from the beginning. */
    ck_ok(plx_sim_add(p.sim, p.second));
    ck_ok(plx_timer_start(p.second, NULL, PLX_SECOND, 0, on_fire, &fired));
    ck_ok(plx_sim_run(p.sim, PLX_FOREVER));
    ck_assert_uint_eq(fired, 1);
    pair_close(&p);
}

/* A stop from elsewhere ends a loop that waits for nothing. */
static void loop_is_stopped_by_another(world *w)
{
    pair p;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_sim_add(p.sim, p.second));
    ck_ok(plx_timer_start(p.second, NULL, PLX_SECOND, 0, stop_on_fire, p.first));
    ck_ok(plx_sim_run(p.sim, PLX_FOREVER));
    ck_assert_uint_lt(plx_sim_now(p.sim), 2 * PLX_SECOND);
    pair_close(&p);
}

static void loop_is_added_once(world *w)
{
    pair p;
    size_t fired = 0;
    (void)w;
    pair_open(&p, 0);
    ck_ok(plx_timer_start(p.first, NULL, PLX_SECOND, 0, on_fire, &fired));
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_assert_int_eq(plx_sim_add(p.sim, p.first), PLX_EBUSY);
    ck_ok(plx_sim_run(p.sim, PLX_FOREVER));
    ck_ok(plx_timer_start(p.first, NULL, PLX_SECOND, 0, on_fire, &fired));
    ck_ok(plx_sim_add(p.sim, p.first)); /* Its run has ended: that is another one. */
    ck_assert_int_eq(plx_sim_add(p.sim, p.first), PLX_EBUSY);
    ck_ok(plx_sim_run(p.sim, PLX_FOREVER));
    ck_assert_uint_eq(fired, 2);
    pair_close(&p);
}

static void closed_loop_is_not_run(world *w)
{
    pair p;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_loop_close(p.first));
    ck_ok(plx_sim_run(p.sim, HOUR_NS)); /* There is nobody to run. */
    ck_assert_uint_eq(plx_sim_now(p.sim), 0);
    p.first = NULL;
    pair_close(&p);
}

/* All wait, for nothing: an endless run reports that, one with an end waits for it. */
static void deadlock_is_told(world *w)
{
    pair p;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_assert_int_eq(plx_sim_run(p.sim, PLX_FOREVER), PLX_EDEADLK);
    ck_assert_int_eq(plx_sim_run(p.sim, PLX_SECOND), PLX_ETIMEDOUT);
    ck_assert_int_eq(plx_loop_run(p.second), 0);
    ck_assert_int_eq(plx_loop_run(p.first), PLX_EDEADLK);
    pair_close(&p);
}

/* A loop that is added is run while another one waits by itself. */
static void loop_runs_others_while_it_waits(world *w)
{
    pair p;
    size_t mine = 0, others = 0;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_timer_start(p.first, NULL, PLX_SECOND, PLX_SECOND, on_fire, &others));
    ck_ok(plx_timer_start(p.second, NULL, 10 * PLX_SECOND + PLX_SECOND / 2, 0, on_fire, &mine));
    ck_ok(plx_loop_run(p.second));
    ck_assert_uint_eq(mine, 1);
    ck_assert_uint_eq(others, 10);
    pair_close(&p);
}

/* It does not run itself a second time meanwhile. */
static void added_loop_may_be_run_by_itself(world *w)
{
    pair p;
    size_t fired = 0;
    (void)w;
    pair_open(&p, 1);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_timer_start(p.first, NULL, PLX_SECOND, 0, on_fire, &fired));
    while (fired == 0)
        ck_ok(plx_loop_run_once(p.first, HOUR_NS));
    ck_assert_uint_lt(plx_sim_now(p.sim), 2 * PLX_SECOND);
    ck_ok(plx_timer_start(p.first, NULL, PLX_SECOND, 0, on_fire, &fired));
    ck_assert_int_eq(plx_sim_run(p.sim, HOUR_NS), PLX_ETIMEDOUT); /* It is still being run. */
    ck_assert_uint_eq(fired, 2);
    pair_close(&p);
}

static void time_is_over(world *w)
{
    pair p;
    size_t fired = 0;
    (void)w;
    pair_open(&p, 0);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_timer_start(p.first, NULL, 10 * PLX_SECOND, 0, on_fire, &fired));
    ck_assert_int_eq(plx_sim_run(p.sim, 9 * PLX_SECOND), PLX_ETIMEDOUT);
    ck_assert_uint_eq(plx_sim_now(p.sim), 9 * PLX_SECOND);
    ck_assert_int_eq(plx_sim_run(p.sim, 0), PLX_ETIMEDOUT);
    ck_assert_uint_eq(fired, 0);
    ck_ok(plx_sim_run(p.sim, 2 * PLX_SECOND));
    ck_assert_uint_eq(fired, 1);
    pair_close(&p);
}

typedef struct inner {
    pair *p;
    size_t fired;
} inner;

static void run_inside(plx_loop *loop, plx_timer timer, void *data)
{
    inner *i = data;
    (void)timer;
    i->fired++;
    ck_assert_int_eq(plx_sim_run(i->p->sim, PLX_SECOND), PLX_EBUSY);
    ck_assert_int_eq(plx_loop_run(loop), PLX_EBUSY);
    ck_assert_int_eq(plx_sim_close(i->p->sim), PLX_EBUSY);
}

static void run_is_busy_in_callbacks(world *w)
{
    pair p;
    inner i = {.p = &p};
    (void)w;
    pair_open(&p, 0);
    ck_ok(plx_sim_add(p.sim, p.first));
    ck_ok(plx_timer_start(p.first, NULL, 0, 0, run_inside, &i));
    ck_ok(plx_sim_run(p.sim, PLX_FOREVER));
    ck_assert_uint_eq(i.fired, 1);
    pair_close(&p);
}

/* A post to another loop, which waits for nothing else; it posts back, 1,000 times in all. */
typedef struct game {
    plx_loop *loops[2];
    size_t hits[2];
} game;

static void on_hit(plx_loop *loop, void *data, int status)
{
    game *g = data;
    const size_t side = loop == g->loops[1];
    ck_ok(status);
    if (++g->hits[side] + g->hits[1 - side] < 1000)
        ck_ok(plx_post(g->loops[1 - side], on_hit, g));
}

static void posts_wake_other_loops(world *w)
{
    stage s;
    (void)w;
    stage_open(&s, (plx_sim_options){.seed = 9});
    game g = {.loops = {s.server, s.client}};
    ck_ok(plx_post(s.server, on_hit, &g));
    stage_run(&s, PLX_SECOND);
    ck_assert_uint_eq(g.hits[0], 500);
    ck_assert_uint_eq(g.hits[1], 500);
    stage_close(&s);
}

/* Loops that are ready at the same time take turns in any order: chance decides. */
static void order_of_loops_is_open(world *w)
{
    size_t firsts[2] = {0, 0};
    (void)w;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        stage s;
        size_t fired[2] = {0, 0};
        stage_open(&s, (plx_sim_options){.seed = seed});
        ck_ok(plx_timer_start(s.server, NULL, PLX_SECOND, 0, on_fire, &fired[0]));
        ck_ok(plx_timer_start(s.client, NULL, PLX_SECOND, 0, on_fire, &fired[1]));
        stage_run(&s, PLX_SECOND - PLX_MILLISECOND);
        while (fired[0] + fired[1] == 0)
            stage_run(&s, 500);
        firsts[0] += fired[0];
        firsts[1] += fired[1];
        stage_run(&s, PLX_SECOND);
        ck_assert_uint_eq(fired[0] + fired[1], 2);
        stage_close(&s);
    }
    ck_assert_uint_gt(firsts[0], 5);
    ck_assert_uint_gt(firsts[1], 5);
}

static void on_first(plx_loop *loop, void *data, int status)
{
    plx_loop **first = data;
    (void)status;
    if (*first == NULL)
        *first = loop;
}

/* Neither sleeps when both are posted to. */
static void order_of_busy_loops_is_open(world *w)
{
    size_t servers = 0;
    (void)w;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        stage s;
        plx_loop *first = NULL;
        stage_open(&s, (plx_sim_options){.seed = seed});
        ck_ok(plx_post(s.server, on_first, &first));
        ck_ok(plx_post(s.client, on_first, &first));
        stage_run(&s, PLX_SECOND);
        servers += first == s.server;
        stage_close(&s);
    }
    ck_assert_uint_gt(servers, 10);
    ck_assert_uint_lt(servers, 30);
}

const test_case sim_run_cases[] = {
    CASE(loops_end_by_themselves),
    CASE(last_work_ends_an_endless_run),
    CASE(loop_is_stopped_by_another),
    CASE(loop_is_added_once),
    CASE(closed_loop_is_not_run),
    CASE(deadlock_is_told),
    CASE(loop_runs_others_while_it_waits),
    CASE(added_loop_may_be_run_by_itself),
    CASE(time_is_over),
    CASE(run_is_busy_in_callbacks),
    CASE(posts_wake_other_loops),
    CASE(order_of_loops_is_open),
    CASE(order_of_busy_loops_is_open),
    CASES_END,
};
