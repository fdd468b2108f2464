/* tests/sim_guard.c - what a program must not do to a simulation, and what a simulation must not do
 * to the rest of the program. */
#include "tests/child.h"
#include "tests/sim_stage.h"

extern const test_case sim_guard_cases[];

static void ignore_ready(plx_loop *loop, plx_watch watch, void *data, plx_socket socket,
                         uint32_t ready)
{
    (void)loop;
    (void)watch;
    (void)data;
    (void)socket;
    (void)ready;
}

/* Sockets of the system and simulated ones are never taken for one another. */
static void sockets_of_the_system_are_others(world *w)
{
    enum { SOCKETS = 40 };
    plx_socket real[SOCKETS];
    stage s;
    (void)w;
    for (int i = 0; i < SOCKETS; i++)
        ck_ok(plx__socket_open(&real[i], PLX__FAMILY_IPV4));
    stage_open_pair(&s, (plx_sim_options){.seed = 1});
    uint32_t before = plx_sim_sockets(s.sim);
    for (int i = 0; i < SOCKETS; i++) {
        ck_assert_int_eq(plx_watch_open(s.client, NULL, real[i], PLX_READABLE, ignore_ready, NULL),
                         PLX_EBADF);
        ck_assert_int_eq(plx_conn_adopt(s.client, NULL, real[i], NULL, NULL, 0), PLX_EBADF);
        plx__socket_disown(real[i]);
        plx_socket_close(real[i]);
        ck_assert_int_eq(plx__socket_check(real[i]), PLX_EBADF);
    }
    ck_assert_uint_eq(plx_sim_sockets(s.sim), before);
    stage_close(&s);
}

static void count_post(plx_loop *loop, void *data, int status)
{
    (void)loop;
    ck_ok(status);
    ++*(size_t *)data;
}

/* A program that never waits leaves the other loops their turns. */
static void program_that_spins_starves_nobody(world *w)
{
    plx_loop *own;
    stage s;
    size_t ran = 0;
    (void)w;
    stage_open(&s, (plx_sim_options){.seed = 1});
    ck_ok(plx_loop_open(&own, NULL));
    ck_ok(plx_post(s.server, count_post, &ran));
    for (int turns = 0; turns < 1000 && ran == 0; turns++)
        ck_ok(plx_loop_run_once(own, 0));
    ck_assert_uint_eq(ran, 1);
    ck_ok(plx_loop_close(own));
    stage_close(&s);
}

static void never(plx_loop *loop, plx_timer timer, void *data)
{
    (void)loop;
    (void)timer;
    (void)data;
    ck_abort_msg("a timer beyond all time fired");
}

/* Time does not jump to where no clock comes. */
static void timer_beyond_all_time_does_not_fire(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_timer_start(loop, NULL, UINT64_MAX / 2, 0, never, NULL));
    ck_assert_int_eq(plx_loop_run(loop), PLX_EDEADLK);
    ck_assert_uint_lt(plx_sim_now(sim), PLX_SECOND);
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

typedef struct elsewhere {
    plx_sim *sim;
    plx_loop *loop;
    int closed, ran, added, cut, loop_closed;
} elsewhere;

static void all_from_elsewhere(void *data)
{
    elsewhere *e = data;
    e->added = plx_sim_add(e->sim, e->loop);
    e->ran = plx_sim_run(e->sim, 0);
    e->cut = plx_sim_cut_between(e->sim, e->loop, e->loop, 1);
    e->loop_closed = plx_loop_close(e->loop);
    e->closed = plx_sim_close(e->sim);
}

static void other_thread_is_refused(world *w)
{
    elsewhere e = {.closed = 0};
    plx__thread thread;
    (void)w;
    ck_ok(plx_sim_open(&e.sim, NULL));
    ck_ok(plx_loop_open(&e.loop, NULL));
    ck_ok(plx__thread_start(&thread, all_from_elsewhere, &e));
    plx__thread_join(&thread);
    ck_assert_int_eq(e.added, PLX_EBUSY);
    ck_assert_int_eq(e.ran, PLX_EBUSY);
    ck_assert_int_eq(e.cut, PLX_EBUSY);
    ck_assert_int_eq(e.loop_closed, PLX_EBUSY);
    ck_assert_int_eq(e.closed, PLX_EBUSY);
    ck_ok(plx_loop_close(e.loop));
    ck_ok(plx_sim_close(e.sim));
}

typedef struct inside {
    plx_sim *sim;
    int ran, closed;
    size_t count;
} inside;

static void run_and_close(plx_loop *loop, void *data, int status)
{
    inside *i = data;
    (void)loop;
    (void)status;
    i->ran = plx_sim_run(i->sim, PLX_FOREVER);
    i->closed = plx_sim_close(i->sim);
    i->count++;
}

/* Also when the callback's loop runs because another one waits. */
static void callback_is_refused(world *w)
{
    plx_loop *own;
    stage s;
    (void)w;
    stage_open(&s, (plx_sim_options){.seed = 1});
    inside i = {.sim = s.sim};
    ck_ok(plx_post(s.server, run_and_close, &i));
    stage_until(&s, &i.count, 1);
    ck_assert_int_eq(i.ran, PLX_EBUSY);
    ck_assert_int_eq(i.closed, PLX_EBUSY);
    i = (inside){.sim = s.sim};
    ck_ok(plx_loop_open(&own, NULL));
    ck_ok(plx_post(s.server, run_and_close, &i));
    while (i.count == 0)
        ck_ok(plx_loop_run_once(own, PLX_MILLISECOND));
    ck_assert_int_eq(i.ran, PLX_EBUSY);
    ck_assert_int_eq(i.closed, PLX_EBUSY);
    ck_ok(plx_loop_close(own));
    stage_close(&s);
}

typedef struct nested {
    plx_loop *other;
    size_t ran;
    int status;
} nested;

/* What the outer loop has to do cannot be done before this returns, so nothing will happen. */
static void run_other(plx_loop *loop, void *data, int status)
{
    nested *n = data;
    ck_ok(status);
    ck_ok(plx_post(loop, count_post, &n->ran));
    n->status = plx_loop_run(n->other);
}

static void loop_in_a_callback_is_not_waited_for(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    nested n = {.status = 0};
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_loop_open(&n.other, &(plx_loop_options){.keep_running = 1}));
    ck_ok(plx_sim_add(sim, loop));
    ck_ok(plx_post(loop, run_other, &n));
    ck_ok(plx_loop_run(loop));
    ck_assert_int_eq(n.status, PLX_EDEADLK);
    ck_assert_uint_eq(n.ran, 1);
    ck_ok(plx_loop_close(n.other));
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

/* A loop that was added and that its program runs itself is the program's meanwhile. */
static void loop_that_is_run_twice_runs_once(world *w)
{
    plx_sim *sim;
    plx_loop *loop;
    size_t ran = 0;
    (void)w;
    ck_ok(plx_sim_open(&sim, NULL));
    ck_ok(plx_loop_open(&loop, NULL));
    ck_ok(plx_sim_add(sim, loop));
    ck_ok(plx_post(loop, count_post, &ran));
    ck_ok(plx_loop_run(loop));
    ck_assert_uint_eq(ran, 1);
    ck_ok(plx_sim_run(sim, PLX_SECOND));
    ck_ok(plx_loop_close(loop));
    ck_ok(plx_sim_close(sim));
}

static void on_release(plx_loop *loop, plx_conn conn, void *data, plx_socket socket,
                       const void *bytes, size_t length)
{
    (void)loop;
    (void)conn;
    (void)bytes;
    (void)length;
    *(plx_socket *)data = socket;
}

/* A client's connection, opened and released. */
static plx_socket connection_release(stage *s)
{
    plx_socket socket = PLX_SOCKET_NONE;
    plx_conn conn;
    ck_ok(plx_connect(s->client, &conn, s->address,
                      &(plx_conn_options){.on_release = on_release, .data = &socket}));
    stage_run(s, PLX_SECOND);
    ck_ok(plx_conn_release(s->client, conn));
    stage_run(s, PLX_SECOND);
    ck_assert(socket != PLX_SOCKET_NONE);
    return socket;
}

/* What a connection has no other loop gets, and the connection stays open. In the same loop the
 * older owner has lost it, as with sockets of the system. */
static void socket_has_one_owner(world *w)
{
    probe first = {0}, second = {0};
    const plx_conn_options options = probe_options(&first), others = probe_options(&second);
    stage s;
    (void)w;
    stage_open_listening(&s, (plx_sim_options){.seed = 1});
    const plx_socket socket = connection_release(&s);
    ck_ok(plx_conn_adopt(s.client, NULL, socket, &options, NULL, 0));
    ck_assert_int_eq(plx_conn_adopt(s.server, NULL, socket, &others, NULL, 0), PLX_EEXIST);
    ck_assert_int_eq(plx_watch_open(s.server, NULL, socket, PLX_READABLE, ignore_ready, NULL),
                     PLX_EEXIST);
    stage_until(&s, &first.opened, 1);
    ck_ok(plx_conn_write(s.client, first.conn, "x", 1));
    ck_ok(plx_conn_write(s.server, s.served.conn, "y", 1));
    stage_until(&s, &s.served.received, 1);
    stage_until(&s, &first.received, 1);
    ck_assert_uint_eq(second.opened + second.closed, 0);
    ck_ok(plx_conn_adopt(s.client, NULL, socket, &others, NULL, 0));
    stage_until(&s, &first.closed, 1);
    ck_assert_int_eq(first.reason, PLX_EBADF);
    stage_until(&s, &second.opened, 1);
    ck_ok(plx_conn_write(s.client, second.conn, "x", 1));
    stage_until(&s, &s.served.received, 2);
    stage_close(&s);
}

/* All that it has a copy of: what was deferred, too. The parent sends it. */
static void child_drops_its_simulation(world *w)
{
    const plx_sim_faults faults = {.deferred_sends = 1000000};
    stage s;
    if (!child_is_possible(w))
        return;
    const holdings before = holdings_now();
    stage_open_pair(&s, (plx_sim_options){.faults = &faults});
    ck_ok(plx_conn_write(s.client, s.made.conn, "hello", 5));
    ck_ok(plx_conn_write(s.server, s.served.conn, "hello", 5));
    ck_assert_uint_eq(stage_count(&s, "send"), 0);
    if (child_fork()) {
        plx_loop_abandon(s.client);
        plx_loop_abandon(s.server);
        ck_ok(plx_sim_close(s.sim));
        ck_assert_uint_eq(holdings_now().memory, before.memory);
        plx__test_report(CHILD_IS_GOOD);
    }
    child_join();
    stage_until(&s, &s.served.received, 5);
    stage_until(&s, &s.made.received, 5);
    stage_close(&s);
}

const test_case sim_guard_cases[] = {
    CASE(sockets_of_the_system_are_others),
    CASE(program_that_spins_starves_nobody),
    CASE(timer_beyond_all_time_does_not_fire),
    CASE(other_thread_is_refused),
    CASE(callback_is_refused),
    CASE(loop_in_a_callback_is_not_waited_for),
    CASE(loop_that_is_run_twice_runs_once),
    CASE(socket_has_one_owner),
    CASE(child_drops_its_simulation),
    CASES_END,
};
